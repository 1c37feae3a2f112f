"""A stream as vLLM tells it, token by token → the same in fewer pieces, the more streams there are.

A piece costs every process between the model and the caller the same, whether it holds one token or
twenty. The first token and the last leave at once; in between a stream rests after each piece, and
vLLM merges what comes meanwhile. Knows no words and no HTTP.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import aclosing
from typing import Any

PIECES_PER_S = 200  # of all streams of a replica together
LEAST_S, MOST_S = 0.08, 0.3  # between two pieces of a stream: smooth to the eye, never long


class Paced:
    """`AsyncLLM.generate`, whose streams rest after each piece."""

    def __init__(self, generate: Callable[..., AsyncGenerator[Any, None]]):
        self._generate = generate
        self._num_streams = 0

    async def __call__(
        self, prompt: Any, sampling_params: Any, *more: Any, **named: Any
    ) -> AsyncGenerator[Any, None]:
        """The outputs of a request; all but those of a stream untouched."""
        is_stream = sampling_params.output_kind.name == "DELTA"
        self._num_streams += is_stream
        try:
            async with aclosing(self._generate(prompt, sampling_params, *more, **named)) as outputs:
                async for output in outputs:
                    yield output
                    if is_stream and not output.finished:
                        await asyncio.sleep(rest_s(self._num_streams))
        finally:
            self._num_streams -= is_stream


def rest_s(num_streams: int) -> float:
    """Seconds that a stream rests, one of so many."""
    return min(MOST_S, max(LEAST_S, num_streams / PIECES_PER_S))


async def together(items: AsyncIterator[Any]) -> AsyncIterator[list[Any]]:
    """The same items; those that come at one moment in one list.

    Raises:
        Exception: whatever the items end with, after those before it.
    """
    waiting: list[Any] = []
    news = asyncio.Event()

    async def read() -> None:
        try:
            async for item in items:
                waiting.append(item)
                news.set()
        finally:
            news.set()

    reading = asyncio.create_task(read())
    try:
        while waiting or not reading.done():
            await news.wait()
            news.clear()
            if waiting:
                told, waiting[:] = list(waiting), []
                yield told
        await reading
    finally:
        reading.cancel()
