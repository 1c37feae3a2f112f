"""Two constitutions → what was added, dropped, reworded, kept and moved, with the people behind it.

Equal ids are equal words (an id is a hash of kind and text). Of the others, two of one kind count
as reworded when their vectors are near (`same_meaning.SAME_COSINE`) and not only one of them
forbids. That is a proposal to read, not a finding: a third of the pairs that ask for different
things of one topic are as near.

What counts as noise:
- A move is a change of order against a principle that stands in both. It is within noise where the
  two were tied in the old or are tied in the new constitution: then at least one of the two orders
  could have come out the other way with other people. A rank that changes only because others came
  or went is no move.
- A change of support is within noise where the two intervals overlap. Both count largely the same
  people, so this errs towards "noise".
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum

from pydantic import Field

from gcai_ray.changes.sources import Source
from gcai_ray.schemas import (
    Balloting,
    ChosenPrinciple,
    Constitution,
    Evidence,
    Group,
    Id,
    Interval,
    Kind,
    Ratification,
    Row,
    Unrepresented,
)


class Move(StrEnum):
    """What became of a principle's rank."""

    NONE = "none"
    RENUMBERED = "renumbered"  # others came or went before it
    WITHIN_NOISE = "within_noise"
    BEYOND_NOISE = "beyond_noise"


class Side(Row):
    """One of the two constitutions."""

    path: str
    title: str
    status: str
    mode: str
    engine: str
    model: str | None
    num_people: int
    num_preferences: int
    num_reasons: int
    num_statements: int
    num_principles: int
    balloting: Balloting | None


class Quote(Row):
    """The words of one person."""

    quote: str
    groups: list[Group]
    candidate_id: Id


class Standing(Row):
    """A principle as it stands in one of the two."""

    id: Id
    kind: Kind
    rank: int
    text: str
    num_people: int
    num_people_total: int
    support: Interval
    voice: Interval = Field(description="by which it is ranked")
    num_people_added: int
    reserved_for: Group | None
    ratification: Ratification | None
    quotes: list[Quote]


class Pair(Row):
    """A principle that stands in both, in the same or in other words."""

    old: Standing
    new: Standing
    cosine: float | None = Field(description="null where the words are the same")
    num_shared_quotes: int
    move: Move
    passed: list[Id] = Field(description="ids in NEW of those whose order against it turned round")
    support_within_noise: bool
    new_quotes: list[Quote]
    num_people_quoted_first: int = Field(description="people quoted in NEW and not in OLD")


class Changelog(Row):
    """What changed from OLD to NEW."""

    old: Side
    new: Side
    added: list[Standing]
    dropped: list[Standing]
    reworded: list[Pair]
    kept: list[Pair]
    newly_not_represented: list[Unrepresented]
    no_longer_not_represented: list[Unrepresented]


Match = tuple[ChosenPrinciple, ChosenPrinciple, float | None]


def changelog(old: Source, new: Source) -> Changelog:
    """Compare two constitutions; loads the sentence embedder only where words differ."""
    before, after = old.constitution, new.constitution
    by_id = {p.id: p for p in before.principles}
    same: list[Match] = [(by_id[p.id], p, None) for p in after.principles if p.id in by_id]
    kept_ids = {one.id for one, _, _ in same}
    gone = [p for p in before.principles if p.id not in kept_ids]
    come = [p for p in after.principles if p.id not in kept_ids]
    reworded = [match for kind in Kind for match in _reworded(_of(gone, kind), _of(come, kind))]
    matches = same + reworded
    found_old, found_new = {m[0].id for m in matches}, {m[1].id for m in matches}
    lost, now = _missed(before), _missed(after)
    return Changelog(
        old=_side(old),
        new=_side(new),
        added=[_standing(p) for p in come if p.id not in found_new],
        dropped=[_standing(p) for p in gone if p.id not in found_old],
        reworded=[_pair(match, matches) for match in reworded],
        kept=[_pair(match, matches) for match in same],
        newly_not_represented=[group for key, group in now.items() if key not in lost],
        no_longer_not_represented=[group for key, group in lost.items() if key not in now],
    )


