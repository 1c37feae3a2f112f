"""What lm-evaluation-harness says → figures, or why there is none; never a made-up number."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from gcai_ray.assess_config import AssessConfig
from gcai_ray.engine_config import OpenAIEngine
from gcai_ray.evaluate import benchmarks
from gcai_ray.statistics import wilson

RESULTS: dict[str, Any] = {
    "results": {
        "gsm8k": {
            "alias": "gsm8k",
            "exact_match,strict-match": 0.4,
            "exact_match_stderr,strict-match": 0.02,
            "exact_match,none": 0.5,
            "exact_match_stderr,none": "N/A",
        }
    },
    "n-samples": {"gsm8k": {"original": 1319, "effective": 600}},
    "versions": {"gsm8k": 3.0},
}


def test_every_metric_of_a_task_is_a_row_with_its_error_and_rows() -> None:
    rows = {row.metric: row for row in benchmarks.rows_of(RESULTS, "gsm8k", "tuned")}
    assert set(rows) == {"exact_match", "exact_match (strict-match)"}
    strict = rows["exact_match (strict-match)"]
    assert (strict.value, strict.stderr, strict.num_rows) == (0.4, 0.02, 600)
    assert rows["exact_match"].stderr is None


def test_figures_stand_beside_the_bases_with_normal_intervals() -> None:
    rows = [
        row for model in ("base", "tuned") for row in benchmarks.rows_of(RESULTS, "gsm8k", model)
    ]
    rows = [row.model_copy(update={"value": 0.45}) if row.model == "tuned" else row for row in rows]
    found = {
        (f.model, f.name): f for f in benchmarks.figures_of([row.model_dump() for row in rows])
    }
    base, tuned = (found[model, "exact_match (strict-match)"] for model in ("base", "tuned"))
    assert (base.value, base.baseline) == (0.4, None)
    assert (base.low, base.high) == wilson(240, 600)[1:]
    assert (tuned.value, tuned.baseline, tuned.difference) == pytest.approx((0.45, 0.4, 0.05))
    assert tuned.difference_high - tuned.difference == pytest.approx(1.96 * 0.02 * 2**0.5, abs=1e-6)
    bare = found["tuned", "exact_match"]
    assert bare.difference is None


def test_no_row_solved_is_no_certainty_and_a_mean_has_its_error() -> None:
    none = benchmarks.rows_of(RESULTS, "gsm8k", "base")
    rows = [row.model_dump() | {"value": 0.0, "stderr": 0.0, "num_rows": 10} for row in none]
    assert [f.high for f in benchmarks.figures_of(rows)] == [wilson(0, 10)[2]] * 2
    mean = [row | {"value": 31.4, "stderr": 2.0} for row in rows[:1]]
    [figure] = benchmarks.figures_of(mean)
    assert (figure.low, figure.high) == pytest.approx((31.4 - 3.92, 31.4 + 3.92))


@pytest.mark.parametrize(
    ("output", "why"),
    [
        ("…\nConnectionError: Couldn't reach 'x' (OfflineModeIsEnabled)", "its data are not"),
        ("NotImplementedError: Loglikelihood is not supported for chat.", "likelihoods"),
        ("ValueError: Tasks not found: nonsense.", "knows no such task"),
        ("Traceback\nKeyError: 'x'", "ended without a result: KeyError: 'x'"),
        ("", "it said nothing"),
    ],
)
def test_a_task_without_a_result_says_why(output: str, why: str) -> None:
    assert why in benchmarks.fault_of(output)


@pytest.mark.skipif(find_spec("lm_eval") is not None, reason="the harness is installed")
def test_without_the_harness_nothing_is_measured() -> None:
    engine = OpenAIEngine(name="openai", model="m", base_url="http://127.0.0.1:9/v1")
    assess = AssessConfig(lm_eval=("gsm8k", "ifeval"))
    rows = list(benchmarks.benchmarks(assess, engine.base_url, {"base": engine, "tuned": engine}))
    assert [(row.task, row.model) for row in rows] == [
        (task, model) for task in ("gsm8k", "ifeval") for model in ("base", "tuned")
    ]
    assert {row.value for row in rows} == {None}
    assert all("gcai-ray[benchmarks]" in row.note for row in rows)
    figures = list(benchmarks.figures_of([row.model_dump() for row in rows]))
    assert {f.value for f in figures} == {None}


def test_tasks_of_ones_own_are_known_by_what_they_hold(tmp_path: Path) -> None:
    def digest(folder: str, text: str) -> str:
        (tmp_path / folder).mkdir(exist_ok=True)
        (tmp_path / folder / "task.yaml").write_text(text)
        return benchmarks.tasks_digest(str(tmp_path / folder))

    assert digest("one", "task: a") == digest("other", "task: a")
    assert digest("one", "task: a") != digest("one", "task: b")
