"""A model folder → our application, or vLLM's own OpenAI server, running with the same engine
arguments, and what its processes take. Knows nothing of what it is asked.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections import Counter
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil

from gcai_ray.engines.vllm_arguments import ON_CPUS, QUIET
from gcai_ray.serve.models import engine_arguments
from gcai_ray.serving_config import ServeConfig
from tests.served import END_S, START_S, Served, end

MODEL, ADAPTER = "bench", "polite"
MOST = 128  # at once: of the engine, and of the door
# What a process calls itself → what it is called here.
ROLES = {
    "VLLM::EngineCore": "engine",
    "ray::ProxyActor": "proxy",
    "ray::ServeReplica:gcai:door": "door",
    "ray::ServeReplica:gcai:model-": "replica",
    "vllm.entrypoints.openai.api_server": "API server",
}
REST = "rest"
THREADS = "OMP_NUM_THREADS"
# The environment that our replicas have; what is set where the benchmark is started wins.
ALIKE_ON_CPUS = ON_CPUS | {
    "HF_HUB_OFFLINE": "1",
    "VLLM_ENABLE_V1_MULTIPROCESSING": "0",
    THREADS: str(os.cpu_count()),
}


def settings(model: Path, device: str, **limits: int) -> dict[str, Any]:
    """Our settings. `limits`: those of the door that differ."""
    own = {"max_num_seqs": MOST} | ({"load_format": "dummy"} if device == "gpu" else {})
    served = {
        "id": MODEL,
        "model": str(model),
        "device": device,
        "dtype": "float32" if device == "cpu" else "bfloat16",
        "context_tokens": 2048,
        "requests_per_replica": MOST,
        "adapters": {} if device == "gpu" else {ADAPTER: f"{model}-lora"},
        "engine_args": own,
    }
    return {
        "models": [served],
        "drain_s": 10,
        "limits": {"max_in_flight": 2 * MOST} | limits,
        "num_cpus": os.cpu_count() if device == "cpu" else None,
    }


class Party:
    """A server that runs. Use as a context; `url` is its root."""

    url: str
    pid: int

    def cpu_s(self) -> Counter[str]:
        """Seconds of processor time so far, by what a process is."""
        found: Counter[str] = Counter()
        for role, process in self._processes():
            try:
                times = process.cpu_times()
            except psutil.NoSuchProcess:
                continue
            found[role] += times.user + times.system
        return found

    def resident_mb(self) -> dict[str, float]:
        """Resident memory now, by what a process is."""
        found: Counter[str] = Counter()
        for role, process in self._processes():
            try:
                found[role] += process.memory_info().rss / 2**20
            except psutil.NoSuchProcess:
                continue
        return dict(found)

    def pids(self) -> dict[str, set[int]]:
        """Which processes answer: they stay the same unless one of them died."""
        found: dict[str, set[int]] = {}
        for role, process in self._processes():
            if role != REST:
                found.setdefault(role, set()).add(process.pid)
        return found

    def keep_engine_apart(self) -> None:
        """The engine on the CPUs but the last, whoever passes on and whoever asks on that one: as
        where the model has a GPU.
        """
        *own, last = sorted(os.sched_getaffinity(0))
        for role, process in self._processes():
            for thread in process.threads():
                with suppress(ProcessLookupError):
                    os.sched_setaffinity(thread.id, own if role == "engine" else {last})
        os.sched_setaffinity(0, {last})

    def _processes(self) -> list[tuple[str, psutil.Process]]:
        root = psutil.Process(self.pid)
        found = []
        for process in [root, *root.children(recursive=True)]:
            try:
                named = " ".join(process.cmdline())
            except psutil.NoSuchProcess:
                continue
            role = next((role for start, role in ROLES.items() if start in named), REST)
            found.append((role, process))
        return found


class Ours(Party):
    """`gcai serve`, in a process of its own."""

    def __init__(self, folder: Path, wanted: dict[str, Any]):
        # Ray has its workers stand back behind whatever else runs, such as who asks them.
        os.environ.setdefault("RAY_worker_niceness", "0")
        self._served = Served(folder, wanted)

    def __enter__(self) -> Ours:
        """Start it, and wait until it answers."""
        self._served.__enter__()
        self.url, self.pid = self._served.url.removesuffix("/v1"), self._served.pid
        return self

    def __exit__(self, *raised: object) -> None:
        """End it."""
        self._served.__exit__(*raised)


class Theirs(Party):
    """`vllm.entrypoints.openai.api_server`, with our engine arguments and environment."""

    def __init__(self, folder: Path, wanted: dict[str, Any]):
        folder.mkdir(parents=True, exist_ok=True)
        config = ServeConfig.model_validate(wanted)
        [model] = config.models
        port = _free_port()
        self.url, self._log = f"http://127.0.0.1:{port}", folder / "vllm.log"
        self._command = [sys.executable, "-m", "vllm.entrypoints.openai.api_server"]
        self._command += ["--host", "127.0.0.1", "--port", str(port)]
        self._command += ["--model", model.model, "--served-model-name", model.id]
        self._command += flags(engine_arguments(model))
        if model.adapters:
            named = [f"{model.id}:{name}={place}" for name, place in model.adapters.items()]
            self._command += ["--lora-modules", *named]
        self._environment = QUIET | (ALIKE_ON_CPUS if model.device == "cpu" else {}) | os.environ

    def __enter__(self) -> Theirs:
        """Start it, and wait until it answers."""
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                self._command,
                env=self._environment,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self.pid = self._process.pid
        deadline = time.monotonic() + START_S
        while not _answers(f"{self.url}/health"):
            if self._process.poll() is not None or time.monotonic() > deadline:
                self._end()
                raise SystemExit(f"vLLM did not come up:\n{self._log.read_text()[-3000:]}")
            time.sleep(0.2)
        return self

    def __exit__(self, *raised: object) -> None:
        """End it."""
        self._end()

    def _end(self) -> None:
        children = psutil.Process(self.pid).children(recursive=True)
        end(self._process)
        for child in psutil.wait_procs(children, timeout=END_S)[1]:
            child.kill()


def flags(arguments: dict[str, Any]) -> list[str]:
    """Engine arguments as vLLM's command line writes them."""
    found = []
    for name, value in arguments.items():
        option = name.replace("_", "-")
        if isinstance(value, bool):
            found.append(f"--{option}" if value else f"--no-{option}")
        else:
            told = json.dumps(value) if isinstance(value, dict) else str(value)
            found += [f"--{option}", told]
    return found


def _free_port() -> int:
    from gcai_ray.serve.run import _free_port as free

    return free("127.0.0.1")


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=5) as reply:
            return reply.status == 200
    except (urllib.error.URLError, OSError):
        return False
