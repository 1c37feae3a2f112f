"""One run from annotations to a tuned model: its constitution, its pairs and its report belong
together.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from asking_runs import artifact, constitution, openai, ran, write_config
from servers.launch import Scripted
from servers.planted import write_corpus
from tuning_runs import TUNE, curve

pytestmark = [pytest.mark.long, pytest.mark.usefixtures("ray_address")]
OURS = {"name": "ours", "format": "messages", "path": "sample:prompts.jsonl"}


def test_the_report_says_what_the_model_was_taught(
    tmp_path: Path, scripted_server: Callable[..., Scripted], tiny_model: Path
) -> None:
    sources = write_corpus(tmp_path, num_annotations=200, noise=0.1, seed=1)["sources"]
    config = write_config(
        tmp_path,
        sources,
        openai(scripted_server()),
        ingest={"test_share": 0.4},
        evaluate={"num_resamples": 0, "icai": False},
        prompts={"sources": [OURS], "test_share": 0.2},
        tune=TUNE | {"model": str(tiny_model), "model_id": "tests/tiny"},
    )
    assert "report:" in ran("run", config)
    made, report = constitution(tmp_path), artifact(tmp_path, "report")
    text = " ".join(report.document("report.md").decode().split())
    page = report.document("report.html").decode()
    tuned, revised = artifact(tmp_path, "tune"), artifact(tmp_path, "revise")
    assert "## What a model was taught by it" in text
    assert "/".join(tuned.directory) in text
    assert "/".join(tuned.directory) in page
    pairs = revised.read("training_pairs").to_pylist()
    for principle in made.principles:
        own = [row["made_by"] for row in pairs if principle.id in row["principle_ids"]]
        counts = f"| {own.count('revision')} | {own.count('comparison')} |"
        assert f"{principle.text} {counts}" in text.replace("\\", "")
    metrics = tuned.read("metrics").to_pylist()
    last = curve(metrics, "sft", "eval_loss")
    assert f"{last[max(last)]:.3g} |" in text
    assert page.count("<polyline") == 2 * 4
    assert [p.id for p in made.principles] == [
        p["id"] for p in json.loads(tuned.document("constitution.json"))["principles"]
    ]
