"""The one namespace cluster of the session, its bucket, and what is run there."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import pytest
import yaml
from bucket import Bucket
from hosts import Hosts, missing
from planted_runs import SLOW, Disturbed, Reference, on_s3, reference_run
from servers.launch import Scripted
from submitted import checkout

SERVER_PORT = 8100


@pytest.fixture(scope="session")
def hosts(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hosts]:
    """A head, two workers, an S3 server and a client's machine."""
    reason = missing()
    if reason:
        pytest.skip(reason)
    cluster = Hosts(tmp_path_factory.mktemp("hosts"))
    try:
        cluster.up()
        yield cluster
    finally:
        cluster.down()


@pytest.fixture(autouse=True)
def mended(hosts: Hosts) -> None:
    """What an earlier fault left off is on again."""
    hosts.mend()


@pytest.fixture(scope="session")
def bucket(hosts: Hosts) -> Bucket:
    """The bucket all runs of the session stand in."""
    made = Bucket(hosts)
    made.create()
    return made


@pytest.fixture(scope="session")
def code(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The working directory of jobs."""
    return checkout(tmp_path_factory.mktemp("code"))


@pytest.fixture(scope="session")
def reference(hosts: Hosts, code: Path, tmp_path_factory: pytest.TempPathFactory) -> Reference:
    """The undisturbed run; `hosts` first, since without them nothing is compared with it."""
    return reference_run(code, tmp_path_factory.mktemp("reference"))


@pytest.fixture(scope="session")
def sources_on_s3(bucket: Bucket, reference: Reference) -> list[str]:
    """Changes of the reference's configuration that read its sources from the bucket."""
    sources = yaml.safe_load(reference.config.read_text(encoding="utf-8"))["sources"]
    return on_s3(bucket, sources, "data/disturbed")


class ModelHost(Scripted):
    """A scripted model on the client's machine, for the cluster's workers."""

    def __init__(self, hosts: Hosts, **options: Any) -> None:
        self._door = hosts.door("cli", SERVER_PORT)
        place = {"host": hosts.address("cli"), "port": SERVER_PORT, "within": hosts.within("cli")}
        super().__init__(**place, **options)

    def log(self) -> dict[str, Any]:
        """What was asked so far."""
        with urlopen(f"{self._door.url}/control/log", timeout=30) as answer:
            return json.loads(answer.read())


@pytest.fixture
def disturbed(
    hosts: Hosts,
    bucket: Bucket,
    reference: Reference,
    sources_on_s3: list[str],
    request: pytest.FixtureRequest,
) -> Iterator[Callable[[str], Disturbed]]:
    """Begins the reference's run anew on the cluster: `disturbed(stage)` returns when that stage is
    at work.
    """
    with ExitStack() as ending:
        server = ending.enter_context(ModelHost(hosts, **SLOW))

        def begun(stage: str) -> Disturbed:
            root = f"runs/{re.sub('[^a-z0-9_]+', '-', request.node.name)}"
            run = Disturbed(hosts, bucket, reference, server, root, stage, sources_on_s3)
            run.begin()
            ending.callback(lambda: run.job.stop())
            return run

        yield begun
