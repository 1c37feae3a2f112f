"""A question and a context size → the question, with its responses cut where it would not fit.

Knows no prompt and no tokenizer: both come in as functions.
"""

from __future__ import annotations

from collections.abc import Callable
from math import isqrt

from gcai_ray.prompts.question import Question

Messages = tuple[dict[str, str], ...]
LEAST_RESPONSE_CHARS = 200
_STEPS = 8


class TooLong(ValueError):
    """A question that does not fit the context even with its responses cut to 200 characters."""


def fitted(
    make: Callable[[int | None], Question], count: Callable[[Messages], int], context_tokens: int
) -> Question:
    """The question whole, if its prompt and its longest reply fit in `context_tokens`; else with
    both responses cut to the same number of characters.

    Only responses are cut, never the prompt, the reason, a statement or the principles: what a
    person said is the evidence. `make(n)` words the question with responses of at most `n`
    characters, `None` leaves them whole. The number found is within 3 % of the largest that fits
    (two responses of 100,000 characters; closer when they are shorter), by at most ten calls of
    `count`.

    Raises:
        TooLong: it does not fit with responses of 200 characters.
    """
    whole = make(None)
    if _tokens(whole, count) <= context_tokens:
        return whole
    best = make(LEAST_RESPONSE_CHARS)
    least = _tokens(best, count)
    if least > context_tokens:
        raise TooLong(
            f"the question needs {least:,} tokens ({best.max_tokens:,} of them for the reply) even "
            f"with its responses cut to {LEAST_RESPONSE_CHARS} characters, the context has "
            f"{context_tokens:,}; raise `context_tokens` if the model allows it"
        )
    low, high = LEAST_RESPONSE_CHARS, sum(len(message["content"]) for message in whole.messages)
    for _ in range(_STEPS):
        middle = isqrt(low * high)
        if middle <= low:
            break
        tried = make(middle)
        if _tokens(tried, count) <= context_tokens:
            best, low = tried, middle
        else:
            high = middle
    return best


def _tokens(question: Question, count: Callable[[Messages], int]) -> int:
    return count(question.messages) + question.max_tokens
