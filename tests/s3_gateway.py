"""A real S3 server for tests and benchmarks: Ceph's gateway over one store in memory, started by
`../shared/tools/ceph_s3.sh` on free ports of the loopback.

Knows no fixture and nothing of gcai_ray.
"""

from __future__ import annotations

import importlib.util
import os
import random
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import Any
from urllib.request import urlopen

from places import ROOT

SCRIPT = ROOT.parent / "shared" / "tools" / "ceph_s3.sh"
PROGRAMS = ("ceph-mon", "ceph-osd", "radosgw", "radosgw-admin")
HOST = "127.0.0.1"
NUM_PORTS = 41  # the script's daemons take PORT to PORT+40
OWNER = ("testaccesskey00000", "testsecretkey0000000000000000")  # the script's own
STRANGER = ("strangeraccesskey0", "strangersecretkey00000000000")
START_S = 60  # 2 s on an idle machine
# The script ends the gateway when the process that asked for it ends, however it ends.
SUPERVISOR = '"$0" start "$1" "$2" && { echo up > "$1/started"; read -r _; }; "$0" stop "$1"'


def missing() -> str:
    """Why the gateway cannot run here; empty when it can."""
    if os.getuid() != 0:
        return "Ceph's S3 gateway needs root"
    absent = [program for program in PROGRAMS if shutil.which(program) is None]
    if absent:
        return f"no {', '.join(absent)} (apt-get install ceph-mon ceph-osd radosgw)"
    if not SCRIPT.is_file():
        return f"no {SCRIPT}"
    if importlib.util.find_spec("s3fs") is None:
        return "no s3fs (pip install 'gcai-ray[s3]')"
    return ""


