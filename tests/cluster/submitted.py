"""A configuration → a job on a namespace cluster, submitted from the client's machine as the README
says, and what became of it.
"""

from __future__ import annotations

import json
import shutil
import time
import uuid
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from hosts import DASHBOARD_PORT, Hosts
from places import ROOT

WAIT_S = 300
POLL_S = 0.5
ENDED = ("SUCCEEDED", "FAILED", "STOPPED")
DRIVER = "[j]obs/constitution.py"


def checkout(folder: Path) -> Path:
    """A copy of what a job needs, so that a configuration can stand in its working directory and
    nobody's edits reach a running job.
    """
    code = shutil.ignore_patterns("__pycache__")
    for name in ("gcai_ray", "jobs"):
        shutil.copytree(ROOT / name, folder / name, ignore=code)
    shutil.copy(ROOT / ".rayignore", folder)
    return folder


def submission(hosts: Hosts, *options: str) -> list[str]:
    """The README's command up to the script."""
    address = f"http://{hosts.address('head')}:{DASHBOARD_PORT}"
    command = ["ray", "job", "submit", "--address", address, "--working-dir", ".", *options]
    return [*command, "--", "python", "jobs/constitution.py"]


@dataclass
class Job:
    """One job of `hosts`: `arguments` follow the script's name; `folder` is the working
    directory; `env`: environment variables of its driver.
    """

    hosts: Hosts
    folder: Path
    arguments: list[str]
    env: dict[str, str] = field(default_factory=dict)
    id: str = field(default_factory=lambda: f"gcai-{uuid.uuid4().hex[:12]}")

    def submit(self) -> Job:
        """Hand it in, and do not wait for it."""
        told = ["--runtime-env-json", json.dumps({"env_vars": self.env})] if self.env else []
        command = submission(self.hosts, "--no-wait", "--submission-id", self.id, *told)
        done = self.hosts.exec("cli", *command, *self.arguments, cwd=self.folder)
        if done.returncode:
            raise RuntimeError(f"ray job submit: {done.stdout[-1000:]}{done.stderr[-1000:]}")
        return self

    def again(self) -> Job:
        """The same, handed in once more."""
        return Job(self.hosts, self.folder, self.arguments, self.env).submit()

    def status(self) -> str:
        """PENDING, RUNNING, SUCCEEDED, FAILED or STOPPED; as long as the head does not say,
        RUNNING.
        """
        try:
            return self.hosts.ask(f"/api/jobs/{self.id}")["status"]
        except OSError:
            return "RUNNING"

    def goes_on(self) -> bool:
        """Whether it has not ended yet."""
        return self.status() not in ENDED

    def log(self) -> str:
        """What its driver wrote so far."""
        return self.hosts.ask(f"/api/jobs/{self.id}/logs")["logs"]

    def wait(self, timeout_s: float = WAIT_S) -> str:
        """Wait for its end; the status.

        Raises RuntimeError when it has not ended in time.
        """
        deadline = time.monotonic() + timeout_s
        while self.goes_on():
            if time.monotonic() > deadline:
                log = self.log()[-2000:]
                raise RuntimeError(f"{self.id} did not end within {timeout_s:g} s; its log: {log}")
            time.sleep(POLL_S)
        return self.status()

    def succeed(self, timeout_s: float = WAIT_S) -> None:
        """Wait for its end, which must be a good one."""
        status = self.wait(timeout_s)
        if status != "SUCCEEDED":
            raise AssertionError(f"{self.id} ended as {status}; its log: {self.log()[-3000:]}")

    def stop(self) -> None:
        """End it, if it still runs."""
        if self.goes_on():
            with suppress(OSError):  # the head is off, and the job with it
                self.hosts.ask(f"/api/jobs/{self.id}/stop", "POST")

    def kill_driver(self) -> None:
        """Kill the process that runs the script, on the head."""
        done = self.hosts.exec("head", "bash", "-c", f"kill -9 $(pgrep -f '{DRIVER}')")
        if done.returncode:
            raise RuntimeError(f"no driver was killed: {done.stderr}")
