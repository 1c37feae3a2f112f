"""Fixtures every test may use: the one Ray of the session, a real S3 server, the place of the real
data.
"""

from __future__ import annotations

import os
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import hypothesis
import pytest
from fault_proxy import FaultProxy
from places import ROOT
from s3_gateway import HOST, Gateway, missing, use_s3
from servers.launch import Scripted

# Engines of several test processes share the cores: none spins while it waits.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
if "PYTEST_XDIST_WORKER" in os.environ:
    os.environ.setdefault("OMP_NUM_THREADS", "1")  # a thread that waits for a core holds up all
hypothesis.settings.register_profile("shared cores", deadline=None)
hypothesis.settings.load_profile("shared cores")
SHARED_DATA = ROOT.parent / "shared" / "data"
# Workers of Ray, and the engines they start, import from tests/ too (`poison`).
os.environ["PYTHONPATH"] = os.pathsep.join(
    filter(None, (str(ROOT / "tests"), os.environ.get("PYTHONPATH")))
)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: Any, log: Any) -> Any:
    from sharing import Together

    return Together(config, log)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if "PYTEST_XDIST_WORKER" in os.environ:
        from sharing import place

        items.sort(key=lambda item: place(item.nodeid.split("::", 1)[0]))


@pytest.fixture(scope="session")
def ray_address() -> Iterator[str]:
    """The one Ray of the test session, 2 CPUs; other processes may join it by this address."""
    import ray

    from gcai_ray.config import RayConfig
    from gcai_ray.ray_session import connect

    os.environ.pop("RAY_ADDRESS", None)
    connect(RayConfig(num_cpus=2, object_store_memory_gb=0.5))
    yield ray.get_runtime_context().gcs_address
    ray.shutdown()


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real data, beside the checkout."""
    if not SHARED_DATA.is_dir():
        pytest.skip(f"no real data at {SHARED_DATA}")
    return SHARED_DATA


@pytest.fixture
def scripted_server() -> Iterator[Callable[..., Scripted]]:
    """Starts scripted OpenAI-compatible servers (options: `servers.launch.Scripted`); all end with
    the test.
    """
    with ExitStack() as running:
        yield lambda **options: running.enter_context(Scripted(**options))


@pytest.fixture(scope="session")
def tiny_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of a tiny random Llama; its LoRA adapter lies beside it in `<folder>-lora`."""
    from tiny_model import write_tiny_model

    return write_tiny_model(tmp_path_factory.mktemp("models") / "tiny")


@pytest.fixture(scope="session")
def s3() -> Iterator[Gateway]:
    """The one S3 server of the session; `s3.create_bucket()` and `use_s3` lead a test there."""
    reason = missing()
    if reason:
        pytest.skip(reason)
    with Gateway() as gateway:
        yield gateway


@pytest.fixture(scope="session")
def s3_bucket(s3: Gateway) -> str:
    """Name of the bucket of all tests."""
    return s3.create_bucket()


@pytest.fixture
def s3_root(s3: Gateway, s3_bucket: str) -> Iterator[str]:
    """`s3://bucket/prefix` where nothing stands; the environment of this test leads there, that of
    a Ray which runs already does not.
    """
    with use_s3(s3.environment()):
        yield f"s3://{s3_bucket}/t-{uuid.uuid4().hex[:12]}"


@pytest.fixture
def proxy(s3: Gateway, s3_root: str) -> Iterator[FaultProxy]:
    """All that this test asks of S3 passes here: let it fail."""
    with FaultProxy(HOST, s3.port) as between, use_s3(s3.environment(endpoint=between.endpoint)):
        yield between
