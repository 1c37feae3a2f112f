"""The whole road through real vLLM (its CPU build) on a tiny random model: the words are noise, the
shapes, the bookkeeping and the evidence are not.
"""

from __future__ import annotations

import csv
import json
from importlib.util import find_spec
from pathlib import Path

import pytest
from asking_runs import artifact, gcai, ran, replies_of

from gcai_ray.asking.check import checked

ROOT = Path(__file__).parent.parent.parent
NUM_ROWS = 50

pytestmark = [
    pytest.mark.slow,
    pytest.mark.usefixtures("ray_address"),
    pytest.mark.skipif(find_spec("vllm") is None, reason="vllm is not installed"),
]


def first_rows(shared_data: Path, folder: Path) -> Path:
    """The first 50 rows of HaluQuestQA, as a file of their own."""
    source = shared_data / "haluquestqa" / "HaluQuestQA.csv"
    path = folder / "HaluQuestQA.csv"
    with source.open(encoding="utf-8", newline="") as file, path.open("w", newline="") as out:
        reader = csv.reader(file, delimiter="\t")
        writer = csv.writer(out, delimiter="\t")
        writer.writerows(row for row, _ in zip(reader, range(NUM_ROWS + 1), strict=False))
    return path


def test_fifty_annotations_are_read_summed_up_and_voted_on(
    tmp_path: Path, shared_data: Path, tiny_model: Path
) -> None:
    settings = {
        "root": tmp_path / "run",
        "sources.0.path": first_rows(shared_data, tmp_path),
        "engine.model": tiny_model,
        "engine.device": "cpu",
        "engine.context_tokens": 4096,
        "distill.num_contextual_clusters": 12,
        "engine.temperature": 2.0,  # else it votes alike on everything
        "ratify.min_people": 1,
    }
    changes = [part for key, value in settings.items() for part in ("--set", f"{key}={value}")]
    ran("vote", ROOT / "jobs" / "haluquestqa_vllm.yaml", *changes)
    for stage in ("extract", "distill", "vote"):
        found = artifact(tmp_path, stage)
        schemas = {row["id"]: row["reply_schema"] for row in found.read("requests").to_pylist()}
        replies = replies_of(found).to_pylist()
        assert {reply["request_id"] for reply in replies} == set(schemas)
        for reply in replies:
            assert reply["parsed"], reply["error"]
            checked(reply["text"], schemas[reply["request_id"]])
            assert reply["num_prompt_tokens"] > 0
    assert artifact(tmp_path, "vote").manifest.counts["num_cached_tokens"] > 0
    assert artifact(tmp_path, "vote").manifest.config["asking"]["model"].startswith("sha256:")
    assert str(tmp_path) not in json.dumps(artifact(tmp_path, "vote").manifest.config)
    # Random weights vote at random, and what predicts nothing does not enter.
    code, output = gcai("ratify", ROOT / "jobs" / "haluquestqa_vllm.yaml", *changes)
    assert code == 1
    assert "better than chance" in output
