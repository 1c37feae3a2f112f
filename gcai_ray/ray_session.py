"""The one place that starts or joins Ray. Knows nothing of stages."""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from gcai_ray.config import RayConfig
from gcai_ray.progress.executions import Noted

ROWS_WORTH_AN_ACTOR = 1000
WAITING_BYTES_PER_CPU = 200 * 2**20


def connect(config: RayConfig) -> None:
    """Join the cluster of RAY_ADDRESS (set inside `ray job submit`), or start Ray on this machine
    alone.
    """
    joined = bool(os.environ.get("RAY_ADDRESS"))
    if not joined:
        _keep_to_loopback()
    import ray

    if ray.is_initialized():
        return
    os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
    # Ray's C++ parts write warnings to standard error that no user can act on; what fails in a task
    # is raised here anyway.
    os.environ.setdefault("RAY_BACKEND_LOG_LEVEL", "fatal")
    os.environ.setdefault("RAY_worker_maximum_startup_concurrency", "16")
    with _muted_stderr():
        if joined:
            ray.init(log_to_driver=False, logging_level=logging.ERROR)
        else:
            ray.init(
                address="local",
                num_cpus=config.num_cpus,
                object_store_memory=int(config.object_store_memory_gb * 2**30),
                include_dashboard=False,
                log_to_driver=False,
                logging_level=logging.ERROR,
            )
    _configure_data(joined)


def _keep_to_loopback() -> None:
    """A Ray of this machine alone listens on 127.0.0.1 only; by itself it takes every interface.

    Ray has this for Windows and macOS, and no other switch (2.60: `ray_constants`).
    """
    os.environ["RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER"] = "0"
    from ray._private import ray_constants

    ray_constants.ENABLE_RAY_CLUSTER = False  # where Ray was imported before


@contextmanager
def _muted_stderr() -> Iterator[None]:
    """Keep what Ray's C++ parts print while they start off the user's terminal; Python exceptions
    still come through.
    """
    sys.stderr.flush()
    kept = os.dup(2)
    with open(os.devnull, "wb") as nowhere:
        os.dup2(nowhere.fileno(), 2)
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)


def _configure_data(joined: bool) -> None:
    import ray

    context = ray.data.DataContext.get_current()
    context.enable_progress_bars = sys.stderr.isatty()
    context.print_on_execution_start = False
    context.custom_execution_callback_classes = [Noted]  # pyright: ignore[reportAttributeAccessIssue]  of its shape
    # Blocks small enough that one file keeps every core busy.
    context.target_max_block_size = 16 * 2**20
    if not joined:
        # A bound on what waits between two operators, so that memory does not grow with the corpus.
        # A cluster may grow: Ray Data's own bound there is half of its object stores.
        context.execution_options.resource_limits = ray.data.ExecutionResources(
            object_store_memory=WAITING_BYTES_PER_CPU * num_cpus()
        )
    # Ray logs every exception it also raises, several times over; raising is enough.
    logging.getLogger("ray.data").setLevel(logging.CRITICAL)


def num_cpus() -> int:
    """CPUs of the whole cluster, at least 1."""
    import ray

    return max(1, int(ray.cluster_resources().get("CPU", 1)))


def _most_cpus() -> int:
    """CPUs the cluster has, or may grow to where its autoscaler says so."""
    from ray._private.state import state

    most = state.get_max_resources_from_cluster_config() or {}
    return max(num_cpus(), int(most.get("CPU", 0)))


def num_actors(num_rows: int) -> int:
    """Most actors worth starting for so many rows: each takes seconds to load its model."""
    return min(_most_cpus(), 1 + num_rows // ROWS_WORTH_AN_ACTOR)
