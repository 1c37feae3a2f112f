"""`jobs/tune_tiny.yaml` on two CPUs: prompts, a scripted writer's revisions, SFT and DPO on two
workers, to an adapter that peft loads and that says something else than its base.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from asking_runs import artifact, ran
from places import ROOT
from tune_tiny import DATA, JOB, NUM_STAGES, engine, job_changes, words_of
from tuning_runs import curve

from gcai_ray.artifacts import Artifact
from gcai_ray.config import load_config
from gcai_ray.schemas import Constitution

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def tuned(
    ray_address: str, tmp_path_factory: pytest.TempPathFactory, tiny_model: Path
) -> Iterator[tuple[Path, list[str]]]:
    """Folder of the finished job, and the changes it was run with."""
    folder = tmp_path_factory.mktemp("tune_job")
    with engine(tiny_model, with_vllm=False) as told:
        changes = job_changes(folder / "run", tiny_model, told)
        ran("run", JOB, *changes)
        yield folder, changes


def test_pairs_come_from_the_prompts_and_the_constitution_of_the_job(
    tuned: tuple[Path, list[str]],
) -> None:
    folder, _ = tuned
    asked = artifact(folder, "prompts").read("prompts").to_pylist()
    assert len(asked) == load_config(JOB).prompts.num_prompts  # type: ignore[union-attr]
    assert {row["source"] for row in asked} == {"harmless" if DATA.is_file() else "ours"}
    pairs = artifact(folder, "revise").read("training_pairs").to_pylist()
    assert {row["made_by"] for row in pairs} == {"revision", "comparison"}
    assert {row["split"] for row in pairs} == {"train", "test"}
    shipped = (ROOT / "gcai_ray" / "sample" / "constitution.json").read_bytes()
    known = {principle.id for principle in Constitution.model_validate_json(shipped).principles}
    assert {key for row in pairs for key in row["principle_ids"]} <= known
    assert artifact(folder, "tune").document("constitution.json").strip() == shipped.strip()


def test_two_workers_trained_both_objectives_and_the_figures_say_so(
    tuned: tuple[Path, list[str]],
) -> None:
    found: Artifact = artifact(tuned[0], "tune")
    metrics = found.read("metrics").to_pylist()
    for objective, fall in (("sft", 1.0), ("dpo", 0.05)):
        loss = curve(metrics, objective, "loss")
        held = curve(metrics, objective, "eval_loss")
        assert loss[1] - loss[max(loss)] > fall
        assert held[max(held)] < held[min(held)]
    facts = json.loads(found.document("training.json"))
    assert facts["settings"]["where"]["num_workers"] == 2
    for name, phase in facts["phases"].items():
        assert phase["loss"]["last"] == curve(metrics, name, "loss")[phase["num_updates"]]
        assert found.manifest.counts[f"num_{name}_updates"] == phase["num_updates"]
    card = found.document("README.md").decode()
    assert "Constitution from the sample corpus (invented people)" in card


def test_the_adapter_loads_with_peft_and_says_something_else(
    tuned: tuple[Path, list[str]], tiny_model: Path
) -> None:
    assert words_of(tiny_model, artifact(tuned[0], "tune").url) != words_of(tiny_model, None)


def test_a_second_run_does_nothing(tuned: tuple[Path, list[str]]) -> None:
    folder, changes = tuned
    before = times(folder)
    assert len(before) > NUM_STAGES
    assert ran("run", JOB, *changes).count("kept from before") == NUM_STAGES
    assert times(folder) == before


def times(folder: Path) -> dict[Path, int]:
    """When each file of tables and weights was written."""
    found = (folder / "run").rglob("*")
    kept = [path for path in found if path.suffix in (".parquet", ".safetensors")]
    return {path: path.stat().st_mtime_ns for path in kept}


@pytest.mark.long
def test_the_model_itself_answers_through_vllm(tmp_path: Path) -> None:
    """What `python -m tests.tune_tiny FOLDER --vllm` does, and says."""
    pytest.importorskip("vllm")
    command = [sys.executable, "-m", "tests.tune_tiny", str(tmp_path), "--vllm"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    assert f"adapter: {tmp_path / 'run' / 'tune'}" in done.stdout
