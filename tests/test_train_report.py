"""What TRL logs → rows of `metrics`, the line a person reads, why a run ended, card and facts."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import yaml
from constitution_example import constitution, principle

from gcai_ray.errors import ConfigError, EngineError, StageError
from gcai_ray.train.card import Tuned, model_card, training_facts
from gcai_ray.train.loop import Task, num_updates, warmup_steps
from gcai_ray.train.meter import line
from gcai_ray.train.metrics import metric_rows, our_name
from gcai_ray.train.rows import RowFile, Rows
from gcai_ray.train.run import Phase, explained
from gcai_ray.training_config import TuneConfig

HISTORY = [
    {"loss": 2.0, "grad_norm": 1.0, "learning_rate": 1e-4, "epoch": 0.1, "step": 1},
    {"loss": float("nan"), "rewards/margins": 0.5, "step": 2},
    {"eval_loss": 1.5, "eval_rewards/accuracies": 0.75, "eval_runtime": 3.0, "step": 2},
    {"train_loss": 1.8, "total_flos": 1e9, "step": 2},
]
TUNE = TuneConfig(model="/secret/place/tiny", model_id="tests/tiny")


def test_figures_carry_our_names_and_what_is_no_result_is_left_out() -> None:
    rows = [(row.step, row.name, row.value) for row in metric_rows("dpo", HISTORY)]
    assert rows == [
        (1, "loss", 2.0),
        (1, "grad_norm", 1.0),
        (1, "learning_rate", 1e-4),
        (2, "reward_margin", 0.5),
        (2, "eval_loss", 1.5),
        (2, "eval_reward_accuracy", 0.75),
    ]
    assert our_name("eval_samples_per_second") is None
    assert our_name("num_tokens") == "num_tokens"


def test_progress_says_where_it_stands_and_how_long_it_takes() -> None:
    said = {"step": 50, "num_steps": 200, "loss": 1.23456, "tokens_per_s": 4321.0, "step_s": 2.0}
    assert line("sft", said, 9) == (
        "tune: sft update 50 of 200, loss 1.2346, 4,321 tokens/s, 300 s to go"
    )
    assert line("sft", said, 75) == (
        "tune: sft update 50 of 200, nothing new for 75 s: workers start again, look at held-out "
        "rows, or are slow"
    )
    assert line("sft", {}, 20) == "tune: sft is starting, 20 s"


def task(**changes: Any) -> Task:
    usual = Task("sft", TUNE, 0, "/rows", None, 1000, None)
    return replace(usual, **changes)


def test_updates_and_warm_up_follow_from_rows_batch_and_epochs() -> None:
    assert num_updates(task()) == 32  # 1000 rows, 32 a batch, the last one ragged
    assert warmup_steps(task()) == 3
    fewer = TuneConfig.model_validate({"model": "m", "sft": {"max_steps": 7}})
    assert num_updates(task(tune=fewer)) == 7


class Failed(RuntimeError):
    """What Ray Train raises, by rank."""

    def __init__(self, **failures: Exception) -> None:
        super().__init__("Training failed")
        self.worker_failures = {int(rank[1:]): error for rank, error in failures.items()}


def test_memory_that_ran_out_names_the_rows_to_try() -> None:
    error = explained(task(), Failed(r1=RuntimeError("CUDA out of memory. Tried to allocate")))
    assert isinstance(error, StageError)
    assert "worker 1 ran out of memory with 4 rows at once" in str(error)
    assert "set tune.where.rows_per_step to 2" in str(error)
    one = TuneConfig.model_validate({"model": "m", "where": {"rows_per_step": 1}})
    assert "a smaller model" in str(
        explained(task(tune=one), Failed(r0=MemoryError("out of memory")))
    )


def test_our_own_errors_reach_the_person_as_they_are() -> None:
    cause = ConfigError("tune.model: no such thing")
    error = explained(task(), Failed(r0=cause))
    assert type(error) is ConfigError
    assert str(error) == "tune.model: no such thing"


def test_any_other_failure_is_one_line_with_its_last_words() -> None:
    error = explained(task(), Failed(r0=RuntimeError("Traceback …\n  File x\nValueError: odd")))
    assert isinstance(error, EngineError)
    assert "worker 0 failed more than tune.where.max_failures = 3 times: ValueError: odd" in str(
        error
    )
    assert "\n" not in str(error)


def tuned(**changes: Any) -> Tuned:
    files = {("sft", "train"): RowFile(("a",), 20, 900), ("sft", "test"): RowFile(("b",), 4, 80)}
    of = constitution()
    usual = Tuned(
        constitution=of,
        tune=TUNE,
        base_name="tests/tiny",
        rows=Rows(files, [], 24, {of.principles[0].id: 20}),
        phases=[Phase("sft", ("training", "k", "sft", "step-0000002"), HISTORY, 360.0)],
        seed=3,
        inputs={"revise": "f" * 32},
        versions={"trl": "1"},
    )
    return replace(usual, **changes)


def test_the_facts_hold_what_a_reader_needs_and_no_path() -> None:
    facts = training_facts(tuned())
    assert facts["rows"]["sft-train"] == {"num_rows": 20, "num_tokens": 900}
    assert facts["phases"]["sft"]["eval_reward_accuracy"] == {"first": 0.75, "last": 0.75}
    assert facts["phases"]["sft"]["hours"] == 0.1
    assert facts["inputs"] == {"revise": "f" * 32}
    assert "/secret/place" not in json.dumps(facts)


def test_the_card_has_a_head_hugging_face_reads_and_names_people_and_limits() -> None:
    card = model_card(tuned()).decode()
    _, head, text = card.split("---\n", 2)
    assert yaml.safe_load(head)["base_model"] == "tests/tiny"
    assert yaml.safe_load(head)["library_name"] == "peft"
    assert "of 100 people" in text
    assert "no people have ratified it" in text
    assert "| Choose the response that names its sources. | 30 of 100 | 20 |" in text
    assert "Rows of more than 2,048 tokens were left out." in text
    assert "/secret/place" not in card


def test_hostile_titles_and_principles_break_no_card() -> None:
    odd = principle("Choose the response\n---\n| `x` | that breaks", 1)
    of = constitution([odd], title="A\n---\nB `c`")
    card = model_card(tuned(constitution=of)).decode()
    assert card.count("\n---\n") == 1
    [row] = [text for text in card.splitlines() if "that breaks" in text]
    assert row.replace("\\|", "").count("|") == 4
