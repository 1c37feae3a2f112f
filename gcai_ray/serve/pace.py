"""A stream as vLLM tells it, token by token → the same in fewer pieces, the more streams there are.

A piece costs every process between the model and the caller the same, whether it holds one token or
twenty. The first token and the last leave at once; in between a stream rests after each piece, and
vLLM merges what comes meanwhile. Knows no words and no HTTP.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import aclosing, suppress
from typing import Any

PIECES_PER_S = 100  # of all streams of a replica together
LEAST_S, MOST_S = 0.12, 0.3  # between two pieces of a stream: smooth to the eye, never long


class Paced:
    """Makes the streams of an `AsyncLLM` rest after each piece, until their last token at most."""

    def __init__(self, client: Any):
        self._generate, self._add = client.generate, client.add_request
        client.generate, client.add_request = self._paced, self._added
        self._ends: dict[str, asyncio.Event] = {}

    async def _paced(
        self, prompt: Any, sampling_params: Any, request_id: str, *more: Any, **named: Any
    ) -> AsyncGenerator[Any, None]:
        """The outputs of a request; all but those of a stream untouched."""
        outputs = self._generate(prompt, sampling_params, request_id, *more, **named)
        is_stream = sampling_params.output_kind.name == "DELTA"
        async with aclosing(self._rested(outputs, request_id) if is_stream else outputs) as paced:
            async for output in paced:
                yield output

    async def _rested(
        self, outputs: AsyncGenerator[Any, None], request_id: str
    ) -> AsyncGenerator[Any, None]:
        end = self._ends[request_id] = asyncio.Event()
        try:
            async with aclosing(outputs):
                async for output in outputs:
                    yield output
                    if not output.finished:
                        await passed(end, rest_s(len(self._ends)))
        finally:
            self._ends.pop(request_id, None)

    async def _added(self, request_id: str, *more: Any, **named: Any) -> Any:
        """Where vLLM puts the outputs of a request; it tells the last one, or a fault."""
        collector = await self._add(request_id, *more, **named)
        end = self._ends.get(request_id)
        if end is not None:
            collector.put = told(collector.put, end)
        return collector


def told(put: Callable[[Any], None], end: asyncio.Event) -> Callable[[Any], None]:
    """`put`, which sets `end` at the last output."""

    def telling(output: Any) -> None:
        put(output)
        if getattr(output, "finished", True):
            end.set()

    return telling


async def passed(end: asyncio.Event, seconds: float) -> None:
    """Return after so many seconds, or at the end if that comes before."""
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await end.wait()


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
