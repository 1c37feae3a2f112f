"""A rank, a host and the driver are killed while a model is tuned on two hosts with everything on
S3: the losses are those of an undisturbed run, so nothing was learnt twice or left out.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from bucket import Bucket
from conftest import ModelHost
from hosts import POLL_S, Hosts
from planted_runs import run_here
from servers.launch import Scripted
from submitted import Job
from tuning_runs import curve, write_tuning_job

from gcai_ray.runs import open_run

pytestmark = pytest.mark.cluster
JOB_S = 900
WATCH_S = 300
PHASE = {"batch_size": 8, "every": 3}
SHORT = {
    "sft": PHASE | {"learning_rate": 1e-2, "max_steps": 45},
    "dpo": PHASE | {"learning_rate": 1e-3, "max_steps": 24},
    # All of a worker host: each rank has a host of its own.
    "where": {"device": "cpu", "num_workers": 2, "cpus_per_worker": 2},
}
RANK = "[R]ayTrainWorker"


@pytest.fixture
def model(hosts: Hosts) -> Iterator[Scripted]:
    """Who answers and revises."""
    with ModelHost(hosts) as running:
        yield running


def test_a_rank_a_host_and_the_driver_are_killed_and_the_losses_are_the_undisturbed_ones(
    hosts: Hosts,
    bucket: Bucket,
    code: Path,
    model: Scripted,
    tiny_model: Path,
    tmp_path: Path,
) -> None:
    root = "runs/tuning"
    told = configured(bucket, code, model, tiny_model, root)
    # The hosts' names lead nowhere, and gloo would go by them.
    job = Job(hosts, code, told, {"GLOO_SOCKET_IFNAME": "eth0"}).submit()
    wait_for_checkpoint(bucket, root, "sft", 1, job)
    kill_rank(hosts, hosts.node_of("RayTrainWorker"))
    wait_for_checkpoint(bucket, root, "sft", 8, job)
    lost = hosts.node_of("RayTrainWorker") or "nowhere"
    hosts.kill(lost)
    hosts.start(lost)
    wait_for_checkpoint(bucket, root, "dpo", 1, job)
    job.kill_driver()
    assert job.wait() == "FAILED"
    job.again().succeed(JOB_S)
    found = open_run(str(bucket.get_folder(root, tmp_path / "found")))
    undisturbed = reference(code, tmp_path, tiny_model)
    for objective, num in (("sft", 45), ("dpo", 24)):
        for name in ("loss", "eval_loss"):
            ours, theirs = (
                curve(of["tune"].read("metrics").to_pylist(), objective, name)
                for of in (found, undisturbed)
            )
            assert ours == pytest.approx(theirs, abs=1e-3)
            assert max(ours) == num
    keys = bucket.keys(f"{root}/tune/")
    assert sum(key.endswith("manifest.json") for key in keys) == 1


def configured(bucket: Bucket, code: Path, model: Scripted, base: Path, root: str) -> list[str]:
    """Upload what the job reads; the arguments of its script."""
    folder = code / "tuning"
    folder.mkdir()
    write_tuning_job(folder, model, base, **SHORT)
    bucket.put_folder(base, "models/tiny")
    changes = [
        f"root={bucket.url(root)}",
        f"constitution={bucket.put(folder / 'given.json', 'data/tuning/given.json')}",
        f"prompts.sources.0.path={bucket.put(folder / 'prompts.jsonl', 'data/tuning/p.jsonl')}",
        f"tune.model={bucket.url('models/tiny')}",
    ]
    options = [part for change in changes for part in ("--set", change)]
    return ["tuning/job.yaml", *options]


def reference(code: Path, folder: Path, base: Path) -> dict:
    """The same on this machine, undisturbed."""
    own = folder / "reference"
    own.mkdir()
    with Scripted() as server:
        where = SHORT["where"] | {"cpus_per_worker": 1}
        job = write_tuning_job(own, server, base, **(SHORT | {"where": where}))
        run_here(code, job, own / "run", "ray.num_cpus=2")
    return dict(open_run(str(own / "run")))


def wait_for_checkpoint(bucket: Bucket, root: str, objective: str, at_least: int, job: Job) -> None:
    """Wait until a checkpoint of at least so many updates stands.

    Raises AssertionError when the job has ended before, or nothing came in time.
    """
    deadline = time.monotonic() + WATCH_S
    while True:
        keys = [key for key in bucket.keys(f"{root}/training/") if "/step-" in key]
        own = [key for key in keys if f"/{objective}/" in key]
        steps = [int(key.split("/step-")[1].split("/")[0]) for key in own]
        if any(step >= at_least for step in steps):
            return
        if time.monotonic() > deadline or not job.goes_on():
            raise AssertionError(
                f"no checkpoint of {objective} from update {at_least} on: {steps} of "
                f"{keys[-3:]}; the job's log: {job.log()[-5000:]}"
            )
        time.sleep(POLL_S)


def kill_rank(hosts: Hosts, node: str | None) -> None:
    """SIGKILL the training worker of a host."""
    done = hosts.exec(node or "nowhere", "bash", "-c", f"kill -9 $(pgrep -f '{RANK}' | head -1)")
    if done.returncode:
        raise RuntimeError(f"no rank was killed on {node}: {done.stderr}")
