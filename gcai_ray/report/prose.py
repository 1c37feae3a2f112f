"""A constitution → the sentences around it: what it is, how it was made, what it does not say.

Knows neither HTML nor Markdown.
"""

from __future__ import annotations

from dataclasses import dataclass

from gcai_ray.report import votes
from gcai_ray.report.phrases import LEVEL, NUM_DRAWS, count, join_words, people
from gcai_ray.report.terms import GUESS, RULES, explanation, terms_of
from gcai_ray.schemas import ChosenPrinciple, Constitution, Kind

HEADINGS = {Kind.CONTEXTUAL: "Contextual principles", Kind.GENERAL: "General principles"}

VOICE = (
    "Principles stand in the order of voices: each person has one voice, "
    "spread evenly over all that the person wrote."
)


@dataclass(frozen=True)
class Part:
    """The principles of one kind, in the order of their ranks, with their introduction."""

    kind: Kind
    heading: str
    explanation: str
    principles: list[ChosenPrinciple]


def parts_of(constitution: Constitution) -> list[Part]:
    """The kinds that have principles, contextual first, each sorted by rank."""
    parts = []
    for kind, heading in HEADINGS.items():
        own = [p for p in constitution.principles if p.kind == kind]
        if own:
            own.sort(key=lambda p: (p.rank, p.id))
            parts.append(Part(kind, heading, explanation(constitution, kind), own))
    return parts


def lead_words(constitution: Constitution) -> str:
    """What the document is, in two or three sentences."""
    terms = terms_of(constitution)
    if terms is GUESS:
        pairs = count(constitution.num_preferences, "choice")
        return (
            "This is a short list of principles for how an AI should behave, guessed by a language "
            f"model from {pairs} that people made between two answers. What people wrote about "
            "their choices was not read. Each principle stands beside how often it names the "
            "answer that was chosen."
        )
    beside = (
        "the number of people whose words match it, and beside the words it rests on"
        if terms is RULES
        else "the number of people in whose words a language model read the like, and beside "
        "those words as they were written"
    )
    return (
        "This is a short list of principles for how an AI should behave, drawn from what "
        f"{people(constitution.num_people)} wrote{_sources(constitution)}. Each principle stands "
        f"beside {beside}."
    )


def _sources(constitution: Constitution) -> str:
    sources = []
    if constitution.num_reasons:
        reasons = count(constitution.num_reasons, "reason")
        sources.append(f"{reasons} for preferring one answer over another")
    if constitution.num_statements:
        statements = count(constitution.num_statements, "statement")
        sources.append(f"{statements} of what they value in an AI")
    return f": {join_words(sources)}" if sources else ""


def status_words(constitution: Constitution) -> tuple[str, str]:
    """The status of the constitution as a label, and what it means."""
    balloting, told = constitution.balloting, constitution.principles
    if balloting is None:
        if constitution.status != "candidate":
            return (constitution.status[:1].upper() + constitution.status[1:], "")
        meaning = "No one has adopted this text. It is a proposal to read, check and amend."
        return ("Candidate — for people to ratify", meaning)
    approved = sum(p.ratification is not None and p.ratification.approved for p in told)
    rest = len(told) - approved
    found = f"More of them approve than reject {approved} of {count(len(told), 'principle')}"
    left = f"; the other {rest} {'is' if rest == 1 else 'are'} marked" if rest else ""
    changed = balloting.num_changed
    again = f" {count(changed, 'vote')} replaced an earlier one." if changed else ""
    voted = f"{people(balloting.num_voters)} voted on it ({count(balloting.num_votes, 'vote')})."
    return ("Ratified — people voted on it", f"{voted} {found}{left}.{again}")


def interval_meaning() -> str:
    """What an interval is: told once, before the first of them."""
    return (
        f"Beside most figures stands a {LEVEL} interval. The figure was worked out again "
        f"{NUM_DRAWS:,} times, each time for as many people drawn at random from those in the "
        "data, so that some count twice and others not at all. The interval is drawn so wide, by "
        "how far these results spread and by how few people they rest on (Wilson), that 95 of 100 "
        "such intervals hold the true figure. Where it is wide, a few other people could have "
        "changed the figure much. “Within noise” means that the interval of a difference holds 0: "
        f"other people might reverse it. A {LEVEL} range, by contrast, is the middle 95 % of "
        "repeated runs or of random draws."
    )


def engine_words(constitution: Constitution) -> tuple[str, str]:
    """A short claim about who worded the principles, and the sentences that explain it."""
    terms = terms_of(constitution)
    if terms is RULES:
        return (
            "Nothing here was written by a language model.",
            "Every principle is a clause of one real person’s text, reworded by fixed rules into "
            "“Choose the response that …” or “The AI should …”. "
            "The extractive engine generates nothing.",
        )
    who = f"The model “{constitution.model}” (engine “{constitution.engine}”)"
    if terms is GUESS:
        return (
            "A language model guessed the principles.",
            f"{who} was shown pairs of answers and which of them a person chose, and guessed why. "
            "No principle rests on anyone’s words. This is a baseline to compare with, not what "
            "people said.",
        )
    return (
        "A language model worded the principles.",
        f"{who} read each text and cited the sentences in which it asks for something; then it "
        "summed up each group of like grounds in its own words. A principle may say more or less "
        "than people did. The quotes are the people’s own words, unchanged.",
    )


def order_words(constitution: Constitution) -> str:
    """What decides the order of the principles."""
    return votes.order_words(constitution) or VOICE


def bar_words(constitution: Constitution) -> str:
    """What the bars beside the principles show, and what decides their order."""
    whisker = f"The line across its end shows the {LEVEL} interval."
    bar = terms_of(constitution).bar
    words = [bar, whisker] if bar else []
    return " ".join([*words, order_words(constitution)])


def nothing_measured(constitution: Constitution) -> str:
    """What a report without any figure says of itself."""
    unseen = terms_of(constitution).unseen
    return (
        "No figure was measured on held-out data, so this report cannot say how well the "
        f"constitution fits {unseen} it has not seen."
    )
