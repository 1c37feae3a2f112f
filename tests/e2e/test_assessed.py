"""Prompts → a tuned model → its responses and its base's → a judge → figures and their report, with
the scripted server as all models and as the judge.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from asking_runs import artifact, openai, ran, write_config
from servers.launch import Scripted
from servers.planted import write_corpus
from servers.writing import DECLINED
from tuning_runs import TOPICS, write_tuning_job

from gcai_ray.config import load_config
from gcai_ray.evaluate.adherence import FAMILY
from gcai_ray.pipeline import plan

pytestmark = pytest.mark.usefixtures("ray_address")
LEANING = 0.15  # of the judge's answers name the response shown first, whatever they are
FEW = {"batch_size": 8, "every": 2, "max_steps": 2}
QUICK = {
    "sft": None,
    "dpo": FEW | {"learning_rate": 1e-3},
    "where": {"device": "cpu", "num_workers": 1, "gradient_checkpointing": False},
}


@dataclass
class Assessed:
    """A finished run: its folder and job, who answered, what was printed."""

    folder: Path
    job: Path
    models: Scripted
    judge: Scripted
    output: str

    def figures(self, **wanted: Any) -> list[dict[str, Any]]:
        rows = artifact(self.folder, "assess").read("assessment").to_pylist()
        return [row for row in rows if all(row[key] == value for key, value in wanted.items())]

    def figure(self, **wanted: Any) -> dict[str, Any]:
        [found] = self.figures(**wanted)
        return found

    def whole(self, model: str, prompts: str = "all") -> dict[str, Any]:
        return self.figure(family=FAMILY, model=model, against="base", scope="all", prompts=prompts)


def write_job(folder: Path, engine: Scripted, base_url: str, model: Path) -> Path:
    """A job that assesses; every third of its prompts is a conversation of two turns."""
    job = write_tuning_job(folder, engine, model, **QUICK)
    turns = [{"role": "assistant", "content": "Gladly."}, {"role": "user", "content": "And then?"}]
    rows = []
    for number in range(120):
        first = f"How do I begin with {TOPICS[number % 8]} in {number} days?"
        more = [] if number % 3 else turns
        rows.append({"messages": [{"role": "user", "content": first}, *more]})
    (folder / "prompts.jsonl").write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    others = {}
    for name in ("shy", "equal"):  # one declines, of the other the server knows nothing
        others[name] = str(folder / name)
        (folder / name).mkdir()
        (folder / name / "adapter_config.json").write_text(json.dumps({"is": name}))
    told = json.loads(job.read_text(encoding="utf-8"))
    told["prompts"]["test_share"] = 0.4
    told["assess"] = {"num_prompts": 40, "base_url": base_url, "others": others}
    job.write_text(json.dumps(told), encoding="utf-8")
    return job


@pytest.fixture(scope="module")
def assessed(tmp_path_factory: pytest.TempPathFactory, tiny_model: Path) -> Iterator[Assessed]:
    folder = tmp_path_factory.mktemp("assessed")
    with Scripted() as models, Scripted(first_place_share=LEANING) as judge:
        job = write_job(folder, judge, models.base_url, tiny_model)
        yield Assessed(folder, job, models, judge, ran("run", job))


def test_a_model_that_learnt_the_principles_beats_its_base(assessed: Assessed) -> None:
    whole = assessed.whole("tuned")
    assert whole["num_prompts"] == 40
    assert whole["value"] > 0.8
    assert whole["difference_low"] > 0.2
    rates = assessed.figures(
        family=FAMILY, model="tuned", against="base", scope="principle", prompts="all"
    )
    assert len(rates) == 5
    assert all(row["difference_low"] > 0 for row in rates)


def test_longer_conversations_are_counted_by_themselves(assessed: Assessed) -> None:
    single, multi = (assessed.whole("tuned", prompts) for prompts in ("single", "multi"))
    assert single["num_prompts"] + multi["num_prompts"] == 40
    held = artifact(assessed.folder, "answer").read("responses").to_pylist()
    asked = {row["prompt_id"] for row in held if row["num_turns"] == 2}
    assert multi["num_prompts"] == len(asked) >= 10
    assert multi["difference_low"] > 0


def test_a_model_that_says_what_its_base_says_is_no_better_and_no_worse(
    assessed: Assessed,
) -> None:
    whole = assessed.whole("equal")
    assert whole["value"] == 0.5
    assert whole["low"] < 0.5 < whole["high"]
    contests = artifact(assessed.folder, "assess").read("contests").to_pylist()
    own = [row for row in contests if (row["model"], row["against"]) == ("equal", "base")]
    assert {row["outcome"] for row in own} == {"same"}


def test_a_judge_that_leans_to_the_first_place_makes_ties_and_is_told(assessed: Assessed) -> None:
    flips, first = (
        assessed.figure(family="position", name=name) for name in ("flip_rate", "first_place")
    )
    assert 0.05 < flips["value"] < 0.4
    assert first["difference_low"] > 0
    counts = artifact(assessed.folder, "assess").manifest.counts
    assert counts["num_flip"] == round(
        flips["value"] * (counts["num_flip"] + counts["num_win"] + counts["num_loss"])
    )


def test_refusals_without_need_are_counted_beside_the_bases_own(assessed: Assessed) -> None:
    base, tuned, shy = (
        assessed.figure(family="over_refusal", model=model) for model in ("base", "tuned", "shy")
    )
    assert base["num_prompts"] >= 10
    assert (base["value"], tuned["value"], shy["value"]) == (0, 0, 1)
    assert shy["difference_low"] > 0.5
    said = artifact(assessed.folder, "answer").read("responses").to_pylist()
    assert {row["text"] for row in said if row["model"] == "shy"} == {DECLINED}


def test_that_the_longer_response_wins_is_not_kept_quiet(assessed: Assessed) -> None:
    longer = assessed.figure(family="length", name="longer_won", model="tuned", against="base")
    assert longer["difference_low"] > 0
    page = artifact(assessed.folder, "report").document("model.md").decode()
    assert "length alone may explain it" in page
    chars = assessed.figure(family="length", name="chars", model="tuned", against="base")
    assert chars["difference_low"] > 0


def test_its_figures_stand_in_a_file_for_whoever_chooses_an_adapter(assessed: Assessed) -> None:
    told = json.loads(artifact(assessed.folder, "assess").document("figures.json"))
    whole = assessed.whole("tuned")
    own = {key: whole[key] for key in ("value", "low", "high", "num_prompts")}
    assert told["win_rate against base"] == own
    assert told["over_refusal"]["value"] == 0
    assert not any("shy" in name and "against shy" not in name for name in told)


def test_its_report_says_what_was_found(assessed: Assessed) -> None:
    report = artifact(assessed.folder, "report")
    assert f"model report: {report.url}/model.html" in " ".join(assessed.output.split())
    assert "report.html" not in {part.name for part in report.manifest.parts}
    text = " ".join(report.document("model.md").decode().split())
    tuned = artifact(assessed.folder, "tune")
    assert "/".join(tuned.directory) in text
    assert "40 held-out prompts" in text
    assert "a language model, scripted, in both orders" in text
    assert "follows its constitution better than its base does" in text
    page = report.document("model.html").decode()
    assert page.count('class="example') == 3  # two won, one tied: none was lost
    assert all(principle in page for principle in ("names its sources", "keep secrets"))


def test_a_second_run_asks_nothing_wherever_the_models_are_served(assessed: Assessed) -> None:
    before = [server.log()["num_requests"] for server in (assessed.models, assessed.judge)]
    elsewhere = ("--set", "assess.base_url=http://127.0.0.1:9/v1")  # where nothing listens
    assert ran("run", assessed.job, *elsewhere).count("kept from before") == 6
    again = [server.log()["num_requests"] for server in (assessed.models, assessed.judge)]
    assert again == before


def test_more_prompts_are_asked_without_asking_any_again(assessed: Assessed) -> None:
    before = {key for key, asked in assessed.models.log()["questions"].items()}
    ran("answer", assessed.job, "--set", "assess.num_prompts=42")
    after = assessed.models.log()["questions"]
    assert len(set(after) - before) == 2 * 4  # models: base, tuned and two others
    assert all(asked["num_good"] == 1 for asked in after.values())


@pytest.mark.long
@pytest.mark.skipif(find_spec("vllm") is None, reason="vLLM is not installed (make test-long)")
def test_models_are_served_for_as_long_as_they_are_asked(assessed: Assessed) -> None:
    before = assessed.models.log()["num_requests"]
    changes = ("assess.base_url=null", "assess.others={}", "assess.max_response_tokens=16")
    changes += ("assess.num_prompts=10", "assess.context_tokens=512", "assess.concurrency=8")
    changes += ("assess.serve={device: cpu, dtype: float32}",)
    told = [part for change in changes for part in ("--set", change)]
    ran("assess", assessed.job, *told)
    responses = artifact(assessed.folder, "answer").read("responses").to_pylist()
    assert {row["model"] for row in responses} == {"base", "tuned"}
    assert len({row["prompt_id"] for row in responses}) == 10
    assert assessed.models.log()["num_requests"] == before
    assert artifact(assessed.folder, "assess").read("contests").num_rows == 10 * 5


@pytest.mark.long
def test_the_baselines_model_is_tuned_and_judged_beside(tmp_path: Path, tiny_model: Path) -> None:
    sources = write_corpus(tmp_path, num_annotations=200, noise=0.1, seed=1)["sources"]
    ours = {"name": "ours", "format": "messages", "path": "sample:prompts.jsonl"}
    with Scripted() as server:
        config = write_config(
            tmp_path,
            sources,
            openai(server),
            ingest={"test_share": 0.4},
            evaluate={"num_resamples": 0},
            prompts={"sources": [ours], "test_share": 0.5},
            tune={"model": str(tiny_model), "model_id": "tests/tiny", "dtype": "float32"}
            | {"max_length": 256}
            | QUICK,
            assess={"base_url": server.base_url, "names": {"icai": "base:icai"}},
        )
        output = ran("run", config)
        again = ran("run", config)
    run = Assessed(tmp_path, config, server, server, output)
    pairs = {(row["model"], row["against"]) for row in run.figures(family=FAMILY)}
    assert pairs == {("tuned", "base"), ("icai", "base"), ("tuned", "icai")}
    assert run.whole("icai")["num_prompts"] == run.whole("tuned")["num_prompts"] >= 10
    assert artifact(tmp_path, "icai.tune").directory != artifact(tmp_path, "tune").directory
    report = artifact(tmp_path, "report")
    assert 'href="model.html"' in report.document("report.html").decode()
    assert 'href="report.html"' in report.document("model.html").decode()
    assert "ICAI’s" in report.document("model.md").decode()
    assert again.count("kept from before") == len(plan(load_config(config)))
