"""Row types of every artifact → Arrow schemas and JSON Schemas. The one place that says what a row
is.

Knows no stage, no path and no engine. `gcai schemas` exports what stands here to `schemas/*.json`.
"""

from __future__ import annotations

from enum import StrEnum
from types import NoneType, UnionType
from typing import TYPE_CHECKING, Annotated, Any, Union, get_args, get_origin, get_type_hints

from pydantic import BaseModel, ConfigDict, Field

if TYPE_CHECKING:
    import pyarrow as pa

SCHEMA_VERSION = 2
EMBEDDING_DIM = 384
Vector = Annotated[list[float], Field(min_length=EMBEDDING_DIM, max_length=EMBEDDING_DIM)]
Id = Annotated[
    str, Field(pattern="^[0-9a-f]{32}$", description="128-bit content hash, hexadecimal")
]


class Kind(StrEnum):
    """What a principle speaks about: responses in a context, or the AI in general (GCAI, arXiv
    2601.18760).
    """

    CONTEXTUAL = "contextual"
    GENERAL = "general"


class Choice(StrEnum):
    """Which of the two responses a person preferred."""

    A = "a"
    B = "b"
    TIE = "tie"


class Split(StrEnum):
    """Half of the data a row belongs to; decided by its prompt alone."""

    TRAIN = "train"
    TEST = "test"


class Row(BaseModel):
    """Base of every row type: frozen, no unknown fields."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Sentence(Row):
    """One sentence of a person's text: where it stands in the verbatim text, and a cleaned reading
    of it.
    """

    start: int = Field(ge=0, description="first character in the verbatim text")
    end: int = Field(ge=0, description="one past the last character in the verbatim text")
    text: str = Field(
        description="the sentence without markup, 'Answer 2' and the like read as 'the chosen "
        "response'"
    )


class Group(Row):
    """One group a row belongs to, for example `country` = `Kenya`."""

    name: str
    value: str


class GroupConsensus(Row):
    """Share of one opinion group that agrees with a statement, as a voting platform reported it."""

    group: str
    share: float = Field(ge=0, le=1)


class StatementVotes(Row):
    """What other people voted on a statement (Polis-style)."""

    num_agree: int = Field(ge=0)
    num_disagree: int = Field(ge=0)
    num_pass: int = Field(ge=0)
    consensus: list[GroupConsensus]


class Preference(Row):
    """One person's choice between two responses to a prompt, with the reason where one was "
    "given."""

    id: Id
    source: str = Field(description="name of the source in the configuration")
    source_file: str = Field(description="base name of the input file")
    source_row: int = Field(
        ge=1, description="1-based record number in the input file, header not counted"
    )
    source_id: str | None = Field(description="the row's own id in the source, if it has one")
    annotator_id: Id = Field(description="salted hash of the person's id in the source")
    annotator_known: bool = Field(
        description="false: the source names no person, the row counts as a person of its own"
    )
    groups: list[Group]
    prompt: str
    response_a: str
    response_b: str
    preferred: Choice
    reason: str | None = Field(
        description="the person's words, verbatim; null when none were given"
    )
    sentences: list[Sentence] = Field(
        description="the reason cut into sentences; evidence cites them by 1-based number"
    )
    split: Split


class Statement(Row):
    """One person's statement of what they value in an AI."""

    id: Id
    source: str
    source_file: str
    source_row: int = Field(ge=1)
    source_id: str | None
    annotator_id: Id
    annotator_known: bool
    groups: list[Group]
    question: str | None = Field(description="the question the person answered, if known")
    text: str = Field(description="the person's words, verbatim")
    sentences: list[Sentence]
    votes: StatementVotes | None


class Reject(Row):
    """One input row, or one model reply, that could not be used, and why."""

    stage: str
    source: str
    source_file: str
    source_row: int = Field(ge=0, description="1-based record number; 0 when it is not known")
    field: str
    value: str = Field(description="the offending value, shortened")
    reason: str


class Message(Row):
    """One message of a chat."""

    role: str
    content: str


class Sampling(Row):
    """How the model is to choose its words."""

    temperature: float = Field(ge=0)
    top_p: float = Field(gt=0, le=1)
    max_tokens: int = Field(ge=1, description="tokens the reply may have")
    seed: int = Field(description="of the first attempt; every further attempt adds 1")


class Request(Row):
    """One question to a model. The same question about two rows has one id and is asked once."""

    id: Id = Field(description="hash of model, messages, reply schema and sampling")
    stage: str
    prompt: str = Field(description="name of the file in prompts/ that words it")
    source_id: Id = Field(description="the row, cluster or pair it is about")
    part: int = Field(ge=0, description="which of the questions about that row, from 0")
    model: str = Field(description="identity of the model, never a path")
    messages: list[Message]
    reply_schema: str = Field(description="JSON Schema the reply must satisfy, as JSON")
    sampling: Sampling
    num_prompt_tokens: int = Field(ge=0, description="as counted or estimated before asking")


