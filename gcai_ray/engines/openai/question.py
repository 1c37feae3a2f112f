"""Rows of `requests` → questions → the bodies that ask them. Opens no connection."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import orjson

from gcai_ray.engine_config import ModelEngine, OpenAIEngine

if TYPE_CHECKING:
    import pyarrow as pa

Format = Literal["json_schema", "json_object", "none"]
COLUMNS = ("id", "stage", "prompt", "messages", "reply_schema", "sampling", "num_prompt_tokens")


class Question(NamedTuple):
    """One row of `requests`, and the attempt to make next."""

    id: str
    stage: str
    prompt: str
    messages: list[dict[str, str]]
    reply_schema: str
    sampling: dict[str, Any]
    num_prompt_tokens: int
    attempt: int


def read_questions(rows: pa.Table) -> Iterator[Question]:
    """Questions of a table with the columns of `requests` and `attempt`, column by column: a row
    at a time costs three times as much.
    """
    columns = [rows[name].to_pylist() for name in (*COLUMNS, "attempt")]
    return map(Question, *columns)


def formats(engine: OpenAIEngine) -> tuple[Format, ...]:
    """The response formats to try, best first."""
    if engine.response_format == "auto":
        return "json_schema", "json_object", "none"
    return (engine.response_format,)


def body(engine: ModelEngine, question: Question, attempt: int, reply_format: Format) -> bytes:
    """The JSON body that asks a question for the n-th time; every attempt has a seed of its own."""
    sampling = question.sampling
    fields: dict[str, Any] = {
        "model": engine.model,
        "messages": question.messages,
        "temperature": sampling["temperature"],
        "top_p": sampling["top_p"],
        "max_tokens": sampling["max_tokens"],
        "seed": sampling["seed"] + attempt - 1,
    }
    if not question.reply_schema:  # words
        return orjson.dumps(fields)
    if reply_format == "json_schema":
        fields["response_format"] = _json_schema(question.prompt, question.reply_schema)
    elif reply_format == "json_object":
        fields["response_format"] = {"type": "json_object"}
    return orjson.dumps(fields)


@lru_cache(maxsize=256)
def _json_schema(prompt: str, reply_schema: str) -> orjson.Fragment:
    """The schema as it stands; it is JSON already."""
    schema = orjson.Fragment(reply_schema)
    wanted = {"name": prompt, "strict": True, "schema": schema}
    return orjson.Fragment(orjson.dumps({"type": "json_schema", "json_schema": wanted}))
