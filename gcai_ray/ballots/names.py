"""Principles → what they are called on a ballot, and those names → principles. Knows no file."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence

from gcai_ray.schemas import ChosenPrinciple

ID_CHARS = 8  # one in 4 billion that two principles of a constitution begin alike
_HEADING = re.compile(rf"(?:[CG]\d+ +)?([0-9a-f]{{{ID_CHARS},32}})", re.IGNORECASE)


def ballot_id(principles: Sequence[ChosenPrinciple]) -> str:
    """Eight characters that name what is voted on: the same principles, whatever their order."""
    ids = " ".join(sorted(principle.id for principle in principles))
    return hashlib.blake2b(ids.encode(), digest_size=ID_CHARS // 2).hexdigest()


def label(principle: ChosenPrinciple) -> str:
    """`C1`, `G3`: the first letter of its kind and its rank, short enough for paper."""
    return f"{principle.kind[0].upper()}{principle.rank}"


def heading(principle: ChosenPrinciple) -> str:
    """`C1 4f3a9b21`: the head of a column of votes. With its label in front a spreadsheet cannot
    take the id for a number (`12e45678`).
    """
    return f"{label(principle)} {principle.id[:ID_CHARS]}"


def principle_of(name: str, principles: Sequence[ChosenPrinciple]) -> ChosenPrinciple | None:
    """The principle that a heading, an id or the first 8 characters of one means."""
    match = _HEADING.fullmatch(name.strip())
    if match is None:
        return None
    found = [p for p in principles if p.id.startswith(match[1].lower())]
    return found[0] if len(found) == 1 else None
