"""What people gave: preferences, statements, and rows that could not be used."""

from __future__ import annotations

from pydantic import Field

from gcai_ray.schemas.base import Choice, Group, Id, Row, Split


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
