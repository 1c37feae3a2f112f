"""Blocks of questions that are taken up a second time, because the node died that was at them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa
from asking_rows import key, replies_of, reply

from gcai_ray.asking.recorder import MIN_PART_ROWS, Buffer
from gcai_ray.asking.store import recorded, store_replies
from gcai_ray.engine_config import OpenAIEngine
from gcai_ray.engines.openai.actor import Asker
from gcai_ray.engines.openai.desk import Ended
from gcai_ray.engines.openai.question import Question
from gcai_ray.storage import Storage

NUM = MIN_PART_ROWS
IDS = [key(number) for number in range(NUM)]


class Stored:
    """A buffer that writes to a store, and what stands there."""

    def __init__(self, folder: Path) -> None:
        self.storage = Storage(str(folder))
        self.buffer = Buffer(self._write, lambda: recorded(self.storage, "extract"))

    def _write(self, rows: pa.Table) -> None:
        store_replies(self.storage, "extract", rows)

    def add(self, *rows: dict[str, Any]) -> None:
        self.buffer.add(replies_of(rows))

    def attempts(self) -> list[tuple[str, int]]:
        from gcai_ray.asking.store import stored_parts

        self.buffer.flush()
        parts = stored_parts(self.storage, "extract", ["request_id", "attempt"])
        return sorted((r["request_id"], r["attempt"]) for part in parts for r in part.to_pylist())


def test_a_block_is_told_what_is_recorded_of_it_when_it_comes_again(tmp_path: Path) -> None:
    store = Stored(tmp_path)
    assert store.buffer.begin(IDS) == {}
    store.add(reply(1), reply(2, error="no JSON"))
    assert store.buffer.begin(IDS) == {key(1): (1, True), key(2): (1, False)}
    assert store.buffer.begin([key(NUM + 1)]) == {}


def test_no_attempt_is_written_twice_whoever_hands_it_in(tmp_path: Path) -> None:
    store = Stored(tmp_path)
    store.buffer.begin(IDS)
    store.add(reply(1), reply(2, error="no JSON"))
    store.buffer.begin(IDS)
    store.add(reply(1), reply(2, error="no JSON"), reply(3))
    store.add(reply(2, attempt=2), reply(3), reply(1, attempt=2))
    assert store.attempts() == sorted([(key(1), 1), (key(2), 1), (key(2), 2), (key(3), 1)])


def test_an_asker_asks_what_is_left_of_a_block(tmp_path: Path) -> None:
    store = Stored(tmp_path)
    asker = object.__new__(Asker)  # without its loop and its connections
    engine = OpenAIEngine(name="openai", model="m", max_attempts=2)
    asker._recorder, asker._max_attempts = store.buffer, engine.max_attempts  # type: ignore[assignment]
    block = [Question(key(n), "extract", "p", [], "", {}, 1, 1) for n in range(1, 5)]
    assert asker._still_open(block) == (block, [])
    bad = "no JSON"
    store.add(reply(1), reply(2, error=bad), reply(3, error=bad), reply(3, attempt=2, error=bad))
    left, done = asker._still_open(block)
    assert [(question.id, question.attempt) for question in left] == [(key(2), 2), (key(4), 1)]
    assert done == [Ended(key(1), True), Ended(key(3), False)]
