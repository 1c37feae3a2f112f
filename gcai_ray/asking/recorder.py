"""Replies as they come → parts of the reply store; knows which questions are in flight.

One Ray actor per stage that asks. Engines send it what they begin and what came back; it writes a
part whenever enough has gathered that losing it would hurt. Knows no engine and no prompt.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from gcai_ray.errors import EngineError
from gcai_ray.progress import Heard

if TYPE_CHECKING:
    import pyarrow as pa

Write = Callable[["pa.Table"], None]
Recorded = dict[str, tuple[int, bool]]  # question → its last attempt, whether a reply is usable

# A crash loses what is not written yet: at most 32 replies, or 1 % of those before.
MIN_PART_ROWS = 32
PART_SHARE = 0.01
MAX_WAIT_S = 60.0
# What a crash may lose is also bounded by what engines hold: they send replies at least this often.
SEND_ROWS = 16


@dataclass(frozen=True)
class Recorder:
    """A handle for engines; cheap to pickle. `num_questions`: how many this pass asks."""

    actor: Any
    num_questions: int = 0

    def begin(self, ids: list[str]) -> Recorded:
        """Take up a block of questions: what is recorded of them, if it was taken up before.

        When a node dies, Ray does the block again that was at work there; what is answered already
        need not be paid twice.
        """
        import ray

        return ray.get(self.actor.begin.remote(ids))

    def started(self, ids: list[str]) -> None:
        """Say that these questions are about to be asked. Does not wait."""
        self.actor.started.remote(ids)

    def add(self, replies: pa.Table) -> None:
        """Hand over replies (columns of `replies`); returns when they are taken, so that an engine
        cannot run ahead of the store.
        """
        import ray

        ray.get(self.actor.add.remote(replies))

    def flush(self, timeout_s: float | None = None) -> None:
        """Write what has gathered.

        Raises:
            EngineError: the storage did not take it in time.
        """
        import ray
        from ray.exceptions import GetTimeoutError

        try:
            ray.get(self.actor.flush.remote(), timeout=timeout_s)
        except GetTimeoutError as error:
            raise EngineError(
                f"the storage took no replies for {timeout_s:g} s; see whether it is alive; the "
                "same command goes on from what is stored"
            ) from error

    def num_answered(self, timeout_s: float | None = None) -> int | None:
        """Replies taken so far, written or not; None when the recorder is busy for so long."""
        import ray
        from ray.exceptions import GetTimeoutError

        try:
            return ray.get(self.actor.num_answered.remote(), timeout=timeout_s)
        except GetTimeoutError:
            return None

    def heard(self, timeout_s: float | None = None) -> Heard | None:
        """The same with what is in flight and the tokens spent; None also while it cannot be
        reached: what it is asked for here is no reason to end a pass.
        """
        import ray
        from ray.exceptions import GetTimeoutError, RayActorError

        try:
            return ray.get(self.actor.heard.remote(), timeout=timeout_s)
        except (GetTimeoutError, RayActorError):
            return None

    def in_flight(self, timeout_s: float | None = None) -> list[tuple[str, float]]:
        """Questions begun and not answered, with the seconds since; none when it is busy for so
        long.
        """
        import ray
        from ray.exceptions import GetTimeoutError

        try:
            return ray.get(self.actor.in_flight.remote(), timeout=timeout_s)
        except GetTimeoutError:
            return []


def start_recorder(
    write: Write, num_questions: int = 0, stored: Callable[[], Recorded] = dict
) -> Recorder:
    """Start the actor; it asks for no CPU. `stored`: what was written, should it have to know."""
    import ray

    actor = ray.remote(num_cpus=0, max_restarts=-1, max_task_retries=3)(_Actor)
    return Recorder(actor.remote(write, stored), num_questions)


class Buffer:
    """Gathers replies and writes them in parts.

    Once a block of questions was taken up a second time, no attempt is written that was written
    before; until then nothing is remembered but the first question of every block.
    """

    def __init__(self, write: Write, stored: Callable[[], Recorded] = dict) -> None:
        self._write, self._stored = write, stored
        self._begun: set[str] = set()
        self._recorded: Recorded | None = None
        self._waiting: list[pa.Table] = []
        self._num_waiting = 0
        self._num_written = 0
        self._tokens = (0, 0)
        self._since = time.monotonic()
        self._in_flight: dict[str, float] = {}

    def begin(self, ids: list[str]) -> Recorded:
        """Note that a block was taken up; what is recorded of it if that is not the first time."""
        if self._recorded is None and not self._begun.isdisjoint(ids[:1]):
            self.flush()
            self._recorded = self._stored()
        self._begun.update(ids[:1])
        known = self._recorded or {}
        return {key: known[key] for key in ids if key in known}

    def started(self, ids: list[str]) -> None:
        """Note what is in flight from now on."""
        now = time.monotonic()
        self._in_flight.update(dict.fromkeys(ids, now))

    def add(self, replies: pa.Table) -> None:
        """Take replies, and write what has gathered when it is enough."""
        replies = self._new(replies)
        if replies.num_rows:
            self._waiting.append(replies)
            self._num_waiting += replies.num_rows
        self._tokens = (
            self._tokens[0] + sum(replies["num_prompt_tokens"].to_pylist()),
            self._tokens[1] + sum(replies["num_completion_tokens"].to_pylist()),
        )
        for key in replies["request_id"].to_pylist():
            self._in_flight.pop(key, None)
        enough = max(MIN_PART_ROWS, int(PART_SHARE * self._num_written))
        if self._num_waiting >= enough or time.monotonic() - self._since > MAX_WAIT_S:
            self.flush()

    def _new(self, replies: pa.Table) -> pa.Table:
        """The attempts not recorded yet, where it is known which are."""
        import pyarrow as pa

        if self._recorded is None:
            return replies
        is_new = []
        columns = (replies[name].to_pylist() for name in ("request_id", "attempt", "parsed"))
        for key, attempt, parsed in zip(*columns, strict=True):
            last, usable = self._recorded.get(key, (0, False))
            is_new.append(attempt > last and not usable)
            self._recorded[key] = (max(last, attempt), usable or parsed)
        return replies.filter(pa.array(is_new, pa.bool_()))

    def flush(self) -> None:
        """Write what has gathered."""
        import pyarrow as pa

        if self._num_waiting:
            self._write(pa.concat_tables(self._waiting))
            self._num_written += self._num_waiting
        self._waiting, self._num_waiting, self._since = [], 0, time.monotonic()

    def num_answered(self) -> int:
        """Replies taken so far."""
        return self._num_written + self._num_waiting

    def heard(self) -> Heard:
        """Replies taken so far, what is in flight, tokens."""
        return Heard(self.num_answered(), len(self._in_flight), *self._tokens)

    def in_flight(self) -> list[tuple[str, float]]:
        """Questions begun and not answered, with the seconds since."""
        now = time.monotonic()
        return [(key, now - since) for key, since in self._in_flight.items()]


class _Actor(Buffer):
    """The same in a process of its own, which dies with its node and begins anew on another."""

    def __init__(self, write: Write, stored: Callable[[], Recorded]) -> None:
        import ray

        super().__init__(write, stored)
        if ray.get_runtime_context().was_current_actor_reconstructed:
            self._recorded = stored()
