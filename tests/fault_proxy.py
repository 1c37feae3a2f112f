"""Requests of an S3 client → the gateway, and its answers back, but for those a test wants to fail.

HTTP/1.1, forwarded verbatim: a signature covers the Host header. Also counts what passes, for
benchmarks. Knows of S3 only how a listing and an error look.
"""

from __future__ import annotations

import asyncio
import socket
import struct
import threading
from collections import Counter
from collections.abc import Coroutine
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Literal, TypeVar
from urllib.parse import unquote, urlsplit

How = Literal["error", "slow_down", "conflict", "reset", "stall", "lose_answer", "cut"]
CHUNK_BYTES = 2**16
ANSWERS = {
    "error": ("500 Internal Server Error", "InternalError", "We encountered an internal error."),
    "slow_down": ("503 Slow Down", "SlowDown", "Please reduce your request rate."),
    "conflict": (
        "409 Conflict",
        "ConditionalRequestConflict",
        "A conflicting request is going on.",
    ),
}
T = TypeVar("T")


@dataclass
class Fault:
    """What shall happen to requests of one kind.

    `error` and `slow_down` answer 500 and 503 without asking the gateway, `conflict` 409, AWS's
    answer to a conditional put that shall be made again; `reset` ends the connection at once;
    `stall` holds the request for `seconds`; `lose_answer` carries the request out and resets
    instead of answering; `cut` resets half way through the body of the answer.
    """

    how: How
    method: str | None = None  # GET, PUT, HEAD, POST, DELETE, or LIST for a listing
    key: str = ""  # must stand in bucket/key, or in the query of a listing
    times: int | None = None  # how many requests it may still meet; None: all
    seconds: float = 0.0
    met: int = 0  # how many it has met


@dataclass
class Traffic:
    """What passed, by method (LIST: a listing). Requests that a fault ended are counted too."""

    requests: Counter[str] = field(default_factory=Counter)
    bytes_up: Counter[str] = field(default_factory=Counter)
    bytes_down: Counter[str] = field(default_factory=Counter)


@dataclass(frozen=True)
class Head:
    """The first line and the headers of a message."""

    raw: bytes

    @property
    def line(self) -> list[str]:
        """The words of the first line."""
        return self.raw.split(b"\r\n", 1)[0].decode("latin-1").split(" ", 2)

    def header(self, name: str) -> str:
        """Value of a header, in lower case; empty when there is none."""
        for line in self.raw.split(b"\r\n")[1:]:
            key, _, value = line.decode("latin-1").partition(":")
            if key.strip().lower() == name:
                return value.strip().lower()
        return ""

    @property
    def place(self) -> str:
        """Bucket, key and query of a request, readable."""
        url = urlsplit(self.line[1])
        return unquote(f"{url.path.lstrip('/')}?{url.query}")

    @property
    def method(self) -> str:
        """Method of a request; LIST for the listing of a bucket."""
        method, query = self.line[0], urlsplit(self.line[1]).query
        return "LIST" if method == "GET" and "list-type" in query else method


