"""Runs that several tests look at: the demo, and one with votes, verdicts and the ICAI baseline;
each takes a minute.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from asking_runs import openai, ran, write_config
from places import ROOT
from servers.launch import Scripted
from servers.planted import write_corpus

HELD_OUT = {"test_share": 0.4}
DEMO = ROOT / "jobs" / "demo.yaml"


@pytest.fixture(scope="session")
def demo(ray_address: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The root of a finished run of the demo."""
    root = tmp_path_factory.mktemp("demo")
    ran("run", DEMO, "--set", f"root={root}")
    return root


@pytest.fixture(scope="session")
def evaluated(ray_address: str, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """Folder of the finished run, and what the command printed."""
    folder = tmp_path_factory.mktemp("evaluated")
    sources = write_corpus(folder, num_annotations=200, noise=0.1, seed=1)["sources"]
    settings = {"ingest": HELD_OUT, "evaluate": {"num_resamples": 4}}
    with Scripted() as server:
        config = write_config(folder, sources, openai(server), **settings)
        return folder, ran("run", config)
