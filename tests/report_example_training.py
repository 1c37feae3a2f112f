"""An invented training for the report of `report_example`: 400 prompts, 612 pairs, SFT and DPO."""

from __future__ import annotations

import math

import report_example as example
from report_example_findings import identity

from gcai_ray.report import (
    RejectCount,
    ReportContent,
    TaughtPrinciple,
    Training,
    Tuning,
)
from gcai_ray.schemas import Metric, Reject

EVERY = 20


def metrics() -> list[Metric]:
    """Curves as they should be: the loss falls, margin and accuracy rise, held-out rows lag."""
    found = []
    for step in range(1, 181):
        told = {"loss": 0.9 + 2.4 * math.exp(-step / 30) + 0.06 * math.sin(step)}
        if step % EVERY == 0:
            told["eval_loss"] = 1.05 + 2.2 * math.exp(-step / 34)
        found += [Metric(objective="sft", step=step, name=n, value=v) for n, v in told.items()]
    for step in range(1, 101):
        grown = 1 - math.exp(-step / 40)
        told = {
            "loss": 0.693 - 0.3 * grown,
            "reward_margin": 1.3 * grown - 0.02,
            "reward_accuracy": 0.5 + 0.42 * grown,
        }
        if step % EVERY == 0:
            told |= {
                "eval_loss": 0.693 - 0.22 * grown,
                "eval_reward_margin": 1.0 * grown - 0.05,
                "eval_reward_accuracy": 0.5 + 0.31 * grown,
            }
        found += [Metric(objective="dpo", step=step, name=n, value=v) for n, v in told.items()]
    return found


def training() -> Training:
    """Every principle has pairs but the last, which few people support."""
    principles = example.constitution().principles
    example_of = Reject(
        stage="revise", source="hh", source_file="harmless.jsonl.gz", source_row=31,
        field="revision", value="I'm sorry, but I can't help with that.",
        reason="over-refusal: the revision refuses",
    )  # fmt: skip
    return Training(
        num_prompts=400,
        num_prompts_held_out=40,
        num_revisions=392,
        num_harmless=310,
        num_over_refusals=9,
        num_pairs=612,
        num_pairs_by_revision=371,
        num_pairs_by_comparison=241,
        num_pairs_held_out=63,
        principles=[
            TaughtPrinciple(
                principle_id=principle.id,
                num_by_revision=60 - 7 * number if number < 9 else 0,
                num_by_comparison=40 - 4 * number if number < 9 else 0,
            )
            for number, principle in enumerate(principles)
        ],
        rejects=[
            RejectCount(stage="tune", reason="sft: 900 tokens, more than 512", count=2),
            RejectCount(stage="revise", reason=example_of.reason, count=9, example=example_of),
        ],
        tuning=Tuning(
            base_model="acme/tiny-7b",
            method="lora",
            rank=16,
            artifact=f"tune/{identity('tune')}",
            metrics=metrics(),
        ),
    )


def trained_content() -> ReportContent:
    """The model's report of a run that also tuned."""
    return example.model_content().model_copy(update={"training": training()})


def hostile_training() -> ReportContent:
    """With a hostile text wherever one can come in."""
    bad, own = example.HOSTILE, training()
    reject = Reject(
        stage=bad, source=bad, source_file=bad, source_row=3, field=bad, value=bad, reason=bad
    )
    tuning = Tuning.model_construct(
        base_model=bad, method="lora", rank=8, artifact=bad, metrics=metrics()[-3:]
    )
    rejects = [RejectCount.model_construct(stage=bad, reason=bad, count=2, example=reject)]
    spoilt = own.model_copy(update={"rejects": rejects, "tuning": tuning})
    return example.hostile_content().model_copy(update={"training": spoilt})
