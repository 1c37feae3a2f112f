"""Settings and a number of prompts → what will be asked about their responses, before any is there.

A guess: responses are taken to be equally long, and every chain to come to its end.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from gcai_ray.prompts import Question, critique, judge, revise
from gcai_ray.training_config import ReviseConfig
from gcai_ray.wording import CONTEXTUAL_PREFIX

CRITIQUE_TOKENS = 100
VERDICT_TOKENS = 8
TYPICAL_PRINCIPLE = f"{CONTEXTUAL_PREFIX}gives a concrete example the reader can follow."
NOBODY = ({"role": "user", "content": ""},)
Count = Callable[[Sequence[dict[str, str]]], int]


@dataclass(frozen=True)
class Further:
    """Questions after the first responses."""

    num_questions: int
    num_prompt_tokens: int
    num_completion_tokens: int


def further_questions(
    settings: ReviseConfig,
    num_prompts: int,
    prompt_tokens: float,
    response_tokens: float,
    count: Count,
) -> Further:
    """What follows the first responses.

    Args:
        settings: of the stage.
        num_prompts: prompts asked.
        prompt_tokens: mean tokens of a prompt.
        response_tokens: mean tokens of a response.
        count: tokens of messages.
    """
    texts = [TYPICAL_PRINCIPLE] * settings.principles_per_round
    empty = {"prompt": "", "response_a": "", "response_b": ""}
    shown = prompt_tokens + response_tokens
    criticised = _words(count, critique.question(NOBODY, "", texts)) + shown
    revised = _words(count, revise.question(NOBODY, "", "", texts, 1)) + shown + CRITIQUE_TOKENS
    judged = _words(count, judge.question(empty, False, texts)) + shown + response_tokens
    num_rounds, num_judged = settings.num_rounds, 2 * (settings.compare + settings.judge)
    each = num_rounds * (criticised + revised) + num_judged * judged
    written = num_rounds * (CRITIQUE_TOKENS + response_tokens) + num_judged * VERDICT_TOKENS
    return Further(
        num_prompts * (2 * num_rounds + num_judged),
        round(num_prompts * each),
        round(num_prompts * written),
    )


def _words(count: Count, question: Question) -> int:
    return count(list(question.messages))
