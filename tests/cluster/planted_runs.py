"""A planted corpus and a scripted model → one undisturbed run on this machine, and the same run
begun on a namespace cluster, up to a stage that is to be disturbed.
"""

from __future__ import annotations

import csv
import os
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from bucket import Bucket
from hosts import Hosts
from same_result import differences, repeated_questions
from servers.launch import Scripted
from servers.planted import write_corpus
from submitted import Job

from gcai_ray.asking.recorder import MIN_PART_ROWS, SEND_ROWS

STAGES = ("ingest", "extract", "embed", "distill", "vote")
NUM_ANNOTATIONS = 400
NUM_FILES = 24  # each is a task of its own: a worker dies among tasks, not between them
LOCAL_S = 600
CONCURRENCY = 16
# What a crash may cost: questions in flight, replies not sent on, replies not written (recorder).
MAX_PAID_TWICE = CONCURRENCY + SEND_ROWS + MIN_PART_ROWS
# 16 slots of 0.5 s: extract's 400 questions take 12 s, so that a fault hits some of them.
SLOW = {"latency_ms": 500, "slots": CONCURRENCY}
Sources = list[dict[str, Any]]


@dataclass(frozen=True)
class Reference:
    """The undisturbed run of `config`, a file in `code`, in the folder `root`."""

    code: Path
    config: Path
    root: Path


def run_here(code: Path, config: Path, root: Path, *changes: str) -> None:
    """Run the job's script on this machine alone.

    Raises RuntimeError with what it printed when it does not end well.
    """
    command = [sys.executable, "jobs/constitution.py", str(config), "--set", f"root={root}"]
    command += [part for change in changes for part in ("--set", change)]
    kept = {name: value for name, value in os.environ.items() if name != "RAY_ADDRESS"}
    done = subprocess.run(
        command,
        cwd=code,
        env=kept | {"PYTHONPATH": str(code)},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=LOCAL_S,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(f"exit code {done.returncode}: {done.stdout[-2000:]}{done.stderr}")


def in_many_files(source: dict[str, Any]) -> dict[str, Any]:
    """The source with its one file cut into many; its `path` becomes a pattern."""
    file = Path(source["path"])
    with file.open(newline="", encoding="utf-8") as text:
        rows = list(csv.DictReader(text))
    for number in range(NUM_FILES):
        with file.with_stem(f"{file.stem}-{number:02}").open("w", newline="") as out:
            writer = csv.DictWriter(out, list(rows[0]))
            writer.writeheader()
            writer.writerows(rows[number::NUM_FILES])
    file.unlink()
    return source | {"path": str(file.with_stem(f"{file.stem}-*"))}


def reference_run(code: Path, folder: Path) -> Reference:
    """Write the corpus and its configuration, and run it here with a model that answers at once."""
    sources = write_corpus(folder / "data", NUM_ANNOTATIONS, noise=0.1, seed=1)["sources"]
    with Scripted() as server:
        engine = {"name": "openai", "model": "scripted", "base_url": server.base_url}
        settings = {
            "name": "disturbed",
            "root": str(folder / "run"),
            "sources": [in_many_files(sources[0]), sources[1]],
            "engine": engine | {"concurrency": CONCURRENCY},
            "ray": {"num_cpus": 2},
            "evaluate": {"icai": False, "num_pairs": 20, "num_resamples": 0},
        }
        config = code / "disturbed.yaml"
        config.write_text(yaml.safe_dump(settings), encoding="utf-8")
        run_here(code, config, folder / "run")
    return Reference(code, config, folder / "run")


def on_s3(bucket: Bucket, sources: Sources, prefix: str) -> list[str]:
    """Upload the files of sources; the changes of the configuration that read them there."""
    changes = []
    for number, source in enumerate(sources):
        pattern = Path(source["path"])
        for file in sorted(pattern.parent.glob(pattern.name)):
            bucket.put(file, f"{prefix}/{file.name}")
        changes.append(f"sources.{number}.path={bucket.url(f'{prefix}/{pattern.name}')}")
    return changes


@dataclass
class Disturbed:
    """A run that repeats the reference on a cluster, below `root` in the bucket. Begins at `stage`:
    what comes before is there already, and so are the replies that the other stages need.
    """

    hosts: Hosts
    bucket: Bucket
    reference: Reference
    server: Scripted
    root: str
    stage: str
    changes: list[str]

    def begin(self) -> None:
        """Submit the job, and wait until the stage is at work."""
        for name in STAGES[: STAGES.index(self.stage)]:
            self.bucket.put_folder(self.reference.root / name, f"{self.root}/{name}")
        for folder in sorted((self.reference.root / "replies").iterdir()):
            if folder.name != self.stage:
                self.bucket.put_folder(folder, f"{self.root}/replies/{folder.name}")
        told = [f"root={self.bucket.url(self.root)}", f"engine.base_url={self.server.base_url}"]
        options = [part for change in (*told, *self.changes) for part in ("--set", change)]
        config = self.reference.config.name
        self.job = Job(self.hosts, self.reference.code, [config, *options]).submit()
        self.bucket.wait_until_at_work(self.root, self.stage, 2, self.job.goes_on)

    def again(self) -> None:
        """Submit the same job again."""
        self.job = self.job.again()

    def check(self, folder: Path) -> None:
        """Wait for its good end; the result must be the reference's."""
        self.job.succeed()
        found = self.bucket.get_folder(self.root, folder)
        (folder / "job.log").write_text(self.job.log(), encoding="utf-8")  # for a person to read
        assert differences(found, self.reference.root) == []
        assert repeated_questions(found) == {}
        asked = self.server.log()["questions"].values()
        assert sum(max(0, of["num_good"] - 1) for of in asked) <= MAX_PAID_TWICE


def wait_seconds(seconds: float) -> None:
    """Let a fault last so long."""
    time.sleep(seconds)
