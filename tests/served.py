"""`gcai serve` in a process of its own, as a person starts it: settings → its address, for as long
as a test needs it.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import httpx
import openai

START_S = 900.0  # two cores that others use too: 290 s were seen
END_S = 60.0


class Served:
    """The running application, of settings that are written to a folder. Use as a context."""

    def __init__(self, folder: Path, settings: Mapping[str, Any]):
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / "serve.yaml"
        path.write_text(json.dumps({"port": 0} | dict(settings)), encoding="utf-8")
        self._begin([str(path)])

    @classmethod
    def of(cls, config: Path, *overrides: str) -> Served:
        """Of a file that stands."""
        found = cls.__new__(cls)
        found._begin([str(config), *(part for one in overrides for part in ("--set", one))])
        return found

    def _begin(self, arguments: list[str]) -> None:
        self._arguments = arguments
        self._env = {k: v for k, v in os.environ.items() if k != "RAY_ADDRESS"}
        self._lines: list[str] = []
        self.url = ""

    def __enter__(self) -> Served:
        """Start it, and wait until it answers."""
        command = [sys.executable, "-m", "gcai_ray.cli", "serve", *self._arguments]
        self._process = subprocess.Popen(
            command, env=self._env, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
        )
        threading.Thread(target=self._read, daemon=True).start()
        deadline = time.monotonic() + START_S
        while not self.url:
            if self._process.poll() is not None or time.monotonic() > deadline:
                self._process.kill()
                raise RuntimeError(f"gcai serve did not come up:\n{self.said}")
            time.sleep(0.1)
        return self

    def __exit__(self, *raised: object) -> None:
        """End it as Ctrl-C does."""
        end(self._process)

    def _read(self) -> None:
        for line in self._process.stderr or ():
            self._lines.append(line)
            if line.startswith("http") and not self.url:
                self.url = line.strip()

    @property
    def said(self) -> str:
        """What it printed."""
        return "".join(self._lines)

    @property
    def logs(self) -> Path:
        """Folder of Serve's logs, as it says itself."""
        return Path(self.said.split("logs: ")[1].split(";")[0])

    @property
    def pid(self) -> int:
        """Its process."""
        return self._process.pid

    def client(self, key: str = "none") -> openai.OpenAI:
        """The official client, which makes no request again by itself."""
        return openai.OpenAI(base_url=self.url, api_key=key, max_retries=0, timeout=120)

    def http(self, key: str | None = None) -> httpx.Client:
        """A plain client at the root of the server."""
        headers = {} if key is None else {"Authorization": f"Bearer {key}"}
        return httpx.Client(base_url=self.url.removesuffix("/v1"), headers=headers, timeout=120)


def end(process: subprocess.Popen) -> None:
    """Ask a server to end, and see that it does."""
    process.terminate()
    try:
        process.wait(END_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def tiny_settings(model: Path, **changes: Any) -> dict[str, Any]:
    """Settings that serve a tiny model on two CPUs."""
    served = {
        "id": "tiny",
        "model": str(model),
        "device": "cpu",
        "dtype": "float32",
        "context_tokens": 4096,
        "max_lora_rank": 16,
    }
    usual = {"models": [served], "refresh_s": 0.5, "drain_s": 10, "num_cpus": 2}
    return usual | {"constitution": "sample:constitution.json"} | changes


def chat(client: openai.OpenAI, model: str, text: str = "How do I begin with bread?", **more: Any):
    """One greedy reply."""
    usual = {"max_tokens": 16, "temperature": 0}
    turns = [{"role": "user", "content": text}]
    return client.chat.completions.create(model=model, messages=turns, **(usual | more))  # type: ignore[call-overload]
