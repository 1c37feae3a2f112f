"""Fixtures every test may use: the one Ray of the session, the place of the real data."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from servers.launch import Scripted

ROOT = Path(__file__).parent.parent
SHARED_DATA = ROOT.parent / "shared" / "data"
# Workers of Ray, and the engines they start, import from tests/ too (`poison`).
os.environ["PYTHONPATH"] = os.pathsep.join(
    filter(None, (str(ROOT / "tests"), os.environ.get("PYTHONPATH")))
)


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
