"""Options → a scripted server in a process of its own, and the controls of it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

SCRIPT = Path(__file__).with_name("scripted.py")


class Scripted:
    """A running scripted server. Options are those of `scripted.py`, with underscores: a value, a
    list, or True for a flag. `always` and `only_first` go to `set_faults`; `within` is a command
    that runs the server elsewhere, such as in a network namespace.
    """

    def __init__(self, **options: Any) -> None:
        controls = {name: options.pop(name) for name in ("always", "only_first") if name in options}
        within = options.pop("within", [])
        command = [*within, sys.executable, str(SCRIPT), *_flags(options)]
        self._child = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        self.base_url = self._child.stdout.readline().strip()  # type: ignore[union-attr]
        if not self.base_url:
            raise RuntimeError(f"the scripted server did not start: {' '.join(command)}")
        if controls:
            self.set_faults(**controls)

    @property
    def pid(self) -> int:
        return self._child.pid

    def log(self) -> dict[str, Any]:
        """What was asked so far (`record.Record.shown`)."""
        return self._call("log")

    def set_faults(self, **faults: Any) -> dict[str, Any]:
        """Change `share`, `kinds`, `always`, `only_first` or `seed`; what they are now."""
        return self._call("faults", json.dumps(faults).encode())

    def stop(self) -> int:
        """End the server by closing its standard input; its exit code."""
        self._child.communicate(timeout=10)
        return self._child.returncode

    def __enter__(self) -> Scripted:
        return self

    def __exit__(self, *raised: object) -> None:
        self.stop()

    def _call(self, name: str, body: bytes | None = None) -> dict[str, Any]:
        url = f"{self.base_url.removesuffix('/v1')}/control/{name}"
        with urlopen(Request(url, data=body), timeout=30) as answer:
            return json.loads(answer.read())


def _flags(options: dict[str, Any]) -> list[str]:
    flags = []
    for name, value in options.items():
        flag = f"--{name.replace('_', '-')}"
        text = ",".join(value) if isinstance(value, list | tuple) else str(value)
        flags += [flag] if value is True else [flag, text]
    return flags
