"""One question → its attempts over HTTP, each with its retries. Knows no Ray.

A transport fault is tried again within the attempt; a reply that cannot be used makes a new attempt
with the next seed; an answer that every other question would get too ends the run.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import aiohttp
import yarl

from gcai_ray.asking.check import fault
from gcai_ray.engine_config import OpenAIEngine
from gcai_ray.engines.openai.http_answer import (
    MAX_WORDS,
    RETRIED,
    Completion,
    completion,
    likely_fix,
    refuses_format,
    retry_after_s,
    words,
)
from gcai_ray.engines.openai.key import Key
from gcai_ray.engines.openai.limits import Gate, backoff_s
from gcai_ray.engines.openai.question import Format, Question, body, formats
from gcai_ray.errors import EngineError

ENGINE = "openai"
PATH = "/chat/completions"
CONNECT_S = 30.0
KEEPALIVE_S = 60.0
NOTHING = Completion("", None, None, 0, 0, 0)
Reply = dict[str, Any]


@dataclass(slots=True)
class Answer:
    """What came back over HTTP. Status 0: nothing came back, `body` says why."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    seconds: float
    admitted_at: float
    found: Completion | None

    @property
    def is_transient(self) -> bool:
        """Whether the same request may fare better later."""
        return self.found is None and (self.status in (0, 200) or self.status in RETRIED)


def open_session(engine: OpenAIEngine, key: Key) -> aiohttp.ClientSession:
    """Connections that stay open, as many as the slots need. To be closed by the caller."""
    return aiohttp.ClientSession(
        headers={"Content-Type": "application/json", **key.headers()},
        connector=aiohttp.TCPConnector(limit=0, keepalive_timeout=KEEPALIVE_S),
        cookie_jar=aiohttp.DummyCookieJar(),
        timeout=aiohttp.ClientTimeout(engine.timeout_s, sock_connect=CONNECT_S),
    )


