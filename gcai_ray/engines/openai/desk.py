"""Batches of questions ↔ a fixed number of slots on one event loop; replies go to the recorder.

The slots pull from one queue whatever batch a question came in, so a straggler holds its own slot
and no other. Knows no Ray Data.
"""

from __future__ import annotations

import asyncio
import queue
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

from gcai_ray.asking.recorder import SEND_ROWS
from gcai_ray.engine_config import OpenAIEngine
from gcai_ray.engines.openai.client import Client, Reply, open_session
from gcai_ray.engines.openai.key import Key
from gcai_ray.engines.openai.limits import Gate, num_actors
from gcai_ray.engines.openai.question import Question

if TYPE_CHECKING:
    from gcai_ray.asking.recorder import Recorder

# What is begun or answered is sent on after this long even when it is less than SEND_ROWS.
SEND_WAIT_S = 0.1


class Ended(NamedTuple):
    """A question that is done with, and whether it has a usable reply."""

    request_id: str
    parsed: bool


Inbox = queue.SimpleQueue["list[Ended] | BaseException"]


@dataclass
class Outbox:
    """What happened since it was last sent on."""

    started: list[str] = field(default_factory=list)
    replies: list[Reply] = field(default_factory=list)
    ended: list[tuple[Inbox, Ended]] = field(default_factory=list)
    asked_again: list[str] = field(default_factory=list)


class Desk:
    """Runs on one event loop; only `open`, `take` and `close` are called from outside, on it."""

    def __init__(self, engine: OpenAIEngine, key: Key, recorder: Recorder) -> None:
        self._engine, self._key, self._recorder = engine, key, recorder
        self._waiting: asyncio.Queue[tuple[Question, Inbox]] = asyncio.Queue()
        self._inboxes: set[Inbox] = set()
        self._outbox = Outbox()
        self._open: set[str] = set()
        self._enough = asyncio.Event()
        self._num_unrecorded = 0
        self._room = asyncio.Event()
        self._room.set()
        self._error: BaseException | None = None

    def open(self) -> None:
        """Start the slots."""
        self._running = asyncio.get_running_loop().create_task(self._run())
        self._running.add_done_callback(self._end)

    async def close(self) -> None:
        """Stop asking; what is in flight is given up."""
        self._running.cancel()
        await asyncio.wait([self._running])

    def take(self, questions: list[Question], inbox: Inbox) -> None:
        """Ask these; `inbox` gets every one of them once its replies are recorded, or the error
        that ended everything.
        """
        if self._error is not None:
            inbox.put(self._error)
            return
        self._inboxes.add(inbox)
        for question in questions:
            self._waiting.put_nowait((question, inbox))

    def leave(self, inbox: Inbox) -> None:
        """Nothing more is expected by this inbox."""
        self._inboxes.discard(inbox)

    async def _run(self) -> None:
        num_slots = self._engine.concurrency // num_actors(self._engine)
        gate = Gate(self._engine, num_slots)
        async with open_session(self._engine, self._key) as session:
            client = Client(self._engine, self._key, gate, session)
            slots = [self._slot(client) for _ in range(num_slots)]
            await _first_fault([*slots, self._send()])

    def _end(self, running: asyncio.Task[None]) -> None:
        self._error = asyncio.CancelledError() if running.cancelled() else running.exception()
        for inbox in self._inboxes:
            inbox.put(self._error or RuntimeError("the slots ended without a reason"))

    async def _slot(self, client: Client) -> None:
        while True:
            await self._room.wait()
            question, inbox = await self._waiting.get()
            self._open.add(question.id)
            self._outbox.started.append(question.id)
            parsed = await client.ask(question, self._record)
            self._open.discard(question.id)
            self._outbox.ended.append((inbox, Ended(question.id, parsed)))

    def _record(self, reply: Reply) -> None:
        self._outbox.replies.append(reply)
        self._num_unrecorded += 1
        if self._num_unrecorded >= SEND_ROWS:
            self._enough.set()
            self._room.clear()

    async def _send(self) -> None:
        """Send the outbox on, again and again. A question has ended for its batch once its reply
        is recorded, so nothing can be called done that a crash would lose. While storage is slow no
        slot asks on, or a crash would lose all that came in meanwhile.
        """
        while True:
            await _either(self._enough, SEND_WAIT_S)
            self._enough.clear()
            full, self._outbox = self._outbox, Outbox()
            failed = (row["request_id"] for row in full.replies if not row["parsed"])
            full.asked_again += [key for key in failed if key in self._open]
            if full.started or full.replies:
                await asyncio.to_thread(_deliver, self._recorder, full)
            self._num_unrecorded -= len(full.replies)
            if self._num_unrecorded < SEND_ROWS:
                self._room.set()
            by_inbox: dict[Inbox, list[Ended]] = {}
            for inbox, ended in full.ended:
                by_inbox.setdefault(inbox, []).append(ended)
            for inbox, ended in by_inbox.items():
                inbox.put(ended)


def _deliver(recorder: Recorder, full: Outbox) -> None:
    import pyarrow as pa

    from gcai_ray.schemas import Reply as Row
    from gcai_ray.schemas import arrow_schema

    if full.started:
        recorder.started(full.started)
    if full.replies:
        recorder.add(pa.Table.from_pylist(full.replies, schema=arrow_schema(Row)))
    if full.asked_again:
        # A reply takes its question off the list of what is in flight.
        recorder.started(full.asked_again)


async def _either(event: asyncio.Event, timeout_s: float) -> None:
    try:
        async with asyncio.timeout(timeout_s):
            await event.wait()
    except TimeoutError:
        pass


async def _first_fault(work: list[Any]) -> None:
    """Run endless coroutines until one fails; cancels the others and raises its error alone."""
    tasks = [asyncio.ensure_future(coroutine) for coroutine in work]
    try:
        await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
