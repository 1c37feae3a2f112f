"""What a replica says → the JSON or the event stream of a reply, with the tokens it took. Knows no
HTTP framework and no model.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from gcai_ray.serve.errors import INVALID, Refused, error_body, internal_error

Item = Mapping[str, Any]  # as `engine.said` makes them
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


def whole(first: Item) -> tuple[str, Usage]:
    """The JSON of a reply that came in one piece.

    Raises:
        Refused: the model refused the request; client's faults are 400.
    """
    raise_for_error(first)
    return first["json"], Usage(*first["usage"])


def raise_for_error(item: Item) -> None:
    """What vLLM says against a request, as ours."""
    error = item.get("error")
    if error is None:
        return
    if 400 <= error["code"] < 500:
        raise Refused(400, INVALID, one_line(error["message"]))
    raise internal_error()


def one_line(message: str, most: int = 500) -> str:
    """What vLLM says of a request, without line ends and not endless."""
    return " ".join(str(message).split())[:most]


async def events(
    first: Item,
    rest: AsyncIterator[Item],
    wants_usage: bool,
    request_id: str,
    spent: Callable[[Usage], None],
) -> AsyncIterator[str]:
    """Server-sent events of a streamed reply, as many at a time as came at a time. A fault after
    the beginning ends it with an event that has `error`, and without `[DONE]`.
    """
    try:
        async for text in _texts(first, rest):
            if DONE in text or USAGE_ONLY in text:
                text = _without_end(text, wants_usage, spent)
            if text:
                yield text
    except Refused as error:
        yield f"data: {json.dumps(error_body(error, request_id))}\n\n"
        return
    yield DONE


async def _texts(first: Item, rest: AsyncIterator[Item]) -> AsyncIterator[str]:
    """Replicas send a batch of events at a time."""
    yield first["events"]
    async for batch in rest:
        raise_for_error(batch)
        yield batch["events"]


def _without_end(text: str, wants_usage: bool, spent: Callable[[Usage], None]) -> str:
    """The same events without the last, and without the tokens where nobody asked for them."""
    kept = []
    for event in _split(text):
        if event == DONE:
            continue
        if USAGE_ONLY in event:
            spent(_usage(json.loads(event.removeprefix("data: ")).get("usage")))
            if not wants_usage:
                continue
        kept.append(event)
    return "".join(kept)


def _split(text: str) -> list[str]:
    return [f"{event}\n\n" for event in text.split("\n\n") if event]


def _usage(found: dict[str, Any] | None) -> Usage:
    found = found or {}
    return Usage(found.get("prompt_tokens") or 0, found.get("completion_tokens") or 0)
