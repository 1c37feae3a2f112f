"""A server of chat completions that does as a test tells it, and questions to ask it. In a thread,
so that Ray's actors reach it too.
"""

from __future__ import annotations

import asyncio
import dataclasses
import json
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from threading import Thread
from typing import Any

import pyarrow as pa
from aiohttp import web

from gcai_ray.engine_config import OpenAIEngine
from gcai_ray.engines.openai.question import Question, read_questions
from gcai_ray.schemas import Request, arrow_schema

SCHEMA = json.dumps(
    {
        "type": "object",
        "properties": {"choice": {"enum": ["A", "B"]}},
        "required": ["choice"],
        "additionalProperties": False,
    }
)
GOOD = '{"choice": "A"}'


def engine(base_url: str, **options: Any) -> OpenAIEngine:
    return OpenAIEngine(name="openai", model="the-model", base_url=base_url, **options)


def requests_table(num: int, attempt: int = 1) -> pa.Table:
    rows = [
        {
            "id": f"{number:032x}",
            "stage": "extract",
            "prompt": "vote",
            "source_id": f"{number:032x}",
            "part": 0,
            "model": "identity-not-name",
            "messages": [
                {"role": "system", "content": "Say which."},
                {"role": "user", "content": f"question {number}"},
            ],
            "reply_schema": SCHEMA,
            "sampling": {"temperature": 0.25, "top_p": 0.5, "max_tokens": 77, "seed": 7},
            "num_prompt_tokens": 20,
        }
        for number in range(num)
    ]
    table = pa.Table.from_pylist(rows, schema=arrow_schema(Request))
    return table.append_column("attempt", pa.array([attempt] * num, pa.int64()))


def questions(num: int, attempt: int = 1) -> list[Question]:
    return list(read_questions(requests_table(num, attempt)))


@dataclasses.dataclass
class Asked:
    """One request the server got: how many of that question came before, and all of it. `number`:
    -1 where the question has none.
    """

    number: int
    before: int
    body: dict[str, Any]
    headers: dict[str, str]
    transport: asyncio.Transport


Behaviour = Callable[[Asked], Awaitable[web.StreamResponse]]


class Served:
    """What a server was asked, and how much at once."""

    def __init__(self, behave: Behaviour) -> None:
        self._behave = behave
        self.asked: list[Asked] = []
        self.num_answered = 0
        self._num_open = 0
        self.most_open = 0
        self.base_url = ""

    async def answer(self, request: web.Request) -> web.StreamResponse:
        body = await request.json()
        last_word = body["messages"][-1]["content"].split()[-1]
        number = int(last_word) if last_word.isdigit() else -1
        before = sum(asked.number == number for asked in self.asked)
        asked = Asked(number, before, body, dict(request.headers), request.transport)
        self.asked.append(asked)
        self._num_open += 1
        self.most_open = max(self.most_open, self._num_open)
        try:
            return await self._behave(asked)
        finally:
            self._num_open -= 1
            self.num_answered += 1


@contextmanager
def serving(behave: Behaviour) -> Iterator[Served]:
    served, loop = Served(behave), asyncio.new_event_loop()
    app = web.Application()
    app.router.add_post("/v1/chat/completions", served.answer)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    thread = Thread(target=loop.run_forever)
    thread.start()
    try:
        asyncio.run_coroutine_threadsafe(runner.setup(), loop).result()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        asyncio.run_coroutine_threadsafe(site.start(), loop).result()
        served.base_url = f"http://127.0.0.1:{runner.addresses[0][1]}/v1"
        yield served
    finally:
        asyncio.run_coroutine_threadsafe(runner.cleanup(), loop).result()
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


def said(text: str | None = GOOD, finish_reason: str = "stop", **message: Any) -> web.Response:
    usage = {
        "prompt_tokens": 21,
        "completion_tokens": 5,
        "prompt_tokens_details": {"cached_tokens": 16},
    }
    choice = {"message": {"content": text, **message}, "finish_reason": finish_reason}
    return web.json_response({"choices": [choice], "usage": usage})


def refused(status: int, message: str, code: str = "", **headers: str) -> web.Response:
    error = {"error": {"message": message, "code": code}}
    return web.json_response(error, status=status, headers=headers)


async def good(asked: Asked) -> web.StreamResponse:
    return said()


async def reset(asked: Asked) -> web.StreamResponse:
    asked.transport.abort()
    return said()


class Clock:
    """Time that passes only when somebody sleeps."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.slept: list[float] = []

    def __call__(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds
        await asyncio.sleep(0)
