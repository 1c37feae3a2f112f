"""What a replica says → the JSON or the event stream of a reply, with the tokens it took. Knows no
HTTP framework and no model.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Any

from gcai_ray.serve.errors import INVALID, Refused, error_body, internal_error

DONE = "data: [DONE]\n\n"
USAGE_ONLY = '"choices":[]'  # the last chunk, which brings the tokens


@dataclass(frozen=True)
class Usage:
    """Tokens of a reply."""

    prompt: int = 0
    completion: int = 0

    def __add__(self, other: Usage) -> Usage:
        """Both together."""
        return Usage(self.prompt + other.prompt, self.completion + other.completion)

    @property
    def total(self) -> int:
        """All tokens."""
        return self.prompt + self.completion


def whole(first: Any) -> tuple[dict[str, Any], Usage]:
    """A reply that came in one piece.

    Raises:
        Refused: the model refused the request; client's faults are 400.
    """
    raise_for_error(first)
    body = first.model_dump(mode="json", exclude_none=False)
    return body, _usage(body.get("usage"))


def raise_for_error(first: Any) -> None:
    """What vLLM says against a request, as ours."""
    error = getattr(first, "error", None)
    if error is None:
        return
    if 400 <= int(error.code) < 500:
        raise Refused(400, INVALID, one_line(error.message))
    raise internal_error()


def one_line(message: str, most: int = 500) -> str:
    """What vLLM says of a request, without line ends and not endless."""
    return " ".join(str(message).split())[:most]


async def events(
    first: Any,
    rest: AsyncIterator[Any],
    wants_usage: bool,
    request_id: str,
    spent: Callable[[Usage], None],
) -> AsyncIterator[str]:
    """Server-sent events of a streamed reply. A fault after the beginning ends it with an event
    that has `error`, and without `[DONE]`.
    """
    try:
        async for text in _texts(first, rest):
            for event in _split(text):
                if event == DONE:
                    continue
                if USAGE_ONLY in event:
                    spent(_usage(json.loads(event.removeprefix("data: ")).get("usage")))
                    if not wants_usage:
                        continue
                yield event
    except Refused as error:
        yield f"data: {json.dumps(error_body(error, request_id))}\n\n"
        return
    yield DONE


async def _texts(first: Any, rest: AsyncIterator[Any]) -> AsyncIterator[str]:
    """Replicas send a batch of chunks at a time."""
    yield "".join(first)
    async for batch in rest:
        raise_for_error(batch)
        for item in batch if isinstance(batch, list) else [batch]:
            raise_for_error(item)
        yield "".join(batch)


def _split(text: str) -> list[str]:
    return [f"{event}\n\n" for event in text.split("\n\n") if event]


def _usage(found: dict[str, Any] | None) -> Usage:
    found = found or {}
    return Usage(found.get("prompt_tokens") or 0, found.get("completion_tokens") or 0)
