"""A constitution → what its numbers do not say, in sentences. Knows neither HTML nor Markdown."""

from __future__ import annotations

from gcai_ray.report.phrases import join_words, people
from gcai_ray.report.terms import GUESS, RULES, terms_of
from gcai_ray.report.votes import is_polled
from gcai_ray.schemas import Constitution

Limit = tuple[str, str]


def limits(constitution: Constitution) -> list[Limit]:
    """What the numbers do not say: a claim and its explanation, for this constitution."""
    guessed = terms_of(constitution) is GUESS
    told = "A margin tells what people chose" if guessed else "Support tells what people wrote"
    return [
        (
            "The people counted are the people in these data.",
            "They are not a sample of a country or of all users unless the data were drawn that "
            "way. Intervals show how much the figures would move with other people of the same "
            "kind, nothing more.",
        ),
        _support_limit(constitution),
        *([_vote_limit(constitution)] if is_polled(constitution) else []),
        _group_limit(constitution),
        _engine_limit(constitution),
        (
            "Ranks that tie are not an order.",
            "Where a principle is marked as a tie, take the tied principles as equals.",
        ),
        (
            "Many people can be wrong.",
            f"{told}, not whether a principle is right, lawful or workable. That is for the people "
            "who ratify it.",
        ),
    ]


def _support_limit(constitution: Constitution) -> Limit:
    terms, near = terms_of(constitution), f"close enough in meaning{_threshold(constitution)}"
    if terms is GUESS:
        return (
            "The people counted did not say it.",
            "A person is counted beside a principle when what the model guessed from one of their "
            f"choices is {near}. The person may have chosen for quite another reason.",
        )
    if terms is RULES:
        counted = f"A person is counted when a clause of their own text is {near}."
        end = "a close clause may still mean something else."
    else:
        counted = (
            f"A person is counted when a ground the model read in their own text is {near}, or "
            "when the model said that the principle covers it."
        )
        end = "the model may have misread."
    return (
        "Support means that a person said it unprompted.",
        f"When support was counted, no one had been asked about these principles. {counted} Who "
        "writes more has more chances to be counted. Not being counted is not disagreement, and "
        f"{end}",
    )


def _threshold(constitution: Constitution) -> str:
    thresholds = sorted(
        (str(kind), cosine) for kind, cosine in constitution.match_threshold.items()
    )
    cosines = [f"{cosine:.2f} for {kind} principles" for kind, cosine in thresholds]
    return f" (cosine similarity of at least {join_words(cosines)})" if cosines else ""


def _vote_limit(constitution: Constitution) -> Limit:
    nobody = "" if constitution.balloting else "; no person voted on a principle"
    return (
        "The votes on pairs are a model’s, not people’s.",
        f"A vote says which answer a model thinks a principle speaks for{nobody}. The pairs beside "
        "a principle are among the data that it was made from, so those figures flatter it; the "
        "held-out pairs under “Is it right?” are not. A principle can name the chosen answer for a "
        "reason that no one had.",
    )


def _group_limit(constitution: Constitution) -> Limit:
    groups = [group for p in constitution.principles for group in p.support.groups]
    if not groups:
        return (
            "Groups are unknown.",
            "The data name no groups, so nothing here shows who agrees and who does not.",
        )
    return (
        "Groups are small.",
        f"The smallest group shown has {people(min(g.num_people_total for g in groups))}. Wide, "
        "overlapping intervals mean that a difference between groups may be chance. Where all or "
        "none of a group are counted, the interval has no width; that is a weakness of the "
        "method, not certainty. Do not rank groups by these charts.",
    )


def _engine_limit(constitution: Constitution) -> Limit:
    terms = terms_of(constitution)
    if terms is RULES:
        return (
            "Rules read literally.",
            "The extractive engine cannot sum up what many people mean: each principle keeps the "
            "wording of one person, chosen because it lies near the middle of its group. Irony, "
            "double negation and grounds spread over several sentences are missed or misread. "
            "It is a transparent baseline.",
        )
    if terms is GUESS:
        return (
            "What fits a choice need not be its reason.",
            "Different principles can name the same answers. Nothing here tells which of them "
            "people had in mind, and each wording is one guess of the model, drawn by lot.",
        )
    return (
        "The wording is a machine’s.",
        "A principle may be broader, narrower or smoother than what people wrote, and a model "
        "brings its own habits of speech. Read the quotes before relying on it.",
    )
