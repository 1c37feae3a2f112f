"""The README's road: `ray job submit` from a client's machine, real annotations on S3, and the same
constitution as on one machine.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import yaml
from bucket import Bucket
from hosts import Hosts
from places import ROOT
from planted_runs import on_s3, run_here
from same_result import repeated_questions
from submitted import submission

pytestmark = pytest.mark.cluster
JOB_S = 600
CONFIG = "jobs/real_cpu.yaml"


def test_the_readmes_command_gives_the_constitution_of_one_machine(
    hosts: Hosts, bucket: Bucket, code: Path, shared_data: Path, tmp_path: Path
) -> None:
    """Also with a worker killed half way."""
    sources = yaml.safe_load((ROOT / CONFIG).read_text(encoding="utf-8"))["sources"]
    tables = [source | {"path": str(ROOT / source["path"])} for source in sources[:2]]
    changes = [*on_s3(bucket, tables, "data/real"), f"root={bucket.url('runs/real')}"]
    here = [f"sources.{n}.path={source['path']}" for n, source in enumerate(tables)]
    for field in ("comments", "votes"):
        file = shared_data / "ccai" / Path(sources[2][field]).name
        changes.append(f"sources.2.{field}={bucket.put(file, f'data/real/{file.name}')}")
        here.append(f"sources.2.{field}={file}")
    options = [part for change in changes for part in ("--set", change)]
    command = [*submission(hosts), CONFIG, *options]
    with ThreadPoolExecutor(1) as one:
        job = one.submit(hosts.exec, "cli", *command, timeout_s=JOB_S)
        bucket.wait_until_at_work("runs/real", "extract", 1, lambda: not job.done())
        hosts.kill(hosts.node_of("AnsweringActor") or "nowhere")
        done = job.result()
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    [url] = [line.split()[-1] for line in done.stdout.splitlines() if "constitution.json" in line]
    found = bucket.get_folder("runs/real", tmp_path / "found")
    run_here(code, ROOT / CONFIG, tmp_path / "here", *here, "ray.num_cpus=2")
    place = url.removeprefix(bucket.url("runs/real/"))
    assert (found / place).read_bytes() == (tmp_path / "here" / place).read_bytes()
    assert repeated_questions(found) == {}


def test_a_bad_configuration_ends_with_one_line(hosts: Hosts, bucket: Bucket) -> None:
    wrong = ["--set", f"root={bucket.url('runs/bad')}", "--set", "sources.0.path=s3://gcai/no.csv"]
    done = hosts.exec("cli", *submission(hosts), "jobs/demo.yaml", *wrong)
    assert done.returncode != 0
    # Ray shows the end of the log a second time, with the job's status.
    said = {line for line in done.stdout.splitlines() if line.startswith("gcai:")}
    assert len(said) == 1
    assert "s3://gcai/no.csv" in said.pop()
    assert "Traceback" not in done.stdout
