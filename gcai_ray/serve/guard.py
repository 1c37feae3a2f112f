"""What comes in at a door → the app behind it, or a refusal. Who may ask, how often, how much.

An ASGI app around another, so that streams pass untouched. Knows no path but those that are open,
and nothing of models. It never notes a prompt or a key.
"""

from __future__ import annotations

import asyncio
import logging
import re
import time
import traceback
import uuid
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Protocol

import orjson

from gcai_ray.causes import causes
from gcai_ray.serve.errors import INVALID, Refused, error_body, internal_error, shortened
from gcai_ray.serve.keys import ApiKey, KeysInForce, presented_key
from gcai_ray.serve.limits import Clock, InFlight, Rates
from gcai_ray.serving_config import LimitsConfig, ServeConfig

Message = MutableMapping[str, Any]
Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]
Headers = list[tuple[bytes, bytes]]

OPEN_PATHS = frozenset({"/health", "/ready"})  # what load balancers ask: no key, no rate, no place
WITH_BODY = frozenset({"POST", "PUT", "PATCH"})
MAX_HEADER_BYTES = 16_384
CLIENT_GONE = 499  # noted where the client left before its reply was complete
LOG = logging.getLogger("ray.serve")
_REQUEST_ID = re.compile(rb"[A-Za-z0-9_-]{1,64}")
_LENGTH = re.compile(rb"[0-9]{1,15}")
_JSON = re.compile(rb'application/json(?:[ \t]*;[ \t]*charset="?utf-8"?)?', re.IGNORECASE)
ADDED = (
    (b"x-content-type-options", b"nosniff"),
    (b"cache-control", b"no-store"),
)


@dataclass(frozen=True)
class Line:
    """What is noted of a request. `key`: the key's name; `status`: 499 where the client left."""

    request_id: str
    key: str
    method: str
    path: str
    status: int
    seconds: float
    bytes_in: int
    bytes_out: int


class Watched(Protocol):
    """What is counted of requests: see `metrics.Metrics`."""

    def request(self, path: str, model: str, key: str, status: int, seconds: float) -> None:
        """One finished request; `path` is a route of the app, or empty."""
        ...

    def in_flight(self, number: int) -> None:
        """Requests being answered now."""
        ...


class ClientGone(Exception):
    """The client left before its request was whole."""


def logged(line: Line) -> None:
    """Write the line of a request to Serve's log."""
    LOG.info(
        "request %s key=%s %s %s %d %.3fs in=%d out=%d",
        line.request_id,
        line.key or "-",
        line.method,
        line.path,
        line.status,
        line.seconds,
        line.bytes_in,
        line.bytes_out,
    )


