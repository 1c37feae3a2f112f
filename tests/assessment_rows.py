"""Small contests and responses for tests of what is measured of models."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pyarrow as pa
from asking_rows import key

from gcai_ray.schemas import Contest, ContestOutcome, Response, arrow_schema

CHOICES = {"win": ("a", "a"), "loss": ("b", "b"), "flip": ("a", "b"), "same": (None, None)}
CHOICES |= {"invalid": (None, "a"), "second": ("b", "a")}  # `second`: flips to the second place


def contest(prompt: int, principle: int, outcome: str, **changes: Any) -> dict[str, Any]:
    """The tuned model against its base; `outcome`: as in the schema, or `second`."""
    first, second = CHOICES[outcome]
    told = str(ContestOutcome.FLIP) if outcome == "second" else outcome
    row = {
        "prompt_id": key(prompt),
        "principle_id": key(1000 + principle),
        "model": "tuned",
        "against": "base",
        "num_turns": 1,
        "num_chars": 100,
        "num_chars_against": 100,
        "a_first": first,
        "b_first": second,
        "outcome": told,
    }
    return row | changes


def contests(rows: Iterable[dict[str, Any]]) -> pa.Table:
    return pa.Table.from_pylist(list(rows), schema=arrow_schema(Contest))


def response(prompt: int, model: str, text: str = "Yes.", **changes: Any) -> dict[str, Any]:
    row = {
        "prompt_id": key(prompt),
        "source": "s",
        "source_file": "f.jsonl",
        "source_row": prompt + 1,
        "model": model,
        "identity": f"m+{model}",
        "num_turns": 1,
        "text": text,
        "finish_reason": "stop",
        "num_chars": len(text),
        "refuses": False,
    }
    return row | changes


def responses(rows: Iterable[dict[str, Any]]) -> pa.Table:
    return pa.Table.from_pylist(list(rows), schema=arrow_schema(Response))
