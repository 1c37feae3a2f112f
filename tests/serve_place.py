"""One application for all tests of hostile requests and faults, since it takes a minute to start: a
tiny model with an adapter of two versions, keys, small limits, and S3 behind a proxy that can fail.

A plugin: test files name it in `pytest_plugins`, so that they share the one fixture.
"""

from __future__ import annotations

import json
import re
import shutil
import time
import urllib.request
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from http.client import HTTPException
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest
from asking_runs import gcai
from constitution_example import constitution
from fault_proxy import FaultProxy
from s3_gateway import HOST, Gateway, missing, use_s3
from serve_raw import Answer
from served import Served, tiny_settings

MAX_IN_FLIGHT = 8
BODY_TIMEOUT_S = 2.0
REQUEST_TIMEOUT_S = 45.0
MAX_BODY_BYTES = 2_000_000
LIMITS = {
    "max_in_flight": MAX_IN_FLIGHT,
    "body_timeout_s": BODY_TIMEOUT_S,
    "request_timeout_s": REQUEST_TIMEOUT_S,
    "max_body_bytes": MAX_BODY_BYTES,
    "max_completion_tokens": 3000,
    "default_completion_tokens": 8,
}
# What no error may tell: where things lie, what they are written in, where it broke.
LEAKS = re.compile(
    r"/(?:work|tmp|home|root|usr|proc|opt)/|site-packages|\.py\b|Traceback|\bFile \"|0x[0-9a-f]{6}"
    r"|\b[A-Z]\w*(?:Error|Exception)\b|(?i:\b(?:ray|vllm|starlette|pydantic|uvicorn|fastapi)\b)"
    r"|s3://"
)
NOT_HTTP = b"Invalid HTTP request received."  # the HTTP server's own words


class Place:
    """The running application and what stands behind it."""

    def __init__(self, app: Served, store: str, keys: dict[str, str], adapter: Path) -> None:
        self.app, self.store, self.keys, self.adapter = app, store, keys, adapter
        self.proxy: FaultProxy | None = None
        self.environment: dict[str, str] = {}

    @property
    def url(self) -> str:
        """The root of the server."""
        return self.app.url.removesuffix("/v1")

    @property
    def registry(self) -> str:
        """Which adapters there are."""
        return f"{self.store}/registry"

    @property
    def auth(self) -> tuple[str, str]:
        """The header of a key that may ask for everything."""
        return ("Authorization", f"Bearer {self.keys['ann']}")

    def http(self) -> httpx.Client:
        """With that key."""
        return self.app.http(self.keys["ann"])

    def done(self, *command: str) -> None:
        """`gcai adapters …`, past the faults."""
        with self.reached():
            code, output = gcai("adapters", *command)
        assert code == 0, output

    def put(self, folder: Path, name: str) -> str:
        """Store an adapter; its place."""
        with self.reached():
            return put(folder, f"{self.store}/adapters/{name}")

    @contextmanager
    def reached(self) -> Iterator[None]:
        """This process reaches the store without the proxy."""
        with ExitStack() as stack:
            if self.environment:
                stack.enter_context(use_s3(self.environment))
            yield

    def answers(self) -> None:
        """An ordinary request is answered as ever."""
        with self.http() as http:
            reply = http.post("/v1/chat/completions", json=chat("What is bread?"))
        assert reply.status_code == 200, reply.text
        assert reply.json()["usage"]["completion_tokens"] == 8

    def statuses(self) -> list[tuple[str, int]]:
        """Request id and status of all that the doors have noted."""
        found: list[tuple[str, int]] = []
        for path in self.app.logs.rglob("*.log"):
            text = path.read_text(errors="replace")
            found += [(i, int(s)) for i, s in _NOTED.findall(text)]
        return found

    def counted(self, name: str) -> float:
        """The sum of a metric over all its labels, as Prometheus reads it on this node."""
        return sum(float(v) for n, v in _METRIC.findall(self._metrics()) if n == name)

    def _metrics(self) -> str:
        for port in self._agent_ports():
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=5) as found:
                    text = found.read().decode()
            except (OSError, HTTPException):  # another port of the agent, which speaks no HTTP
                continue
            if "ray_" in text:
                return text
        raise AssertionError("no agent of Ray exports metrics")

    def _agent_ports(self) -> list[int]:
        agents = [of for of in self.processes() if "DashboardAgent" in " ".join(of.cmdline())]
        return [
            at.laddr.port
            for agent in agents
            for at in agent.net_connections("inet")
            if at.status == psutil.CONN_LISTEN
        ]

    def processes(self) -> list[psutil.Process]:
        """All of the application, its Ray included."""
        return psutil.Process(self.app.pid).children(recursive=True)

    def replica(self, deployment: str) -> psutil.Process:
        """The process of a deployment's replica, such as `door` or `model-tiny`."""
        title = f"ServeReplica:gcai:{deployment}"
        found = [of for of in self.processes() if title in " ".join(of.cmdline())]
        assert len(found) == 1, [of.cmdline() for of in found]
        return found[0]


