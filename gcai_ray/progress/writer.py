"""A run as it goes → `progress/<run id>.json`, by a thread of the driver's own.

Nothing here may fail a run or slow it: the thread writes, the run only notes; a write that fails is
said once and tried again seconds later. The one place where failures of the storage are swallowed.
"""

from __future__ import annotations

import json
import logging
import os
import socket
import sys
import threading
import time
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime

from gcai_ray import __version__
from gcai_ray.artifacts import Artifact
from gcai_ray.errors import GcaiError, RepliesPending
from gcai_ray.progress import executions
from gcai_ray.progress.board import Board
from gcai_ray.progress.pace import Pace, seconds_left
from gcai_ray.progress.schema import FOLDER, Progress, RunState, StageProgress, StageState
from gcai_ray.storage import Storage

LOG = logging.getLogger("gcai_ray")
EVERY_S = 5.0
LAST_WRITE_S = 10.0  # what a run waits for its last words to be written
KEPT_RUNS = 5
ENDED = {RunState.FAILED: StageState.FAILED, RunState.WAITING: StageState.WAITING}
REPLIES = "replies"


class Reporter:
    """Tells how far one run is. Nothing is written before a stage runs: a run that finds all of its
    stages finished changes nothing below its root.
    """

    def __init__(self, storage: Storage, name: str, stages: Sequence[str]) -> None:
        self._storage, self._name = storage, name
        self._started_at = datetime.now(UTC)
        self._run = f"{self._started_at:%Y%m%dT%H%M%SZ}-{uuid.uuid4().hex[:8]}"
        self._stages = {stage: StageProgress(name=stage) for stage in stages}
        self._running: _Running | None = None
        self._ray_job: str | None = None
        self._state, self._error = RunState.RUNNING, ""
        self._thread: threading.Thread | None = None
        self._wake = threading.Event()
        self._said = False

    def begin(self, stage: str, board: Board) -> None:
        """A stage is about to run; it notes on the board."""
        self._running, self._ray_job = _Running(stage, board), ray_job()
        if self._thread is None:
            self._thread = threading.Thread(target=self._tell, name="gcai-progress", daemon=True)
            self._thread.start()
        self._wake.set()

    def end(self, stage: str, artifact: Artifact, kept: bool) -> None:
        """A stage is finished, or was found finished."""
        rows = {table: num for table, num in artifact.manifest.num_rows.items() if num}
        questions = artifact.manifest.counts.get("num_questions")
        known = StageProgress(
            name=stage,
            state=StageState.KEPT if kept else StageState.DONE,
            num_rows=rows,
            num_questions=questions,
            num_answered=questions,
        )
        if self._running is not None and self._running.stage == stage:
            known = known.model_copy(update=self._running.spent())
        self._stages[stage], self._running, self._ray_job = known, None, ray_job()
        self._wake.set()

    def stop(self, state: RunState, error: str = "") -> None:
        """The run is over. Waits a little for that to be written."""
        if self._running is not None:
            ended = self._running.progress(ENDED.get(state, StageState.FAILED))
            self._stages[self._running.stage], self._running = ended, None
        self._error, self._state = error, state
        self._wake.set()
        if self._thread is not None:
            self._thread.join(LAST_WRITE_S)

    def progress(self) -> Progress:
        """How far the run is now."""
        running = self._running
        told = {running.stage: running.progress(StageState.RUNNING)} if running else {}
        return Progress(
            run=self._run,
            name=self._name,
            state=self._state,
            error=self._error or None,
            stages=tuple({**self._stages, **told}.values()),
            started_at=self._started_at,
            updated_at=datetime.now(UTC),
            host=socket.gethostname(),
            pid=os.getpid(),
            ray_job=self._ray_job,
            version=__version__,
        )

    def _tell(self) -> None:
        is_first = True
        while True:
            is_over = self._state is not RunState.RUNNING
            if self._written() and is_first:
                is_first = False
                self._prune()
            if is_over:
                return
            self._wake.wait(EVERY_S)
            self._wake.clear()

    def _written(self) -> bool:
        data = self.progress().model_dump_json(indent=1).encode()
        try:
            self._storage.replace(data, FOLDER, f"{self._run}.json")
        except OSError as error:  # a StorageError too
            self._say(error)
            return False
        return True

    def _prune(self) -> None:
        """Keep the files of the last few runs; names begin with the time of the start."""
        try:
            names = [name for name in self._storage.names(FOLDER) if name.endswith(".json")]
            for name in names[:-KEPT_RUNS]:
                self._storage.remove(FOLDER, name)
        except OSError as error:  # not ours to remove, or another run was quicker
            self._say(error)

    def _say(self, error: OSError) -> None:
        if not self._said:
            LOG.warning(f"progress is not noted for `gcai status`; the run goes on: {error}")
        self._said = True


