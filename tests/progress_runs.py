"""Runs as their files tell of them, which the tests of progress share."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from gcai_ray.progress import Progress, RunState, StageProgress, StageState
from gcai_ray.progress.schema import FOLDER
from gcai_ray.storage import Storage

NOW = datetime(2024, 3, 4, 14, 5, 30, tzinfo=UTC)
DONE = StageProgress(
    name="ingest",
    state=StageState.DONE,
    seconds=3.1,
    num_rows={"preferences": 84_445, "statements": 12, "rejects": 3},
)


def noted(
    *stages: StageProgress,
    run: str = "20240304T120000Z-0001",
    state: RunState = RunState.RUNNING,
    age_s: float = 3,
    started_h: float = 0,
    error: str | None = None,
) -> Progress:
    """A run that started at noon, or `started_h` hours after the day began."""
    day = NOW.replace(hour=0, minute=0, second=0)
    return Progress(
        run=run,
        name="demo",
        state=state,
        error=error,
        stages=stages or (DONE, StageProgress(name="extract", state=StageState.RUNNING)),
        started_at=day + timedelta(hours=started_h or 12),
        updated_at=NOW - timedelta(seconds=age_s),
        host="head-0",
        pid=4121,
        ray_job="raysubmit_x7",
        version="0",
    )


def write_noted(storage: Storage, run: Progress) -> None:
    """Write a run's file as a driver does."""
    storage.replace(run.model_dump_json().encode(), FOLDER, f"{run.run}.json")
