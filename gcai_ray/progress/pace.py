"""Counts over time → a rate, and the time left at that rate. Pure; knows not what is counted."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

WINDOW_S = 180.0
MIN_SPAN_S = 10.0  # of fewer seconds a rate says nothing


@dataclass
class Pace:
    """The last counts of one thing that grows."""

    window_s: float = WINDOW_S
    _of: object = None
    _counts: deque[tuple[float, int]] = field(default_factory=deque)  # seconds, count

    def note(self, of: object, count: int, now_s: float) -> None:
        """Note a count. Another thing than before (`of`), or fewer of it, begins anew. The time
        until the first moves is no part of a rate: an engine starts for minutes.
        """
        is_new = of != self._of or (self._counts and count < self._counts[-1][1])
        if is_new or [known for _, known in self._counts] == [count]:
            self._counts.clear()
        self._of = of
        self._counts.append((now_s, count))
        while len(self._counts) > 2 and self._counts[1][0] <= now_s - self.window_s:
            self._counts.popleft()

    def rate_per_s(self) -> float | None:
        """How many a second over the window; None where nothing moved, or too little time passed
        to tell.
        """
        if len(self._counts) < 2:
            return None
        (first_s, first), (last_s, last) = self._counts[0], self._counts[-1]
        if last == first or last_s - first_s < MIN_SPAN_S:
            return None
        return (last - first) / (last_s - first_s)


def seconds_left(done: int, total: int | None, rate_per_s: float | None) -> float | None:
    """Seconds until all is done at this rate; None where either is not known."""
    if total is None or not rate_per_s:
        return None
    return max(total - done, 0) / rate_per_s
