"""What is secret stays in the environment: planted secrets are looked for wherever a run writes."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from asking_runs import openai, write_config
from servers.launch import Scripted
from servers.planted import write_corpus

SECRETS = {
    "OPENAI_API_KEY": "planted-key-7c31f0",
    "GCAI_SALT": "planted-salt-a90be2",
    "AWS_SECRET_ACCESS_KEY": "planted-aws-55d1c8",
    "AWS_SESSION_TOKEN": "planted-session-09f7aa",
}


@pytest.fixture
def ray_folder() -> Iterator[Path]:
    """A place for Ray's logs of this run alone; short, since sockets lie there."""
    folder = Path(tempfile.mkdtemp(prefix="gs"))
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


def command_lines(parent: psutil.Process) -> set[str]:
    """Arguments of a process and all it has started."""
    found = set()
    for process in (parent, *parent.children(recursive=True)):
        try:
            found.add(" ".join(process.cmdline()))
        except psutil.Error:
            continue  # it ended meanwhile
    return found


def leaks(folder: Path) -> list[str]:
    """Files in which a planted secret stands."""
    planted = [secret.encode() for secret in SECRETS.values()]
    return [
        f"{path}: {secret.decode()}"
        for path in folder.rglob("*")
        if path.is_file() and not path.is_symlink()
        for secret in planted
        if secret in path.read_bytes()
    ]


@pytest.mark.slow
def test_no_secret_in_artifacts_logs_or_arguments(tmp_path: Path, ray_folder: Path) -> None:
    sources = write_corpus(tmp_path, num_annotations=60, noise=0.0, seed=3)["sources"]
    given = os.environ | SECRETS | {"RAY_TMPDIR": str(ray_folder)}
    given.pop("RAY_ADDRESS", None)
    said = tmp_path / "said.txt"
    with Scripted() as server, said.open("wb") as out:
        settings = {"evaluate": {"icai": False, "num_resamples": 0}, "ray": {"num_cpus": 2}}
        config = write_config(tmp_path, sources, openai(server), **settings)
        command = [sys.executable, "-m", "gcai_ray.cli", "extract", str(config)]
        running = psutil.Popen(command, env=given, stdout=out, stderr=subprocess.STDOUT)
        arguments: set[str] = set()
        while running.poll() is None:
            arguments |= command_lines(running)
            time.sleep(0.5)
    assert running.returncode == 0, said.read_text()
    assert any("raylet" in line for line in arguments)  # it was looked at while it ran
    assert [line for line in arguments if any(s in line for s in SECRETS.values())] == []
    assert list(ray_folder.rglob("*.log"))
    assert leaks(ray_folder) == []
    assert leaks(tmp_path) == []
