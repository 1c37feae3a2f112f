"""A reply of the annotator by rule → the reply of a model with a taste of its own.

Its taste (`known.taste`) is that of common training: it likes what the aligned principles ask for
and dislikes the unaligned ones. Draws follow from the question, so a repeated question gets the
same reply. Knows no server.
"""

from __future__ import annotations

from functools import cache
from importlib import import_module
from typing import Any

import orjson

from servers.annotator import block, draw, lines
from servers.known import spoken_of, taste
from servers.unaligned import UNALIGNED_CONTEXTUAL, UNALIGNED_GENERAL

PROMPTS = ("extract_contextual", "extract_general", "icai_extract", "vote", "judge")
OPPOSED = {*UNALIGNED_CONTEXTUAL, *UNALIGNED_GENERAL}
# What a model says instead of what goes against its taste: no planted principle.
BLAND = {
    "contextual": "is helpful, suitable and of high quality",
    "general": "be helpful, suitable and of high quality",
}
_PARTS = 10_000


def by_taste(messages: list[dict[str, Any]], good: str, share: float, seed: int) -> str:
    """A `good` reply, or one of the same shape that follows the model's taste.

    `share`: of the votes and verdicts on two responses that differ in taste, and of the principles
    against its taste. Where a judge is given no principles, it always goes by taste.
    """
    prompt = _prompts().get(messages[0]["content"]) if len(messages) > 1 else None
    if prompt is None or not share:
        return good
    content, reply = str(messages[-1]["content"]), orjson.loads(good)
    if prompt in ("vote", "judge"):
        reply = {key: _answer(key, answer, content, share) for key, answer in reply.items()}
    else:
        kind = "general" if prompt == "extract_general" else "contextual"
        _reword(reply["principles"], content, share, seed, BLAND[kind])
    return orjson.dumps(reply).decode()


def _answer(key: str, answer: str, content: str, share: float) -> str:
    first, second = _tastes(content)
    sure = not lines(content, "principles")
    if first == second or not (sure or _drawn(share, key, content)):
        return answer
    return "A" if first > second else "B"


def _reword(
    principles: list[dict[str, Any]], content: str, share: float, seed: int, bland: str
) -> None:
    """In place: bland words for principles against its taste, or for a choice against it."""
    first, second = _tastes(content)
    chosen_first = "The person preferred response_A" in content
    chosen_second = "The person preferred response_B" in content
    is_against = (chosen_first and first < second) or (chosen_second and second < first)
    for number, principle in enumerate(principles):
        opposed = OPPOSED & {*spoken_of(principle["principle"])}
        if (is_against or opposed) and _drawn(share, seed, number, content):
            principle["principle"] = bland


def _tastes(content: str) -> tuple[int, int]:
    return taste(block(content, "response_A")), taste(block(content, "response_B"))


def _drawn(share: float, *key: object) -> bool:
    return draw(_PARTS, "taste", *key) < share * _PARTS


@cache
def _prompts() -> dict[str, str]:
    """System message → the name of the prompt."""
    return {import_module(f"gcai_ray.prompts.{name}").INSTRUCTIONS: name for name in PROMPTS}
