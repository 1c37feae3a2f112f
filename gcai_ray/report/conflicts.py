"""Contradictions and groups that got nothing → sentences. Knows neither HTML nor Markdown."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from gcai_ray.report.content import Conflict, PairExcerpt, ReportContent
from gcai_ray.report.figures import label_of
from gcai_ray.report.phrases import as_sentence, count, group_words, join_words, people, shorten
from gcai_ray.report.terms import GUESS, RULES, terms_of
from gcai_ray.schemas import ChosenPrinciple, Constitution, Contradiction, Unrepresented

NOTHING_TOLD = "Whether any two principles pull apart could not be told."
PROMPT_LENGTH = 160
MAX_WISHES = 5


@dataclass(frozen=True)
class Opposition:
    """Two principles that pull apart: how that was found, on which pairs, what is proposed."""

    first: ChosenPrinciple
    other: ChosenPrinciple
    findings: tuple[tuple[str, tuple[PairExcerpt, ...]], ...]
    proposals: tuple[str, ...]


def oppositions(content: ReportContent) -> list[Opposition]:
    """The principles that pull apart, in the order of their ranks; all findings on two principles
    stand together.
    """
    chosen = {p.id: p for p in content.constitution.principles}
    together: dict[tuple[str, str], list[Conflict]] = {}
    for conflict in content.contradictions:
        ids = conflict.found.principle_id, conflict.found.other_id
        first, other = sorted(ids, key=lambda name: _place(chosen[name]))
        together.setdefault((first, other), []).append(conflict)
    behind = _behind(content.constitution)
    found = [_opposition(chosen, ids, own, behind) for ids, own in together.items()]
    return sorted(found, key=lambda one: (_place(one.first), _place(one.other)))


def conflict_words(content: ReportContent) -> str:
    """How contradictions were looked for, and what it means that some or none were found."""
    looked = f"Looked for in {join_words(_ways(content))}."
    number = len(oppositions(content))
    if not number and not could_tell(content):
        return (
            f"{NOTHING_TOLD} {looked} But no two principles speak on enough of the same pairs "
            "of answers: that none were found says nothing of whether they agree."
        )
    if not number:
        return f"No two principles were found to pull apart. {looked} Others may still do so."
    which = "These two principles" if number == 1 else "The principles in each of these pairs"
    return (
        f"{which} ask for opposite things at least sometimes. {looked} Both stand in the "
        "constitution; nothing was dropped for it."
    )


def could_tell(content: ReportContent) -> bool:
    """Whether any way of looking for contradictions could tell of any two principles; also where
    the run did not record it.
    """
    looked = [row for row in content.measures if row.family == "contradictions"]
    return not looked or any(row.value is not None for row in looked)


def _ways(content: ReportContent) -> list[str]:
    terms = terms_of(content.constitution)
    ways = [] if terms is GUESS else ["the reasons people gave"]
    if terms is RULES:
        return ways
    votes = ["a model’s votes on pairs"] if content.poll else []
    return [*ways, *votes, "a model’s reading of the principles"]


def named(principle: ChosenPrinciple) -> str:
    """`C1`."""
    return label_of(principle.kind, principle.rank)


def pair_words(pair: PairExcerpt) -> str:
    """What was asked, on one line."""
    return shorten(pair.prompt, PROMPT_LENGTH) or "(no prompt)"


def place_words(pair: PairExcerpt) -> str:
    """`votes.csv, row 12; votes.csv, row 30`."""
    return "; ".join(f"{place.source_file}, row {place.source_row:,}" for place in pair.places)


def unheard_words(constitution: Constitution) -> str:
    """What it means that groups are, or are not, listed as not represented."""
    if constitution.not_represented:
        return (
            "Groups large enough to count of whose most supported principles none was chosen. "
            "Their people may still support other principles."
        )
    if terms_of(constitution) is GUESS:
        return "No one’s words were read, so this report cannot say what any group asked for."
    if not any(p.support.groups for p in constitution.principles):
        return "The data name no groups, so this report cannot say who is left out."
    return (
        "No group that is large enough to count lost all of its most supported principles. Smaller "
        "groups, and groups whose people support nothing in common, were not looked at."
    )


def unheard_name(group: Unrepresented) -> str:
    """`role: nurse, 14 people`."""
    return f"{group_words(group.group)}, {people(group.num_people)}"


def wish_words(group: Unrepresented) -> list[tuple[str, str]]:
    """What a group asked for, with the number of its people who did; five at most."""
    told = [(wish.text, f"{wish.num_people:,} of them") for wish in group.wishes[:MAX_WISHES]]
    more = len(group.wishes) - MAX_WISHES
    return [*told, (f"and {count(more, 'further principle')}", "")] if more > 0 else told


def sorted_unheard(constitution: Constitution) -> list[Unrepresented]:
    """Groups without a principle, the largest first."""
    return sorted(
        constitution.not_represented,
        key=lambda g: (-g.num_people, g.group.name, g.group.value, g.kind),
    )


def _place(principle: ChosenPrinciple) -> tuple[str, int, str]:
    return principle.kind, principle.rank, principle.id


def _opposition(
    chosen: dict[str, ChosenPrinciple],
    ids: tuple[str, str],
    conflicts: Sequence[Conflict],
    behind: str,
) -> Opposition:
    order = ("votes", "reasons", "model")
    own = sorted(
        conflicts,
        key=lambda c: (
            order.index(c.found.found_by) if c.found.found_by in order else len(order),
            repr(c),
        ),
    )
    findings = tuple((_finding(conflict.found), tuple(conflict.pairs)) for conflict in own)
    proposals = dict.fromkeys(_proposal(conflict.found, chosen, behind) for conflict in own)
    return Opposition(chosen[ids[0]], chosen[ids[1]], findings, tuple(proposals))


def _finding(found: Contradiction) -> str:
    both, opposed = count(found.num_both_speak, "pair"), f"{found.num_opposed:,}"
    if found.found_by == "votes":
        words = (
            f"By a model’s votes: on {opposed} of the {both} on which both speak for an answer, "
            "they speak for opposite ones. By chance it would be about half."
        )
    elif found.found_by == "reasons":
        words = (
            f"By people’s reasons: on {opposed} of the {both} where people gave reasons that match "
            "the one and the other, they chose opposite answers. By chance it would be about half."
        )
    elif found.found_by == "model":
        words = "By a model that read the two and was asked whether they conflict."
    else:
        words = f"Found by {found.found_by}: on {opposed} of {both}."
    return f"{words} It said: {as_sentence(found.note)}" if found.note else words


def _behind(constitution: Constitution) -> str:
    """What it is that stands behind a principle, `people` or what a model guessed from them."""
    return "people’s choices" if terms_of(constitution) is GUESS else "people"


def _proposal(found: Contradiction, chosen: dict[str, ChosenPrinciple], behind: str) -> str:
    numbers = {found.principle_id: found.num_people, found.other_id: found.num_people_other}
    if found.proposed_id is None:
        ids = sorted(numbers, key=lambda name: _place(chosen[name]))
        sides = " and ".join(f"{people(numbers[i])} behind {named(chosen[i])}" for i in ids)
        return f"Within noise: {sides}. People must decide."
    more = found.proposed_id
    less = found.other_id if more == found.principle_id else found.principle_id
    return (
        f"More {behind} stand behind {named(chosen[more])} ({people(numbers[more])}) than behind "
        f"{named(chosen[less])} ({numbers[less]:,}). Where both cannot be followed, "
        f"{named(chosen[more])} is proposed."
    )
