"""What an evaluation finds: measures with baselines, and the answers they are counted from."""

from __future__ import annotations

from pydantic import Field

from gcai_ray.schemas.base import Group, Id, Interval, Row
from gcai_ray.schemas.principles import VoteOutcome


class Measure(Row):
    """One figure of an evaluation beside one baseline. A figure with several baselines has a row
    for each.
    """

    family: str = Field(
        description="what it belongs to: coverage, votes, reconstruction, agreement, "
        "contradictions, grounding, stability, pluralism"
    )
    name: str
    value: float | None = Field(description="null: not measured; the note says why")
    low: float | None
    high: float | None
    baseline_name: str | None
    baseline: float | None
    baseline_low: float | None
    baseline_high: float | None
    difference: float | None = Field(
        description="value less baseline on the same people, where both are known per person"
    )
    difference_low: float | None
    difference_high: float | None
    num_people: int | None = Field(description="people the interval is taken over")
    note: str


class Verdict(Row):
    """Which response a judge that read a whole constitution, or none, would choose for a held-out
    pair.
    """

    row_id: Id
    annotator_id: Id
    groups: list[Group]
    constitution: str = Field(description="`gcai`, `icai`, or `none`: the judge read no principles")
    a_first: str | None = Field(
        description="`a` or `b`, response_a shown first; null: no usable reply"
    )
    b_first: str | None = Field(description="the same when response_b was shown first")
    outcome: VoteOutcome = Field(description="`for`, `against`, `abstain` (flipped) or `invalid`")


class Grounding(Row):
    """Whether a second question confirms that a person's words state or imply a principle."""

    principle_id: Id
    candidate_id: Id = Field(description="whose quote was shown")
    annotator_id: Id
    is_random: bool = Field(description="a quote of another principle, for comparison")
    confirmed: bool | None = Field(description="null: no usable reply")


class Contradiction(Row):
    """Two chosen principles that speak for opposite responses, or that a model judges to
    conflict.
    """

    principle_id: Id
    other_id: Id
    found_by: str = Field(
        description="`votes` of a model on pairs; `reasons` people gave on one pair; `model`: "
        "asked whether the two conflict"
    )
    num_both_speak: int = Field(description="pairs on which both speak for one response")
    num_opposed: int = Field(description="those on which they speak for opposite ones")
    row_ids: list[Id] = Field(description="the opposed pairs (preferences), at most 50")
    num_people: int = Field(description="people who support the first principle")
    num_people_other: int
    proposed_id: Id | None = Field(
        description="the one with more people behind it; null: within noise"
    )
    note: str = Field(description="what the model said, or empty")


class Return(Row):
    """How often a chosen principle comes back when the run is repeated on resampled people and
    with other seeds.
    """

    principle_id: Id
    num_runs: int
    num_formed: int = Field(description="runs with a cluster that says the same")
    num_chosen: int = Field(description="runs that chose a principle that says the same")


class GroupCoverage(Row):
    """How many people of a group said something that a chosen principle covers."""

    name: str
    value: str
    num_people: int
    num_covered: int
    interval: Interval
