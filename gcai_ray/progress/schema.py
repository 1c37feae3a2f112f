"""How far a run is: one JSON file a run, `<root>/progress/<run id>.json`. Counts, names and times
only: no setting, no secret, nobody's words but the one line a failed run ends with.

Knows not how any of it is found out.
"""

from __future__ import annotations

from datetime import UTC, datetime
from enum import StrEnum

from pydantic import AwareDatetime, BaseModel, ConfigDict, NonNegativeInt

FOLDER = "progress"


class RunState(StrEnum):
    """What a run says of itself. A killed run goes on saying `running`."""

    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    WAITING = "waiting"  # for replies to batch files


class StageState(StrEnum):
    """What became of one stage."""

    TO_DO = "to do"
    KEPT = "kept"  # finished before this run began
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    WAITING = "waiting"


class StageProgress(BaseModel):
    """One stage. What is not known is None.

    `doing`: the table that is being written, or `replies` while questions are asked.
    `num_rows_done`, `num_rows_total`: rows of the inputs gone through for `doing`, to the nearest
    piece of work (no total while files are read for the first time).
    `num_tasks_done`, `num_tasks_total`: those pieces.
    `num_questions`, `num_answered`, `num_in_flight`: distinct questions of the stage; tokens and
    `num_replies` are what this run has been sent.
    `rate_per_s`: of `rate_of` (questions, rows or tasks), over the last minutes; `seconds_left`:
    until `doing` is done.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    name: str
    state: StageState = StageState.TO_DO
    seconds: float | None = None
    num_rows: dict[str, NonNegativeInt] = {}
    doing: str | None = None
    num_rows_done: NonNegativeInt | None = None
    num_rows_total: NonNegativeInt | None = None
    num_tasks_done: NonNegativeInt | None = None
    num_tasks_total: NonNegativeInt | None = None
    num_questions: NonNegativeInt | None = None
    num_answered: NonNegativeInt | None = None
    num_in_flight: NonNegativeInt | None = None
    num_replies: NonNegativeInt = 0
    num_prompt_tokens: NonNegativeInt = 0
    num_completion_tokens: NonNegativeInt = 0
    rate_of: str | None = None
    rate_per_s: float | None = None
    seconds_left: float | None = None


class Progress(BaseModel):
    """One run, from its start to its end. Times are UTC by the clock of the machine that runs it.

    `updated_at`: the last sign of life. `ray_job`: what `ray job logs` takes, or Ray's own number
    of a job that was not submitted.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    run: str
    name: str
    state: RunState
    error: str | None = None
    stages: tuple[StageProgress, ...]
    started_at: AwareDatetime
    updated_at: AwareDatetime
    host: str
    pid: int
    ray_job: str | None = None
    version: str

    @property
    def running(self) -> StageProgress | None:
        """The stage that is being run, or that the run ended in."""
        told = (StageState.RUNNING, StageState.FAILED, StageState.WAITING)
        return next((stage for stage in self.stages if stage.state in told), None)

    def age_s(self, now: datetime | None = None) -> float:
        """Seconds since the last sign of life, 0 where the writer's clock is ahead of ours."""
        return max(0.0, ((now or datetime.now(UTC)) - self.updated_at).total_seconds())
