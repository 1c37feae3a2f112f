"""One line of a batch's output or error file → what it says. Opens no file, stores nothing."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import orjson

from gcai_ray.engines.openai.http_answer import MAX_WORDS, Completion, completion, words

MAX_ID_CHARS = 80
NOTHING = Completion("", None, None, 0, 0, 0)


class BadLine(ValueError):
    """A line that says nothing of any question; its message says why, in one line."""


@dataclass(frozen=True)
class BatchLine:
    """What came back for one custom_id: a completion, or `error` and no completion."""

    custom_id: str
    completion: Completion
    error: str | None


def batch_line(line: bytes) -> BatchLine:
    """Read one line.

    Raises:
        BadLine: no JSON object, no custom_id, or neither a chat completion nor an error.
    """
    record = _record(line)
    key = record.get("custom_id")
    if not isinstance(key, str):
        raise BadLine("no custom_id")
    if "method" in record and "response" not in record:
        raise BadLine(f"custom_id {key[:MAX_ID_CHARS]}: a request, as it is uploaded, and no reply")
    response = record.get("response")
    error = _stated_error(record.get("error")) or _http_error(response)
    if error is not None:
        return BatchLine(key, NOTHING, error)
    found = completion(_body(response))
    if found is None:
        raise BadLine(f"custom_id {key[:MAX_ID_CHARS]}: neither a chat completion nor an error")
    return BatchLine(key, found, None)


def _record(line: bytes) -> dict[str, Any]:
    try:
        record = orjson.loads(line)
    except orjson.JSONDecodeError as error:
        record = _with_lone_surrogates(line, error)
    if not isinstance(record, dict):
        raise BadLine("not a JSON object")
    return record


def _with_lone_surrogates(line: bytes, error: orjson.JSONDecodeError) -> Any:
    """Half a character escaped in JSON, as a cut-off emoji leaves it: orjson refuses it, and no
    table can hold it, so it is read as U+FFFD.
    """
    if b"\\ud" in line.lower():
        try:
            text = json.dumps(json.loads(line), ensure_ascii=False)
            return orjson.loads(text.encode("utf-16", "surrogatepass").decode("utf-16", "replace"))
        except (ValueError, RecursionError):
            pass
    raise BadLine(f"not valid JSON, cut off or damaged: {error}") from error


def _stated_error(error: Any) -> str | None:
    """The provider's own: the request was never run, for example because the batch expired."""
    if not error:
        return None
    if not isinstance(error, dict):
        return str(error)[:MAX_WORDS]
    facts = [str(error[name]) for name in ("code", "message") if error.get(name)]
    return " ".join(": ".join(facts or [str(error)]).split())[:MAX_WORDS]


def _http_error(response: Any) -> str | None:
    """A status that is no success, or an error in place of a completion."""
    if not isinstance(response, dict):
        return None
    status, body = response.get("status_code"), response.get("body")
    is_refused = isinstance(status, int) and not 200 <= status < 300
    if is_refused or (isinstance(body, dict) and body.get("error") and not body.get("choices")):
        return f"HTTP {status}: {words(_body(response)) or 'an empty answer'}"
    return None


def _body(response: Any) -> bytes:
    """The body as the bytes it came over HTTP in."""
    try:
        return orjson.dumps(response.get("body")) if isinstance(response, dict) else b""
    except orjson.JSONEncodeError as error:
        raise BadLine(f"a body that cannot be read: {error}") from error
