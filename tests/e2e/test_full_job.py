"""The whole road by one job, and again after it was killed on the way."""

from __future__ import annotations

import os
import subprocess
import time
from contextlib import suppress
from pathlib import Path

import psutil
import pytest
from full_tiny import NOISE, NUM_ANNOTATIONS, command, run
from places import ROOT
from servers.launch import Scripted
from servers.planted import write_corpus
from tune_tiny import made_model

from gcai_ray.runs import open_run

pytestmark = pytest.mark.long
KILLED_IN = ("vote", "revise", "tune", "answer", "assess")  # each after the one before it is done
BEGINS_IN = {"tune": "training"}  # what it writes before its artifact
WATCH_S = 1200
KEPT = "kept from before"


def test_the_road_from_annotations_to_a_report_survives_being_killed_on_its_way(
    tmp_path: Path,
) -> None:
    model = made_model(tmp_path / "model", speaks=True)
    write_corpus(tmp_path, NUM_ANNOTATIONS, NOISE, seed=1)
    with Scripted() as server:
        for stage in KILLED_IN:
            killed_in(stage, command(tmp_path, model, server), tmp_path / "run")
        told = run(tmp_path, model, server)
        again = run(tmp_path, model, server)
    found = open_run(str(tmp_path / "run"))
    names = {part.name for part in found["report"].manifest.parts}
    assert {"report.html", "model.html", "report.md", "model.md"} <= names
    assert again.count(KEPT) == told.count(KEPT) + told.count(" s   ")
    assert " s   " not in again
    assert {row["model"] for row in found["answer"].read("responses").to_pylist()} == {
        "base",
        "tuned",
        "icai",
    }
    for stage in KILLED_IN:
        assert len(list((tmp_path / "run" / stage).glob("*/manifest.json"))) >= 1


def killed_in(stage: str, arguments: list[str], root: Path) -> None:
    """Start the run, and SIGKILL it and its Ray as soon as this stage has begun to write."""
    env = {name: value for name, value in os.environ.items() if name != "RAY_ADDRESS"}
    process = subprocess.Popen(
        arguments,
        cwd=ROOT,
        env=env,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    deadline = time.monotonic() + WATCH_S
    while not any((root / BEGINS_IN.get(stage, stage)).glob("*/*")):
        assert process.poll() is None, f"ended before {stage} began"
        assert time.monotonic() < deadline, f"{stage} did not begin"
        time.sleep(0.1)
    for one in [process, *psutil.Process(process.pid).children(recursive=True)]:
        with suppress(psutil.NoSuchProcess):
            one.kill()
    process.wait()
    assert not list((root / stage).glob("*/manifest.json")), f"{stage} was finished already"
