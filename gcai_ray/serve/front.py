"""Requests at Serve's own proxy → the same without the headers that steer the proxy; and what the
proxy says by itself, in plain text or not at all → errors as OpenAI's clients read them.

It stands before every door, where no key has been looked at yet. Knows no key, no model and no
setting: Serve's proxies find it by a variable of their environment (`surroundings`).
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, MutableMapping
from contextlib import suppress
from typing import Any

import orjson
from ray.serve._private.constants import (
    SERVE_HTTP_REQUEST_DISCONNECT_DISABLED_HEADER,
    SERVE_HTTP_REQUEST_TIMEOUT_S_HEADER,
    SERVE_MULTIPLEXED_MODEL_ID,
    SERVE_SESSION_ID,
)
from starlette.middleware import Middleware

from gcai_ray.serve.errors import Refused, error_body, internal_error
from gcai_ray.serve.guard import ADDED, request_id

Message = MutableMapping[str, Any]
Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

LOG = logging.getLogger("ray.serve")
RETRY_AFTER_S = 2.0
ID = b"x-request-id"


def _plain(name: str) -> bytes:
    return name.lower().replace("_", "-").encode()


# With these anybody could choose a replica, fill the proxy's memory with handles (one an id), have
# the proxy give up early, or keep a model at work after leaving.
STEERING = frozenset(
    map(
        _plain,
        (
            SERVE_MULTIPLEXED_MODEL_ID,
            SERVE_SESSION_ID,
            SERVE_HTTP_REQUEST_TIMEOUT_S_HEADER,
            SERVE_HTTP_REQUEST_DISCONNECT_DISABLED_HEADER,
        ),
    )
)


def middlewares() -> list[Middleware]:
    """What Serve puts around its proxies."""
    return [Middleware(Front)]


class Front:
    """The app of a proxy, with clean headers before it and clean words after it."""

    def __init__(self, app: App) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request, of any kind."""
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        told = request_id(scope["headers"])
        inner = {**scope, "headers": _cleaned(scope["headers"], told)}
        if scope["type"] == "websocket":
            await self._app(inner, receive, send)
            return
        reply = _Reply(send, told, scope["path"].startswith("/"))
        try:
            await self._app(inner, receive, reply.send)
        except Exception as error:  # noqa: BLE001 - the last place where a fault becomes a 500
            LOG.error("request %s failed in the proxy: %s", told, type(error).__name__)
            await reply.end(internal_error())
            return
        await reply.end(_lost())


class _Reply:
    """A reply on its way out. What the door says passes; what the proxy says is replaced."""

    def __init__(self, send: Send, told: str, is_ours: bool) -> None:
        self._send, self._id, self._is_ours = send, told, is_ours
        self._status = 0
        self._is_events = self._is_own = self._has_ended = False

    async def send(self, message: Message) -> None:
        """Pass a message on, unless it is of the proxy's own error."""
        if message["type"] == "http.response.start":
            kinds = [value for name, value in message["headers"] if name.lower() == b"content-type"]
            self._is_own = message["status"] >= 400 and kinds[:1] != [b"application/json"]
            self._is_events = kinds[:1] != [] and kinds[0].startswith(b"text/event-stream")
            self._status = message["status"]
            pairs = [(n, v) for n, v in message["headers"] if n.lower() != ID]
            message = {**message, "headers": [*pairs, (ID, self._id.encode("ascii"))]}
        if self._is_own:
            return
        if message["type"] == "http.response.body":
            self._has_ended = not message.get("more_body", False)
        await self._send(message)

    async def end(self, refused: Refused) -> None:
        """Say what was not said: why there is no reply, or that a stream was broken off."""
        if self._has_ended or (self._status and not self._is_own and not self._is_events):
            return  # the server closes a connection whose reply is not whole
        if self._is_own and not (self._status == 404 and self._is_ours):
            refused = _OWN.get(self._status, refused)
        body = orjson.dumps(error_body(refused, self._id))
        with suppress(OSError):  # the client may be gone
            if self._status and not self._is_own:
                event = b"data: " + body + b"\n\n"
                await self._send({"type": "http.response.body", "body": event})
                return
            named = {"content-type": "application/json", "content-length": str(len(body))}
            pairs = [(k.encode(), v.encode()) for k, v in (named | refused.headers).items()]
            headers = [(name.lower(), value) for name, value in (*pairs, *ADDED)]
            headers.append((ID, self._id.encode("ascii")))
            start = {"type": "http.response.start", "status": refused.status, "headers": headers}
            await self._send(start)
            await self._send({"type": "http.response.body", "body": body})


def _cleaned(headers: Any, told: str) -> list[tuple[bytes, bytes]]:
    kept = [
        (name, value)
        for name, value in headers
        if name.lower() != ID and name.lower().replace(b"_", b"-") not in STEERING
    ]
    return [*kept, (ID, told.encode("ascii"))]


def _lost() -> Refused:
    told = "the application cannot answer now; come again"
    return Refused(503, "unavailable", told, retry_after_s=RETRY_AFTER_S)


# The application takes every path: of one that begins with `/`, the proxy's 404 means that it is
# not there yet, or no longer.
_OWN = {
    404: Refused(404, "not_found", "there is nothing at this path"),
    408: Refused(504, "timeout", "there was no reply in time"),
    429: Refused(
        429, "overloaded", "too many requests at once; come again", retry_after_s=RETRY_AFTER_S
    ),
    503: _lost(),
}