class FaultProxy:
    """`with FaultProxy(host, port) as proxy: proxy.fail("reset", method="PUT", times=2)`."""

    def __init__(self, host: str, port: int, bind: str = "127.0.0.1") -> None:
        self._gateway = (host, port)
        self._bind = bind
        self._lock = threading.Lock()
        self._faults: list[Fault] = []
        self.traffic = Traffic()

    def __enter__(self) -> FaultProxy:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self._server = self._wait(self._start())
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._wait(self._stop())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    @property
    def endpoint(self) -> str:
        """URL to give to a client."""
        return f"http://{self._bind}:{self._server.sockets[0].getsockname()[1]}"

    def fail(
        self,
        how: How,
        *,
        method: str | None = None,
        key: str = "",
        times: int | None = None,
        seconds: float = 0.0,
    ) -> Fault:
        """From now on, let requests of a kind fail; the first fault that fits is taken."""
        fault = Fault(how, method, key, times, seconds)
        with self._lock:
            self._faults.append(fault)
        return fault

    def heal(self) -> None:
        """No more faults."""
        with self._lock:
            self._faults.clear()

    def forget(self) -> Traffic:
        """Count anew; gives what was counted."""
        before, self.traffic = self.traffic, Traffic()
        return before

    def _wait(self, of: Coroutine[Any, Any, T]) -> T:
        future: Future[T] = asyncio.run_coroutine_threadsafe(of, self._loop)
        return future.result(timeout=30)

    async def _start(self) -> asyncio.Server:
        return await asyncio.start_server(self._serve, self._bind, 0, limit=2**20)

    async def _stop(self) -> None:
        self._server.close()
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    async def _serve(self, client: asyncio.StreamReader, back: asyncio.StreamWriter) -> None:
        """All requests of one connection."""
        try:
            while raw := await _head(client):
                if not await self._answer(Head(raw), client, back):
                    _reset(back)
        except (OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            _reset(back)  # cancelled: the proxy ends
        finally:
            back.close()

    async def _answer(
        self, head: Head, client: asyncio.StreamReader, back: asyncio.StreamWriter
    ) -> bool:
        """One request; False when the connection is to be reset."""
        self.traffic.requests[head.method] += 1
        fault = self._fault_of(head)
        how = fault.how if fault else ""
        if how == "reset":
            return False
        if fault and how == "stall":
            await asyncio.sleep(fault.seconds)
            if client.at_eof():
                return False
        if head.header("expect"):
            back.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        if how in ANSWERS:
            await _pump(head, client, None)
            back.write(_error_answer(how, head.line[0]))
            await back.drain()
            return True
        return await self._forward(head, how, client, back)

    async def _forward(
        self, head: Head, how: str, client: asyncio.StreamReader, back: asyncio.StreamWriter
    ) -> bool:
        """One connection to the gateway per request: none is ever found closed, or restarted."""
        answers, gateway = await asyncio.open_connection(*self._gateway, limit=2**20)
        try:
            gateway.write(head.raw)
            self.traffic.bytes_up[head.method] += len(head.raw) + await _pump(head, client, gateway)
            answer = await _final_head(answers)
            if how == "lose_answer":
                await _pump(answer, answers, None, head.line[0])
                return False
            if how == "cut":
                back.write(answer.raw)
                back.write(await answers.readexactly(int(answer.header("content-length")) // 2))
                await back.drain()
                return False
            back.write(answer.raw)
            num_bytes = await _pump(answer, answers, back, head.line[0])
            self.traffic.bytes_down[head.method] += len(answer.raw) + num_bytes
            await back.drain()
            return True
        finally:
            gateway.close()

    def _fault_of(self, head: Head) -> Fault | None:
        with self._lock:
            for fault in self._faults:
                fits = fault.method in (None, head.method) and fault.key in head.place
                if fits and fault.times != 0:
                    fault.met += 1
                    fault.times = None if fault.times is None else fault.times - 1
                    return fault
        return None


async def _head(reader: asyncio.StreamReader) -> bytes:
    """First line and headers; empty when the peer has ended the connection."""
    try:
        return await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError as error:
        if error.partial:
            raise
        return b""


async def _final_head(reader: asyncio.StreamReader) -> Head:
    """The head of the answer itself, past every `100 Continue`."""
    while True:
        head = Head(await reader.readuntil(b"\r\n\r\n"))
        if not head.line[1].startswith("1"):
            return head


async def _pump(
    head: Head, reader: asyncio.StreamReader, writer: asyncio.StreamWriter | None, asked: str = ""
) -> int:
    """Carry the body that belongs to a head; says its bytes. `asked`: the method it answers."""
    if asked and (asked == "HEAD" or head.line[1] in {"204", "304"}):
        return 0
    if "chunked" in head.header("transfer-encoding"):
        return await _pump_chunks(reader, writer)
    return await _pump_bytes(int(head.header("content-length") or 0), reader, writer)


async def _pump_bytes(
    num_bytes: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter | None
) -> int:
    left = num_bytes
    while left:
        data = await reader.readexactly(min(left, CHUNK_BYTES))
        left -= len(data)
        if writer:
            writer.write(data)
            await writer.drain()
    return num_bytes


async def _pump_chunks(reader: asyncio.StreamReader, writer: asyncio.StreamWriter | None) -> int:
    moved, last = 0, False
    while True:
        line = await reader.readuntil(b"\r\n")
        if writer:
            writer.write(line)
        moved += len(line)
        if last and line == b"\r\n":  # the trailers end in an empty line
            return moved
        if not last:
            size = int(line.split(b";")[0], 16)
            last = size == 0
            moved += await _pump_bytes(size + 2, reader, writer) if size else 0


def _error_answer(how: str, method: str) -> bytes:
    status, code, message = ANSWERS[how]
    body = f"<Error><Code>{code}</Code><Message>{message}</Message></Error>".encode()
    head = f"HTTP/1.1 {status}\r\nContent-Type: application/xml\r\nContent-Length: {len(body)}\r\n"
    return head.encode() + b"\r\n" + (b"" if method == "HEAD" else body)


def _reset(writer: asyncio.StreamWriter) -> None:
    """Leave the peer with a reset, not with an orderly end."""
    with suppress(OSError):
        taken = writer.get_extra_info("socket")
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()
