"""The constitution: its principles with support, prediction and evidence, and people's ballots."""

from __future__ import annotations

from pydantic import Field

from gcai_ray.schemas.base import SCHEMA_VERSION, Group, Id, Interval, Kind, Row
from gcai_ray.schemas.principles import VoteOutcome


class GroupSupport(Row):
    """How many people of one group support a principle."""

    name: str
    value: str
    num_people: int
    num_people_total: int
    interval: Interval


class Support(Row):
    """How many distinct people support a principle, out of all who could have.

    `voice` is what principles are ranked by where no model voted: each person has one voice, spread
    evenly over that person's annotations; the mean over people of the share of their annotations
    that match. Who writes 500 annotations weighs no more than who writes one. A statement that the
    source's voters voted on counts as far as its least favourable group of voters agrees.
    """

    num_people: int
    num_people_total: int
    interval: Interval = Field(description="share of people with at least one match")
    voice: Interval
    num_rows: int = Field(
        description="annotations or statements that match; shown, never ranked by"
    )
    groups: list[GroupSupport]
    consensus: float | None = Field(
        description="share of people in the least favourable group of at least `min_group_size` "
        "people"
    )


class Evidence(Row):
    """The verbatim words of one person that a principle rests on."""

    quote: str
    sentence_numbers: list[int]
    candidate_id: Id
    row_id: Id
    annotator_id: Id
    source: str
    source_file: str
    source_row: int
    groups: list[Group]
    similarity: float


class Prediction(Row):
    """How well a principle predicts which response people chose, by a model's votes in both orders.

    Every outcome is counted apart. Each person is one voice, spread evenly over their pairs.
    """

    num_pairs: int
    num_people: int = Field(description="people who chose on those pairs")
    num_people_spoken: int = Field(description="people on a pair of whom it speaks for a response")
    outcomes: dict[VoteOutcome, int]
    accuracy: Interval = Field(
        description="share of the voices it speaks on that it speaks for, with its 90 % interval: "
        "above one half, a principle is above chance with 95 % confidence and may enter"
    )
    coverage: Interval = Field(description="share of all voices it speaks on, for or against")
    voice: Interval = Field(
        description="share of voices for less share against, -1 to 1: accuracy above chance times "
        "coverage, (2 * accuracy - 1) * coverage; what principles are ranked by"
    )


class Approval(Row):
    """What voters of the source (Polis-style) said to the statements behind a general principle."""

    num_statements: int = Field(description="matching statements that were voted on")
    num_votes: int
    agree: Interval = Field(
        description="mean over those statements of the share of votes that agree; the interval is "
        "taken over statements"
    )
    least_group: str | None = Field(description="the least favourable group of voters")
    least_agree: float | None = Field(description="the same mean within that group")


class Ratification(Row):
    """What people said to a principle on the ballot. Counts only, never who."""

    num_approve: int = Field(ge=0)
    num_reject: int = Field(ge=0)
    num_pass: int = Field(ge=0)
    approve: Interval = Field(description="share of those who approve or reject, Wilson interval")
    approved: bool = Field(description="more people approve than reject")


class ChosenPrinciple(Row):
    """A principle of the constitution."""

    id: Id
    kind: Kind
    rank: int = Field(ge=1, description="within its kind")
    text: str
    support: Support
    prediction: Prediction | None = Field(
        description="null where no model voted: general principles, the extractive engine"
    )
    approval: Approval | None = Field(description="null where the source has no votes on it")
    ratification: Ratification | None = Field(description="null until people voted on a ballot")
    reserved_for: Group | None = Field(
        description="the group that `ratify.floor` reserved this place for, where one was"
    )
    num_people_added: int = Field(description="people whom no principle ranked before it explains")
    tied_with: list[Id] = Field(
        description="chosen principles of its kind whose order against it is within noise"
    )
    evidence: list[Evidence] = Field(
        description="never empty, but in ICAI mode, which reads no reasons"
    )


class Wish(Row):
    """A principle that a group asked for and that was not chosen."""

    principle_id: Id
    text: str
    num_people: int = Field(description="people of the group who support it")


class Unrepresented(Row):
    """A group of at least `min_group_size` people of whose most supported principles none was
    chosen.
    """

    group: Group
    kind: Kind
    num_people: int
    wishes: list[Wish] = Field(description="what it asked for, most supported first")


class Balloting(Row):
    """Who ratified: counts of one or more ballot files."""

    num_voters: int
    num_votes: int
    num_changed: int = Field(description="votes that a later vote of the same person replaced")
    ballots: str = Field(description="SHA-256 of the ballot file")


class Constitution(Row):
    """The chosen principles with their support, intervals, groups and evidence.

    A candidate until people ratify it.
    """

    schema_version: int = SCHEMA_VERSION
    title: str
    status: str = Field(description="`candidate`, or `ratified` once ballots were read")
    mode: str = Field(description="`gcai`, or `icai`: the baseline without reasons and statements")
    engine: str
    model: str | None = Field(description="identity of the language model; null: none was used")
    num_preferences: int
    num_reasons: int
    num_statements: int
    num_people: int
    match_threshold: dict[Kind, float] = Field(
        description="cosine from which a clause counts as matching a principle"
    )
    principles: list[ChosenPrinciple]
    not_represented: list[Unrepresented] = Field(
        description="groups large enough to count whose own principles all fell out"
    )
    balloting: Balloting | None
