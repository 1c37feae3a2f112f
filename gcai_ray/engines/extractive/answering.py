"""Questions → replies by rule, in Ray Data actors. Knows no stage: a question holds the kind and
the sentences to read, its reply what they ask for.
"""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from gcai_ray.schemas import Kind, Reply, arrow_schema

if TYPE_CHECKING:
    import ray.data

    from gcai_ray.asking.recorder import Recorder
    from gcai_ray.engine_config import ExtractiveEngine
    from gcai_ray.engines.extractive.extractor import Extractor

BATCH_ROWS = 64


def answers(
    requests: ray.data.Dataset, engine: ExtractiveEngine, recorder: Recorder
) -> ray.data.Dataset:
    """As every engine: `requests` in, `request_id` and `parsed` out."""
    from gcai_ray.ray_session import num_actors

    return requests.map_batches(
        AnsweringActor,
        fn_constructor_args=(engine.name, recorder),
        batch_size=BATCH_ROWS,
        batch_format="pyarrow",
        concurrency=(1, num_actors(recorder.num_questions)),
        num_cpus=1,
    )


class AnsweringActor:
    """Holds the parser."""

    def __init__(self, engine: str, recorder: Recorder) -> None:
        from gcai_ray.engines.extractive import Extractor

        self._extractor = Extractor()
        self._engine = engine
        self._recorder = recorder

    def __call__(self, requests: pa.Table) -> pa.Table:
        """Columns of `requests` in, `request_id` and `parsed` out."""
        columns = ["id", "stage", "messages", "attempt"]
        recorded = self._recorder.begin(requests["id"].to_pylist())
        rows = requests.select(columns).to_pylist()
        replies = [self._reply(row) for row in rows if row["id"] not in recorded]
        self._recorder.add(pa.Table.from_pylist(replies, schema=arrow_schema(Reply)))
        parsed = pa.array([True] * len(rows), pa.bool_())
        return pa.table({"request_id": requests["id"], "parsed": parsed})

    def _reply(self, request: dict[str, Any]) -> dict[str, Any]:
        started = time.monotonic()
        text = answer(request["messages"][0]["content"], self._extractor)
        facts = {"request_id": request["id"], "stage": request["stage"], "engine": self._engine}
        tokens = {"num_prompt_tokens": 0, "num_cached_tokens": 0, "num_completion_tokens": 0}
        return (
            facts
            | tokens
            | {
                "attempt": request["attempt"],
                "text": text,
                "parsed": True,
                "finish_reason": "stop",
                "seconds": round(time.monotonic() - started, 4),
            }
        )


def answer(question: str, extractor: Extractor) -> str:
    """The reply to one question of `prompts.by_rule`, as JSON: the grounds with their sentences,
    the same ground once.
    """
    asked = json.loads(question)
    read = extractor.contextual if asked["kind"] == Kind.CONTEXTUAL else extractor.general
    merged: dict[str, dict[str, Any]] = {}
    for ground in read(asked["sentences"]):
        known = merged.setdefault(ground.text, {"numbers": set(), "rule": ground.rule})
        known["numbers"].update(ground.sentence_numbers)
    found = [
        {"principle": text, "sentences": sorted(facts["numbers"]), "rule": facts["rule"]}
        for text, facts in merged.items()
    ]
    return json.dumps({"principles": found}, ensure_ascii=False)
