"""A run's root → what `gcai status` prints, once or until the run ends."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime

from gcai_ray.progress.read import is_lost, latest_run
from gcai_ray.progress.schema import Progress, RunState
from gcai_ray.progress.text import status_text
from gcai_ray.storage import Storage

REDRAW_S = 2.0
CLEAR = "\x1b[H\x1b[J"  # cursor to the corner, rest of the screen erased


def status(root: str, as_json: bool) -> str:
    """How far the newest run below a root is.

    Raises:
        ArtifactError: no run has noted anything there.
    """
    return _shown(_found(root), as_json)


def watch(root: str, as_json: bool) -> Iterator[str]:
    """The same again and again, until the run has ended or gives no sign of life; a terminal is
    redrawn, anything else gets what changed.
    """
    before = None
    while True:
        run = _found(root)
        if sys.stdout.isatty() and not as_json:
            yield CLEAR + _shown(run, as_json)
        elif run != before:
            yield _shown(run, as_json)
        before = run
        if run.state is not RunState.RUNNING or is_lost(run):
            return
        time.sleep(REDRAW_S)


def _found(root: str) -> Progress:
    storage = Storage(root)
    storage.greet()
    return latest_run(storage)


def _shown(run: Progress, as_json: bool) -> str:
    now = datetime.now(UTC)
    if not as_json:
        return status_text(run, now)
    seen = {"is_lost": is_lost(run, now), "seconds_since_update": round(run.age_s(now), 1)}
    return json.dumps(run.model_dump(mode="json") | seen, indent=2, ensure_ascii=False)
