"""Artifacts of `prompts`, `revise`, `tune` → what a report says of training. Knows no markup."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Mapping

from gcai_ray.artifacts import Artifact
from gcai_ray.report.content import RejectCount, TaughtPrinciple, Training, Tuning
from gcai_ray.schemas import Constitution, MadeBy, Metric

ASSESSED = "model.html"
OF_TRAINING = ("prompts", "revise", "tune")
SHOWN = (
    "loss",
    "eval_loss",
    "reward_margin",
    "eval_reward_margin",
    "reward_accuracy",
    "eval_reward_accuracy",
)
CountRejects = Callable[[Mapping[str, Artifact]], list[RejectCount]]


def training_of(inputs: Mapping[str, Artifact], count_rejects: CountRejects) -> Training | None:
    """What the report says of training; None where no pairs were made."""
    if "revise" not in inputs:
        return None
    revised, asked = inputs["revise"].manifest, inputs["prompts"].manifest
    own = {name: of for name, of in inputs.items() if name in OF_TRAINING}
    return Training(
        num_prompts=asked.num_rows.get("prompts", 0),
        num_prompts_held_out=asked.counts.get("num_held_out", 0),
        num_revisions=revised.num_rows.get("revisions", 0),
        num_harmless=revised.counts.get("num_harmless", 0),
        num_over_refusals=revised.counts.get("num_over_refusals", 0),
        num_pairs=revised.num_rows.get("training_pairs", 0),
        num_pairs_by_revision=revised.counts.get("num_pairs_by_revision", 0),
        num_pairs_by_comparison=revised.counts.get("num_pairs_by_comparison", 0),
        num_pairs_held_out=revised.counts.get("num_pairs_held_out", 0),
        principles=taught_principles(inputs),
        rejects=count_rejects(own),
        tuning=_tuning(inputs["tune"]) if "tune" in inputs else None,
        assessed=ASSESSED if "assess" in inputs else None,
    )


def taught_principles(inputs: Mapping[str, Artifact]) -> list[TaughtPrinciple]:
    """How many pairs rest on each principle, in the constitution's order, those with none too."""
    found: dict[str, Counter[str]] = {kind: Counter() for kind in MadeBy}
    for part in inputs["revise"].tables("training_pairs", ["made_by", "principle_ids"]):
        for row in part.to_pylist():
            found[row["made_by"]].update(row["principle_ids"])
    constitution = Constitution.model_validate_json(inputs["ratify"].document("constitution.json"))
    return [
        TaughtPrinciple(
            principle_id=principle.id,
            num_by_revision=found[MadeBy.REVISION][principle.id],
            num_by_comparison=found[MadeBy.COMPARISON][principle.id],
        )
        for principle in constitution.principles
    ]


def _tuning(tuned: Artifact) -> Tuning:
    facts = json.loads(tuned.document("training.json"))
    settings = facts["settings"]
    rows = tuned.read("metrics").to_pylist()
    return Tuning(
        base_model=facts["base_model"],
        method=settings["method"],
        rank=settings["lora"]["rank"] if settings["method"] == "lora" else None,
        artifact="/".join(tuned.directory),
        metrics=[Metric.model_validate(row) for row in rows if row["name"] in SHOWN],
    )