_NOTED = re.compile(r"request (\S+) key=\S+ \S+ \S+ (\d{3}) ")
_METRIC = re.compile(r"^(\w+)(?:\{.*\})? ([-+.e\d]+)$", re.MULTILINE)


@pytest.fixture(scope="session")
def place(
    request: pytest.FixtureRequest, tiny_model: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Place]:
    """The application, with the adapter `aligned` in two versions, the first one live."""
    folder = tmp_path_factory.mktemp("place")
    with ExitStack() as stack:
        store, proxy, direct, behind = _store(request, stack, folder)
        with ExitStack() as reached:
            if direct:
                reached.enter_context(use_s3(direct))
            keys = {"ann": new_key(folder, "ann"), "base": new_key(folder, "base", "tiny")}
            adapter = adapters(tiny_model, store)
        settings = tiny_settings(
            tiny_model, registry=f"{store}/registry", keys=str(folder / "keys.yaml"), limits=LIMITS
        )
        with ExitStack() as faulty:
            if behind:
                faulty.enter_context(use_s3(behind))
            app = Served(folder, settings)
        here = Place(stack.enter_context(app), store, keys, adapter)
        here.proxy, here.environment = proxy, direct
        yield here


def _store(
    request: pytest.FixtureRequest, stack: ExitStack, folder: Path
) -> tuple[str, FaultProxy | None, dict[str, str], dict[str, str]]:
    """On a real S3 server behind a proxy where one is installed, else a folder."""
    if missing():
        return str(folder / "store"), None, {}, {}
    s3: Gateway = request.getfixturevalue("s3")
    bucket = request.getfixturevalue("s3_bucket")
    proxy = stack.enter_context(FaultProxy(HOST, s3.port))
    behind = s3.environment(endpoint=proxy.endpoint)
    return f"s3://{bucket}/place", proxy, s3.environment(), behind


def adapters(model: Path, store: str) -> Path:
    """Register two versions of `aligned` and one of `other`; the folder of the first."""
    first = model.with_name(f"{model.name}-first")
    shutil.copytree(model.with_name(f"{model.name}-lora"), first, dirs_exist_ok=True)
    (first / "constitution.json").write_text(constitution().model_dump_json())
    for name, adapter, alpha in (("first", "aligned", 64), ("second", "aligned", 9)):
        folder = first if name == "first" else changed(first, name, alpha)
        code, output = gcai("adapters", "add", f"{store}/registry", adapter,
                            put(folder, f"{store}/adapters/{name}"))  # fmt: skip
        assert code == 0, output
    return first


def changed(adapter: Path, name: str, alpha: int) -> Path:
    """The same adapter, as strong as is said, and like none that a node has fetched before."""
    folder = adapter.with_name(name)
    shutil.copytree(adapter, folder, dirs_exist_ok=True)
    settings = json.loads((folder / "adapter_config.json").read_text())
    (folder / "adapter_config.json").write_text(
        json.dumps(settings | {"lora_alpha": alpha, "revision": uuid.uuid4().hex})
    )
    return folder


def put(folder: Path, url: str) -> str:
    """Copy a folder to a store."""
    if "://" not in url:
        shutil.copytree(folder, url)
        return url
    from gcai_ray.storage import Storage

    for path in sorted(folder.iterdir()):
        Storage(url).put(str(path), path.name)
    return url


def new_key(folder: Path, name: str, models: str = "*") -> str:
    """A key in the file of keys."""
    code, output = gcai("keys", "new", folder / "keys.yaml", name, "--models", models)
    assert code == 0, output
    return next(word for word in output.split() if word.startswith("gcai-"))


def chat(content: Any = "What is bread?", model: str = "tiny", **more: Any) -> dict[str, Any]:
    """A request for one short greedy reply that never ends early: the tiny model is noise."""
    turns = [{"role": "user", "content": content}]
    return {"model": model, "messages": turns, "max_tokens": 8, "temperature": 0} | more


def until(holds: Callable[[], bool], within_s: float, what: str) -> float:
    """Wait until something holds, at most so long; the seconds it took."""
    began = time.monotonic()
    while not holds():
        assert time.monotonic() < began + within_s, f"{what}: not within {within_s:g} s"
        time.sleep(0.1)
    return time.monotonic() - began


def refusal(answer: Answer | httpx.Response | None, *statuses: int, secret: str = "") -> Any:
    """An error in OpenAI's shape with one of the statuses, that tells nothing it should not."""
    assert answer is not None, "the connection was closed without a word"
    status = answer.status_code if isinstance(answer, httpx.Response) else answer.status
    body = answer.content if isinstance(answer, httpx.Response) else answer.body
    assert status in statuses, (status, body[:500])
    text = body.decode("utf-8")
    found = json.loads(text)
    assert set(found) == {"error", "request_id"}
    assert set(found["error"]) == {"message", "type", "param", "code"}
    ids = (
        answer.headers.get_list("x-request-id")
        if isinstance(answer, httpx.Response)
        else answer.header("x-request-id")
    )
    assert ids == [found["request_id"]]
    assert not LEAKS.search(text), text
    assert not secret or secret not in text, text
    assert len(text) < 2000
    return found["error"]