class _Running:
    """The stage that runs now."""

    def __init__(self, stage: str, board: Board) -> None:
        self.stage, self._board = stage, board
        self._started = time.monotonic()
        self._pace = Pace()

    def spent(self) -> dict[str, float]:
        """What the stage took so far, as fields of `StageProgress`."""
        return {
            "seconds": round(time.monotonic() - self._started, 1),
            "num_replies": self._board.num_replies,
            "num_prompt_tokens": self._board.num_prompt_tokens,
            "num_completion_tokens": self._board.num_completion_tokens,
        }

    def progress(self, state: StageState) -> StageProgress:
        """All that is known now."""
        board, is_asking = self._board, self._board.doing == REPLIES
        is_reading = state is StageState.RUNNING and not is_asking  # of a dead run Ray is not asked
        execution = executions.current() if is_reading else None
        facts = {
            "num_questions": board.num_questions,
            "num_answered": board.num_answered,
            "num_in_flight": board.num_in_flight if is_asking else None,
        }
        if execution is not None:
            facts |= {
                "num_rows_done": execution.num_rows_done,
                "num_rows_total": execution.num_rows_total,
                "num_tasks_done": execution.num_tasks_done,
                "num_tasks_total": execution.num_tasks_total,
            }
        told = StageProgress.model_validate(
            {"name": self.stage, "state": state, "doing": board.doing, **self.spent(), **facts}
        )
        return told.model_copy(update=self._speed(told))

    def _speed(self, told: StageProgress) -> dict[str, float | str | None]:
        measures = (
            ("questions", told.num_in_flight is not None, told.num_answered, told.num_questions),
            ("rows", True, told.num_rows_done, told.num_rows_total),
            ("tasks", True, told.num_tasks_done, told.num_tasks_total),
        )
        for of, holds, done, total in measures:
            if holds and done is not None:
                self._pace.note((of, told.doing, total), done, time.monotonic())
                rate = self._pace.rate_per_s()
                left = seconds_left(done, total, rate)
                return {"rate_of": of, "rate_per_s": rate, "seconds_left": left}
        return {}


@contextmanager
def reporting(storage: Storage, name: str, stages: Sequence[str]) -> Iterator[Reporter]:
    """Tell of a run while the block runs, and how it ended."""
    reporter = Reporter(storage, name, stages)
    try:
        yield reporter
    except BaseException as error:
        reporter.stop(*_end_of(error))
        raise
    reporter.stop(RunState.DONE)


def _end_of(error: BaseException) -> tuple[RunState, str]:
    """How a run ended, in one line. Of an error that is not ours only the name: nobody has looked
    whether its text holds a secret.
    """
    line = " ".join(str(error).split())
    if isinstance(error, RepliesPending):
        return RunState.WAITING, line
    if isinstance(error, GcaiError):
        return RunState.FAILED, line
    if isinstance(error, (KeyboardInterrupt, SystemExit, GeneratorExit)):  # Ray: SIGTERM exits
        return RunState.FAILED, "interrupted; finished stages are kept, the same command goes on"
    return RunState.FAILED, f"{type(error).__name__}: an error of gcai itself; see the job's log"


def ray_job() -> str | None:
    """What `ray job logs` takes; of a run nobody submitted, Ray's own number of it; None before Ray
    is there.
    """
    submitted = os.environ.get("RAY_JOB_SUBMISSION_ID") or _of_job_config()
    if submitted or "ray" not in sys.modules:
        return submitted
    import ray

    return ray.get_runtime_context().get_job_id() if ray.is_initialized() else None


def _of_job_config() -> str | None:
    """The id that `ray job submit` hands to the driver, beside the runtime environment."""
    try:
        config = json.loads(os.environ.get("RAY_JOB_CONFIG_JSON_ENV_VAR", "{}"))
        return config.get("metadata", {}).get("job_submission_id")
    except (ValueError, AttributeError):
        return None
