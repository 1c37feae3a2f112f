"""Streams in fewer pieces: the first leaves at once, nothing is lost, who leaves ends a request."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from dataclasses import dataclass
from enum import Enum
from typing import Any

import pytest

from gcai_ray.serve.pace import LEAST_S, MOST_S, PIECES_PER_S, Paced, rest_s, together

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


class Engine:
    """Makes a token every few milliseconds, and merges those that nobody took yet, as vLLM does."""

    def __init__(self) -> None:
        self.num_closed = 0

    async def generate(self, prompt: str, params: Params) -> AsyncGenerator[Output, None]:
        """The tokens of one reply."""
        began, told = asyncio.get_running_loop().time(), 0
        try:
            while told < NUM_TOKENS:
                await asyncio.sleep(TOKEN_S)
                made = int((asyncio.get_running_loop().time() - began) / TOKEN_S)
                made = min(NUM_TOKENS, max(told + 1, made))
                yield Output(list(range(told, made)), made == NUM_TOKENS)
                told = made
        finally:
            self.num_closed += 1


def test_a_stream_rests_longer_the_more_there_are_within_bounds() -> None:
    assert rest_s(1) == LEAST_S
    middle = int(PIECES_PER_S * (LEAST_S + MOST_S) / 2)
    assert rest_s(middle) == pytest.approx(middle / PIECES_PER_S)
    assert rest_s(10_000) == MOST_S


def test_streams_come_whole_in_fewer_pieces_and_other_replies_untouched() -> None:
    engine = Engine()
    paced = Paced(engine.generate)

    async def outputs(kind: Kind) -> list[Output]:
        return [output async for output in paced("hello", Params(kind))]

    streamed, whole = asyncio.run(outputs(Kind.DELTA)), asyncio.run(outputs(Kind.FINAL_ONLY))
    for found in (streamed, whole):
        assert [token for output in found for token in output.tokens] == list(range(NUM_TOKENS))
        assert found[-1].finished
    assert len(streamed) < len(whole) / 3
    assert len(streamed[0].tokens) < 10  # the first does not wait for others
    assert engine.num_closed == 2


def test_who_leaves_in_a_rest_ends_the_request_and_counts_no_longer() -> None:
    engine = Engine()
    paced = Paced(engine.generate)

    async def left() -> None:
        stream = paced("hello", Params(Kind.DELTA))
        await anext(stream)
        following = asyncio.ensure_future(anext(stream))
        await asyncio.sleep(TOKEN_S)
        following.cancel()
        with pytest.raises(asyncio.CancelledError):
            await following
        await stream.aclose()

    asyncio.run(left())
    assert engine.num_closed == 1
    assert paced._num_streams == 0


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
        async for told in together(items()):
            found.append(told)

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
