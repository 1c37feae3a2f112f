"""One question over HTTP: what it says, when it is asked again, and what ends the run."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any

import pyarrow as pa
import pytest
from aiohttp import web
from told_server import (
    GOOD,
    SCHEMA,
    Asked,
    Behaviour,
    Clock,
    engine,
    good,
    questions,
    refused,
    reset,
    said,
    serving,
)

from gcai_ray.engine_config import OpenAIEngine
from gcai_ray.engines.openai.client import Client, open_session
from gcai_ray.engines.openai.key import Key
from gcai_ray.engines.openai.limits import Gate
from gcai_ray.engines.openai.question import Question
from gcai_ray.errors import EngineError
from gcai_ray.schemas import Reply, arrow_schema

SECRET = "sk-never-to-be-seen-0123456789"


def asked_once(
    config: OpenAIEngine, *asked: Question, clock: Clock | None = None
) -> tuple[list[bool], list[dict[str, Any]]]:
    """Ask these one after the other through a client, in a time of its own."""
    clock = clock or Clock()

    async def run() -> tuple[list[bool], list[dict[str, Any]]]:
        key, replies = Key(""), []
        gate = Gate(config, 4, clock=clock, sleep=clock.sleep)
        async with open_session(config, key) as session:
            client = Client(config, key, gate, session)
            return [await client.ask(question, replies.append) for question in asked], replies

    return asyncio.run(run())


def test_body_and_headers_say_what_the_question_says() -> None:
    with serving(good) as served:
        parsed, replies = asked_once(engine(served.base_url), *questions(1))
    assert parsed == [True]
    (asked,) = served.asked
    wanted = {"name": "vote", "strict": True, "schema": json.loads(SCHEMA)}
    assert asked.body == {
        "model": "the-model",
        "messages": [
            {"role": "system", "content": "Say which."},
            {"role": "user", "content": "question 0"},
        ],
        "temperature": 0.25,
        "top_p": 0.5,
        "max_tokens": 77,
        "seed": 7,
        "response_format": {"type": "json_schema", "json_schema": wanted},
    }
    assert asked.headers["X-Client-Request-Id"] == f"{0:032x}-1"
    assert "Authorization" not in asked.headers
    table = pa.Table.from_pylist(replies, schema=arrow_schema(Reply))
    (row,) = table.to_pylist()
    assert row.pop("seconds") > 0
    assert row == {
        "request_id": f"{0:032x}",
        "stage": "extract",
        "attempt": 1,
        "engine": "openai",
        "text": GOOD,
        "parsed": True,
        "finish_reason": "stop",
        "num_prompt_tokens": 21,
        "num_cached_tokens": 16,
        "num_completion_tokens": 5,
        "error": None,
    }


@pytest.mark.parametrize(
    "bad",
    [
        lambda: said("no JSON at all"),
        lambda: said('{"choice": "C"}'),
        lambda: said(""),
        lambda: said('{"choice": "A"}', finish_reason="length"),
        lambda: said(None, refusal="I cannot help with that"),
    ],
)
def test_unusable_reply_is_asked_again_with_the_next_seed(bad: Callable[[], web.Response]) -> None:
    async def twice_bad(asked: Asked) -> web.StreamResponse:
        return bad() if asked.before < 2 else said()

    with serving(twice_bad) as served:
        parsed, replies = asked_once(engine(served.base_url, max_attempts=3), *questions(1))
    assert parsed == [True]
    assert [asked.body["seed"] for asked in served.asked] == [7, 8, 9]
    assert [reply["attempt"] for reply in replies] == [1, 2, 3]
    assert [reply["parsed"] for reply in replies] == [False, False, True]
    assert [reply["error"] is None for reply in replies] == [False, False, True]


def test_attempts_end_at_the_bound_and_begin_where_the_question_stands() -> None:
    async def never(asked: Asked) -> web.StreamResponse:
        return said("nothing")

    with serving(never) as served:
        config = engine(served.base_url, max_attempts=4)
        parsed, replies = asked_once(config, *questions(1, attempt=3))
    assert parsed == [False]
    assert [reply["attempt"] for reply in replies] == [3, 4]
    assert [asked.body["seed"] for asked in served.asked] == [9, 10]
    assert replies[-1]["text"] == "nothing"


async def _cut(asked: Asked) -> web.StreamResponse:
    return web.Response(text='{"choices": [{"mess')


async def _overloaded(asked: Asked) -> web.StreamResponse:
    return refused(503, "overloaded")


async def _stalled(asked: Asked) -> web.StreamResponse:
    await asyncio.sleep(5)
    return said()


@pytest.mark.parametrize("fault", [reset, _cut, _overloaded, _stalled])
def test_transport_fault_is_tried_again_within_the_attempt(fault: Behaviour) -> None:
    async def once(asked: Asked) -> web.StreamResponse:
        return await fault(asked) if asked.before == 0 else said()

    with serving(once) as served:
        config = engine(served.base_url, timeout_s=0.3, max_retries=1)
        parsed, replies = asked_once(config, *questions(1))
    assert parsed == [True]
    assert [asked.body["seed"] for asked in served.asked] == [7, 7]
    assert [reply["attempt"] for reply in replies] == [1]


@pytest.mark.parametrize(
    ("fault", "words"),
    [(_overloaded, "HTTP 503: overloaded"), (_stalled, "no answer within"), (_cut, "HTTP 200")],
)
def test_attempt_fails_after_the_last_retry(fault: Behaviour, words: str) -> None:
    async def after_first(asked: Asked) -> web.StreamResponse:
        return said() if asked.number == 0 else await fault(asked)

    with serving(after_first) as served:
        config = engine(served.base_url, timeout_s=0.2, max_retries=2)
        parsed, replies = asked_once(config, *questions(2))
    assert parsed == [True, False]
    assert sum(asked.number == 1 for asked in served.asked) == 3
    assert len(replies) == 2
    assert (replies[1]["attempt"], replies[1]["parsed"]) == (1, False)
    assert words in replies[1]["error"]


@pytest.mark.parametrize("status", [429, 503])
def test_retry_after_is_obeyed(status: int) -> None:
    async def busy(asked: Asked) -> web.StreamResponse:
        return refused(status, "later", **{"Retry-After": "90"}) if asked.before == 0 else said()

    clock = Clock()
    with serving(busy) as served:
        parsed, _ = asked_once(engine(served.base_url), *questions(1), clock=clock)
    assert parsed == [True]
    assert sum(clock.slept) >= 90


def test_a_slow_server_is_not_asked_in_vain_by_all_slots() -> None:
    """One request a second is let through. Were all 64 slots to ask again each time, only some 9
    questions would be answered within 8 retries.
    """
    now, open_at = Clock(), 0.0

    async def run() -> list[bool]:
        config = engine(served.base_url, max_retries=8)
        gate = Gate(config, 64, clock=now, sleep=now.sleep)
        async with open_session(config, Key("")) as session:
            client = Client(config, Key(""), gate, session)
            return await asyncio.gather(*(client.ask(q, [].append) for q in questions(64)))

    async def behave(asked: Asked) -> web.StreamResponse:
        nonlocal open_at
        if now.now < open_at:
            return refused(429, "too many", **{"Retry-After": "1"})
        open_at = now.now + 1
        return said()

    with serving(behave) as served:
        assert sum(asyncio.run(run())) > 48


def test_response_format_falls_back_once_and_for_all() -> None:
    async def behave(asked: Asked) -> web.StreamResponse:
        kind = asked.body.get("response_format", {}).get("type", "none")
        if kind != "none":
            return refused(400, f"'response_format' of type '{kind}' is not supported")
        return said()

    with serving(behave) as served:
        config = engine(served.base_url, max_retries=0, max_attempts=1)
        parsed, replies = asked_once(config, *questions(3))
    assert parsed == [True] * 3
    assert len(replies) == 3
    kinds = [asked.body.get("response_format", {}).get("type") for asked in served.asked]
    assert kinds == ["json_schema", "json_object", None, None, None]


@pytest.mark.parametrize(("wanted", "sent"), [("json_object", "json_object"), ("none", None)])
def test_response_format_of_the_config_is_kept(wanted: Any, sent: str | None) -> None:
    async def behave(asked: Asked) -> web.StreamResponse:
        return said() if sent is None else refused(400, "response_format is unknown")

    with serving(behave) as served:
        config = engine(served.base_url, response_format=wanted)
        parsed, _ = asked_once(config, *questions(1))
    assert parsed == [sent is None]
    assert [asked.body.get("response_format", {}).get("type") for asked in served.asked] == [sent]


def test_question_the_server_will_not_take_is_asked_once() -> None:
    async def behave(asked: Asked) -> web.StreamResponse:
        return refused(400, "maximum context length is 8192 tokens", "context_length_exceeded")

    with serving(behave) as served:
        parsed, replies = asked_once(engine(served.base_url, max_attempts=3), *questions(1))
    assert parsed == [False]
    assert len(served.asked) == 1
    (reply,) = replies
    assert (reply["attempt"], reply["parsed"]) == (3, False)
    assert "maximum context length" in reply["error"]


@pytest.mark.parametrize(
    ("status", "code", "fix"),
    [
        (401, "invalid_api_key", "OPENAI_API_KEY"),
        (403, "", "OPENAI_API_KEY"),
        (404, "model_not_found", "engine.model"),
        (429, "insufficient_quota", "credit"),
        (308, "", "engine.base_url"),
    ],
)
def test_what_dooms_every_question_ends_the_run(status: int, code: str, fix: str) -> None:
    async def behave(asked: Asked) -> web.StreamResponse:
        # A long message, cut within the key if it were cut before the key is taken out.
        return refused(status, f"you said {'.' * 270} {asked.headers['Authorization']}", code)

    async def run() -> None:
        gate, key = Gate(config, 1), Key(SECRET)
        async with open_session(config, key) as session:
            await Client(config, key, gate, session).ask(questions(1)[0], [].append)

    with serving(behave) as served:
        config = engine(served.base_url)
        with pytest.raises(EngineError) as caught:
            asyncio.run(run())
    message = str(caught.value)
    assert len(served.asked) == 1
    for part in (served.base_url, "the-model", str(status), "you said", fix):
        assert part in message
    assert SECRET[:6] not in message


def test_nobody_there_ends_the_run_but_an_outage_does_not() -> None:
    with serving(good) as served:
        pass
    config = engine(served.base_url, max_retries=2)
    with pytest.raises(EngineError, match=r"engine\.base_url"):
        asked_once(config, *questions(1))

    async def gone(asked: Asked) -> web.StreamResponse:
        return said() if asked.number == 0 else await reset(asked)

    with serving(gone) as served:
        parsed, _ = asked_once(engine(served.base_url, max_retries=2), *questions(2))
    assert parsed == [True, False]