class Guard:
    """The app behind checks of headers, key, rates, requests in flight and body, in that order.

    The app finds in `request.state`: `request_id`; `key` (None where there are no keys) and
    `key_name`; `charge(tokens)`, to be called when a reply's tokens are known. It may set `model`,
    for the metrics. A `Refused` that it raises is answered.

    Raises:
        ConfigError, StorageError: the file of keys cannot be used.
    """

    def __init__(
        self,
        app: App,
        config: ServeConfig,
        metrics: Watched,
        note: Callable[[Line], None] = logged,
        clock: Clock = time.monotonic,
    ) -> None:
        self.app = app
        self.limits = config.limits
        self.keys = None if config.keys is None else KeysInForce(config.keys, config.refresh_s)
        self.rates = Rates(config.doors, clock)
        self.in_flight = InFlight(config.limits.max_in_flight, config.limits.retry_after_s)
        self._metrics, self._note, self._clock = metrics, note, clock
        self._reading: asyncio.Task[None] | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request, or the life of the server."""
        self._keep_keys_fresh()
        if scope["type"] == "http":
            await self._http(scope, receive, send)
        elif scope["type"] == "lifespan":
            try:
                await self.app(scope, receive, send)
            finally:
                if self._reading is not None:
                    self._reading.cancel()
        else:  # nothing here speaks websockets, which would pass by all that follows
            await send({"type": "websocket.close", "code": 1008})

    def _keep_keys_fresh(self) -> None:
        """Read the file of keys every few seconds beside the server, also after a fault."""
        if self.keys is not None and (self._reading is None or self._reading.done()):
            self._reading = asyncio.create_task(self.keys.keep_fresh())

    async def _http(self, scope: Scope, receive: Receive, send: Send) -> None:
        began, headers = self._clock(), list(scope["headers"])
        state = {"request_id": request_id(headers), "key": None, "key_name": ""}
        inner = {**scope, "state": {**scope.get("state", {}), **state, "charge": _charge_nobody}}
        reply = Reply(send, state["request_id"])
        try:
            await self._answer(inner, headers, receive, reply)
        finally:
            self._finish(inner, reply, self._clock() - began)

    async def _answer(self, scope: Scope, headers: Headers, receive: Receive, reply: Reply) -> None:
        try:
            check_headers(scope["method"], headers, self.limits)
            if scope["path"] in OPEN_PATHS:
                await self.app(scope, receive, reply.send)
            else:
                await self._let_in(scope, headers, receive, reply)
            if not reply.started:
                LOG.error("request %s got no reply from the app", reply.request_id)
                await reply.refuse(internal_error())
        except ClientGone:
            return  # nobody is there to be told
        except Refused as refused:
            await reply.refuse(refused)
        except Exception as error:  # noqa: BLE001 - the last place where a fault becomes a 500
            _explain(reply.request_id, error)
            await reply.refuse(internal_error())

    async def _let_in(self, scope: Scope, headers: Headers, receive: Receive, reply: Reply) -> None:
        if self.keys is not None:
            self._admit(scope["state"], self.keys, headers)
        with self.in_flight.place():
            self._metrics.in_flight(self.in_flight.num)
            body = await body_of(receive, declared_bytes(headers), self.limits)
            reply.bytes_in = len(body)
            if scope["method"] in WITH_BODY:
                check_json(body)
            await self.app(scope, _again(body, receive), reply.send)

    def _admit(self, state: dict[str, Any], keys: KeysInForce, headers: Headers) -> None:
        """Find the key, and count the request against its rates."""
        key = found_key(keys, headers)
        state |= {"key": key, "key_name": key.name}
        state["charge"] = lambda tokens: self.rates.charge(key, tokens)
        wait_s = self.rates.admit(key)
        if wait_s > 0:
            told = "this key's rate is used up; come again"
            raise Refused(429, "rate_limit_exceeded", told, retry_after_s=wait_s)

    def _finish(self, scope: Scope, reply: Reply, seconds: float) -> None:
        state, status = scope["state"], reply.noted
        self._metrics.in_flight(self.in_flight.num)
        route = getattr(scope.get("route"), "path", "")
        self._metrics.request(route, state.get("model", ""), state["key_name"], status, seconds)
        sizes = (reply.bytes_in, reply.bytes_out)
        method, path = shortened(scope["method"], 16), shortened(scope["path"], 200)
        self._note(Line(reply.request_id, state["key_name"], method, path, status, seconds, *sizes))


@dataclass
class Reply:
    """The reply on its way out: headers that every reply has are added, bytes are counted.

    Starlette tells of a fault in plain text and raises it again: that reply is kept back, and a
    refusal takes its place.
    """

    _send: Send
    request_id: str
    status: int = 0
    bytes_in: int = 0
    bytes_out: int = 0
    started: bool = False
    ended: bool = False
    fault: int = 0
    _is_events: bool = field(default=False, repr=False)
    _is_kept_back: bool = field(default=False, repr=False)

    @property
    def noted(self) -> int:
        """The status; of a reply that was begun and not completed, why."""
        return self.fault or (self.status if self.ended else CLIENT_GONE)

    async def send(self, message: Message) -> None:
        """Pass a message of the app on."""
        if self._is_kept_back:
            return
        if message["type"] == "http.response.start":
            headers = [(name.lower(), value) for name, value in message.get("headers", ())]
            kind = next((value for name, value in headers if name == b"content-type"), b"")
            self._is_events = kind.startswith(b"text/event-stream")
            if message["status"] == 500 and kind.startswith(b"text/plain"):
                self._is_kept_back = True
                return
            self.started, self.status = True, message["status"]
            message = {**message, "headers": self._with_ours(headers)}
        elif message["type"] == "http.response.body":
            self.bytes_out += len(message.get("body", b""))
            self.ended = not message.get("more_body", False)
        await self._send(message)

    def _with_ours(self, headers: Headers) -> Headers:
        ours = [(b"x-request-id", self.request_id.encode("ascii")), *ADDED]
        names = {name for name, _ in ours}
        return [pair for pair in headers if pair[0] not in names] + ours

    async def refuse(self, refused: Refused) -> None:
        """Answer with a refusal; where the reply has begun, end it so that it cannot pass for
        whole: an event stream with an event that has `error`, anything else by breaking it off.
        """
        self._is_kept_back = False
        body = orjson.dumps(error_body(refused, self.request_id))
        if not self.started:
            headers = {"content-type": "application/json", "content-length": str(len(body))}
            pairs = [
                (k.lower().encode(), v.encode()) for k, v in (headers | refused.headers).items()
            ]
            start = {"type": "http.response.start", "status": refused.status, "headers": pairs}
            await self.send(start)
            await self.send({"type": "http.response.body", "body": body})
            return
        self.fault = 0 if self.ended else refused.status
        if not self.ended and self._is_events:
            with suppress(OSError):  # the client may be gone
                event = b"data: " + body + b"\n\n"
                await self.send({"type": "http.response.body", "body": event})
        elif not self.ended:
            raise BrokenOff(f"reply to {self.request_id} broken off") from None


class BrokenOff(Exception):
    """A reply that cannot be completed; the server closes the connection on it."""


def _charge_nobody(tokens: int) -> None:
    """Without keys nobody has a rate."""


def request_id(headers: Headers) -> str:
    """The caller's `X-Request-Id` if it is one, of letters, digits, `_` and `-`; else a new one."""
    given = [value for name, value in headers if name.lower() == b"x-request-id"]
    if len(given) == 1 and _REQUEST_ID.fullmatch(given[0]):
        return given[0].decode("ascii")
    return uuid.uuid4().hex


