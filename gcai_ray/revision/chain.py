"""Replies to the questions about one prompt → what has been said so far. Judges nothing."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from gcai_ray.asking.check import reply_json
from gcai_ray.prompts import critique as critique_prompt
from gcai_ray.prompts import judge

# Parts of the questions `respond` and `judge` about one prompt.
FIRST, SECOND = 0, 1
COMPARED, REVISED = (0, 1), (2, 3)  # each in two orders


@dataclass(frozen=True)
class Said:
    """One reply: the words, whether they end at the token limit, or why there are none."""

    text: str
    is_cut: bool = False
    error: str | None = None

    @property
    def is_usable(self) -> bool:
        """Whether something came back."""
        return self.error is None


@dataclass(frozen=True)
class Chain:
    """What was said about one prompt: by name of the question and its part."""

    said: Mapping[tuple[str, int], Said]

    def of(self, name: str, part: int) -> Said | None:
        """The reply to one question; None: it was not asked (yet), or has no usable reply."""
        found = self.said.get((name, part))
        return found if found is not None and found.is_usable else None

    def answer(self, number: int) -> Said | None:
        """The response that round `number` + 1 revises: the model's first, or the revision of
        round `number`.
        """
        return self.of("revise", number - 1) if number else self.of("respond", FIRST)

    def critique(self, number: int) -> tuple[bool | None, str] | None:
        """What round `number` (from 1) found wrong: harmful or not, and the words."""
        found = self.of("critique", number - 1)
        return None if found is None else critique_prompt.read(found.text)

    def num_rounds(self) -> int:
        """Rounds that came to a revision."""
        number = 0
        while self.answer(number + 1) is not None:
            number += 1
        return number

    def better(self, parts: tuple[int, int]) -> str | None:
        """Which of two responses, `a` or `b`, was judged better in both orders; None: neither."""
        found = [self.of("judge", part) for part in parts]
        choices = {
            judge.choice(reply_json(said.text), flipped)
            for said, flipped in zip(found, (False, True), strict=True)
            if said is not None
        }
        return choices.pop() if None not in found and len(choices) == 1 else None


def chain_of(replies: Iterable[Mapping[str, Any]]) -> Chain:
    """The chain from rows of a lookup: prompt, part, text, parsed, finish_reason, error."""
    return Chain(
        {
            (row["prompt"], row["part"]): Said(
                row["text"].strip(),
                row["finish_reason"] == "length",
                None if row["parsed"] else row["error"] or "no usable reply",
            )
            for row in replies
        }
    )
