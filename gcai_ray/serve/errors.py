"""A request that is refused → status, headers and a body as OpenAI's clients read them. Knows no
model, no path and no traceback.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any

# What OpenAI's clients call the kind of error, by status; others below 500 are the request's fault.
TYPES = {401: "authentication_error", 403: "permission_error", 429: "rate_limit_error"}
INVALID = "invalid_request_error"  # the code of a request that says what cannot be
MAX_MESSAGE = 600  # characters of a message
MAX_VALUE = 40  # characters of a value or a field's name in it
MAX_FAULTS = 3  # faults told at once
MAX_WAIT_S = 86_400.0
# Fields whose values are people's words, or as long: never repeated.
SILENT = frozenset(
    "messages content text prompt stop name user metadata json_schema schema description "
    "safety_identifier prompt_cache_key".split()
)
_PLAIN = {
    "missing": "is missing",
    "model_type": "expected an object",
    "model_attributes_type": "expected an object",
    "dict_type": "expected an object",
    "dataclass_type": "expected an object",
    "list_type": "expected a list",
    "string_type": "expected text",
    "string_unicode": "is not valid Unicode",
    "bool_type": "expected true or false",
    "int_type": "expected a whole number",
    "float_type": "expected a number",
    "finite_number": "expected a finite number",
}


class Refused(Exception):
    """A request that gets no reply. `code` is what programs read; `param` names the field;
    `retry_after_s`: seconds after which it may come again.
    """

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        param: str | None = None,
        retry_after_s: float | None = None,
    ) -> None:
        # All arguments go to the base, so that it can be pickled between replicas.
        super().__init__(status, code, message, param, retry_after_s)
        self.status, self.code, self.message = status, code, message
        self.param, self.retry_after_s = param, retry_after_s

    def __str__(self) -> str:
        """The message alone."""
        return self.message

    @property
    def headers(self) -> dict[str, str]:
        """What HTTP wants said of it: whole seconds to wait, at least one; how to show a key."""
        found = {"WWW-Authenticate": "Bearer"} if self.status == 401 else {}
        if self.retry_after_s is not None:
            wait_s = max(1, math.ceil(min(self.retry_after_s, MAX_WAIT_S)))
            found["Retry-After"] = str(wait_s)
        return found


def error_body(refused: Refused, request_id: str) -> dict[str, Any]:
    """The body of a refusal in OpenAI's shape; every text in it can be encoded."""
    kind = TYPES.get(refused.status)
    return {
        "error": {
            "message": shortened(refused.message, MAX_MESSAGE),
            "type": kind or ("server_error" if refused.status >= 500 else "invalid_request_error"),
            "param": None if refused.param is None else shortened(refused.param, MAX_MESSAGE),
            "code": refused.code,
        },
        "request_id": request_id,
    }


def internal_error() -> Refused:
    """500, of which only the request's id is told; the cause is in the log."""
    told = "something failed here; the log has more under this request id"
    return Refused(500, "internal_error", told)


def from_validation(errors: Iterable[Mapping[str, Any]]) -> Refused:
    """Pydantic's or FastAPI's errors → one refusal that names fields, short values and, for a field
    that is not known, the nearest one. What people wrote is never repeated.
    """
    found = list(errors)
    told = [_told(error) for error in found[:MAX_FAULTS]]
    more = f"; and {len(found) - MAX_FAULTS} more" if len(found) > MAX_FAULTS else ""
    param = _place(found[0]) if found else None
    return Refused(400, INVALID, "; ".join(told) + more, param or None)


def _told(error: Mapping[str, Any]) -> str:
    place, kind = _place(error), str(error.get("type", ""))
    if kind == "json_invalid":
        reason = (error.get("ctx") or {}).get("error", "")
        return f"the body is not valid JSON: {shortened(str(reason), 100)}"
    message = _PLAIN.get(kind) or str(error.get("msg", "")).removeprefix("Value error, ")
    message = message.replace("Input should be", "expected", 1)
    if kind == "missing" and not place:
        return "the body is missing"
    # A body that is text alone may be a prompt.
    value = "" if kind == "missing" or not place else _value(error)
    return f"{place or 'the body'}: {message}{value}"


def _place(error: Mapping[str, Any]) -> str:
    """`messages[0].content`. Names of union members, written `<…>`, and FastAPI's `body` go."""
    loc = tuple(error.get("loc", ()))
    parts: list[str] = []
    for part in loc[1:] if loc[:1] == ("body",) else loc:
        if isinstance(part, int):
            parts.append(f"[{part}]")
        elif not part.startswith("<"):
            parts.append(("." if parts else "") + shortened(part, MAX_VALUE))
    field = (error.get("ctx") or {}).get("field")
    if isinstance(field, str):
        parts.append(("." if parts else "") + shortened(field, MAX_VALUE))
    if error.get("type") == "json_invalid":
        return ""
    return "".join(parts)


def _value(error: Mapping[str, Any]) -> str:
    value, loc = error.get("input"), error.get("loc", ())
    if not SILENT.isdisjoint(part for part in loc if isinstance(part, str)):
        return ""
    if isinstance(value, bool) or value is None:
        return f" (found {str(value).lower() if value is not None else 'null'})"
    if isinstance(value, int):
        # Python refuses to write an int of more than 4,300 digits.
        return f" (found {value})" if value.bit_length() <= 64 else " (found a huge number)"
    if isinstance(value, float):
        return f" (found {value})"
    return f" (found {shortened(value, MAX_VALUE)!r})" if isinstance(value, str) else ""


def shortened(text: str, most: int) -> str:
    """One line of at most `most` characters that can be encoded, whatever was in it."""
    line = text[: most + 1].encode("utf-8", "replace").decode("utf-8")
    line = "".join(sign if sign.isprintable() else " " for sign in line)
    return line if len(line) <= most else f"{line[: most - 1]}…"
