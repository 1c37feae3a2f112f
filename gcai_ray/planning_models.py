"""Settings → what putting prompts to tuned models, and judging them, will come to at most.

Estimates all of them: there is no tuned model yet whose questions could be counted.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace

from gcai_ray.artifacts import Artifact
from gcai_ray.config import Config
from gcai_ray.planning import REPLY_TOKENS, SAMPLE_PAIRS, TYPICAL_PRINCIPLE, StagePlan, finished
from gcai_ray.steps.asking import asking_of


def answer_plan(config: Config, inputs: Mapping[str, Artifact], num_models: int) -> StagePlan:
    """As many questions as prompts are held out, of every model."""
    if "answer" in inputs:
        return replace(finished("answer", inputs["answer"]), is_served=True)
    num_prompts, each = _held_out_tokens(config, inputs)
    total = num_prompts * num_models
    replies = total * _most_reply_tokens(config)
    return StagePlan("answer", total, 0, each * total, replies, is_estimate=True, is_served=True)


def _most_reply_tokens(config: Config) -> int:
    most = config.assess.max_response_tokens if config.assess else REPLY_TOKENS["answer"]
    return min(REPLY_TOKENS["answer"], most)


def _held_out_tokens(config: Config, inputs: Mapping[str, Artifact]) -> tuple[int, int]:
    """How many prompts are put to the models, and the mean tokens of one."""
    from gcai_ray.asking.questions import counter
    from gcai_ray.steps.answering import held_out_prompts
    from gcai_ray.steps.lookup import rows_by_id

    drawn = held_out_prompts(config, inputs)
    few = rows_by_id(inputs["prompts"], "prompts", "id", set(drawn[:SAMPLE_PAIRS]))
    count = counter(asking_of(config, "assess"))
    tokens = [count(row["messages"]) for row in few.values()]
    return len(drawn), math.ceil(sum(tokens) / max(len(tokens), 1))


def assess_plan(config: Config, inputs: Mapping[str, Artifact], num_models: int) -> StagePlan:
    """At most: equal responses are asked nobody, and a constitution may have fewer places taken."""
    from gcai_ray.asking.questions import counter
    from gcai_ray.prompts import judge

    if "assess" in inputs:
        return finished("assess", inputs["assess"])
    num_prompts, each = _held_out_tokens(config, inputs)
    pairs = 2 * num_models - 3  # every tuned model and the base, the run's own and every other
    total = num_prompts * pairs * _num_principles(config) * 2
    empty = {"prompt": "", "response_a": "", "response_b": ""}
    frame = counter(asking_of(config, "assess"))(
        judge.question(empty, False, [TYPICAL_PRINCIPLE]).messages
    )
    shown = frame + each + 2 * _most_reply_tokens(config)
    return StagePlan(
        "assess", total, 0, shown * total, REPLY_TOKENS["assess"] * total, is_estimate=True
    )


def _num_principles(config: Config) -> int:
    if config.constitution is None:
        return config.ratify.num_contextual + config.ratify.num_general
    from gcai_ray.steps.prompting import given_constitution

    return len(given_constitution(config.constitution).principles)
