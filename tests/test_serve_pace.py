"""Streams in fewer pieces: the first leaves at once, nothing is lost, who leaves ends a request."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from dataclasses import dataclass
from enum import Enum
from typing import Any

import pytest

from gcai_ray.serve.pace import LEAST_S, MOST_S, PIECES_PER_S, Paced, passed, rest_s, together, told

TOKEN_S = 0.005
NUM_TOKENS = 60


class Kind(Enum):
    """Those of vLLM that count here."""

    DELTA, FINAL_ONLY = 1, 2


@dataclass
class Params:
    """What the pace reads of vLLM's sampling parameters."""

    output_kind: Kind


@dataclass
class Output:
    """Tokens as vLLM hands them out."""

    tokens: list[int]
    finished: bool


class Collector:
    """Merges outputs that nobody took yet, as vLLM's does."""

    def __init__(self) -> None:
        self._output: Output | None = None
        self._ready = asyncio.Event()
        self.making: asyncio.Task[None] | None = None

    def put(self, output: Output) -> None:
        """Hand in what was made."""
        waiting = self._output.tokens if self._output else []
        self._output = Output(waiting + output.tokens, output.finished)
        self._ready.set()

    async def get(self) -> Output:
        """Take what is there, as soon as there is something."""
        await self._ready.wait()
        self._ready.clear()
        output, self._output = self._output, None
        assert output is not None
        return output


class Engine:
    """Makes a token every few milliseconds, in the way of vLLM's `AsyncLLM`."""

    def __init__(self) -> None:
        self.num_closed = 0

    async def add_request(self, request_id: str, params: Params) -> Collector:
        """Begin to make the tokens of a reply."""
        collector = Collector()
        collector.making = asyncio.create_task(self._make(collector))
        return collector

    async def _make(self, collector: Collector) -> None:
        for number in range(NUM_TOKENS):
            await asyncio.sleep(TOKEN_S)
            collector.put(Output([number], number + 1 == NUM_TOKENS))

    async def generate(
        self, prompt: str, params: Params, request_id: str
    ) -> AsyncGenerator[Output, None]:
        """The tokens of one reply."""
        collector = await self.add_request(request_id, params)
        finished = False
        try:
            while not finished:
                output = await collector.get()
                finished = output.finished
                yield output
        finally:
            self.num_closed += 1


def test_a_stream_rests_longer_the_more_there_are_within_bounds() -> None:
    assert rest_s(1) == LEAST_S
    middle = int(PIECES_PER_S * (LEAST_S + MOST_S) / 2)
    assert rest_s(middle) == pytest.approx(middle / PIECES_PER_S)
    assert rest_s(10_000) == MOST_S


def test_streams_come_whole_in_fewer_pieces_and_other_replies_untouched() -> None:
    engine = Engine()
    Paced(engine)

    async def outputs(kind: Kind) -> list[Output]:
        return [output async for output in engine.generate("hello", Params(kind), "a")]

    streamed, whole = asyncio.run(outputs(Kind.DELTA)), asyncio.run(outputs(Kind.FINAL_ONLY))
    for found in (streamed, whole):
        assert [token for output in found for token in output.tokens] == list(range(NUM_TOKENS))
        assert found[-1].finished
    assert len(streamed) < len(whole) / 3
    assert len(streamed[0].tokens) < 10  # the first does not wait for others
    assert engine.num_closed == 2


def test_the_last_words_wait_for_no_rest(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gcai_ray.serve.pace.LEAST_S", 3600)
    monkeypatch.setattr("gcai_ray.serve.pace.MOST_S", 3600)
    engine = Engine()
    Paced(engine)

    async def outputs() -> list[Output]:
        async with asyncio.timeout(60):
            return [out async for out in engine.generate("hello", Params(Kind.DELTA), "a")]

    first, last = asyncio.run(outputs())
    assert first.tokens + last.tokens == list(range(NUM_TOKENS))


def test_a_fault_ends_a_rest() -> None:
    async def wait() -> None:
        end = asyncio.Event()
        told(list[Any]().append, end)(ValueError("the engine is dead"))
        async with asyncio.timeout(60):
            await passed(end, 3600)

    asyncio.run(wait())


def test_who_leaves_in_a_rest_ends_the_request_and_counts_no_longer() -> None:
    engine = Engine()
    paced = Paced(engine)

    async def left() -> None:
        stream = engine.generate("hello", Params(Kind.DELTA), "a")
        await anext(stream)
        following = asyncio.ensure_future(anext(stream))
        await asyncio.sleep(TOKEN_S)
        following.cancel()
        with pytest.raises(asyncio.CancelledError):
            await following
        await stream.aclose()

    asyncio.run(left())
    assert engine.num_closed == 1
    assert not paced._ends


def test_items_of_one_moment_come_together_and_a_fault_after_them() -> None:
    async def items() -> AsyncIterator[Any]:
        yield "role"
        yield "word"
        await asyncio.sleep(TOKEN_S)
        yield "last"
        yield "usage"
        raise ValueError("lost")

    found = []

    async def collect() -> None:
        async for pieces in together(items()):
            found.append(pieces)

    with pytest.raises(ValueError, match="lost"):
        asyncio.run(collect())
    assert found == [["role", "word"], ["last", "usage"]]


def test_who_stops_listening_ends_what_is_read() -> None:
    ended = []

    async def items() -> AsyncIterator[int]:
        try:
            for number in range(1000):
                yield number
                await asyncio.sleep(TOKEN_S)
        finally:
            ended.append(True)

    async def heard() -> None:
        stream = together(items())
        await anext(stream)
        await stream.aclose()  # type: ignore[attr-defined]
        await asyncio.sleep(2 * TOKEN_S)

    asyncio.run(heard())
    assert ended == [True]
