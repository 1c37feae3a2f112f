"""A namespace cluster at work → memory and traffic of its nodes, requests its S3 server answered,
what lies in its bucket. Knows no job.
"""

from __future__ import annotations

import os
import re
import threading
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

import psutil
from hosts import Hosts

EVERY_S = 2.0
# The gateway's own log: … "GET /gcai/runs/a.parquet?x=y HTTP/1.1" 200 …
REQUEST = re.compile(rb'"(GET|HEAD|PUT|POST|DELETE) /([^ ?"]*)(\?[^ "]*)? HTTP/1\.[01]" (\d+)')


class Memory:
    """`with Memory(hosts) as memory: …; memory.peak_mb`: for every node the largest sum, of samples
    two seconds apart, of its processes' proportional set sizes.
    """

    def __init__(self, hosts: Hosts) -> None:
        nodes = ("head", *hosts.workers, "s3")
        self._nodes = {os.stat(f"/run/netns/{hosts.name}-{n}").st_ino: n for n in nodes}
        self.peak_mb: dict[str, float] = dict.fromkeys(nodes, 0.0)
        self._done = threading.Event()

    def __enter__(self) -> Memory:
        self._thread = threading.Thread(target=self._watch)
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._done.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._done.wait(EVERY_S):
            for node, size in self._sizes().items():
                self.peak_mb[node] = max(self.peak_mb[node], size / 2**20)

    def _sizes(self) -> Counter[str]:
        sizes: Counter[str] = Counter()
        for pid in psutil.pids():
            try:
                node = self._nodes.get(os.stat(f"/proc/{pid}/ns/net").st_ino)
                if node:
                    sizes[node] += psutil.Process(pid).memory_full_info().pss
            except (psutil.NoSuchProcess, psutil.AccessDenied, OSError):
                continue  # it ended meanwhile, or is nobody's to look at
        return sizes


@dataclass(frozen=True)
class Moved:
    """Bytes a node's network interface has taken in and sent out since it came up."""

    bytes_in: int
    bytes_out: int

    def since(self, before: Moved) -> Moved:
        """What was moved between two looks."""
        return Moved(self.bytes_in - before.bytes_in, self.bytes_out - before.bytes_out)


def moved(hosts: Hosts) -> dict[str, Moved]:
    """What every node has moved so far."""
    import subprocess

    found = {}
    for node in ("head", *hosts.workers, "s3"):
        files = [f"/sys/class/net/eth0/statistics/{way}_bytes" for way in ("rx", "tx")]
        told = subprocess.run(
            [*hosts.within(node), "cat", *files], capture_output=True, text=True, check=True
        )
        found[node] = Moved(*map(int, told.stdout.split()))
    return found


class Requests:
    """What the S3 server answers from now on, read from its log."""

    def __init__(self, hosts: Hosts) -> None:
        self._log = Path(hosts.folder, "s3", "data", "run", "client.rgw.a.log")
        self._start = self._log.stat().st_size

    def counted(self) -> Counter[str]:
        """Requests by kind (GET, HEAD, LIST, PUT, POST, DELETE); among them `404`, and `errors`
        with another status of 400 or more.
        """
        counts: Counter[str] = Counter()
        with self._log.open("rb") as log:
            log.seek(self._start)
            for line in log:
                found = REQUEST.search(line)
                if found:
                    counts[_kind(*found.groups()[:3])] += 1
                    status = int(found[4])
                    counts["404"] += status == 404
                    counts["errors"] += status >= 400 and status != 404
        return counts


def _kind(method: bytes, path: bytes, query: bytes | None) -> str:
    """A listing is a GET of the bucket itself."""
    if method == b"GET" and (b"/" not in path.strip(b"/") or b"list-type" in (query or b"")):
        return "LIST"
    return method.decode()
