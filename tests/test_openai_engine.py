"""Many questions through the `openai` engine: all slots in use, every question ending once; with
and without Ray.
"""

from __future__ import annotations

import asyncio
import collections
import queue
from functools import partial
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from aiohttp import web
from servers.launch import Scripted
from told_server import Asked, engine, questions, refused, requests_table, reset, said, serving

from gcai_ray.asking.recorder import Buffer, start_recorder
from gcai_ray.asking.store import store_replies, stored_parts
from gcai_ray.engine_config import OpenAIEngine
from gcai_ray.engines.openai.actor import answers
from gcai_ray.engines.openai.desk import Desk, Ended
from gcai_ray.engines.openai.key import Key
from gcai_ray.engines.openai.question import Question
from gcai_ray.errors import EngineError
from gcai_ray.schemas import Reply, arrow_schema
from gcai_ray.storage import Storage

SECRET = "sk-never-to-be-seen-0123456789"


def at_the_desk(
    config: OpenAIEngine, *blocks: list[Question], recorder: Buffer | None = None
) -> tuple[list[Ended], pa.Table, list[tuple[str, float]]]:
    """Ask blocks at a desk: outcomes in their order, what was recorded, what stays in flight."""
    written: list[pa.Table] = [arrow_schema(Reply).empty_table()]
    recorder = recorder or Buffer(written.append)

    async def run() -> list[Ended]:
        desk = Desk(config, Key(""), recorder)  # type: ignore[arg-type]
        desk.open()
        inbox: queue.SimpleQueue[Any] = queue.SimpleQueue()
        for block in blocks:
            desk.take(block, inbox)
        ended: list[Ended] = []
        while len(ended) < sum(map(len, blocks)):
            found = await asyncio.to_thread(inbox.get)
            if isinstance(found, BaseException):
                raise found
            ended += found
        await desk.close()
        return ended

    ended = asyncio.run(run())
    recorder.flush()
    return ended, pa.concat_tables(written), recorder.in_flight()


def test_a_straggler_idles_no_other_slot() -> None:
    """The first question is answered only when all others are; all slots are in use meanwhile."""
    num, slots = 200, 8

    async def behave(asked: Asked) -> web.StreamResponse:
        while asked.number == 0 and served.num_answered < num - 1:
            await asyncio.sleep(0.005)
        await asyncio.sleep(0.002)
        return said()

    asked = questions(num)
    blocks = [asked[start : start + 20] for start in range(0, num, 20)]
    with serving(behave) as served:
        ended, _, _ = at_the_desk(engine(served.base_url, concurrency=slots), *blocks)
    assert ended[-1].request_id == asked[0].id
    assert len(ended) == num
    assert served.most_open == slots


def test_every_question_ends_once_and_nothing_stays_in_flight() -> None:
    async def behave(asked: Asked) -> web.StreamResponse:
        kind = (asked.number * 7 + asked.before * 3) % 10
        if kind == 0:
            return await reset(asked)
        if kind == 1:
            return refused(500, "oops")
        if kind == 2:
            return refused(429, "slow down", **{"retry-after-ms": "5"})
        return said("bad") if kind == 3 else said()

    num = 300
    with serving(behave) as served:
        config = engine(served.base_url, concurrency=32, max_attempts=4)
        ended, replies, in_flight = at_the_desk(config, questions(num))
    ids = {f"{number:032x}" for number in range(num)}
    assert collections.Counter(item.request_id for item in ended) == dict.fromkeys(ids, 1)
    assert all(item.parsed for item in ended)
    rows = replies.to_pylist()
    assert collections.Counter(r["request_id"] for r in rows if r["parsed"]) == dict.fromkeys(
        ids, 1
    )
    attempts = collections.Counter((row["request_id"], row["attempt"]) for row in rows)
    assert set(attempts.values()) == {1}
    assert in_flight == []


def test_a_question_asked_again_is_in_flight_again() -> None:
    """The watchdog names what is in flight; a recorded attempt takes its question off that list."""
    recorder, seen = Buffer(lambda replies: None), []

    async def behave(asked: Asked) -> web.StreamResponse:
        if asked.before == 0:
            return said("bad")
        for _ in range(500):
            if recorder.num_answered() and recorder.in_flight():
                break
            await asyncio.sleep(0.01)
        seen.extend(key for key, _ in recorder.in_flight())
        return said()

    with serving(behave) as served:
        at_the_desk(engine(served.base_url), questions(1), recorder=recorder)
    assert seen == [f"{0:032x}"]


def test_what_dooms_all_reaches_every_block() -> None:
    async def behave(asked: Asked) -> web.StreamResponse:
        return refused(401, "no such key")

    with serving(behave) as served, pytest.raises(EngineError, match="no such key"):
        at_the_desk(engine(served.base_url), questions(10), questions(10))


# Through Ray.


def through_ray(config: OpenAIEngine, num: int, folder: Path) -> tuple[list[Any], list[Any]]:
    """Outcomes, and recorded replies."""
    import ray.data

    storage = Storage(str(folder))
    recorder = start_recorder(partial(store_replies, storage, "extract"), num)
    table = requests_table(num)
    blocks = [table.slice(start, 64) for start in range(0, num, 64)]
    outcomes = answers(ray.data.from_arrow(blocks), config, recorder).take_all()
    recorder.flush()
    assert recorder.in_flight() == []
    replies = [row for part in stored_parts(storage, "extract") for row in part.to_pylist()]
    return outcomes, replies


@pytest.mark.ray
def test_two_actors_answer_everything_once_under_faults(ray_address: str, tmp_path: Path) -> None:
    kinds = ("429", "500", "reset", "truncated", "empty", "wrong_schema", "fence", "slow")
    num = 500
    with Scripted(latency_ms=5, slots=64, faults=0.15, kinds=kinds, seed=3, slow_ms=50) as server:
        config = engine(server.base_url, concurrency=32, num_actors=2, max_attempts=10)
        outcomes, replies = through_ray(config, num, tmp_path)
    ids = {f"{number:032x}" for number in range(num)}
    assert collections.Counter(row["request_id"] for row in outcomes) == dict.fromkeys(ids, 1)
    assert all(row["parsed"] for row in outcomes)
    usable = [row["request_id"] for row in replies if row["parsed"]]
    assert collections.Counter(usable) == dict.fromkeys(ids, 1)


@pytest.mark.ray
def test_a_refused_key_fails_the_run_and_is_logged_nowhere(
    ray_address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import ray
    from ray._private.worker import _global_node

    async def behave(asked: Asked) -> web.StreamResponse:
        assert asked.headers["Authorization"] == f"Bearer {SECRET}"
        return refused(401, f"Incorrect API key provided: {SECRET}")

    monkeypatch.setenv("OPENAI_API_KEY", SECRET)
    with serving(behave) as served, pytest.raises(ray.exceptions.RayError) as caught:
        through_ray(engine(served.base_url), 200, tmp_path)
    error = caught.value
    assert isinstance(error, EngineError)
    assert "Incorrect API key provided: ***" in str(error)
    assert SECRET not in str(error)
    logs = Path(_global_node.get_session_dir_path()) / "logs"
    telling = [p for p in logs.rglob("*") if p.is_file() and SECRET.encode() in p.read_bytes()]
    assert telling == []
