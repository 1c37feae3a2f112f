"""What the driver notes of the stage it runs, as numbers. Written by the thread that runs the
stage, read by the one that tells of it; a figure read half way is put right seconds later.

Knows no storage and no Ray.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Heard:
    """What a recorder has taken since it began."""

    num_replies: int = 0
    num_in_flight: int = 0
    num_prompt_tokens: int = 0
    num_completion_tokens: int = 0


@dataclass
class Board:
    """One stage: what is being written, what was asked and answered."""

    doing: str | None = None
    num_questions: int | None = None
    num_replies: int = 0
    num_prompt_tokens: int = 0
    num_completion_tokens: int = 0
    _num_open: int = 0  # when the pass began
    _replies_before: int = 0
    _last: Heard = field(default_factory=Heard)

    @property
    def num_answered(self) -> int | None:
        """Questions that need no further asking, before this run or in it. During a pass an
        unusable reply counts too; the next pass puts it right.
        """
        if self.num_questions is None:
            return None
        in_pass = min(self.num_replies - self._replies_before, self._num_open)
        return max(self.num_questions - self._num_open + in_pass, 0)

    @property
    def num_in_flight(self) -> int:
        """Questions that were sent and have no reply yet."""
        return self._last.num_in_flight

    @contextmanager
    def while_doing(self, what: str) -> Iterator[None]:
        """Note what is being done."""
        before, self.doing = self.doing, what
        try:
            yield
        finally:
            self.doing = before

    def begin_pass(self, num_questions: int, num_open: int) -> None:
        """Note how many questions there are, and how many are still to be asked."""
        self._last, self._replies_before = Heard(), self.num_replies
        self.num_questions, self._num_open = num_questions, num_open

    def hear(self, heard: Heard) -> None:
        """Take a recorder's figures. Fewer replies than before: it died and began anew."""
        since = self._last if heard.num_replies >= self._last.num_replies else Heard()
        self.num_replies += heard.num_replies - since.num_replies
        self.num_prompt_tokens += heard.num_prompt_tokens - since.num_prompt_tokens
        self.num_completion_tokens += heard.num_completion_tokens - since.num_completion_tokens
        self._last = heard
