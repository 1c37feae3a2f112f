"""A Ray cluster of several hosts and an S3 server, each in its own network namespace, and the
faults that hosts have (`../shared/tools/netns_cluster.sh` does it). Knows no job and nothing of
gcai_ray.
"""

from __future__ import annotations

import importlib.util
import itertools
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

from door import Door
from places import ROOT

TOOLS = ROOT.parent / "shared" / "tools"
SCRIPT = TOOLS / "netns_cluster.sh"
RAYBIN = Path(sys.executable).parent
CEPH = ("ceph-mon", "ceph-osd", "radosgw", "radosgw-admin", "ceph-authtool", "monmaptool")
PROGRAMS = ("ip", "nsenter", "unshare", "curl", "mount", *CEPH)
S3_KEYS = ("testaccesskey00000", "testsecretkey0000000000000000")  # the script's own
# The head has no CPUs, as where workers come and go: what is killed with a worker was at work.
CPUS = '$([ "$(hostname)" = head ] && echo 0 || echo {})'
S3_PORT, DASHBOARD_PORT = 8000, 8265
UP_S = 240  # 12 s on an idle machine
COMMAND_S = 120
POLL_S = 0.3
DISK_BYTES = 400 * 2**20
_numbers = itertools.count()


def missing() -> str:
    """Why no such cluster can stand here; empty when one can."""
    if os.geteuid() != 0:
        return "hosts in network namespaces need root"
    if not SCRIPT.is_file():
        return f"no {SCRIPT}"
    absent = [program for program in PROGRAMS if shutil.which(program) is None]
    if absent:
        return f"no {', '.join(absent)} (apt-get install iproute2 ceph-mon ceph-osd radosgw)"
    for module, name in (("s3fs", "s3"), ("aiohttp_cors", "ray[default]")):
        if importlib.util.find_spec(module) is None:
            return f"no {module} (it comes with {name})"
    probe = subprocess.run(["unshare", "--net", "--mount", "--pid", "--fork", "true"], check=False)
    return "" if probe.returncode == 0 else "this machine lets nobody make namespaces"


