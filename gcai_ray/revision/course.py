"""A constitution and settings → what is done with every prompt: how many rounds, which principles.

Principles are drawn anew for every round, as in Constitutional AI (arXiv 2212.08073, section 3.1),
which draws them evenly; here in proportion to the people who support them. Knows no reply.
"""

from __future__ import annotations

import random
from dataclasses import dataclass

from gcai_ray.schemas import Constitution
from gcai_ray.training_config import ReviseConfig

COMPARISON = 0  # the draw for two responses compared; those of revisions count from 1


@dataclass(frozen=True)
class Principle:
    """A principle of the constitution, and the people behind it."""

    id: str
    text: str
    num_people: int


@dataclass(frozen=True)
class Course:
    """What is done with every prompt. Principles stand in the order of their ids."""

    principles: tuple[Principle, ...]
    settings: ReviseConfig
    seed: int

    def drawn(self, prompt_id: str, draw: int) -> tuple[Principle, ...]:
        """The principles for one draw on one prompt, without repeats, in proportion to support
        (Efraimidis and Spirakis 2006, algorithm A). They follow from seed, prompt and draw alone.
        """
        rng = random.Random(f"{self.seed} {prompt_id} {draw}")
        keys = [rng.random() ** (1 / max(one.num_people, 1)) for one in self.principles]
        order = sorted(range(len(keys)), key=lambda i: (-keys[i], i))
        return tuple(self.principles[i] for i in order[: self.settings.principles_per_round])

    @property
    def waves(self) -> tuple[tuple[str, int], ...]:
        """What is asked one after the other: name of the prompt and round. Each needs the replies
        of those before.
        """
        rounds = range(1, self.settings.num_rounds + 1)
        worded = [(name, number) for number in rounds for name in ("critique", "revise")]
        judged = [("judge", 0)] if self.settings.compare or self.settings.judge else []
        return (("respond", 0), *worded, *judged)


def course_of(constitution: Constitution, settings: ReviseConfig, seed: int) -> Course:
    """The course for a constitution."""
    found = [Principle(p.id, p.text, p.support.num_people) for p in constitution.principles]
    return Course(tuple(sorted(found, key=lambda one: one.id)), settings, seed)
