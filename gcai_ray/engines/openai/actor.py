"""A dataset of questions → one of outcomes, by Ray actors that each run an event loop.

Every actor works on many blocks at once, each in a thread that only waits; the asking is done on
the one loop. Ray Data's own async functions would hold back a block's rows until all earlier blocks
are done, and block the loop while they do.
"""

from __future__ import annotations

import asyncio
import queue
import threading
from collections.abc import Iterator
from typing import TYPE_CHECKING

from gcai_ray.engine_config import OpenAIEngine
from gcai_ray.engines.openai.desk import Desk, Ended, Inbox
from gcai_ray.engines.openai.key import Key, read_key
from gcai_ray.engines.openai.limits import num_actors
from gcai_ray.engines.openai.question import Question, read_questions

if TYPE_CHECKING:
    import pyarrow as pa
    import ray.data

    from gcai_ray.asking.recorder import Recorder

# Stragglers keep a block open while its other questions are long done; other blocks fill the slots.
BLOCKS_IN_FLIGHT = 16
# One actor does about 2,000 a second and takes seconds to start.
QUESTIONS_PER_ACTOR = 1024
# An actor mostly waits. Half a CPU, so that two fit on the smallest machine.
CPUS_PER_ACTOR = 0.5


def answers(
    requests: ray.data.Dataset, engine: OpenAIEngine, recorder: Recorder
) -> ray.data.Dataset:
    """Ask these questions, lazily.

    Args:
        requests: columns of `requests`, and `attempt`; blocks of some hundred rows each.
        engine: the endpoint and its limits.
        recorder: takes every attempt as a row of `replies`.

    Returns:
        One row per question: `request_id`, `parsed`. Running it raises EngineError when the
        endpoint refuses everything.

    Raises:
        ConfigError: there is no key, and the endpoint is not a private one.
    """
    import ray.data

    engine = _with_fewer_actors(engine, recorder.num_questions)
    return requests.map_batches(
        Asker,
        fn_constructor_args=(engine, read_key(engine), recorder),
        compute=ray.data.ActorPoolStrategy(
            size=num_actors(engine),
            max_concurrent_calls_per_actor=BLOCKS_IN_FLIGHT,
            max_tasks_in_flight_per_actor=BLOCKS_IN_FLIGHT + 1,
            enable_true_multi_threading=True,
        ),
        batch_size=None,
        batch_format="pyarrow",
        zero_copy_batch=True,
        num_cpus=CPUS_PER_ACTOR,
    )


def _with_fewer_actors(engine: OpenAIEngine, num_questions: int) -> OpenAIEngine:
    """No more actors than there are blocks to ask; all slots and limits stay."""
    if not num_questions:
        return engine
    enough = 1 + num_questions // QUESTIONS_PER_ACTOR
    return engine.model_copy(update={"num_actors": min(num_actors(engine), enough)})


class Asker:
    """One actor's event loop in a thread of its own; called from many threads."""

    def __init__(self, engine: OpenAIEngine, key: Key, recorder: Recorder) -> None:
        self._recorder, self._max_attempts = recorder, engine.max_attempts
        self._loop = asyncio.new_event_loop()
        threading.Thread(target=self._loop.run_forever, daemon=True).start()
        self._desk = asyncio.run_coroutine_threadsafe(
            _open_desk(engine, key, recorder), self._loop
        ).result()

    def __call__(self, block: pa.Table) -> Iterator[pa.Table]:
        """Outcomes of a block's questions as they come, once their replies are recorded."""
        questions, done = self._still_open(list(read_questions(block)))
        if done:
            yield _outcomes(done)
        inbox: Inbox = queue.SimpleQueue()
        self._loop.call_soon_threadsafe(self._desk.take, questions, inbox)
        num_left = len(questions)
        while num_left:
            ended = inbox.get()
            if isinstance(ended, BaseException):
                raise ended
            num_left -= len(ended)
            yield _outcomes(ended)
        self._loop.call_soon_threadsafe(self._desk.leave, inbox)

    def _still_open(self, questions: list[Question]) -> tuple[list[Question], list[Ended]]:
        """What of a block is to be asked, and what ended before: on a node that died."""
        recorded = self._recorder.begin([question.id for question in questions])
        left, done = [], []
        for question in questions:
            last, usable = recorded.get(question.id, (question.attempt - 1, False))
            if usable or last >= self._max_attempts:
                done.append(Ended(question.id, usable))
            else:
                left.append(question._replace(attempt=last + 1))
        return left, done


async def _open_desk(engine: OpenAIEngine, key: Key, recorder: Recorder) -> Desk:
    desk = Desk(engine, key, recorder)
    desk.open()
    return desk


def _outcomes(ended: list[Ended]) -> pa.Table:
    import pyarrow as pa

    ids, parsed = zip(*ended, strict=True)
    return pa.table({"request_id": pa.array(ids, pa.string()), "parsed": pa.array(parsed)})
