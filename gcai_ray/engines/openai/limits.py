"""When the next request may go out: limits a minute, pauses the server asked for, and how many may
be in flight. Knows no HTTP.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections import deque
from collections.abc import Awaitable, Callable

from gcai_ray.engine_config import OpenAIEngine

BACKOFF_BASE_S = 0.5
BACKOFF_CAP_S = 60.0
# What was not used in the last second may be used at once, no more: providers count in seconds too.
BURST_S = 1.0

Clock = Callable[[], float]
Sleep = Callable[[float], Awaitable[None]]


def backoff_s(num_faults: int) -> float:
    """Seconds to wait after so many faults in a row: exponential with full jitter."""
    return random.uniform(0, min(BACKOFF_CAP_S, BACKOFF_BASE_S * 2 ** (num_faults - 1)))


class Bucket:
    """A smooth token bucket: what is taken is spread evenly over time (GCRA)."""

    def __init__(self, per_minute: float, clock: Clock) -> None:
        self._seconds_per_unit = 60.0 / per_minute
        self._clock = clock
        self._free_at = clock()

    def take(self, amount: float) -> float:
        """Take so much; returns the seconds to wait before using it. First come, first served."""
        now = self._clock()
        start = max(self._free_at, now - BURST_S)
        self._free_at = start + amount * self._seconds_per_unit
        return max(0.0, start - now)

    def correct(self, amount: float) -> None:
        """Take more, or give back (negative), once the true amount is known."""
        self._free_at += amount * self._seconds_per_unit


class Gate:
    """Admits the requests of one actor.

    A 429 pauses the actor and halves its window (once for all requests of one wave); every answer
    widens the window by one again. So a server slower than the slots is not asked in vain by all
    of them at once, which would use up the retries of questions that never had a chance.
    """

    def __init__(
        self,
        engine: OpenAIEngine,
        num_slots: int,
        clock: Clock = time.monotonic,
        sleep: Sleep = asyncio.sleep,
    ) -> None:
        self._clock, self._sleep = clock, sleep
        self._num_slots = self._window = num_slots
        self._num_open = 0
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._paused_until = self._cut_at = float("-inf")
        share = 1 / num_actors(engine)
        self._requests = _bucket(engine.requests_per_minute, share, clock)
        self._tokens = _bucket(engine.tokens_per_minute, share, clock)

    async def enter(self, num_tokens: int) -> float:
        """Wait for a place, the limits and any pause; returns the time of admission. Every `enter`
        needs a `leave`.
        """
        while self._num_open >= self._window:
            place = asyncio.get_running_loop().create_future()
            self._waiting.append(place)
            await place
        self._num_open += 1
        try:
            await self._wait(num_tokens)
        except asyncio.CancelledError:
            self.leave()
            raise
        return self._clock()

    async def _wait(self, num_tokens: int) -> None:
        waits = [0.0]
        if self._requests:
            waits.append(self._requests.take(1))
        if self._tokens:
            waits.append(self._tokens.take(num_tokens))
        left = max(*waits, self._paused_until - self._clock())
        while left > 0:
            await self._sleep(left)
            left = self._paused_until - self._clock()

    def leave(self) -> None:
        """Give the place back."""
        self._num_open -= 1
        self._wake()

    def _wake(self) -> None:
        free = self._window - self._num_open
        while free > 0 and self._waiting:
            place = self._waiting.popleft()
            if not place.done():
                place.set_result(None)
                free -= 1

    async def rest(self, seconds: float) -> None:
        """Let one question wait; the others go on."""
        await self._sleep(seconds)

    def correct(self, num_tokens: int) -> None:
        """Tokens used beyond the estimate; negative when fewer were."""
        if self._tokens:
            self._tokens.correct(num_tokens)

    def widen(self) -> None:
        """A request was answered."""
        if self._window < self._num_slots:
            self._window += 1
            self._wake()

    def pause(self, seconds: float, admitted_at: float) -> None:
        """The server refused a request, admitted at that time, as one too many."""
        now = self._clock()
        self._paused_until = max(self._paused_until, now + seconds)
        if admitted_at > self._cut_at:
            self._cut_at = now
            self._window = max(1, self._window // 2)


def num_actors(engine: OpenAIEngine) -> int:
    """Actors that get at least one slot each."""
    return min(engine.num_actors, engine.concurrency)


def _bucket(per_minute: float | None, share: float, clock: Clock) -> Bucket | None:
    return None if per_minute is None else Bucket(per_minute * share, clock)
