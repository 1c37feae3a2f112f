from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import pytest

from gcai_ray.config import Config, parse_config
from gcai_ray.errors import ConfigError
from gcai_ray.plan_text import plan_text
from gcai_ray.planning import StagePlan, cost, gpu_hours, question_plan

MILLION = 1_000_000
STAGES = [
    StagePlan("extract", 10_000, 4_000, 6 * MILLION, MILLION, is_estimate=False),
    StagePlan("distill", 40, 0, MILLION, 0, is_estimate=True),
    StagePlan("vote", 0, 0, 0, 0, is_estimate=False, is_done=True),
]


def config(root: Path | str = "/tmp/none", path: str = "a.csv", **engine: Any) -> Config:
    columns = {"prompt": "p", "response_a": "a", "response_b": "b", "preferred": "c"}
    return parse_config(
        {
            "name": "t",
            "root": str(root),
            "sources": [{"name": "s", "format": "tabular", "path": path, "preferences": columns}],
            "engine": engine,
        },
        "test",
    )


def openai(**others: Any) -> Config:
    return config(name="openai", model="m", **others)


def vllm(**others: Any) -> Config:
    return config(name="vllm", model="owner/m", **others)


def test_a_price_is_dollars_per_million_tokens_of_each_kind() -> None:
    priced = openai(price={"prompt": 0.5, "completion": 4})
    assert [cost(priced, stage) for stage in STAGES] == [7.0, 0.5, 0.0]
    assert cost(openai(), STAGES[0]) is None


def test_hours_are_tokens_over_speed_times_the_gpus_of_a_replica() -> None:
    assert gpu_hours(vllm(tokens_per_s=1000), STAGES[0]) == pytest.approx(7000 / 3600)
    two = vllm(tokens_per_s=1000, tensor_parallel_size=2, num_replicas=8)
    assert gpu_hours(two, STAGES[0]) == pytest.approx(2 * 7000 / 3600)
    assert gpu_hours(vllm(), STAGES[0]) is None
    assert gpu_hours(openai(), STAGES[0]) is None


def test_totals_are_sums_and_unknown_where_a_part_is() -> None:
    found = json.loads(plan_text(vllm(tokens_per_s=1000), STAGES, as_json=True))
    assert found["total"] == {
        "num_questions": 10_040,
        "num_answered": 4_000,
        "num_prompt_tokens": 7 * MILLION,
        "num_completion_tokens": MILLION,
        "dollars": None,
        "hours": pytest.approx(8000 / 3600),
    }
    assert [stage["stage"] for stage in found["stages"]] == ["extract", "distill", "vote"]
    assert found["stages"][1]["is_estimate"]
    assert found["stages"][2]["is_done"]


def test_a_table_says_what_is_guessed_and_what_is_unknown() -> None:
    table = plan_text(openai(price={"prompt": 1, "completion": 1}), STAGES, as_json=False)
    [distill] = [line for line in table.splitlines() if line.startswith("distill")]
    assert "~40" in distill
    assert "$8.00" in table
    assert "No price" not in table
    assert "engine.price" in plan_text(openai(), STAGES, as_json=False)


def test_an_engine_that_asks_no_model_has_nothing_to_plan() -> None:
    with pytest.raises(ConfigError, match=r"engine\.name: 'extractive' asks no model"):
        question_plan(config(name="extractive"))


def test_a_corpus_without_words_leaves_questions_to_the_baseline_alone(
    ray_address: str, tmp_path: Path
) -> None:
    """No reason and no statement: nothing to extract, to sum up or to vote on. ICAI reads neither,
    and judges need none.
    """
    with (tmp_path / "a.csv").open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["p", "a", "b", "c"])
        rows.writerows([f"prompt {n}", "yes", "no", "a"] for n in range(20))
    found = question_plan(
        config(tmp_path / "run", str(tmp_path / "a.csv"), name="openai", model="m")
    )
    own = {stage.stage: stage for stage in found}
    assert list(own) == ["extract", "distill", "vote", "icai.extract", "icai.vote", "evaluate"]
    for stage in found[:3]:
        asked = (stage.num_questions, stage.num_prompt_tokens, stage.num_completion_tokens)
        assert asked == (0, 0, 0)
    assert own["icai.extract"].num_questions == 20
    assert own["evaluate"].is_estimate


def test_what_a_served_model_is_asked_has_neither_price_nor_hours() -> None:
    served = StagePlan("answer", 300, 0, MILLION, MILLION, is_estimate=True, is_served=True)
    assert cost(openai(price={"prompt": 1, "completion": 1}), served) == 0
    assert gpu_hours(vllm(tokens_per_s=1000), served) == 0
    assert cost(openai(), served) is None
    assert "answer: asked of the tuned models" in plan_text(openai(), [*STAGES, served], False)


def test_assessing_is_planned_as_many_questions_as_there_can_be_at_most(
    ray_address: str, tmp_path: Path
) -> None:
    from constitution_example import constitution

    (tmp_path / "given.json").write_text(constitution().model_dump_json(), encoding="utf-8")
    rows = [{"messages": [{"role": "user", "content": f"How is it {n}?"}]} for n in range(40)]
    (tmp_path / "p.jsonl").write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    (tmp_path / "old").mkdir()
    raw = {
        "name": "t",
        "root": str(tmp_path / "run"),
        "constitution": str(tmp_path / "given.json"),
        "engine": {"name": "openai", "model": "m"},
        "prompts": {
            "sources": [{"name": "p", "format": "messages", "path": str(tmp_path / "p.jsonl")}],
            "test_share": 0.5,
        },
        "tune": {"model": "some/model"},
        "assess": {"num_prompts": 10, "others": {"old": str(tmp_path / "old")}},
    }
    own = {stage.stage: stage for stage in question_plan(parse_config(raw, "test"))}
    assert list(own) == ["revise", "answer", "assess"]
    assert own["answer"].num_questions == 10 * 3  # the base, the tuned one, the other adapter
    assert own["assess"].num_questions == 10 * 3 * 5 * 2  # pairs of models, principles, orders
    assert own["answer"].is_served
    assert own["assess"].num_prompt_tokens > 100 * own["assess"].num_questions