class Client:
    """Asks one endpoint."""

    def __init__(
        self, engine: OpenAIEngine, key: Key, gate: Gate, session: aiohttp.ClientSession
    ) -> None:
        self._engine, self._key, self._gate, self._session = engine, key, gate, session
        self._url = yarl.URL(engine.base_url.rstrip("/") + PATH)
        self._formats = formats(engine)
        self._was_heard = False

    async def ask(self, question: Question, record: Callable[[Reply], None]) -> bool:
        """Ask until a reply can be used or no attempt is left; every attempt is recorded.

        Returns:
            Whether there is a usable reply.

        Raises:
            EngineError: the endpoint refuses everything, or nothing is there.
        """
        attempt, last = question.attempt, max(question.attempt, self._engine.max_attempts)
        while True:
            reply, is_final = await self._attempt(question, attempt)
            record(reply)
            if is_final or attempt == last:
                return reply["parsed"]
            attempt += 1

    async def _attempt(self, question: Question, attempt: int) -> tuple[Reply, bool]:
        """One reply, and whether no further attempt is to follow it now."""
        answer = await self._answer(question, attempt)
        found = answer.found
        if found is None:
            return self._no_reply(question, attempt, answer), True
        used = found.num_prompt_tokens + found.num_completion_tokens
        if used:
            self._gate.correct(used - _estimate(question))
        error = fault(found.text, question.reply_schema, found.finish_reason)
        if error and found.refusal:
            error = f"refused: {found.refusal[:200]}"
        return _reply(question, attempt, found, answer.seconds, error), error is None

    def _no_reply(self, question: Question, attempt: int, answer: Answer) -> Reply:
        """A fault over HTTP, at the end of its retries; or a question the server will not take,
        which counts as its last attempt, since another seed would change nothing.
        """
        number = attempt if answer.is_transient else max(attempt, self._engine.max_attempts)
        return _reply(question, number, NOTHING, answer.seconds, self._said(answer))

    async def _answer(self, question: Question, attempt: int) -> Answer:
        """The first answer that is worth no further try, or the last one."""
        num_faults = 0
        while True:
            reply_format = self._formats[0]
            data = body(self._engine, question, attempt, reply_format)
            answer = await self._post(data, f"{question.id}-{attempt}", _estimate(question))
            if answer.found is not None:
                return answer
            self._refuse_doomed(answer)
            if self._knows_no(reply_format, answer):
                continue
            if not answer.is_transient:
                return answer
            num_faults += 1
            if num_faults > self._engine.max_retries:
                self._refuse_silence(answer)
                return answer
            await self._back_off(answer, num_faults)

    def _knows_no(self, reply_format: Format, answer: Answer) -> bool:
        """Whether the server refused this response format; the next is used from now on."""
        if not refuses_format(answer.status, answer.body) or reply_format == self._formats[-1]:
            return False
        # Others in flight may have met the same refusal before.
        if reply_format == self._formats[0]:
            self._formats = self._formats[1:]
        return True

    async def _post(self, data: bytes, name: str, num_tokens: int) -> Answer:
        admitted_at = await self._gate.enter(num_tokens)
        started = time.perf_counter()
        try:
            status, headers, content = await self._exchange(data, name)
        finally:
            self._gate.leave()
        found = completion(content) if status == 200 else None
        if found is not None:
            self._gate.widen()
        seconds = time.perf_counter() - started
        return Answer(status, headers, content, seconds, admitted_at, found)

    async def _exchange(self, data: bytes, name: str) -> tuple[int, Mapping[str, str], bytes]:
        headers = {"X-Client-Request-Id": name}
        try:
            async with self._session.post(
                self._url, data=data, headers=headers, allow_redirects=False
            ) as response:
                self._was_heard = True
                return response.status, response.headers, await response.read()
        except TimeoutError:
            return 0, {}, f"no answer within {self._engine.timeout_s:g} s".encode()
        except (aiohttp.ClientError, OSError) as error:
            return 0, {}, f"{type(error).__name__}: {error}".encode()

    async def _back_off(self, answer: Answer, num_faults: int) -> None:
        seconds = max(backoff_s(num_faults), retry_after_s(answer.headers))
        if answer.status == 429:
            self._gate.pause(seconds, answer.admitted_at)
        else:
            await self._gate.rest(seconds)

    def _said(self, answer: Answer) -> str:
        # Hidden before it is cut, or half a key could be left standing.
        text = self._key.hidden_in(words(answer.body))[:MAX_WORDS]
        return f"HTTP {answer.status}: {text or 'an empty answer'}" if answer.status else text

    def _refuse_doomed(self, answer: Answer) -> None:
        fix = likely_fix(answer.status, answer.body)
        if fix is not None:
            raise EngineError(
                self._complaint(answer, fix.format(api_key_env=self._engine.api_key_env))
            )

    def _refuse_silence(self, answer: Answer) -> None:
        if answer.status == 0 and not self._was_heard:
            raise EngineError(self._complaint(answer, "start the server, or mend engine.base_url"))

    def _complaint(self, answer: Answer, fix: str) -> str:
        engine = self._engine
        return f"{engine.base_url}, model '{engine.model}': {self._said(answer).rstrip('.')}; {fix}"


def _estimate(question: Question) -> int:
    return question.num_prompt_tokens + question.sampling["max_tokens"]


def _reply(
    question: Question, attempt: int, found: Completion, seconds: float, error: str | None
) -> Reply:
    return {
        "request_id": question.id,
        "stage": question.stage,
        "attempt": attempt,
        "engine": ENGINE,
        "text": found.text,
        "parsed": error is None,
        "finish_reason": found.finish_reason,
        "num_prompt_tokens": found.num_prompt_tokens,
        "num_cached_tokens": found.num_cached_tokens,
        "num_completion_tokens": found.num_completion_tokens,
        "seconds": seconds,
        "error": error,
    }
