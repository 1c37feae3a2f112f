"""A model's text → the JSON in it, checked against the reply schema of its question.

Knows no prompt: what a reply must look like stands in the question itself.
"""

from __future__ import annotations

import json
import re
from functools import lru_cache
from typing import Any

import jsonschema_rs

# Spaces are left to `strip`: matched here too, they would cost the cube of their number.
_FENCED = re.compile(r"```(?:json)?(.*?)```", re.DOTALL | re.IGNORECASE)
MAX_ERROR_CHARS = 200


class BadReply(ValueError):
    """A reply that cannot be used; its message says why, in one line."""


def reply_json(text: str) -> Any:
    """The one JSON value a reply holds, bare or inside a Markdown fence or other words.

    Raises:
        BadReply: the reply is empty or holds no JSON.
    """
    stripped = text.strip()
    if not stripped:
        raise BadReply("empty reply")
    fenced = _FENCED.search(stripped)
    for piece in filter(None, (stripped, fenced and fenced[1], _outermost_object(stripped))):
        try:
            return json.loads(piece, parse_float=_number, parse_constant=_no_number)
        except (ValueError, RecursionError):
            continue
    raise BadReply("no JSON in the reply")


def _number(digits: str) -> int | float:
    """`2.0` is an integer to JSON Schema, so it must be one to those who count with it."""
    number = float(digits)
    return int(number) if number.is_integer() else number


def _no_number(name: str) -> float:
    raise ValueError(f"{name} is no JSON")


def _outermost_object(text: str) -> str:
    start, end = text.find("{"), text.rfind("}")
    return text[start : end + 1] if 0 <= start < end else ""


def checked(text: str, reply_schema: str, finish_reason: str | None = None) -> Any:
    """The reply's JSON, when it satisfies the schema; `""` asks for words: any will do, also those
    cut at the token limit, which whoever asked must look at.

    Raises:
        BadReply: empty, or, where a schema is asked for, cut at the token limit, no JSON, or JSON
            of another shape.
    """
    if not reply_schema:
        return _words(text)
    if finish_reason == "length":
        raise BadReply("cut at the token limit")
    value = reply_json(text)
    error = _first_error(value, _validator(reply_schema))
    if error is not None:
        place = ".".join(map(str, error.instance_path)) or "the whole reply"
        raise BadReply(f"{place}: {error.message}"[:MAX_ERROR_CHARS])
    return value


def _words(text: str) -> str:
    if not text.strip():
        raise BadReply("empty reply")
    return text


def _first_error(value: Any, validator: Any) -> Any:
    try:
        return next(validator.iter_errors(value), None)
    except ValueError as error:  # half of a surrogate pair, or nesting too deep for the validator
        raise BadReply(str(error)[:MAX_ERROR_CHARS]) from error


def fault(text: str, reply_schema: str, finish_reason: str | None = None) -> str | None:
    """Why a reply cannot be used, or None when it can."""
    try:
        checked(text, reply_schema, finish_reason)
    except BadReply as error:
        return str(error)
    return None


@lru_cache(maxsize=256)
def _validator(reply_schema: str) -> Any:
    return jsonschema_rs.validator_for(reply_schema)
