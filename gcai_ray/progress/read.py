"""`progress/*.json` → the runs that are known of. What is no such file is passed over.

Knows no words for people.
"""

from __future__ import annotations

from datetime import datetime

from pydantic import ValidationError

from gcai_ray.errors import ArtifactError
from gcai_ray.progress.schema import FOLDER, Progress, RunState
from gcai_ray.storage import Storage

LOST_S = 120.0  # two machines' clocks differ: below this nobody is called dead
SPARED_S = 600.0  # a storage that takes no writes for minutes silences a run that lives


def noted_runs(storage: Storage) -> list[Progress]:
    """Every run of which a file stands there, oldest first."""
    found = []
    for name in storage.names(FOLDER):
        if name.endswith(".json") and not name.startswith("."):
            found += _read(storage, name)
    return sorted(found, key=lambda run: (run.started_at, run.run))


def _read(storage: Storage, name: str) -> list[Progress]:
    try:
        return [Progress.model_validate_json(storage.read(FOLDER, name))]
    except (FileNotFoundError, ValidationError):  # removed just now; not ours
        return []


def live_runs(
    storage: Storage, now: datetime | None = None, max_age_s: float = SPARED_S
) -> list[Progress]:
    """Runs below a root that say `running` and gave a sign of life within `max_age_s`, oldest
    first. A run that waits for batch replies has ended and is none of them.
    """
    return [
        run
        for run in noted_runs(storage)
        if run.state is RunState.RUNNING and run.age_s(now) <= max_age_s
    ]


def is_lost(run: Progress, now: datetime | None = None) -> bool:
    """Whether a run says `running` but gave no sign of life for two minutes."""
    return run.state is RunState.RUNNING and run.age_s(now) > LOST_S


def latest_run(storage: Storage, now: datetime | None = None) -> Progress:
    """The newest run that is alive, else the newest.

    Raises:
        ArtifactError: no run has noted anything below this root.
    """
    runs = noted_runs(storage)
    if not runs:
        raise ArtifactError(
            f"{storage.root}: no run has noted its progress here; give the `root` of a "
            "configuration that was run (`gcai show` lists what is finished there)"
        )
    alive = [run for run in runs if run.state is RunState.RUNNING and not is_lost(run, now)]
    return (alive or runs)[-1]