def check_headers(method: str, headers: Headers, limits: LimitsConfig) -> None:
    """Refuse what can be seen to be wrong before the body is read.

    Raises:
        Refused: 400, 413, 415 or 431.
    """
    if sum(len(name) + len(value) + 4 for name, value in headers) > MAX_HEADER_BYTES:
        raise Refused(431, "headers_too_large", f"headers are larger than {MAX_HEADER_BYTES} bytes")
    length = declared_bytes(headers)
    if length is not None and length > limits.max_body_bytes:
        raise _too_large(limits)
    if method not in WITH_BODY:
        return
    kinds = _values(headers, b"content-type")
    if len(kinds) != 1 or not _JSON.fullmatch(kinds[0].strip()):
        raise _unsupported("the body has to be application/json, in UTF-8")
    if any(value.strip().lower() != b"identity" for value in _values(headers, b"content-encoding")):
        raise _unsupported("the body may not be compressed")


def declared_bytes(headers: Headers) -> int | None:
    """What `Content-Length` says; None where it is not given.

    Raises:
        Refused: 400, it is no number, given twice, or given beside `Transfer-Encoding`, which is
            how requests are smuggled.
    """
    lengths = _values(headers, b"content-length")
    if not lengths:
        return None
    if (
        len(lengths) > 1
        or not _LENGTH.fullmatch(lengths[0])
        or _values(headers, b"transfer-encoding")
    ):
        raise Refused(400, INVALID, "Content-Length has to be given once, as a number")
    return int(lengths[0])


async def body_of(receive: Receive, declared: int | None, limits: LimitsConfig) -> bytes:
    """The whole body, counted as it comes.

    Raises:
        Refused: 413, too large; 408, not whole in time; 400, not as long as it said.
        ClientGone: the client left.
    """
    chunks: list[bytes] = []
    num_bytes, more = 0, True
    try:
        async with asyncio.timeout(limits.body_timeout_s):
            while more:
                message = await receive()
                if message["type"] == "http.disconnect":
                    raise ClientGone
                chunks.append(message.get("body", b""))
                num_bytes += len(chunks[-1])
                if num_bytes > limits.max_body_bytes:
                    raise _too_large(limits)
                more = message.get("more_body", False)
    except TimeoutError:
        told = f"the body did not come within {limits.body_timeout_s:g} s"
        raise Refused(408, "request_timeout", told) from None
    if declared is not None and declared != num_bytes:
        raise Refused(400, INVALID, "the body is not as long as Content-Length says")
    return b"".join(chunks)


def check_json(body: bytes) -> None:
    """Refuse what is no JSON by the letter: NaN, halves of surrogate pairs, other encodings,
    nesting beyond 1,024, numbers beyond a double. Whatever reads it later has it easier.

    Raises:
        Refused: 400.
    """
    try:
        orjson.loads(body)
    except orjson.JSONDecodeError as error:
        told = f"the body is not valid JSON: {error.msg} (byte {error.pos})"
        raise Refused(400, INVALID, told) from None


def found_key(keys: KeysInForce, headers: Iterable[tuple[bytes, bytes]]) -> ApiKey:
    """The key in force that a request came with.

    Raises:
        Refused: 401.
    """
    presented = presented_key(headers)
    if presented is None:
        raise Refused(401, "invalid_api_key", "no API key: send it as Authorization: Bearer KEY")
    key = keys.find(presented)
    if key is None:
        raise Refused(401, "invalid_api_key", "this API key is not known here, or has expired")
    return key


def _again(body: bytes, receive: Receive) -> Receive:
    """The body once more, for the app; then what comes after it, such as that the client left."""
    waiting: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def received() -> Message:
        return waiting.pop() if waiting else await receive()

    return received


def _values(headers: Headers, name: bytes) -> list[bytes]:
    return [value for given, value in headers if given.lower() == name]


def _too_large(limits: LimitsConfig) -> Refused:
    told = f"the body is larger than {limits.max_body_bytes} bytes"
    return Refused(413, "request_too_large", told)


def _unsupported(message: str) -> Refused:
    return Refused(415, "unsupported_media_type", message)


def _explain(request_id: str, error: BaseException) -> None:
    """Where a fault arose, without its words: they may hold a prompt."""
    kinds = " from ".join(type(one).__name__ for one in causes(error))
    frames = "".join(traceback.format_tb(error.__traceback__))
    LOG.error("request %s failed here: %s\n%s", request_id, kinds, frames)
