"""What the tests of asking share: small rows of questions, replies, preferences and statements."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from gcai_ray.artifact_writer import ArtifactWriter
from gcai_ray.asking.lookup import Lookup, lookups
from gcai_ray.asking.questions import GCAI, Asking
from gcai_ray.schemas import EMBEDDING_DIM, Reply, Request, arrow_schema
from gcai_ray.storage import Storage
from gcai_ray.text import sentence_spans

STAGE = "extract"
ASKING = Asking(STAGE, "a-model", 0.3, 1.0, 0, 8192, None, GCAI)
Rows = list[dict[str, Any]]


def key(number: int | str) -> str:
    """A valid id."""
    return f"{number:032x}" if isinstance(number, int) else number * 32


def asking(**changes: Any) -> Asking:
    return replace(ASKING, **changes)


def request(number: int, source: int | None = None, part: int = 0) -> dict[str, Any]:
    """A question about a source row, by default one of its own."""
    return {
        "id": key(number),
        "stage": STAGE,
        "prompt": "vote",
        "source_id": key(number if source is None else source),
        "part": part,
        "model": "a-model",
        "messages": [{"role": "user", "content": f"question {number}"}],
        "reply_schema": "",
        "sampling": {"temperature": 0.0, "top_p": 1.0, "max_tokens": 8, "seed": 0},
        "num_prompt_tokens": 10 + number,
    }


def reply(number: int, attempt: int = 1, error: str | None = None, **changes: Any) -> dict:
    return {
        "request_id": key(number),
        "stage": STAGE,
        "attempt": attempt,
        "engine": "openai",
        "text": f"{number}/{attempt}",
        "parsed": error is None,
        "finish_reason": "stop",
        "num_prompt_tokens": 100,
        "num_cached_tokens": 10,
        "num_completion_tokens": 5,
        "seconds": 0.5,
        "error": error,
    } | changes


def requests_of(rows: Sequence[dict[str, Any]]) -> pa.Table:
    return pa.Table.from_pylist(list(rows), schema=arrow_schema(Request))


def replies_of(rows: Sequence[dict[str, Any]]) -> pa.Table:
    return pa.Table.from_pylist(list(rows), schema=arrow_schema(Reply))


def writer_in(folder: Path, *parts: Sequence[dict[str, Any]], attempt: str = "a") -> ArtifactWriter:
    """A writer of stage `extract` that has written these parts of `requests`."""
    writer = ArtifactWriter(Storage(str(folder)), (STAGE, key("f")), attempt)
    for rows in parts:
        writer.write_table("requests", requests_of(rows))
    return writer


def lookup_of(folder: Path, requests: Rows, replies: Rows) -> Lookup:
    """What was said to these questions."""
    writer = writer_in(folder, requests)
    writer.write_table("replies", replies_of(replies))
    [found] = lookups(writer)
    return found


def _person(number: int, person: str, words: str | None) -> dict[str, Any]:
    return {
        "id": key(number),
        "source": "s",
        "source_file": "f.csv",
        "source_row": number + 1,
        "source_id": None,
        "annotator_id": key(person),
        "annotator_known": True,
        "groups": [{"name": "region", "value": "north"}],
        "sentences": [
            {"start": start, "end": end, "text": words[start:end]}
            for start, end in (sentence_spans(words) if words else ())
        ],
    }


def preference(number: int, reason: str | None = "It is clear.", **changes: Any) -> dict[str, Any]:
    return (
        _person(number, changes.pop("person", "a"), reason)
        | {
            "prompt": f"prompt {number}",
            "response_a": "first answer",
            "response_b": "second answer",
            "preferred": "a",
            "reason": reason,
            "split": "train",
        }
        | changes
    )


def statement(number: int, text: str) -> dict[str, Any]:
    return _person(number, "a", text) | {"question": None, "text": text, "votes": None}


def vectors_of(places: Sequence[Sequence[float]]) -> np.ndarray:
    """Unit vectors whose first dimensions are given."""
    rows = np.zeros((len(places), EMBEDDING_DIM), dtype=np.float32)
    for row, place in zip(rows, places, strict=True):
        row[: len(place)] = place
        row /= np.linalg.norm(row)
    return rows


def vector_column(vectors: np.ndarray) -> pa.Array:
    flat = pa.array(vectors.ravel(), pa.float32())
    return pa.FixedSizeListArray.from_arrays(flat, EMBEDDING_DIM)
