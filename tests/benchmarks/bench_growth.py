"""Generated annotations on S3 → a constitution, on clusters of 1, 2 and 4 raylets: seconds, memory,
traffic, requests, files.

Run: .venv/bin/python -m tests.benchmarks.bench_growth [--rows 10000 100000] [--raylets 1 2 4]

Each raylet is a host in a network namespace with one CPU; the head runs the job's driver and no
task; `ray job submit` hands in `jobs/constitution.py` with the extractive engine. Every row has a
reason of its own (`growth_corpus`), so that the reply store answers nothing for free. All hosts
share this machine's cores, and the S3 server takes its part of them: more raylets than cores cannot
be faster. What the tables show is that nothing breaks, whether memory stays flat, and whether
requests grow with rows.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

TESTS = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(TESTS), str(TESTS / "cluster")]  # the cluster's modules import each other so

from bucket import Bucket  # noqa: E402
from hosts import Hosts, missing  # noqa: E402
from submitted import Job, checkout  # noqa: E402

from tests.benchmarks.growth_corpus import source, write_files  # noqa: E402
from tests.benchmarks.growth_meters import Memory, Moved, Requests, moved  # noqa: E402
from tests.benchmarks.measure import print_table  # noqa: E402

STAGES = ("ingest", "extract", "embed", "distill", "vote", "ratify", "evaluate", "report")
KINDS = ("GET", "HEAD", "LIST", "PUT", "POST", "DELETE", "404", "errors")
BIG_TABLES = ("preferences", "requests", "replies", "candidates", "embeddings", "members")
BIG_TABLES += ("matches",)
MIB = 2**20
CAPTION = f"""
All hosts and the S3 server share {os.cpu_count()} cores: more raylets than cores cannot be faster.
Every row has a reason of its own: the reply store answers nothing for free."""
SHORT = ((2_000,), (1, 2))
LOOK = """
import json, sys
from gcai_ray.runs import open_run
print(json.dumps([of.manifest.model_dump() for of in open_run(sys.argv[1]).values()]))
"""
ROWS_A_SECOND = 5  # below this a run is given up


@dataclass(frozen=True)
class Grown:
    """What one run took. `parts`: bytes of every file of a table that a manifest names."""

    num_rows: int
    num_raylets: int
    seconds: dict[str, float]
    wall_s: float
    peak_mb: dict[str, float]
    moved: dict[str, Moved]
    requests: Counter[str]
    num_objects: int
    parts: dict[str, list[int]]
    counts: dict[str, int]


def main() -> None:
    """Print a row of every table as soon as it is known, and all of them at the end."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--rows", type=int, nargs="+", default=SHORT[0])
    parser.add_argument("--raylets", type=int, nargs="+", default=SHORT[1])
    options = parser.parse_args()
    reason = missing()
    if reason:
        print(f"growth: skipped, {reason}")
        return
    runs = []
    for num_rows in options.rows:
        for num_raylets in options.raylets:
            runs.append(measure(num_rows, num_raylets))
            print_runs(runs[-1:])
    if len(runs) > 1:
        print_runs(runs)


def measure(num_rows: int, num_raylets: int) -> Grown:
    """One run on a cluster of its own."""
    with tempfile.TemporaryDirectory(prefix="growth-") as name:
        folder = Path(name)
        hosts = Hosts(folder / "hosts", num_workers=num_raylets, cpus=1)
        try:
            hosts.up()
            bucket = Bucket(hosts)
            bucket.create()
            job = prepared(hosts, bucket, folder, num_rows)
            return run(hosts, bucket, job, num_rows, num_raylets)
        finally:
            hosts.down()


def prepared(hosts: Hosts, bucket: Bucket, folder: Path, num_rows: int) -> Job:
    """The corpus on S3 and the job that reads it, not handed in yet."""
    for file in write_files(folder, num_rows):
        bucket.put(file, f"data/{file.name}")
        file.unlink()
    code = folder / "code"
    code.mkdir()
    checkout(code)
    config = {
        "name": "growth",
        "root": bucket.url("run"),
        "sources": [source(bucket.url("data/*.csv"))],
    }
    (code / "growth.yaml").write_text(yaml.safe_dump(config), encoding="utf-8")
    return Job(hosts, code, ["growth.yaml"])


