"""Artifacts of a run that assessed models → the content of their report. Knows no markup."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

import pyarrow.compute as pc

from gcai_ray.artifacts import Artifact
from gcai_ray.prompts.conversation import transcript
from gcai_ray.report.model_content import ContestExample, ModelContent
from gcai_ray.report_content import OF_MODELS, reject_counts
from gcai_ray.sampling import draw
from gcai_ray.schemas import Constitution, ContestOutcome, Figure
from gcai_ray.stages.assess import opponents_of
from gcai_ray.steps.assessing import models_in, themes_by_principle
from gcai_ray.steps.lookup import rows_by_id

SHOWN = {ContestOutcome.WIN: 2, ContestOutcome.LOSS: 1, ContestOutcome.FLIP: 1}
REPORT = "report.html"


def model_content(inputs: Mapping[str, Artifact]) -> ModelContent:
    """All that the report of a run's tuned model shows."""
    tuned, answered, assessed = (inputs[name] for name in ("tune", *OF_MODELS))
    facts = json.loads(tuned.document("training.json"))
    settings, asked = facts["settings"], answered.manifest.config
    constitution = Constitution.model_validate_json(tuned.document("constitution.json"))
    responses = answered.read("responses", ["prompt_id", "model", "num_turns"])
    models = models_in(responses)
    own = responses.filter(pc.equal(responses["model"], models[0]))
    opponents = opponents_of(models)
    return ModelContent(
        constitution=constitution,
        report=REPORT if "ratify" in inputs else None,
        base_model=facts["base_model"],
        method=settings["method"],
        rank=settings["lora"]["rank"] if settings["method"] == "lora" else None,
        artifact="/".join(tuned.directory),
        judge=assessed.manifest.config["asking"]["model"],
        models=models,
        opponents=list(opponents),
        num_prompts=own.num_rows,
        num_multi=pc.sum(pc.greater(own["num_turns"], 1)).as_py() or 0,
        num_cut=answered.manifest.counts.get("num_cut_at_limit", 0),
        temperature=asked["temperature"],
        max_response_tokens=asked["max_response_tokens"],
        figures=[Figure.model_validate(r) for r in assessed.read("assessment").to_pylist()],
        themes=themes_by_principle(constitution),
        examples=list(_examples(inputs, opponents[0])),
        rejects=reject_counts({name: inputs[name] for name in OF_MODELS}),
        versions=assessed.manifest.versions,
    )


def _examples(
    inputs: Mapping[str, Artifact], opponents: tuple[str, str]
) -> Iterator[ContestExample]:
    """A few contests of each outcome, drawn by lot, no prompt twice."""
    drawn = _drawn(inputs["assess"], opponents)
    ids = {row["prompt_id"] for row in drawn}
    prompts = rows_by_id(inputs["prompts"], "prompts", "id", ids) if ids else {}
    said = {}
    for part in inputs["answer"].tables("responses", ["prompt_id", "model", "text"]):
        said |= {(r["prompt_id"], r["model"]): r["text"] for r in part.to_pylist()}
    for row in drawn:
        key = row["prompt_id"]
        yield ContestExample(
            prompt=transcript(prompts[key]["messages"]),
            principle_id=row["principle_id"],
            response=said[key, opponents[0]],
            other=said[key, opponents[1]],
            outcome=row["outcome"],
        )


def _drawn(assessed: Artifact, opponents: tuple[str, str]) -> list[dict[str, Any]]:
    columns = ["prompt_id", "principle_id", "model", "against", "outcome"]
    rows = [
        row
        for part in assessed.tables("contests", columns)
        for row in part.to_pylist()
        if (row["model"], row["against"]) == opponents
    ]
    rows.sort(key=lambda row: draw(f"example {row['prompt_id']} {row['principle_id']}", 0))
    found: list[dict[str, Any]] = []
    for outcome, num in SHOWN.items():
        taken = {row["prompt_id"] for row in found}
        own = [row for row in rows if row["outcome"] == outcome and row["prompt_id"] not in taken]
        single = {row["prompt_id"]: row for row in reversed(own)}
        ordered = [row for row in own if single[row["prompt_id"]] is row]
        found += ordered[:num]
    return found
