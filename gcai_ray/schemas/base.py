"""What every row type is made of: ids, vectors, kinds, the frozen base. Knows no artifact."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

SCHEMA_VERSION = 3
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


class Group(Row):
    """One group a row belongs to, for example `country` = `Kenya`."""

    name: str
    value: str


class Interval(Row):
    """A share with its bootstrap interval over people."""

    share: float
    low: float
    high: float