def run(hosts: Hosts, bucket: Bucket, job: Job, num_rows: int, num_raylets: int) -> Grown:
    """Hand the job in, watch it, and look at what it left."""
    requests, before = Requests(hosts), moved(hosts)
    started = time.monotonic()
    with Memory(hosts) as memory:
        job.submit().succeed(timeout_s=300 + num_rows / ROWS_A_SECOND)
        wall_s = time.monotonic() - started
    counted, after = requests.counted(), moved(hosts)
    manifests = _manifests(hosts, bucket, job.folder)
    return Grown(
        num_rows=num_rows,
        num_raylets=num_raylets,
        seconds={of["artifact"]: of["seconds"] for of in manifests},
        wall_s=wall_s,
        peak_mb=memory.peak_mb,
        moved={node: now.since(before[node]) for node, now in after.items()},
        requests=counted,
        num_objects=len(bucket.keys("run/")),
        parts=_parts(manifests),
        counts={table: num for of in manifests for table, num in of["num_rows"].items()},
    )


def _manifests(hosts: Hosts, bucket: Bucket, code: Path) -> list[dict[str, Any]]:
    """Those of the run's stages, read on the client's machine."""
    done = hosts.exec("cli", "python", "-c", LOOK, bucket.url("run"), cwd=code)
    if done.returncode:
        raise RuntimeError(f"the run cannot be read: {done.stderr[-2000:]}")
    return json.loads(done.stdout)


def _parts(manifests: list[dict[str, Any]]) -> dict[str, list[int]]:
    found: dict[str, list[int]] = {}
    for part in (part for of in manifests for part in of["parts"]):
        if part["table"] in BIG_TABLES:
            found.setdefault(part["table"], []).append(part["size_bytes"])
    return found


def print_runs(runs: list[Grown]) -> None:
    """The tables of some runs."""
    heads = [[f"{of.num_rows:,}", str(of.num_raylets)] for of in runs]
    tables = (
        (
            "seconds of the stages, and from `ray job submit` to the job's end",
            _seconds,
        ),
        ("peak MB of a node (PSS of all its processes); worker: the largest", _memory),
        ("MB over the nodes' network interfaces; worker: all of them", _moved),
        ("S3 requests by the gateway's log; objects below the root", _requests),
        ("MB of part files: number, smallest, median, largest", _sizes),
        ("rows of tables", _counts),
    )
    for title, cells_of in tables:
        cells = [cells_of(of) for of in runs]
        names = list(dict.fromkeys(name for one in cells for name in one))
        body = [
            [*head, *(one.get(name, "") for name in names)]
            for head, one in zip(heads, cells, strict=True)
        ]
        print_table(title, ["rows", "raylets", *names], body)
    print(CAPTION, flush=True)


def _seconds(of: Grown) -> dict[str, str]:
    stages = {name: f"{of.seconds[name]:.1f}" for name in STAGES if name in of.seconds}
    return stages | {"whole": f"{of.wall_s:.0f}"}


def _memory(of: Grown) -> dict[str, str]:
    worker = max(size for node, size in of.peak_mb.items() if node.startswith("w"))
    sizes = {"head": of.peak_mb["head"], "worker": worker, "S3": of.peak_mb["s3"]}
    return {name: f"{size:,.0f}" for name, size in sizes.items()}


def _moved(of: Grown) -> dict[str, str]:
    workers = [moved for node, moved in of.moved.items() if node.startswith("w")]
    both = Moved(sum(one.bytes_in for one in workers), sum(one.bytes_out for one in workers))
    sums = {"head": of.moved["head"], "workers": both, "S3": of.moved["s3"]}
    return {
        f"{name} {way}": f"{size / MIB:,.0f}"
        for name, one in sums.items()
        for way, size in (("in", one.bytes_in), ("out", one.bytes_out))
    }


def _requests(of: Grown) -> dict[str, str]:
    return {kind: f"{of.requests[kind]:,}" for kind in KINDS} | {"objects": f"{of.num_objects:,}"}


def _sizes(of: Grown) -> dict[str, str]:
    return {
        name: " ".join(
            (f"{len(sizes)}:", *(_mib(of_all(sizes)) for of_all in (min, statistics.median, max)))
        )
        for name, sizes in of.parts.items()
    }


def _mib(size: float) -> str:
    return f"{size / MIB:.3g}"


def _counts(of: Grown) -> dict[str, str]:
    return {name: f"{of.counts[name]:,}" for name in BIG_TABLES if name in of.counts}


if __name__ == "__main__":
    main()