class Hosts:
    """`head`, `w1`, `w2`, …, `s3` and `cli` (a client's machine). Two of these can stand at once.

    `folder`: for logs and the nodes' disks. `store_bytes`: of the object store of every node.
    """

    def __init__(
        self, folder: Path, *, num_workers: int = 2, cpus: int = 2, store_bytes: int = 300 * 10**6
    ) -> None:
        number = next(_numbers)
        self.folder = folder
        self.name = f"g{os.getpid():x}{number}"
        self.net = f"10.{64 + (os.getpid() + number) // 250 % 128}.{(os.getpid() + number) % 250}"
        self.workers = [f"w{n + 1}" for n in range(num_workers)]
        self._cpus, self._store_bytes, self._is_usual = cpus, store_bytes, True
        self._doors: dict[tuple[str, int], Door] = {}

    def up(self) -> None:
        """Start all of them; returns when Ray and S3 answer."""
        for node in self.workers:
            disk = self._disk(node)
            disk.mkdir(parents=True)
            size = f"size={DISK_BYTES}"
            subprocess.run(["mount", "-t", "tmpfs", "-o", size, "tmpfs", str(disk)], check=True)
        self._script("up", timeout_s=UP_S)
        self.wait_until_alive()

    def down(self) -> None:
        """End every process of them and remove the namespaces."""
        for door in self._doors.values():
            door.close()
        self._script("down")
        for node in self.workers:
            subprocess.run(["umount", "--lazy", str(self._disk(node))], check=False)

    def address(self, node: str) -> str:
        """The IP address of a node."""
        ends = {"head": 1, "cli": 8, "s3": 9}
        return f"{self.net}.{ends[node] if node in ends else 100 + int(node[1:])}"

    def exec(
        self, node: str, *command: str, cwd: Path = ROOT, timeout_s: float = COMMAND_S
    ) -> subprocess.CompletedProcess[str]:
        """Run a command on a node and wait for it; does not look at its exit code."""
        return subprocess.run(
            ["bash", str(SCRIPT), "exec", str(self.folder), node, *command],
            env=self._environment(),
            cwd=cwd,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=timeout_s,
            check=False,
        )

    def within(self, node: str) -> list[str]:
        """What a command is to begin with so that a child of ours runs in a node's network."""
        return ["ip", "netns", "exec", f"{self.name}-{node}"]

    def door(self, node: str, port: int) -> Door:
        """A port of a node, as seen from the client's machine."""
        known = self._doors.get((node, port))
        if known is None:
            known = Door(f"{self.name}-cli", self.address(node), port)
            self._doors[node, port] = known
        return known

    def cut(self, node: str) -> None:
        """Pull its cable."""
        self._script("cut", node)

    def heal(self, node: str) -> None:
        """Plug the cable in again."""
        self._script("heal", node)

    def kill(self, node: str) -> None:
        """Switch it off."""
        self._script("kill", node)

    def start(self, node: str, store_bytes: int | None = None) -> None:
        """Switch it on again."""
        self._script("start", node, OBJ=str(store_bytes or self._store_bytes))

    def restart(self, store_bytes: int | None = None) -> None:
        """Switch off the head and the workers, those that are on, and all of them on again."""
        self._is_usual = store_bytes is None
        for node in ("head", *self.workers):
            if self._is_on(node):
                self.kill(node)
        self.start("head", store_bytes)
        self._wait(lambda: self._alive() == {"head"}, "the head did not come back")
        for node in self.workers:
            self.start(node, store_bytes)
        self.wait_until_alive()

    def mend(self) -> None:
        """Switch on again what a fault left off."""
        if "head" not in self._alive() or not self._is_usual:
            self.restart()
        for node in set(self.workers) - self._alive():
            if self._is_on(node):
                self.kill(node)
            self.start(node)
        self.wait_until_alive()

    def fill_disk(self, node: str) -> None:
        """Leave no byte free where Ray keeps its files on a node."""
        with (self._disk(node) / "ballast").open("wb", buffering=0) as file:
            try:
                while True:
                    file.write(bytes(2**20))
            except OSError:
                return

    def free_disk(self, node: str) -> None:
        """Take back what `fill_disk` wrote."""
        (self._disk(node) / "ballast").unlink(missing_ok=True)

    def kill_gateway(self) -> None:
        """Kill the S3 server's gateway; what it stored stays."""
        pid = self.folder / "s3" / "data" / "run" / "client.rgw.a.pid"
        done = self.exec("s3", "bash", "-c", f"kill -9 $(cat {pid})")
        if done.returncode:
            raise RuntimeError(f"the gateway was not killed: {done.stderr}")

    def start_gateway(self) -> None:
        """Start it again."""
        done = self.exec(
            "s3", "bash", str(TOOLS / "ceph_s3.sh"), "restart-rgw", str(self.folder / "s3" / "data")
        )
        if done.returncode:
            raise RuntimeError(f"the gateway did not start: {done.stderr}")

    def ask(self, path: str, method: str = "GET") -> Any:
        """What the dashboard answers, as the holder of the cluster's token."""
        token = (self.folder / "auth_token").read_text()
        url = self.door("head", DASHBOARD_PORT).url + path
        request = Request(url, headers={"Authorization": f"Bearer {token}"}, method=method)
        with urlopen(request, timeout=30) as answer:
            return json.loads(answer.read())

    def state(self, kind: str) -> list[dict[str, Any]]:
        """Rows of Ray's state API: `nodes`, `actors`, `tasks`."""
        return self.ask(f"/api/v0/{kind}?detail=1&limit=1000")["data"]["result"]["result"]

    def node_of(self, actor: str) -> str | None:
        """The node where a living actor runs whose class is named so, if one does."""
        nodes = {row["node_id"]: row["node_ip"] for row in self.state("nodes")}
        named = {self.address(node): node for node in ("head", *self.workers)}
        for row in self.state("actors"):
            if row["state"] == "ALIVE" and actor in row["class_name"]:
                return named[nodes[row["node_id"]]]
        return None

    def wait_until_alive(self) -> None:
        """Wait until the head and all workers have joined."""
        wanted = {"head", *self.workers}
        self._wait(lambda: self._alive() == wanted, "not all nodes joined")

    def _alive(self) -> set[str]:
        named = {self.address(node): node for node in ("head", *self.workers)}
        try:
            return {named[row["node_ip"]] for row in self.state("nodes") if row["state"] == "ALIVE"}
        except (OSError, ValueError, TypeError, KeyError):  # no dashboard yet
            return set()

    def _is_on(self, node: str) -> bool:
        """Whether the first process of a node's own namespace lives."""
        proc = Path("/proc", (self.folder / node / "pid").read_text().strip())
        try:
            is_ours = b"unshare" in (proc / "cmdline").read_bytes()  # not a later one of this id
            return is_ours and bool((proc / "task" / proc.name / "children").read_text())
        except OSError:
            return False

    def _wait(self, condition: Callable[[], bool], complaint: str) -> None:
        deadline = time.monotonic() + COMMAND_S
        while not condition():
            if time.monotonic() > deadline:
                raise RuntimeError(f"{complaint}: {sorted(self._alive())} of {self.name} are alive")
            time.sleep(POLL_S)

    def _disk(self, node: str) -> Path:
        return self.folder / node / "tmpray"

    def _script(self, verb: str, *args: str, timeout_s: float = COMMAND_S, **others: str) -> None:
        done = subprocess.run(
            ["bash", str(SCRIPT), verb, str(self.folder), *args],
            env=self._environment() | others,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=timeout_s,
            check=False,
        )
        if done.returncode:
            raise RuntimeError(f"{SCRIPT.name} {verb} {' '.join(args)}: {done.stderr[-2000:]}")

    def _environment(self) -> dict[str, str]:
        """What the script and the nodes see, and nothing of ours."""
        home = self.folder / "home"
        home.mkdir(parents=True, exist_ok=True)
        return {
            "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
            "HOME": str(home),
            "LANG": "C.UTF-8",
            "RAYBIN": str(RAYBIN),
            "NETNS_PREFIX": self.name,
            "NET": self.net,
            "WORKERS": str(len(self.workers)),
            "CPUS": CPUS.format(self._cpus),
            "OBJ": str(self._store_bytes),
            "AWS_ENDPOINT_URL": f"http://{self.address('s3')}:{S3_PORT}",
        }
