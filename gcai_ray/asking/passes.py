"""One pass of an engine over the questions still open, watched: no progress means it has failed.

Knows no prompt and no stage's rows.
"""

from __future__ import annotations

import logging
import queue
import threading
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from gcai_ray.artifact_writer import ArtifactWriter
from gcai_ray.artifacts import conform
from gcai_ray.asking.recorder import Recorder
from gcai_ray.engine_config import ModelEngine
from gcai_ray.errors import EngineError
from gcai_ray.progress import Board
from gcai_ray.schemas import Request, arrow_schema

if TYPE_CHECKING:
    import pyarrow as pa
    import ray.data

    from gcai_ray.storage import Storage

LOG = logging.getLogger("gcai_ray")
POLL_S = 1.0
START_S = 300.0  # actors and models may take so long to start, however short a stall may be
PATIENCE_S = 10.0  # with a recorder that is writing
LOG_EVERY_S = 15.0
NUM_READERS = 2  # each is a process to start; one alone reads some 10,000 questions a second
NUM_SHOWN = 3


def open_questions(writer: ArtifactWriter, pieces: Iterable[dict[str, Any]]) -> ray.data.Dataset:
    """The requests at these places (`Ledger.pieces`) with their `attempt`, in their order.

    Reading asks for no CPU: engines hold theirs until the end.
    """
    import ray.data

    units = list(pieces)
    return ray.data.from_items(units, override_num_blocks=len(units)).map_batches(
        _read_questions,  # pyright: ignore[reportArgumentType]  stubs forget fn_args
        fn_args=(writer.storage, writer.directory),
        batch_size=1,
        batch_format="pyarrow",
        num_cpus=0,
        concurrency=min(NUM_READERS, len(units)),
    )


def read_questions(writer: ArtifactWriter, pieces: Iterable[dict[str, Any]]) -> Iterator[pa.Table]:
    """The same, read one after the other in this process."""
    import pyarrow as pa

    for piece in pieces:
        units = pa.Table.from_pylist([piece])
        yield _read_questions(units, writer.storage, writer.directory)


def _read_questions(pieces: pa.Table, storage: Storage, directory: tuple[str, ...]) -> pa.Table:
    import pyarrow as pa
    import pyarrow.parquet as pq

    found = []
    for piece in pieces.to_pylist():
        with storage.filesystem.open(storage.path(*directory, piece["name"])) as file:
            rows = pq.ParquetFile(file).read_row_group(piece["group"])
        where = storage.url(*directory, piece["name"])
        rows = conform(rows, arrow_schema(Request), where).take(pa.array(piece["rows"]))
        found.append(rows.append_column("attempt", pa.array(piece["attempts"], pa.int64())))
    return pa.concat_tables(found)


@dataclass
class Watch:
    """What a pass is watched by: when anything last moved, and how long that may take."""

    recorder: Recorder
    stage: str
    total: int
    timeout_s: float
    answered: int = 0
    asked: int = 0
    moved_at: float = 0.0
    logged_at: float = 0.0
    started_at: float = 0.0
    board: Board = field(default_factory=Board)

    def begin(self) -> None:
        """Start the clock."""
        self.moved_at = self.logged_at = self.started_at = time.monotonic()

    def look(self) -> None:
        """Note progress; say how far it is now and then.

        Raises:
            EngineError: nothing has moved for `timeout_s`, or nothing was begun within the time
                a start may take; names what is in flight.
        """
        before, now = (self.answered, self.asked), time.monotonic()
        self.listen()
        # A question that is put moves too: an engine takes its time to start. Fewer than before:
        # the recorder died and began anew.
        if (self.answered, self.asked) != before:
            self.moved_at = now
        if now - self.logged_at > LOG_EVERY_S:
            self.logged_at = now
            LOG.info(self.line(now))
        if now - self.moved_at > (self.timeout_s if self.asked else self._start_s()):
            raise EngineError(self._stalled())

    def _start_s(self) -> float:
        return max(self.timeout_s, START_S)

    def listen(self) -> None:
        """Take what the recorder tells, if it is not too busy to."""
        heard = self.recorder.heard(PATIENCE_S)
        if heard is not None:
            self.answered = heard.num_replies
            self.asked = heard.num_replies + heard.num_in_flight
            self.board.hear(heard)

    def line(self, now: float) -> str:
        """How far the pass is, for a person who waits."""
        took = max(now - self.started_at, 1e-9)
        if not self.answered:
            return f"{self.stage}: {self.total:,} questions, no reply yet after {took:,.0f} s"
        rate = self.answered / took
        # A question asked again has several replies.
        num_open = max(self.total - self.answered, 0)
        return (
            f"{self.stage}: {self.answered:,} replies to {self.total:,} questions, "
            f"{rate:,.1f}/s, {num_open / rate:,.0f} s to go"
        )

    def _stalled(self) -> str:
        waiting = sorted(self.recorder.in_flight(PATIENCE_S), key=lambda item: -item[1])
        shown = ", ".join(f"{key} ({age:.0f} s)" for key, age in waiting[:NUM_SHOWN])
        return (
            f"{self.stage}: no reply for {time.monotonic() - self.moved_at:.0f} s "
            "(engine.stall_timeout_s); "
            f"{self.answered:,} replies came to {self.total:,} questions, "
            f"{len(waiting):,} are in flight, for example {shown or 'none was begun'}; "
            "see whether the engine is alive; the same command goes on from here"
        )


def run_pass(dataset: ray.data.Dataset, engine: ModelEngine | None, watch: Watch) -> None:
    """Drive an engine's dataset to its end. Replies go to the recorder, not through here.

    Raises:
        EngineError: no progress for `engine.stall_timeout_s`.
        Exception: whatever the engine's own execution raised.
    """
    done: queue.SimpleQueue[BaseException | None] = queue.SimpleQueue()
    threading.Thread(target=_drain, args=(dataset, done), daemon=True).start()
    watch.begin()
    try:
        while True:
            try:
                error = done.get(timeout=POLL_S)
            except queue.Empty:
                if engine is None:
                    watch.listen()
                else:
                    watch.look()
                continue
            if error is not None:
                raise error
            watch.listen()
            return
    finally:
        _stop(dataset)
        watch.recorder.flush(max(watch.timeout_s, PATIENCE_S) if engine else None)


def _drain(dataset: ray.data.Dataset, done: queue.SimpleQueue[BaseException | None]) -> None:
    try:
        for _ in dataset.iter_batches(batch_format="pyarrow", batch_size=None):
            pass
    except BaseException as error:  # noqa: BLE001  handed over to the thread that waits
        done.put(error)
    else:
        done.put(None)


def _stop(dataset: ray.data.Dataset) -> None:
    """End the execution and its actors; Ray offers no public way to do it from outside."""
    executor = dataset._current_executor
    if executor is not None:
        executor.shutdown(force=True)
