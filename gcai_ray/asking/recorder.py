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

if TYPE_CHECKING:
    import pyarrow as pa

Write = Callable[["pa.Table"], None]

# A crash loses what is not written yet: at most 64 replies, or 1 % of those before.
MIN_PART_ROWS = 64
PART_SHARE = 0.01
MAX_WAIT_S = 60.0
# What a crash may lose is also bounded by what engines hold: they send replies at least this often.
SEND_ROWS = 32


@dataclass(frozen=True)
class Recorder:
    """A handle for engines; cheap to pickle. `num_questions`: how many this pass asks."""

    actor: Any
    num_questions: int = 0

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


def start_recorder(write: Write, num_questions: int = 0) -> Recorder:
    """Start the actor; it asks for no CPU."""
    import ray

    actor = ray.remote(num_cpus=0, max_restarts=-1, max_task_retries=3)(Buffer)
    return Recorder(actor.remote(write), num_questions)


class Buffer:
    """Gathers replies and writes them in parts."""

    def __init__(self, write: Write) -> None:
        self._write = write
        self._waiting: list[pa.Table] = []
        self._num_waiting = 0
        self._num_written = 0
        self._since = time.monotonic()
        self._in_flight: dict[str, float] = {}

    def started(self, ids: list[str]) -> None:
        """Note what is in flight from now on."""
        now = time.monotonic()
        self._in_flight.update(dict.fromkeys(ids, now))

    def add(self, replies: pa.Table) -> None:
        """Take replies, and write what has gathered when it is enough."""
        if replies.num_rows:
            self._waiting.append(replies)
            self._num_waiting += replies.num_rows
        for key in replies["request_id"].to_pylist():
            self._in_flight.pop(key, None)
        enough = max(MIN_PART_ROWS, int(PART_SHARE * self._num_written))
        if self._num_waiting >= enough or time.monotonic() - self._since > MAX_WAIT_S:
            self.flush()

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

    def in_flight(self) -> list[tuple[str, float]]:
        """Questions begun and not answered, with the seconds since."""
        now = time.monotonic()
        return [(key, now - since) for key, since in self._in_flight.items()]
