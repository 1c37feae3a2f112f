"""Rates of a key and requests in flight → how many seconds a request has to wait. Knows no request
and no clock but the one it is given.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Protocol

from gcai_ray.serve.errors import Refused

Clock = Callable[[], float]
MINUTE_S = 60.0
ROUNDING = 1e-9  # what sums of seconds may be off by


class Bucket:
    """A token bucket: full at first, refilled at `rate_per_minute`, never above `burst`.

    Over any window of w minutes it lets through at most burst + rate_per_minute * w.
    """

    def __init__(self, rate_per_minute: float, burst: float, clock: Clock = time.monotonic) -> None:
        if not (rate_per_minute > 0 and burst > 0):
            raise ValueError(f"rate {rate_per_minute} and burst {burst} have to be above 0")
        self.rate_per_s = rate_per_minute / MINUTE_S
        self.burst = burst
        self._clock = clock
        self._level = burst
        self._at = clock()

    @property
    def level(self) -> float:
        """What may be spent now; below zero after a charge that was larger than what was there."""
        now = self._clock()
        gained = max(now - self._at, 0.0) * self.rate_per_s
        self._level = min(self._level + gained, self.burst)
        self._at = max(now, self._at)
        return self._level

    def wait_s(self, cost: float = 1.0) -> float:
        """Seconds until `cost` can be spent, 0 if it can now. A cost above `burst` counts as it."""
        lacking = min(cost, self.burst) - self.level
        return lacking / self.rate_per_s if lacking > ROUNDING else 0.0

    def take(self, cost: float = 1.0) -> float:
        """Spend `cost` if it is there, and return 0; otherwise spend nothing and return the
        seconds to wait.
        """
        wait_s = self.wait_s(cost)
        if wait_s == 0.0:
            self.charge(cost)
        return wait_s

    def charge(self, cost: float) -> None:
        """Spend `cost`, whether it is there or not."""
        self._level = self.level - max(cost, 0.0)


class Rated(Protocol):
    """What `Rates` has to know of a key."""

    @property
    def name(self) -> str:
        """Its name; rates are counted by it."""
        ...

    @property
    def requests_per_minute(self) -> float | None:
        """Requests a minute through all doors; null: as many as there are."""
        ...

    @property
    def tokens_per_minute(self) -> float | None:
        """Tokens a minute, of prompts and replies, through all doors; null: no bound."""
        ...


class Rates:
    """Requests and tokens a minute of every key at one of `share` doors, each of which has an even
    part of the rate. A key that was idle may spend a minute's part at once.

    Tokens are known after the reply: they are charged then, and the next request waits until
    they are paid off.
    """

    def __init__(self, share: int = 1, clock: Clock = time.monotonic) -> None:
        if share < 1:
            raise ValueError(f"share {share}: there is at least one door")
        self._share = share
        self._clock = clock
        self._buckets: dict[tuple[str, str], tuple[float, Bucket]] = {}

    def admit(self, key: Rated) -> float:
        """Count one request of the key and return 0, or the seconds after which it may come."""
        tokens = self._bucket(key.name, "tokens", key.tokens_per_minute)
        requests = self._bucket(key.name, "requests", key.requests_per_minute)
        wait_s = tokens.wait_s() if tokens is not None else 0.0
        if wait_s > 0.0:
            return max(wait_s, requests.wait_s() if requests is not None else 0.0)
        return requests.take() if requests is not None else 0.0

    def charge(self, key: Rated, tokens: int) -> None:
        """Charge the tokens that a request has used, prompt and reply."""
        bucket = self._bucket(key.name, "tokens", key.tokens_per_minute)
        if bucket is not None:
            bucket.charge(tokens)

    def _bucket(self, name: str, what: str, per_minute: float | None) -> Bucket | None:
        """The bucket of a key, made anew when its rate was changed in the file of keys."""
        if per_minute is None:
            self._buckets.pop((name, what), None)
            return None
        held = self._buckets.get((name, what))
        if held is None or held[0] != per_minute:
            part = per_minute / self._share
            held = (per_minute, Bucket(part, max(part, 1.0), self._clock))
            self._buckets[name, what] = held
        return held[1]


class InFlight:
    """How many requests are in flight; one that is too many is told to come again."""

    def __init__(self, most: int, retry_after_s: float = 1.0) -> None:
        self.most = most
        self.num = 0
        self._retry_after_s = retry_after_s

    @contextmanager
    def place(self) -> Iterator[None]:
        """A place for the time of one request.

        Raises:
            Refused: 429, when all places are taken.
        """
        if self.num >= self.most:
            told = "too many requests at once; come again"
            raise Refused(429, "overloaded", told, retry_after_s=self._retry_after_s)
        self.num += 1
        try:
            yield
        finally:
            self.num -= 1
