"""Bytes of HTTP/1.1 connections → requests, and answers back. Knows no path and no model.

As little as clients of JSON interfaces need: keep-alive, `Content-Length`, one request at a time on
a connection. No chunked bodies, no TLS.
"""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import Callable
from typing import Any, NamedTuple

import orjson

_HEAD_END = b"\r\n\r\n"
_REASONS = {200: "OK", 400: "Bad Request", 401: "Unauthorized", 404: "Not Found"}
_REASONS |= {411: "Length Required", 429: "Too Many Requests", 500: "Internal Server Error"}
_STATUS = {code: f"HTTP/1.1 {code} {reason}\r\n".encode() for code, reason in _REASONS.items()}
# Linger on, for 0 s: closing sends RST instead of FIN.
_RESET_ON_CLOSE = struct.pack("ii", 1, 0)


class HttpRequest(NamedTuple):
    method: bytes
    path: bytes
    head: bytes
    head_lower: bytes
    body: bytes

    def header(self, name: bytes) -> str | None:
        """The value of a header; `name` in lower case with its colon."""
        return _header(self.head, self.head_lower, name)


class Connection(asyncio.Protocol):
    """One client connection. `serve` gets each request and must `send` or `reset` once.

    `on_lost` is called when the client goes away while its request is not answered yet.
    """

    def __init__(self, serve: Callable[[Connection, HttpRequest], None]) -> None:
        self._serve = serve
        self._buffer = b""
        self._needed = 0
        self._busy = False
        self._transport: asyncio.Transport = None  # type: ignore[assignment]
        self.on_lost: Callable[[], None] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport  # type: ignore[assignment]

    def data_received(self, data: bytes) -> None:
        self._buffer = self._buffer + data if self._buffer else data
        if not self._busy and len(self._buffer) >= self._needed:
            self._next()

    def connection_lost(self, exc: Exception | None) -> None:
        if self.on_lost is not None:
            self.on_lost()

    def _next(self) -> None:
        end = self._buffer.find(_HEAD_END)
        if end < 0:
            return
        head = self._buffer[:end]
        lower = head.lower()
        if b"\r\ntransfer-encoding:" in lower:
            self.send(411, {"error": {"message": "send a Content-Length"}})
            return
        self._needed = end + 4 + int(_header(head, lower, b"content-length:") or 0)
        if len(self._buffer) < self._needed:
            return
        body = self._buffer[end + 4 : self._needed]
        self._buffer, self._needed, self._busy = self._buffer[self._needed :], 0, True
        method, path, _ = head.split(b" ", 2)
        self._serve(self, HttpRequest(method, path, head, lower, body))

    def send(self, status: int, value: Any, *headers: str) -> bool:
        """Answer with JSON; false when the client has gone."""
        if self._transport.is_closing():
            return False
        body = orjson.dumps(value)
        extra = "".join(f"{line}\r\n" for line in headers)
        fields = f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n{extra}\r\n"
        self._transport.write(_STATUS[status] + fields.encode() + body)
        self._busy, self.on_lost = False, None
        if self._buffer:
            self._next()
        return True

    def reset(self) -> None:
        """Break the connection off (RST), answering nothing."""
        self.on_lost = None
        connected = self._transport.get_extra_info("socket")
        if connected is not None:
            connected.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
        self._transport.abort()


def _header(head: bytes, lower: bytes, name: bytes) -> str | None:
    at = lower.find(b"\r\n" + name)
    if at < 0:
        return None
    start = at + 2 + len(name)
    end = head.find(b"\r\n", start)
    return head[start : end if end >= 0 else len(head)].strip().decode("latin-1")
