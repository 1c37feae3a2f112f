"""Whatever happens to a host while a run is at work: its result is the undisturbed run's, byte for
byte, and no question has two replies.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from hosts import Hosts
from planted_runs import Disturbed, wait_seconds

pytestmark = pytest.mark.cluster
Begun = Callable[[str], Disturbed]
CUT_S = 20
GATEWAY_AWAY_S = 5


def worker_at_work(hosts: Hosts, stage: str) -> str:
    """A worker that does the stage's work: where questions are asked, the one that asks."""
    found = hosts.node_of("Asker") if stage in ("extract", "vote") else hosts.workers[0]
    if found not in hosts.workers:
        raise AssertionError(f"{stage} is at work on no worker, but on {found}")
    return found


@pytest.mark.parametrize("stage", ["ingest", "extract", "vote"])
def test_a_worker_is_killed(hosts: Hosts, disturbed: Begun, tmp_path: Path, stage: str) -> None:
    run = disturbed(stage)
    hosts.kill(worker_at_work(hosts, stage))
    run.check(tmp_path)


def test_a_worker_is_cut_off_and_comes_back(hosts: Hosts, disturbed: Begun, tmp_path: Path) -> None:
    run = disturbed("extract")
    worker = worker_at_work(hosts, "extract")
    hosts.cut(worker)
    wait_seconds(CUT_S)
    hosts.heal(worker)
    run.check(tmp_path)


def test_the_head_is_killed_and_the_job_submitted_again(
    hosts: Hosts, disturbed: Begun, tmp_path: Path
) -> None:
    run = disturbed("extract")
    hosts.kill("head")
    hosts.restart()
    run.again()
    run.check(tmp_path)


@pytest.mark.parametrize("stage", ["ingest", "extract"])
def test_the_s3_gateway_is_killed_and_restarted(
    hosts: Hosts, disturbed: Begun, tmp_path: Path, stage: str
) -> None:
    run = disturbed(stage)
    hosts.kill_gateway()
    wait_seconds(GATEWAY_AWAY_S)
    hosts.start_gateway()
    run.check(tmp_path)


def test_the_driver_is_killed_and_the_job_submitted_again(disturbed: Begun, tmp_path: Path) -> None:
    run = disturbed("vote")
    run.job.kill_driver()
    assert run.job.wait() == "FAILED"
    run.again()
    run.check(tmp_path)


def test_the_disk_of_a_worker_is_full(hosts: Hosts, disturbed: Begun, tmp_path: Path) -> None:
    run = disturbed("ingest")
    hosts.fill_disk("w1")
    try:
        status = run.job.wait()
    finally:
        hosts.free_disk("w1")
    if status == "FAILED":
        hosts.mend()
        run.again()
    run.check(tmp_path)
