"""The job that ships, with the adapter that tuning made, on S3: `python -m tests.serve_tiny`."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from places import ROOT

pytestmark = pytest.mark.long


def test_the_official_client_is_answered_by_what_tuning_made(tmp_path: Path) -> None:
    pytest.importorskip("vllm")
    command = [sys.executable, "-m", "tests.serve_tiny", str(tmp_path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    assert "tiny:aligned@1: " in done.stdout
    assert "over the limit is 429" in done.stdout
