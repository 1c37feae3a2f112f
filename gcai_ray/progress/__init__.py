"""How far a run is, while it runs: noted by the driver, read from anywhere."""

from gcai_ray.progress.board import Board, Heard
from gcai_ray.progress.read import is_lost, latest_run, live_runs, noted_runs
from gcai_ray.progress.schema import Progress, RunState, StageProgress, StageState

__all__ = [
    "Board",
    "Heard",
    "Progress",
    "RunState",
    "StageProgress",
    "StageState",
    "is_lost",
    "latest_run",
    "live_runs",
    "noted_runs",
]
