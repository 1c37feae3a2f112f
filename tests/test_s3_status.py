"""Progress on S3: read from another process, and a store that takes none of it."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time

import pytest
from fault_proxy import FaultProxy
from progress_runs import noted, write_noted

from gcai_ray.progress import Board, RunState, live_runs, noted_runs
from gcai_ray.progress import writer as writer_module
from gcai_ray.progress.schema import FOLDER
from gcai_ray.progress.writer import KEPT_RUNS, reporting
from gcai_ray.storage import Storage

STATUS = [sys.executable, "-m", "gcai_ray.cli", "status"]


def until_noted(storage: Storage) -> None:
    deadline = time.monotonic() + 30
    while not any(run.name == "on s3" for run in noted_runs(storage)):
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_a_run_on_s3_is_seen_from_another_process(s3_root: str) -> None:
    storage = Storage(s3_root)
    for number in range(KEPT_RUNS + 2):
        write_noted(storage, noted(run=f"20200101T00000{number}Z", state=RunState.DONE))
    with reporting(storage, "on s3", ["ingest", "extract"]) as reporter:
        reporter.begin("ingest", Board())
        until_noted(storage)
        output = subprocess.run([*STATUS, s3_root, "--json"], capture_output=True, check=True)
        facts = json.loads(output.stdout)
        assert [run.name for run in live_runs(storage)] == ["on s3"]
    assert (facts["name"], facts["state"], facts["is_lost"]) == ("on s3", "running", False)
    assert [stage["state"] for stage in facts["stages"]] == ["running", "to do"]
    runs = noted_runs(storage)
    assert (len(runs), runs[-1].name, live_runs(storage)) == (KEPT_RUNS, "on s3", [])


def test_a_store_that_refuses_progress_holds_up_no_run(
    s3_root: str, proxy: FaultProxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writer_module, "LAST_WRITE_S", 1.0)
    storage = Storage(s3_root)
    proxy.fail("error", method="PUT", key=f"/{FOLDER}/")
    before = time.monotonic()
    with reporting(storage, "on s3", ["ingest"]) as reporter:
        reporter.begin("ingest", Board())
        storage.write(b"rows", "part")  # the run's own writes go on
    assert time.monotonic() - before < 5
    assert storage.read("part") == b"rows"
    proxy.heal()
    for thread in threading.enumerate():
        if thread.name == "gcai-progress":
            thread.join(60)
    assert noted_runs(storage)[-1].state is RunState.DONE  # told when the store took it again
