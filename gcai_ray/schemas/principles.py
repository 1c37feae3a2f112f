"""From people's words to principles: candidates, embeddings, clusters, matches and votes."""

from __future__ import annotations

from enum import StrEnum

from pydantic import Field

from gcai_ray.schemas.base import Choice, Group, Id, Kind, Row, Split, Vector


class Candidate(Row):
    """One proposed principle and the sentences of one person it rests on."""

    id: Id
    kind: Kind
    text: str = Field(description="the principle in words")
    row_id: Id = Field(description="id of the preference or statement it was read from")
    source: str
    source_file: str
    source_row: int = Field(ge=1)
    annotator_id: Id
    groups: list[Group]
    split: Split
    sentence_numbers: list[int] = Field(description="1-based numbers of the sentences it rests on")
    quote: str = Field(description="those sentences, verbatim")
    rule: str = Field(
        description="what produced it: a rule of the extractive engine, or a model's prompt"
    )


class Embedding(Row):
    """One candidate with the sentence embedding of its text."""

    candidate_id: Id
    row_id: Id
    annotator_id: Id
    groups: list[Group]
    kind: Kind
    split: Split
    text: str
    vector: Vector = Field(description="unit length, float32 (all-MiniLM-L6-v2)")


class Principle(Row):
    """One distilled principle: the reading of a cluster of candidates."""

    id: Id
    kind: Kind
    text: str
    candidate_id: Id = Field(
        description="the candidate that speaks for its cluster; its words, unless a model summed up"
    )
    num_members: int = Field(ge=0)
    num_people: int = Field(ge=0)
    vector: Vector = Field(description="embedding of its text")
    x: float = Field(description="place of the cluster's centre on the 2-D map, -1 to 1")
    y: float


class Member(Row):
    """Which cluster, and so which principle, a candidate belongs to."""

    candidate_id: Id
    annotator_id: Id
    kind: Kind
    principle_id: Id
    similarity: float = Field(
        description="cosine of the candidate to the centre of its cluster, -1 to 1"
    )
    confirmed: bool = Field(description="a model read it and said that the principle covers it")
    x: float
    y: float


class Match(Row):
    """One clause of one person that says what a principle says."""

    principle_id: Id
    kind: Kind
    candidate_id: Id
    row_id: Id
    annotator_id: Id
    groups: list[Group]
    split: Split
    similarity: float = Field(description="cosine of the clause to the principle's text, -1 to 1")


class VoteOutcome(StrEnum):
    """What a principle says about a pair, against what the person chose. Never folded into one
    another.
    """

    FOR = "for"
    AGAINST = "against"
    BOTH = "both"
    NEITHER = "neither"
    ABSTAIN = "abstain"
    INVALID = "invalid"


class Vote(Row):
    """What one principle says about one pair, asked in both orders of the two responses."""

    principle_id: Id
    row_id: Id = Field(description="the preference voted on")
    annotator_id: Id
    groups: list[Group]
    preferred: Choice = Field(description="what the person chose")
    a_first: str | None = Field(
        description="`a`, `b`, `both` or `neither`, response_a shown first; null: no usable reply"
    )
    b_first: str | None = Field(description="the same when response_b was shown first")
    outcome: VoteOutcome = Field(
        description="`abstain`: the answer flipped with the order; `invalid`: a reply is missing"
    )
