"""What a model is tuned on: prompts, revisions by a constitution, pairs; and how training went."""

from __future__ import annotations

from enum import StrEnum

from pydantic import Field

from gcai_ray.schemas.asking import Message
from gcai_ray.schemas.base import Id, Row, Split


class MadeBy(StrEnum):
    """How a pair came about: a response and its revision, or two responses judged."""

    REVISION = "revision"
    COMPARISON = "comparison"


class Prompt(Row):
    """A conversation that ends with a person's turn, for the model to answer."""

    id: Id = Field(description="hash of the messages")
    source: str = Field(description="name of the source of prompts in the configuration")
    source_file: str
    source_row: int = Field(ge=1)
    messages: list[Message]
    split: Split = Field(description="decided by the first turn alone; `test` is held out")


class Revision(Row):
    """One round of one prompt: a response, what the model criticised in it, and its revision."""

    prompt_id: Id
    round: int = Field(ge=1)
    principle_ids: list[Id] = Field(description="principles drawn for the round")
    response: str = Field(description="the one revised: of round 1 the model's first")
    critique: str
    harmful: bool | None = Field(
        description="whether the critique called the response harmful; null: it did not say"
    )
    revision: str
    fault: str | None = Field(
        description="why the revision is nothing to learn from; null: it may be"
    )
    model: str = Field(description="identity of the model that wrote all three")


class TrainingPair(Row):
    """Two responses to a prompt, the better first. Pairs made by revision also serve supervised
    fine-tuning, with `chosen` as the words to learn; all serve preference optimisation.
    """

    id: Id
    prompt_id: Id
    source: str
    split: Split
    prompt: list[Message]
    chosen: str
    rejected: str
    made_by: MadeBy
    principle_ids: list[Id] = Field(description="the principles it was revised or judged by")
    round: int = Field(ge=0, description="rounds of revision behind `chosen`; 0: a comparison")
    model: str


class Metric(Row):
    """One figure of training at one update."""

    objective: str = Field(description="`sft` or `dpo`")
    step: int = Field(ge=0, description="updates done")
    name: str = Field(
        description="`loss`, `learning_rate`, `tokens_per_s`, `eval_loss`, `reward_margin`, "
        "`reward_accuracy`, `eval_reward_margin`, `eval_reward_accuracy`, …"
    )
    value: float