class Reply(Row):
    """What came back for one attempt at a question."""

    request_id: Id
    stage: str
    attempt: int = Field(ge=1)
    engine: str
    text: str = Field(description="raw, as the model wrote it")
    parsed: bool = Field(description="whether it holds JSON that satisfies the reply schema")
    finish_reason: str | None = Field(description="`stop`, `length`, …; null when none was given")
    num_prompt_tokens: int = Field(ge=0)
    num_cached_tokens: int = Field(ge=0, description="prompt tokens served from a prefix cache")
    num_completion_tokens: int = Field(ge=0)
    seconds: float = Field(ge=0)
    error: str | None = Field(description="why it is not parsed, or why nothing came back")


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


class Interval(Row):
    """A share with its bootstrap interval over people."""

    share: float
    low: float
    high: float


class GroupSupport(Row):
    """How many people of one group support a principle."""

    name: str
    value: str
    num_people: int
    num_people_total: int
    interval: Interval


class Support(Row):
    """How many distinct people support a principle, out of all who could have.

    `voice` is what principles are ranked by: each person has one voice, spread evenly over that
    person's annotations; the mean over people of the share of their annotations that match. Who
    writes 500 annotations weighs no more than who writes one.
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

    Every outcome is counted apart; `voice`: mean over people of the share of their pairs it speaks
    for, less the share it speaks against.
    """

    num_pairs: int
    outcomes: dict[VoteOutcome, int]
    voice: Interval


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
    num_people_added: int = Field(description="people whom no principle ranked before it explains")
    tied_with: list[Id] = Field(
        description="chosen principles of its kind whose order against it is within noise"
    )
    evidence: list[Evidence] = Field(
        description="never empty, but in ICAI mode, which reads no reasons"
    )


class Constitution(Row):
    """The chosen principles with their support, intervals, groups and evidence. A candidate for
    people to ratify.
    """

    schema_version: int = SCHEMA_VERSION
    title: str
    status: str = Field(description="`candidate` until people ratify it")
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


class Measure(Row):
    """One figure of an evaluation, with its baseline where there is one."""

    name: str
    value: float
    low: float | None
    high: float | None
    baseline_name: str | None
    baseline: float | None
    baseline_low: float | None
    baseline_high: float | None
    num_people: int | None = Field(description="people the interval is taken over")
    note: str


TABLES: dict[str, type[Row]] = {
    "preferences": Preference,
    "statements": Statement,
    "rejects": Reject,
    "requests": Request,
    "replies": Reply,
    "candidates": Candidate,
    "embeddings": Embedding,
    "principles": Principle,
    "members": Member,
    "matches": Match,
    "votes": Vote,
    "evaluation": Measure,
}
DOCUMENTS: dict[str, type[Row]] = {"constitution": Constitution}


def arrow_schema(model: type[BaseModel], columns: list[str] | None = None) -> pa.Schema:
    """The Arrow schema of a row type, or of some of its columns.

    Optional fields are nullable, all others are not.
    """
    import pyarrow as pa

    hints = get_type_hints(model, include_extras=True)
    names = model.model_fields if columns is None else columns
    return pa.schema([_arrow_field(name, hints[name]) for name in names])


def json_schemas() -> dict[str, dict[str, Any]]:
    """JSON Schema (2020-12) per artifact, by name."""
    return {name: _json_schema(name, model) for name, model in (TABLES | DOCUMENTS).items()}


def _json_schema(name: str, model: type[Row]) -> dict[str, Any]:
    head = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "version": SCHEMA_VERSION,
        "artifact": name,
    }
    return head | model.model_json_schema()


def _arrow_field(name: str, annotation: Any) -> pa.Field:
    import pyarrow as pa

    options = (
        get_args(annotation) if get_origin(annotation) in (Union, UnionType) else (annotation,)
    )
    concrete = [option for option in options if option is not NoneType]
    nullable = len(concrete) < len(options)
    found = _arrow_type(concrete[0])
    if nullable and pa.types.is_struct(found):
        # Arrow keeps the children of an absent struct as nulls, so they may be null wherever the
        # struct may.
        found = pa.struct([field.with_nullable(True) for field in found])
    return pa.field(name, found, nullable=nullable)


def _arrow_type(annotation: Any) -> pa.DataType:
    import pyarrow as pa

    if annotation is Vector:
        return pa.list_(pa.float32(), EMBEDDING_DIM)
    if get_origin(annotation) is Annotated:
        return _arrow_type(get_args(annotation)[0])
    if get_origin(annotation) is list:
        return pa.list_(_arrow_field("element", get_args(annotation)[0]))
    if issubclass(annotation, BaseModel):
        return pa.struct(list(arrow_schema(annotation)))
    if issubclass(annotation, str):
        return pa.string()
    return {int: pa.int64(), float: pa.float64(), bool: pa.bool_()}[annotation]
