"""The waves of `revise` without Ray: questions worded by the stage, answered by the scripted writer
or by a test's own words, looked up as the stage looks them up.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pyarrow as pa
from servers.annotator import reply

from gcai_ray.asking.check import fault
from gcai_ray.asking.lookup import Lookup
from gcai_ray.asking.questions import RULES, Asking
from gcai_ray.revision.course import Course, Principle
from gcai_ray.schemas import Prompt, arrow_schema
from gcai_ray.stages.revise import Wave, questions
from gcai_ray.table_sink import split_rejects
from gcai_ray.training_config import ReviseConfig

Answer = Callable[[dict[str, Any]], tuple[str, str]]  # a request → text and finish reason
SCHEMA = pa.schema(
    [
        ("prompt", pa.string()),
        ("part", pa.int64()),
        ("text", pa.string()),
        ("parsed", pa.bool_()),
        ("finish_reason", pa.string()),
        ("error", pa.string()),
    ]
)
ASKING = Asking("revise", "m", 0.3, 1.0, 0, 8192, None, RULES)


def principles(*people: int) -> tuple[Principle, ...]:
    return tuple(
        Principle(f"{n:032x}", f"The AI should do thing {n}.", num) for n, num in enumerate(people)
    )


def course(*people: int, seed: int = 0, **settings: Any) -> Course:
    return Course(principles(*(people or (5, 3, 1))), ReviseConfig(**settings), seed)


def prompt(number: int, text: str = "", split: str = "train") -> dict[str, Any]:
    turn = {"role": "user", "content": text or f"How do I mend a bicycle number {number}?"}
    place = {"source": "s", "source_file": "f.jsonl", "source_row": number}
    return {"id": f"{number:032x}", **place, "messages": [turn], "split": split}


def table(*rows: dict[str, Any]) -> pa.Table:
    return pa.Table.from_pylist(list(rows), schema=arrow_schema(Prompt))


def scripted(request: dict[str, Any]) -> tuple[str, str]:
    schema = {} if request["reply_schema"] else None
    return reply(request["messages"], schema, request["sampling"]["seed"]), "stop"


def play(
    rows: pa.Table, of: Course, answer: Answer = scripted, asking: Asking = ASKING
) -> tuple[Lookup, list[dict[str, Any]], list[dict[str, Any]]]:
    """All waves one after the other; the last lookup, every request, rejects of the wording."""
    asked: list[dict[str, Any]] = []
    refused: list[dict[str, Any]] = []
    lookup: Lookup | None = None
    for name, number in of.waves:
        found, rejects = split_rejects(questions(rows, Wave(of, name, number), asking, lookup))
        asked += found.to_pylist()
        refused += rejects.to_pylist()
        lookup = lookup_of(asked, answer)
    if lookup is None:
        raise ValueError("a course without a wave")
    return lookup, asked, refused


def lookup_of(asked: list[dict[str, Any]], answer: Answer) -> Lookup:
    ordered = sorted(asked, key=lambda row: (row["source_id"], row["prompt"], row["part"]))
    rows = []
    for request in ordered:
        text, finish = answer(request)
        why = fault(text, request["reply_schema"], finish)
        place = {"prompt": request["prompt"], "part": request["part"]}
        said = {"text": text, "parsed": why is None, "finish_reason": finish, "error": why}
        rows.append(place | said)
    ids = np.asarray([row["source_id"] for row in ordered], dtype="S32")
    return Lookup(ids, pa.Table.from_pylist(rows, schema=SCHEMA))