def _of(principles: Sequence[ChosenPrinciple], kind: Kind) -> list[ChosenPrinciple]:
    return [p for p in principles if p.kind is kind]


def _reworded(gone: list[ChosenPrinciple], come: list[ChosenPrinciple]) -> list[Match]:
    if not gone or not come:
        return []
    from gcai_ray.same_meaning import SAME_COSINE, one_to_one, opposed
    from gcai_ray.stages.embed import embedded

    texts = [p.text for p in gone], [p.text for p in come]
    vectors = embedded([*texts[0], *texts[1]])
    first, second = vectors[: len(gone)], vectors[len(gone) :]
    found = one_to_one(first, second, SAME_COSINE, opposed(*texts))
    return sorted(((gone[i], come[j], cosine) for i, j, cosine in found), key=lambda m: m[1].rank)


def _pair(match: Match, matches: Sequence[Match]) -> Pair:
    old, new, cosine = match
    quoted = {item.candidate_id for item in old.evidence}
    fresh = [item for item in new.evidence if item.candidate_id not in quoted]
    people = {item.annotator_id for item in new.evidence}
    turned = [other for other in matches if _is_turned(match, other)]
    return Pair(
        old=_standing(old),
        new=_standing(new),
        cosine=cosine,
        num_shared_quotes=len(new.evidence) - len(fresh),
        move=_move(match, turned),
        passed=[other[1].id for other in turned],
        support_within_noise=_overlap(old.support.interval, new.support.interval),
        new_quotes=_quotes(fresh),
        num_people_quoted_first=len(people - {item.annotator_id for item in old.evidence}),
    )


def _is_turned(one: Match, other: Match) -> bool:
    """Whether the order of two principles turned round."""
    same_kind = one[0].kind is other[0].kind
    return same_kind and (one[0].rank < other[0].rank) != (one[1].rank < other[1].rank)


def _move(match: Match, turned: Sequence[Match]) -> Move:
    if not turned:
        return Move.NONE if match[0].rank == match[1].rank else Move.RENUMBERED
    within = all(_tied(match[0], o[0]) or _tied(match[1], o[1]) for o in turned)
    return Move.WITHIN_NOISE if within else Move.BEYOND_NOISE


def _tied(one: ChosenPrinciple, other: ChosenPrinciple) -> bool:
    return other.id in one.tied_with or one.id in other.tied_with


def _overlap(one: Interval, other: Interval) -> bool:
    return one.low <= other.high and other.low <= one.high


def _quotes(evidence: Sequence[Evidence]) -> list[Quote]:
    return [
        Quote(quote=item.quote, groups=item.groups, candidate_id=item.candidate_id)
        for item in evidence
    ]


def _standing(principle: ChosenPrinciple) -> Standing:
    support, said = principle.support, principle.prediction
    return Standing(
        id=principle.id,
        kind=principle.kind,
        rank=principle.rank,
        text=principle.text,
        num_people=support.num_people,
        num_people_total=support.num_people_total,
        support=support.interval,
        voice=said.voice if said else support.voice,
        num_people_added=principle.num_people_added,
        reserved_for=principle.reserved_for,
        ratification=principle.ratification,
        quotes=_quotes(principle.evidence),
    )


def _side(source: Source) -> Side:
    told = source.constitution
    names = Side.model_fields.keys() - {"path", "num_principles"}
    given = {name: getattr(told, name) for name in names}
    return Side(path=source.path, num_principles=len(told.principles), **given)


def _missed(constitution: Constitution) -> dict[tuple[str, str, Kind], Unrepresented]:
    return {(u.group.name, u.group.value, u.kind): u for u in constitution.not_represented}
