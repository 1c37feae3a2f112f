"""Learning is real: a model that speaks carelessly learns the closing line from our pairs and shows
it on prompts it never saw; from shuffled labels it does not.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from asking_runs import artifact, ran
from learning import answers, questions, shows, shuffled, write_careless_model
from scipy.stats import fisher_exact
from servers.launch import Scripted
from tuning_runs import write_tuning_job

from gcai_ray.schemas import TrainingPair, arrow_schema
from gcai_ray.storage import Storage
from gcai_ray.train.rows import write_rows
from gcai_ray.train.run import Phase, absolute, run_phases
from gcai_ray.training_config import TuneConfig

pytestmark = [pytest.mark.usefixtures("ray_address"), pytest.mark.long]
NUM_PROMPTS, NUM_HELD_OUT = 240, 60
SURE = 0.001
PHASE = {"batch_size": 16, "every": 10, "num_epochs": 3}
Pairs = Sequence[dict[str, Any]]


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_careless_model(tmp_path_factory.mktemp("careless") / "model")


@pytest.fixture(scope="module")
def pairs(tmp_path_factory: pytest.TempPathFactory, base: Path) -> Pairs:
    """What `revise` makes of prompts of the kind the base knows."""
    folder = tmp_path_factory.mktemp("pairs")
    with Scripted() as server:
        job = write_tuning_job(folder, server, base)
        rows = [{"messages": [{"role": "user", "content": q}]} for q in questions(NUM_PROMPTS, 5)]
        (folder / "prompts.jsonl").write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
        ran("revise", job, "--set", "revise.compare=false")
    return artifact(folder, "revise").read("training_pairs").to_pylist()


def trained(folder: Path, base: Path, pairs: Pairs, **settings: Any) -> tuple[list[Phase], Storage]:
    where = {"device": "cpu", "num_workers": 2, "gradient_checkpointing": False}
    usual = {"model": str(base), "dtype": "float32", "max_length": 256, "where": where}
    tune = TuneConfig.model_validate(usual | settings)
    storage = Storage(str(folder))
    table = pa.Table.from_pylist(list(pairs), schema=arrow_schema(TrainingPair))
    rows = write_rows(storage, ("training", "k", "rows"), [table], tune)
    return list(run_phases(storage, ("training", "k"), tune, rows, seed=0)), storage


def num_shown(base: Path, checkpoint: str | None) -> int:
    """On how many prompts nobody trained on the behaviour shows."""
    import torch
    from peft import PeftModel
    from transformers import AutoModelForCausalLM, AutoTokenizer

    model = AutoModelForCausalLM.from_pretrained(base, dtype=torch.float32)
    if checkpoint is not None:
        model = PeftModel.from_pretrained(model, checkpoint)
    tokenizer = AutoTokenizer.from_pretrained(base)
    held_out = list(questions(NUM_HELD_OUT + NUM_PROMPTS, 99))
    seen = set(questions(NUM_PROMPTS, 5))
    fresh = [question for question in held_out if question not in seen][:NUM_HELD_OUT]
    return sum(map(shows, answers(model, tokenizer, fresh)))


def chance_of(num: int, before: int) -> float:
    """How likely so many more would be by chance (Fisher's exact test, one side)."""
    table = [[num, NUM_HELD_OUT - num], [before, NUM_HELD_OUT - before]]
    return float(fisher_exact(table, alternative="greater").pvalue)


def held(phase: Phase, name: str) -> list[float]:
    return [entry[f"eval_{name}"] for entry in phase.history if f"eval_{name}" in entry]


def test_a_model_tuned_on_our_pairs_shows_what_they_teach(
    tmp_path: Path, base: Path, pairs: Pairs
) -> None:
    sft = PHASE | {"learning_rate": 5e-3, "num_epochs": 8, "every": 20}
    dpo = PHASE | {"learning_rate": 3e-4, "num_epochs": 1}
    phases, storage = trained(tmp_path, base, pairs, sft=sft, dpo=dpo)
    losses, margins = held(phases[0], "loss"), held(phases[1], "rewards/margins")
    assert losses[-1] < 0.6 * losses[0]
    assert margins[-1] > max(margins[0], 0.0)
    assert held(phases[1], "rewards/accuracies")[-1] > 0.9
    before = num_shown(base, None)
    after = num_shown(base, absolute(storage, phases[-1].checkpoint))
    assert chance_of(after, before) < SURE


def test_preferences_alone_move_it_and_shuffled_ones_do_not(
    tmp_path: Path, base: Path, pairs: Pairs
) -> None:
    dpo = PHASE | {"learning_rate": 1e-3}
    margins = {}
    for name, labels in (("true", pairs), ("lot", shuffled(pairs, seed=7))):
        [phase], storage = trained(tmp_path / name, base, labels, sft=None, dpo=dpo)
        margins[name] = held(phase, "rewards/margins")
        shown = num_shown(base, absolute(storage, phase.checkpoint))
        if name == "lot":
            assert chance_of(shown, num_shown(base, None)) > 0.05
    assert margins["true"][-1] > 1.0
    assert abs(margins["lot"][-1]) < 0.2 * margins["true"][-1]
