"""An HTTP answer → what it means for the question: a reply, another try, no reply, or the end of
the run. Opens no connection.
"""

from __future__ import annotations

import email.utils
import math
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson

MAX_WORDS = 300  # characters of it that go into a message
RETRIED = frozenset({408, 409, 425, 429}) | frozenset(range(500, 600))
DOOMED = {
    401: "check the key in the environment variable {api_key_env}",
    402: "the account has no credit left",
    403: "the key in {api_key_env} may not use this model or endpoint",
    404: "check engine.model, and that engine.base_url ends where the API begins (mostly in /v1)",
}
OUT_OF_CREDIT = "insufficient_quota"


@dataclass(frozen=True, slots=True)
class Completion:
    """What a chat completion says."""

    text: str
    finish_reason: str | None
    refusal: str | None
    num_prompt_tokens: int
    num_cached_tokens: int
    num_completion_tokens: int


def completion(body: bytes) -> Completion | None:
    """The completion in the body of a 200, or None when there is none in it."""
    value = parsed_json(body)
    choice = _first(_get(value, "choices"))
    message = _get(choice, "message")
    if not isinstance(message, dict):
        return None
    usage = _get(value, "usage")
    text, reason, refusal = (
        message.get("content"),
        choice.get("finish_reason"),
        message.get("refusal"),
    )
    return Completion(
        text=text if isinstance(text, str) else "",
        finish_reason=reason if isinstance(reason, str) else None,
        refusal=refusal if isinstance(refusal, str) and refusal else None,
        num_prompt_tokens=_count(usage, "prompt_tokens"),
        num_cached_tokens=_count(_get(usage, "prompt_tokens_details"), "cached_tokens"),
        num_completion_tokens=_count(usage, "completion_tokens"),
    )


def likely_fix(status: int, body: bytes) -> str | None:
    """For an answer every other question would get too: what a person may do. None otherwise."""
    if 300 <= status < 400:
        return "engine.base_url is redirected; put the address it leads to there"
    if status == 429 and _get(_get(parsed_json(body), "error"), "code") == OUT_OF_CREDIT:
        return DOOMED[402]
    return DOOMED.get(status)


def words(body: bytes) -> str:
    """What the server said, in one line."""
    error = _get(parsed_json(body), "error")
    message = error if isinstance(error, str) else _get(error, "message")
    text = message if isinstance(message, str) else body.decode(errors="replace")
    return " ".join(text.split())


def refuses_format(status: int, body: bytes) -> bool:
    """Whether the server does not know the `response_format` it was sent."""
    return status == 400 and (b"response_format" in body or b"json_schema" in body)


def retry_after_s(headers: Mapping[str, str]) -> float:
    """Seconds the server asks to wait (`Retry-After` in seconds or as a date, or OpenAI's
    `retry-after-ms`); 0 when it does not, or not in words that can be understood.
    """
    for name, scale in (("retry-after-ms", 0.001), ("Retry-After", 1.0)):
        value = headers.get(name)
        if value is None:
            continue
        seconds = _number(value)
        seconds = _until(value) if seconds is None else seconds * scale
        if seconds is not None:
            return max(0.0, seconds)
    return 0.0


def _number(value: str) -> float | None:
    try:
        number = float(value)
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def _until(value: str) -> float | None:
    try:
        return email.utils.parsedate_to_datetime(value).timestamp() - time.time()
    except ValueError:
        return None


def parsed_json(body: bytes) -> Any:
    """The JSON in a body, or None when it is none."""
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError:
        return None


def _get(value: Any, name: str) -> Any:
    return value.get(name) if isinstance(value, dict) else None


def _first(value: Any) -> Any:
    return value[0] if isinstance(value, list) and value else None


def _count(value: Any, name: str) -> int:
    number = _get(value, name)
    return number if isinstance(number, int) and number > 0 else 0
