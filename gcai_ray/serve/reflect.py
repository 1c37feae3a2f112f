"""A conversation and a model → its answer, criticised by the constitution and revised, under a
budget of tokens (critique and revision at inference; Constitutional AI, arXiv 2212.08073, section
3.1, applied to a single reply). Knows no HTTP and no engine.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from gcai_ray.prompts import critique as critique_prompt
from gcai_ray.prompts import revise as revise_prompt
from gcai_ray.prompts.question import Question
from gcai_ray.revision.course import Course, course_of
from gcai_ray.schemas import Constitution
from gcai_ray.serve.errors import Refused
from gcai_ray.serve.replies import Usage
from gcai_ray.serving_config import ReflectConfig
from gcai_ray.training_config import ReviseConfig

Ask = Callable[[Question], Awaitable[tuple[str, Usage, str]]]  # words, tokens, why it ended
Messages = list[dict[str, str]]


@dataclass
class Reflection:
    """What came of it: the answer, the principles it was criticised by, and why it ended: `done`,
    or no further, for the `budget` of tokens or the model's `context`.
    """

    text: str
    usage: Usage
    finish_reason: str
    rounds: int = 0
    principle_ids: list[str] = field(default_factory=list)
    stopped: str = "done"

    def facts(self) -> dict[str, Any]:
        """What the reply says of it."""
        return {
            "rounds": self.rounds,
            "principle_ids": self.principle_ids,
            "stopped": self.stopped,
            "tokens": self.usage.total,
        }


@dataclass(frozen=True)
class Mirror:
    """What a reply is criticised by, and by whom. `max_tokens`: of a revision."""

    messages: Messages
    course: Course
    settings: ReflectConfig
    max_tokens: int
    ask: Ask

    async def reflected(self, first: Reflection, request_id: str) -> Reflection:
        """Criticise and revise, round after round, until the rounds or the tokens are used up.

        A step is begun only if the budget holds its own longest reply and its prompt; what has been
        reached by then is the answer.
        """
        for number in range(1, self.settings.max_rounds + 1):
            drawn = self.course.drawn(request_id, number)
            found = await self._round(first, [one.text for one in drawn])
            if found is None:
                break
            first.text, first.finish_reason = found
            first.rounds = number
            first.principle_ids += [one.id for one in drawn if one.id not in first.principle_ids]
        return first

    async def _round(self, so_far: Reflection, principles: list[str]) -> tuple[str, str] | None:
        """The revision and why it ended; None where the budget does not hold it. An empty revision
        leaves the answer as it is.
        """
        question = critique_prompt.question(self.messages, so_far.text, principles)
        told = await self._asked(question, so_far)
        if told is None:
            return None
        _, critique = critique_prompt.read(told[0])
        question = revise_prompt.question(
            self.messages, so_far.text, critique, principles, self.max_tokens
        )
        revised = await self._asked(question, so_far)
        return (so_far.text, so_far.finish_reason) if revised == ("", "stop") else revised

    async def _asked(self, question: Question, so_far: Reflection) -> tuple[str, str] | None:
        need = question.max_tokens + estimated_tokens(question)
        if so_far.usage.total + need > self.settings.max_tokens:
            so_far.stopped = "budget"
            return None
        try:
            text, usage, reason = await self.ask(question)
        except Refused as refused:
            if refused.status != 400:
                raise
            so_far.stopped = "context"  # the model has no room for conversation and principles
            return None
        so_far.usage += usage
        return text.strip(), reason


def estimated_tokens(question: Question) -> int:
    """Tokens of a prompt, rather too many than too few: three characters a token."""
    return sum(len(turn["content"]) for turn in question.messages) // 3 + 1


def course_for(of: Constitution, settings: ReflectConfig) -> Course:
    """How principles are drawn: in proportion to the people behind them, by the request's id."""
    drawing = ReviseConfig(
        num_rounds=settings.max_rounds, principles_per_round=settings.principles_per_round
    )
    return course_of(of, drawing, seed=0)
