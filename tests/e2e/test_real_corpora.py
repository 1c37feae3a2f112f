"""Real annotations by rule, to the end of the report: what is not measured says why."""

from __future__ import annotations

import csv
import itertools
import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import yaml
from asking_runs import artifact, ran
from benchmarks.ukp import ARCHIVE, COLUMNS, votes

from gcai_ray.schemas import Constitution, Kind

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("ray_address")]
NEEDS_A_MODEL = {"judge", "majority", "weighted", "flip_rate", "position_bias"}
NUM_VOTES = 84_445


def head(path: Path, num_records: int, folder: Path, delimiter: str = ",") -> str:
    """A file with the first records of another."""
    copy = folder / path.name
    with path.open(encoding="utf-8", newline="") as given, copy.open("w", newline="") as cut:
        records = itertools.islice(csv.reader(given, delimiter=delimiter), num_records + 1)
        csv.writer(cut, delimiter=delimiter).writerows(records)
    return str(copy)


def of_real_cpu(shared_data: Path, folder: Path) -> list[dict[str, Any]]:
    """Sources of jobs/real_cpu.yaml, two of them cut."""
    text = Path("jobs/real_cpu.yaml").read_text(encoding="utf-8")
    first, second, third = yaml.safe_load(text)["sources"]
    first["path"] = head(shared_data / "haluquestqa" / "HaluQuestQA.csv", 120, folder, "\t")
    values = shared_data / "global_dialogues_gd2" / "values_thought_labels.csv"
    second["path"] = head(values, 200, folder)
    return [first, second, third]


def ukp(shared_data: Path, folder: Path, num_votes: int) -> dict[str, Any]:
    """The first votes of UKPConvArg1, as the archive has them."""
    path = folder / "ukp.jsonl"
    drawn = itertools.islice(votes(shared_data / ARCHIVE), num_votes)
    path.write_text("".join(json.dumps(row) + "\n" for row in drawn), encoding="utf-8")
    return {"name": "ukp", "format": "tabular", "path": str(path), "preferences": COLUMNS}


def test_every_vote_of_the_archive_is_read(shared_data: Path) -> None:
    counted = Counter(row["vote"] for row in votes(shared_data / ARCHIVE))
    assert counted.total() == NUM_VOTES
    assert set(counted) == {"a1", "a2", "equal"}


def test_real_corpora_run_to_the_report_and_say_what_needs_a_model(
    tmp_path: Path, shared_data: Path
) -> None:
    sources = [*of_real_cpu(shared_data, tmp_path), ukp(shared_data, tmp_path, 500)]
    config = {"name": "real", "root": str(tmp_path / "run"), "sources": sources}
    path = tmp_path / "config.yaml"
    path.write_text(yaml.safe_dump(config | {"evaluate": {"num_resamples": 3}}), encoding="utf-8")
    ran("run", path)
    rows = artifact(tmp_path, "evaluate").read("evaluation").to_pylist()
    measured = {row["name"] for row in rows if row["value"] is not None}
    unmeasured = {row["name"]: row["note"] for row in rows if row["value"] is None}
    assert {"held_out_coverage", "longer response", "homeless", "comes_back_chosen"} <= measured
    assert set(unmeasured) >= NEEDS_A_MODEL
    assert all("needs a model" in note for note in unmeasured.values())
    text = artifact(tmp_path, "ratify").document("constitution.json")
    principles = Constitution.model_validate_json(text).principles
    assert {p.kind for p in principles} == set(Kind)
    assert any(p.approval for p in principles if p.kind is Kind.GENERAL)  # CCAI's 1,002 voters
    report = artifact(tmp_path, "report").document("report.md").decode()
    assert "needs a model" in report
