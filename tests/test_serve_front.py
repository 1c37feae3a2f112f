"""What stands before Serve's proxy: headers it takes away, words it replaces, streams it ends."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from gcai_ray.serve.front import Front, middlewares


def proxy(*told: tuple[int, bytes, bytes], fault: Exception | None = None) -> Any:
    """A proxy that says so, piece by piece, and then fails or ends."""

    async def app(scope: Any, receive: Any, send: Callable[[Any], Awaitable[None]]) -> None:
        app.headers = scope["headers"]  # type: ignore[attr-defined]
        for number, (status, kind, body) in enumerate(told):
            if number == 0:
                headers = [(b"content-type", kind), (b"X-Request-ID", b"proxy"), (b"allow", b"x")]
                await send({"type": "http.response.start", "status": status, "headers": headers})
            more = number < len(told) - 1 or body.startswith(b"data:")
            await send({"type": "http.response.body", "body": body, "more_body": more})
        if fault is not None:
            raise fault

    return app


def asked(app: Any, *headers: tuple[bytes, bytes], path: str = "/v1/x", kind: str = "http") -> Any:
    """Status, headers and body of what a client sees."""
    sent: list[dict[str, Any]] = []

    async def send(message: Any) -> None:
        sent.append(dict(message))

    scope = {"type": kind, "method": "GET", "path": path, "headers": list(headers)}
    asyncio.run(Front(app)(scope, None, send))  # type: ignore[arg-type]
    if not sent:
        return None
    start, *bodies = sent
    whole = bool(bodies) and not bodies[-1].get("more_body", False)
    return start["status"], start["headers"], b"".join(b["body"] for b in bodies), whole


STEERING = [
    b"serve_multiplexed_model_id",
    b"Serve-Multiplexed-Model-Id",
    b"x-session-id",
    b"X-Session_Id",
    b"x-request-timeout-seconds",
    b"x-request-disconnect-disabled",
]


@pytest.mark.parametrize("name", STEERING)
@pytest.mark.parametrize("kind", ["http", "websocket"])
def test_headers_that_steer_never_reach_the_proxy(name: bytes, kind: str) -> None:
    app = proxy((200, b"application/json", b"{}"))
    asked(app, (name, b"\xff"), (b"authorization", b"Bearer x"), kind=kind)
    assert [header for header, _ in app.headers] == [b"authorization", b"x-request-id"]


@pytest.mark.parametrize("given", [b"\xff", b"", b"a b", b"../x", b"x" * 65])
def test_the_proxy_the_door_and_the_client_see_one_request_id(given: bytes) -> None:
    app = proxy((200, b"application/json", b"{}"))
    _, headers, _, _ = asked(app, (b"x-request-id", given))
    [seen] = [value for name, value in app.headers if name == b"x-request-id"]
    assert [value for name, value in headers if name.lower() == b"x-request-id"] == [seen]
    assert len(seen) == 32
    assert seen.isalnum()
    asked(app, (b"x-request-id", b"mine-1"))
    assert (b"x-request-id", b"mine-1") in app.headers


def test_what_the_door_says_passes_as_it_is() -> None:
    status, headers, body, whole = asked(proxy((404, b"application/json", b'{"error": 1}')))
    assert (status, body, whole) == (404, b'{"error": 1}', True)
    assert (b"allow", b"x") in headers
    status, _, body, whole = asked(proxy((200, b"text/plain; charset=utf-8", b"success")))
    assert (status, body, whole) == (200, b"success", True)


@pytest.mark.parametrize(
    ("said", "status", "code"),
    [
        (404, 503, "unavailable"),
        (408, 504, "timeout"),
        (429, 429, "overloaded"),
        (503, 503, "unavailable"),
        (500, 503, "unavailable"),
    ],
)
def test_what_the_proxy_says_by_itself_is_told_in_our_words(
    said: int, status: int, code: str
) -> None:
    text = b"Path '/work/secret' not found. Ping http://.../-/routes"
    seen, headers, body, whole = asked(proxy((said, b"text/plain; charset=utf-8", text)))
    assert (seen, whole) == (status, True)
    assert json.loads(body)["error"]["code"] == code
    assert b"secret" not in body
    assert (b"content-length", str(len(body)).encode()) in headers
    assert (b"retry-after" in dict(headers)) == (status in (429, 503))


def test_a_path_that_no_application_can_have_is_not_found() -> None:
    status, _, body, _ = asked(proxy((404, b"text/plain", b"Path '*' not found.")), path="*")
    assert (status, json.loads(body)["error"]["code"]) == (404, "not_found")


def test_a_door_that_was_lost_before_it_said_anything_is_a_503() -> None:
    status, headers, body, whole = asked(proxy())
    assert (status, whole) == (503, True)
    assert json.loads(body)["error"]["type"] == "server_error"
    assert dict(headers)[b"retry-after"] == b"2"


def test_a_fault_of_the_proxy_is_a_500_that_tells_nothing() -> None:
    status, _, body, _ = asked(proxy(fault=UnicodeDecodeError("utf-8", b"secret", 0, 1, "secret")))
    assert (status, json.loads(body)["error"]["code"]) == (500, "internal_error")
    assert b"secret" not in body
    assert b"Unicode" not in body


def test_a_stream_whose_door_was_lost_ends_with_an_error() -> None:
    kind = b"text/event-stream; charset=utf-8"
    status, _, body, whole = asked(proxy((200, kind, b"data: {}\n\n")))
    assert (status, whole) == (200, True)
    *_, last, rest = body.decode().split("\n\n")
    assert json.loads(last.removeprefix("data: "))["error"]["code"] == "unavailable"
    assert rest == ""


def test_any_other_reply_that_was_cut_never_looks_whole() -> None:
    status, _, body, whole = asked(
        proxy((200, b"application/json", b'{"a'), (200, b"application/json", b"data:"))
    )
    assert (status, body, whole) == (200, b'{"adata:', False)


def test_serve_finds_it_by_its_name() -> None:
    [found] = middlewares()
    assert found.cls is Front
