"""What can be set of the road from a constitution to a tuned model. Knows no stage, opens nothing.

What decides a result is part of a fingerprint; where and how fast it is made (`where`) is not.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from gcai_ray.section import Section

Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9_.-]+$")]
Share = Annotated[float, Field(ge=0, le=1)]
Count = Annotated[int, Field(ge=1)]
Rate = Annotated[float, Field(gt=0, lt=1)]
Take = Literal["conversation", "first_turn"]


class HhPrompts(Section):
    """Prompts of an Anthropic HH-RLHF file: the conversation up to the last turn of a person both
    transcripts share, or its first turn alone.
    """

    name: Name
    format: Literal["hh_rlhf"]
    path: str
    take: Take = "conversation"


class MessagesPrompts(Section):
    """JSON Lines with a list of chat messages (`role`, `content`) under one key. Turns after the
    last of a person are left out.
    """

    name: Name
    format: Literal["messages"]
    path: str
    key: str = "messages"
    take: Take = "conversation"


class TabularPrompts(Section):
    """A table (CSV, TSV, JSON Lines, Parquet) with one prompt a row in the column `prompt`."""

    name: Name
    format: Literal["tabular"]
    path: str
    prompt: str
    delimiter: Annotated[str, Field(min_length=1, max_length=1)] | None = None


PromptSource = Annotated[
    HhPrompts | MessagesPrompts | TabularPrompts, Field(discriminator="format")
]


class PromptsConfig(Section):
    """What the model is asked while it is tuned. `num_prompts`: at most so many, drawn by content;
    `test_share` of them are held out, by their first turn.
    """

    sources: Annotated[tuple[PromptSource, ...], Field(min_length=1)]
    num_prompts: Count | None = None
    test_share: Share = 0.1
    max_prompt_chars: Count = 20_000
    max_rejected_share: Share = 0.5

    @model_validator(mode="after")
    def _source_names_differ(self) -> PromptsConfig:
        names = [source.name for source in self.sources]
        doubles = sorted({name for name in names if names.count(name) > 1})
        if doubles:
            raise ValueError(f"two sources of prompts are named '{doubles[0]}': rename one")
        return self


class ReviseConfig(Section):
    """Pairs to train on (Constitutional AI, arXiv 2212.08073, sections 3 and 4): the model answers,
    criticises its answer by a principle and revises it, `num_rounds` times; with `compare` it also
    judges two answers of its own. `judge`: a revision stays only if it is judged better in both
    orders. `max_growth`: a revision may be so many times as long as the answer.
    """

    num_rounds: Annotated[int, Field(ge=1, le=8)] = 1
    principles_per_round: Annotated[int, Field(ge=1, le=10)] = 1
    compare: bool = True
    judge: bool = False
    max_response_tokens: Annotated[int, Field(ge=16)] = 512
    max_growth: Annotated[float, Field(ge=1)] = 3.0


class LoraConfig(Section):
    """A low-rank adapter (arXiv 2106.09685). `alpha` left out: twice the rank."""

    rank: Count = 16
    alpha: Count | None = None
    dropout: Annotated[float, Field(ge=0, lt=1)] = 0.0
    targets: Literal["all-linear"] | tuple[str, ...] = "all-linear"


class PhaseConfig(Section):
    """One phase of training. `batch_size`: rows per update, over all workers; `every`: updates
    between two looks at the held-out rows, each with a checkpoint; `patience`: looks without an
    improvement after which it ends early, none: never.
    """

    num_epochs: Annotated[float, Field(gt=0)] = 1.0
    max_steps: Count | None = None
    batch_size: Count = 32
    learning_rate: Rate
    schedule: Literal["cosine", "linear", "constant"] = "cosine"
    warmup_share: Share = 0.1
    weight_decay: Annotated[float, Field(ge=0)] = 0.0
    max_grad_norm: Annotated[float, Field(gt=0)] = 1.0
    every: Count = 50
    patience: Count | None = None


class SftConfig(PhaseConfig):
    """Supervised fine-tuning on revisions. `packing`: several short rows in one sequence."""

    learning_rate: Rate = 2e-4
    packing: bool = False


class DpoConfig(PhaseConfig):
    """Direct preference optimisation (arXiv 2305.18290) on pairs. `beta`: how far the model may
    move from the one it began as.
    """

    learning_rate: Rate = 5e-6
    beta: Annotated[float, Field(gt=0)] = 0.1


class WhereConfig(Section):
    """Where training runs, and how fast. Never part of a fingerprint: `batch_size` is the sum over
    all workers. `rows_per_step`: rows a worker takes through the model at once.
    """

    device: Literal["gpu", "cpu"] = "gpu"
    num_workers: Count = 1
    strategy: Literal["ddp", "fsdp"] = "ddp"
    cpus_per_worker: Count = 1
    rows_per_step: Count = 4
    gradient_checkpointing: bool = True
    max_failures: Annotated[int, Field(ge=0)] = 3
    trackers: tuple[Literal["tensorboard", "wandb", "mlflow"], ...] = ("tensorboard",)


class TuneConfig(Section):
    """Constitutional fine-tuning: SFT, then DPO from where it ended. `method`: a LoRA adapter, or
    all weights. `model_id` names the model in fingerprints where `model` is a path.
    """

    model: Annotated[str, Field(min_length=1)]
    model_id: Annotated[str, Field(min_length=1)] | None = None
    method: Literal["lora", "full"] = "lora"
    lora: LoraConfig = LoraConfig()
    sft: SftConfig | None = SftConfig()
    dpo: DpoConfig | None = DpoConfig()
    dtype: Literal["bfloat16", "float32"] = "bfloat16"
    max_length: Annotated[int, Field(ge=16)] = 2048
    max_rejected_share: Share = 0.5
    where: WhereConfig = WhereConfig()

    @model_validator(mode="after")
    def _trains_something(self) -> TuneConfig:
        if self.sft is None and self.dpo is None:
            raise ValueError("`sft` and `dpo` are both off: leave one on, or take out `tune`")
        return self

    @model_validator(mode="after")
    def _packing_needs_a_gpu(self) -> TuneConfig:
        if self.sft is not None and self.sft.packing and self.where.device == "cpu":
            raise ValueError("sft.packing needs flash attention, so a GPU: set sft.packing: false")
        return self

    @model_validator(mode="after")
    def _batches_divide(self) -> TuneConfig:
        for name, phase in (("sft", self.sft), ("dpo", self.dpo)):
            if phase is not None and phase.batch_size % self.where.num_workers:
                raise ValueError(
                    f"{name}.batch_size {phase.batch_size} is the sum over all workers: take a "
                    f"multiple of where.num_workers ({self.where.num_workers})"
                )
        return self
