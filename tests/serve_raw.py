"""Bytes to a server as no client library would send them, and what comes back."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

TIMEOUT_S = 60.0


@dataclass(frozen=True)
class Answer:
    """One reply as it stood on the wire."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes

    def header(self, name: str) -> list[str]:
        """All values of a header."""
        return [value for given, value in self.headers if given == name]

    def json(self) -> Any:
        """The body."""
        return json.loads(self.body)


class Wire:
    """A connection. Use as a context."""

    def __init__(self, url: str, timeout_s: float = TIMEOUT_S) -> None:
        parts = urlsplit(url)
        self._place = (parts.hostname or "", parts.port or 80)
        self._timeout_s = timeout_s

    def __enter__(self) -> Wire:
        self._socket = socket.create_connection(self._place, self._timeout_s)
        self._held = b""
        return self

    def __exit__(self, *raised: object) -> None:
        self._socket.close()

    def send(self, data: bytes) -> None:
        """Send as it stands."""
        self._socket.sendall(data)

    def leave(self) -> None:
        """Say that no more comes, as a client that is gone."""
        self._socket.close()

    def answer(self, has_body: bool = True) -> Answer | None:
        """The next reply, past `100 Continue`; None where the server closed the connection."""
        head = self._until(b"\r\n\r\n")
        if head is None:
            return None
        first, *lines = head.decode("latin-1").split("\r\n")
        status = int(first.split(" ")[1])
        if status < 200:
            return self.answer(has_body)
        headers = [(n.lower(), v.strip()) for n, _, v in (line.partition(":") for line in lines)]
        body = self._body(Answer(status, headers, b"")) if has_body else b""
        return Answer(status, headers, body)

    def is_closed(self) -> bool:
        """Whether nothing more comes, now or within the timeout."""
        return self._held == b"" and self._more() == b""

    def _body(self, answer: Answer) -> bytes:
        if answer.header("transfer-encoding") == ["chunked"]:
            return b"".join(self._chunks())
        length = answer.header("content-length")
        if length:
            return self._exactly(int(length[0]))
        while self._more():
            continue
        body, self._held = self._held, b""
        return body

    def _chunks(self) -> Iterable[bytes]:
        while True:
            size = int(self._until(b"\r\n") or b"0", 16)
            data = self._exactly(size + 2)[:-2]
            if size == 0:
                return
            yield data

    def _exactly(self, number: int) -> bytes:
        while len(self._held) < number:
            if not self._more():
                raise EOFError(f"{number} bytes wanted, {len(self._held)} came")
        taken, self._held = self._held[:number], self._held[number:]
        return taken

    def _until(self, end: bytes) -> bytes | None:
        while end not in self._held:
            if not self._more():
                return None
        taken, _, self._held = self._held.partition(end)
        return taken

    def _more(self) -> bytes:
        try:
            data = self._socket.recv(2**16)
        except ConnectionError:
            data = b""
        self._held += data
        return data


def request(
    target: str = "/v1/chat/completions",
    method: str = "POST",
    headers: Iterable[tuple[str, str | bytes]] = (),
    body: bytes = b"",
    version: str = "1.1",
) -> bytes:
    """A request of exactly these headers, and Host."""
    lines = [f"{method} {target} HTTP/{version}".encode("latin-1"), b"Host: door"]
    for name, value in headers:
        raw = value if isinstance(value, bytes) else value.encode()
        lines.append(name.encode() + b": " + raw)
    return b"\r\n".join([*lines, b"", body])


def exchanged(url: str, data: bytes, timeout_s: float = TIMEOUT_S) -> Answer | None:
    """Send and take one reply."""
    with Wire(url, timeout_s) as wire:
        wire.send(data)
        return wire.answer()


def dripped(wire: Wire, pieces: Iterable[bytes], pause_s: float) -> float:
    """Send piece by piece until the server has had enough; seconds it took."""
    began = time.monotonic()
    for piece in pieces:
        try:
            wire.send(piece)
        except ConnectionError:
            break
        time.sleep(pause_s)
    return time.monotonic() - began