class Gateway:
    """A running gateway: `with Gateway() as s3: s3.create_bucket("b"); use(s3.environment())`.

    `port` is the first of 41 ports; free ones are looked for when none is given. `folder` is kept,
    a folder of our own is removed at the end.
    """

    def __init__(self, folder: Path | None = None, port: int | None = None) -> None:
        self.port = port or free_ports()
        self._given = folder
        self._stack = ExitStack()
        self._has_stranger = False

    def __enter__(self) -> Gateway:
        self.folder = self._given or Path(
            self._stack.enter_context(tempfile.TemporaryDirectory(prefix="s3-"))
        )
        self.folder.mkdir(parents=True, exist_ok=True)
        log = self._stack.enter_context(open(self.folder / "script.log", "wb"))
        self._script = subprocess.Popen(
            ["bash", "-c", SUPERVISOR, str(SCRIPT), str(self.folder), str(self.port)],
            stdin=subprocess.PIPE,
            stdout=log,
            stderr=log,
            start_new_session=True,  # an interrupted test still stops it in order
            env=os.environ | {"OSD_STORE": "memstore"},
        )
        try:
            self._wait(lambda: (self.folder / "started").exists() and self.answers())
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Stop every process of it; what it stored was in memory, so there is nothing to save."""
        for path in self.folder.glob("run/*.pid"):
            with suppress(ProcessLookupError):
                os.kill(int(path.read_text()), signal.SIGKILL)
        if self._script.stdin:
            self._script.stdin.close()
        try:
            self._script.wait(timeout=START_S)
        finally:
            self._stack.close()

    @property
    def endpoint(self) -> str:
        """URL of the service."""
        return f"http://{HOST}:{self.port}"

    def environment(
        self, keys: tuple[str, str] = OWNER, endpoint: str | None = None
    ) -> dict[str, str]:
        """The variables a client of it needs, and no file of the user's own."""
        nowhere = str(self.folder / "none")
        return {
            "AWS_ENDPOINT_URL": endpoint or self.endpoint,
            "AWS_ACCESS_KEY_ID": keys[0],
            "AWS_SECRET_ACCESS_KEY": keys[1],
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_REQUEST_CHECKSUM_CALCULATION": "when_required",
            "AWS_RESPONSE_CHECKSUM_VALIDATION": "when_required",
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_CONFIG_FILE": nowhere,
            "AWS_SHARED_CREDENTIALS_FILE": nowhere,
        }

    def client(self, keys: tuple[str, str] = OWNER) -> Any:
        """A botocore client that waits for an answer as long as it takes."""
        from botocore.config import Config
        from botocore.session import Session

        return Session().create_client(
            "s3",
            endpoint_url=self.endpoint,
            region_name="us-east-1",
            aws_access_key_id=keys[0],
            aws_secret_access_key=keys[1],
            config=Config(
                request_checksum_calculation="when_required",
                response_checksum_validation="when_required",
            ),
        )

    def create_bucket(self, name: str | None = None) -> str:
        """Make an empty bucket; says its name."""
        name = name or f"b-{uuid.uuid4().hex[:12]}"
        self.client().create_bucket(Bucket=name)
        return name

    def keys(self, bucket: str, prefix: str = "") -> dict[str, int]:
        """Every key below a prefix and its bytes, asked of the gateway itself."""
        pages = self.client().get_paginator("list_objects_v2")
        return {
            item["Key"]: item["Size"]
            for page in pages.paginate(Bucket=bucket, Prefix=prefix)
            for item in page.get("Contents", [])
        }

    def create_stranger(self) -> tuple[str, str]:
        """Keys of a second user, to whom no bucket belongs."""
        key, secret = STRANGER
        if self._has_stranger:
            return STRANGER
        self._has_stranger = True
        command = ["radosgw-admin", "user", "create", "--uid=stranger", "--display-name=stranger"]
        subprocess.run(
            [*command, f"--access-key={key}", f"--secret-key={secret}"],
            env=os.environ | self._conf(),
            check=True,
            capture_output=True,
            timeout=START_S,
        )
        return STRANGER

    def kill(self, how: int = signal.SIGKILL) -> None:
        """End the gateway's own process; what is stored stays."""
        pid = int((self.folder / "run" / "client.rgw.a.pid").read_text())
        os.kill(pid, how)
        self._wait(lambda: not _runs(pid))

    def start_again(self) -> None:
        """Start the gateway's own process after `kill`."""
        subprocess.run(
            [str(SCRIPT), "restart-rgw", str(self.folder)],
            check=True,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            timeout=START_S,
        )
        self._wait(self.answers)

    def restart(self) -> None:
        """Kill the gateway's own process and start it again."""
        self.kill()
        self.start_again()

    def answers(self) -> bool:
        """Whether the gateway answers now."""
        try:
            with urlopen(self.endpoint, timeout=5):
                return True
        except OSError:
            return False

    def _conf(self) -> Mapping[str, str]:
        return {"CEPH_CONF": str(self.folder / "ceph.conf")}

    def _wait(self, condition: Callable[[], bool]) -> None:
        deadline = time.monotonic() + START_S
        while not condition():
            if time.monotonic() > deadline or self._script.poll() is not None:
                log = (self.folder / "script.log").read_text(errors="replace")
                raise RuntimeError(f"the S3 gateway did not come: {log[-2000:]}")
            time.sleep(0.05)


@contextmanager
def use_s3(environment: Mapping[str, str]) -> Iterator[None]:
    """This process, and those it starts meanwhile, have these AWS_… variables and no other."""
    from gcai_ray.s3_client import S3Files

    before = {name: value for name, value in os.environ.items() if name.startswith("AWS_")}
    _set_aws(environment)
    S3Files.clear_instance_cache()  # an open filesystem keeps the endpoint and keys it began with
    try:
        yield
    finally:
        _set_aws(before)
        S3Files.clear_instance_cache()


def _set_aws(environment: Mapping[str, str]) -> None:
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        del os.environ[name]
    os.environ.update(environment)


def free_ports(count: int = NUM_PORTS) -> int:
    """The first of so many free ports in a row, below those that outgoing connections take."""
    for _ in range(200):
        first = random.SystemRandom().randrange(20000, 32000 - count)
        if all(_is_free(port) for port in range(first, first + count)):
            return first
    raise RuntimeError(f"no {count} free ports in a row")


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
    return True


def _runs(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False
