"""A folder of votes → one party asking the scripted server, both measured; where ICAI lives.

Every party gets a server of its own, so that no cache and no count is shared.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.benchmarks.measure import Measured, measured
from tests.servers.launch import Scripted

HERE = Path(__file__).parent
ICAI = "inverse-cai==0.4.8"
ICAI_VENV = Path.home() / ".cache" / "gcai_bench" / "inverse-cai-0.4.8"
ICAI_RUN = "icai_run.py"


@dataclass(frozen=True)
class Asked:
    """One party's run: its process, what it printed last, and what its server counted."""

    process: Measured
    said: dict[str, Any]
    log: dict[str, Any]

    @property
    def num_questions(self) -> int:
        """Usable answers the server gave, so that a request made twice does not count twice."""
        return sum(asked["num_good"] for asked in self.log["questions"].values())

    @property
    def per_second(self) -> float:
        """Questions a second between the first one's arrival and the last one's answer."""
        return self.num_questions / self.log["span_s"]


def asked_by(
    script: str, folder: Path, concurrency: int, *more: str, python: str = "", **server: Any
) -> Asked:
    """Run one of the scripts beside this file against a fresh scripted server.

    `server`: options of `servers.launch.Scripted`.
    """
    with Scripted(slots=concurrency, **server) as scripted:
        command = [python or sys.executable, str(HERE / script), str(folder), scripted.base_url]
        process = measured([*command, str(concurrency), *more])
        log = scripted.log()
    lines = [line for line in process.output.splitlines() if line.startswith("{")]
    return Asked(process, json.loads(lines[-1]), log)


def icai_python() -> tuple[str, str]:
    """The Python of a venv that holds the ICAI package, made when it is missing; or "" and why
    there is none.
    """
    python = ICAI_VENV / "bin" / "python"
    done = ICAI_VENV / ".ready"
    if not done.exists():
        uv = str(Path(sys.executable).with_name("uv"))
        steps = (
            [uv, "venv", "--clear", "--quiet", "--python", sys.executable, str(ICAI_VENV)],
            [uv, "pip", "install", "--quiet", "--python", str(python), ICAI],
        )
        for step in steps:
            why = _fault(step)
            if why:
                return "", why
        done.touch()
    return str(python), ""


def _fault(command: list[str]) -> str:
    """Why a command failed, or nothing."""
    try:
        ended = subprocess.run(command, capture_output=True, text=True, env=_uv_environment())
    except FileNotFoundError as error:
        return str(error)
    lines = ended.stderr.strip().splitlines() or ["no reason given"]
    return " ".join(lines[-2:]) if ended.returncode else ""


def _uv_environment() -> dict[str, str]:
    """uv reads nothing of pip's configuration: hand over where pip finds wheels (as the Makefile
    does).
    """
    found = subprocess.run(
        [sys.executable, "-m", "pip", "config", "get", "global.find-links"],
        capture_output=True,
        text=True,
    ).stdout.strip()
    links = os.environ.get("UV_FIND_LINKS") or ",".join(found.split())
    return os.environ | ({"UV_FIND_LINKS": links} if links else {})
