"""Prompts and a constitution → pairs, by a real endpoint: resumed, priced, refused in one line."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from asking_runs import artifact, as_json, gcai, good_per_question, openai, ran
from constitution_example import constitution
from servers.launch import Scripted
from servers.writing import CARELESS, CLOSING

pytestmark = pytest.mark.usefixtures("ray_address")
Server = Callable[..., Scripted]
TOPICS = ("bread", "a bicycle", "a garden", "a poem", "a letter", "chess", "a tent", "a song")


def write_prompts(folder: Path, num: int) -> dict[str, Any]:
    """A source of prompts: one is there twice, one is broken."""
    texts = [f"How do I begin with {TOPICS[n % 8]} in {n} days?" for n in range(num)]
    rows = [{"messages": [{"role": "user", "content": text}]} for text in [*texts, texts[0]]]
    lines = [*(json.dumps(row) for row in rows), '{"messages": "?"}']
    path = folder / "prompts.jsonl"
    path.write_text("\n".join(lines), encoding="utf-8")
    return {"name": "own", "format": "messages", "path": str(path)}


def write_job(folder: Path, server: Scripted, num: int = 40, **others: Any) -> Path:
    given = folder / "constitution.json"
    given.write_text(constitution().model_dump_json(), encoding="utf-8")
    job = {
        "name": "revising",
        "root": str(folder / "run"),
        "constitution": str(given),
        "engine": openai(server),
        "prompts": {"sources": [write_prompts(folder, num)], "test_share": 0.25},
    }
    path = folder / "job.yaml"
    path.write_text(json.dumps(job | others), encoding="utf-8")
    return path


def test_prompts_become_pairs_and_a_second_run_asks_nothing(
    tmp_path: Path, scripted_server: Server
) -> None:
    server = scripted_server()
    # Responses as long as this writer's, so that the plan need not guess how long they are.
    job = write_job(tmp_path, server, revise={"judge": True, "max_response_tokens": 24})
    ran("prompts", job)
    planned = as_json(ran("plan", job, "--json"))["stages"][0]
    ran("revise", job)
    prompts, revised = artifact(tmp_path, "prompts"), artifact(tmp_path, "revise")
    assert prompts.manifest.num_rows == {"prompts": 40, "rejects": 1}
    assert prompts.manifest.counts["num_duplicate_prompts"] == 1
    sides = {row["id"]: row["split"] for row in prompts.read("prompts").to_pylist()}
    assert set(sides.values()) == {"train", "test"}
    pairs = revised.read("training_pairs").to_pylist()
    by_revision = [row for row in pairs if row["made_by"] == "revision"]
    assert len(by_revision) >= 30
    assert all(row["chosen"].endswith(CLOSING) for row in by_revision)
    assert not any(word in row["chosen"] for row in by_revision for word in CARELESS)
    assert all(row["split"] == sides[row["prompt_id"]] for row in pairs)
    ids = {principle.id for principle in constitution().principles}
    assert {key for row in pairs for key in row["principle_ids"]} == ids
    counts = revised.manifest.counts
    assert counts["num_pairs_by_revision"] == len(by_revision)
    assert counts["num_harmless"] == len(revised.read("revisions"))
    assert planned["num_questions"] == pytest.approx(counts["num_questions"], rel=0.1)
    assert planned["num_prompt_tokens"] == pytest.approx(counts["num_prompt_tokens"], rel=0.3)
    asked = server.log()["num_requests"]
    ran("revise", job)
    assert server.log()["num_requests"] == asked
    more = ("--set", "revise.max_growth=4")  # other filters: parsed anew, asked again nothing
    ran("revise", job, *more)
    assert server.log()["num_requests"] == asked


def test_a_draw_of_prompts_takes_the_same_ones_again(
    tmp_path: Path, scripted_server: Server
) -> None:
    job = write_job(tmp_path, scripted_server())

    def drawn(num: int) -> set[str]:
        ran("prompts", job, "--set", f"prompts.num_prompts={num}")
        return set(artifact(tmp_path, "prompts").read("prompts", ["id"])["id"].to_pylist())

    ten, twenty = drawn(10), drawn(20)
    assert (len(ten), len(twenty)) == (10, 20)
    assert ten < twenty


def test_faults_of_the_endpoint_cost_no_pair_and_nothing_is_answered_twice(
    tmp_path: Path, scripted_server: Server
) -> None:
    quiet, faulty = tmp_path / "quiet", tmp_path / "faulty"
    found = []
    for folder, faults in ((quiet, 0.0), (faulty, 0.3)):
        folder.mkdir()
        kinds = "429,500,reset,empty"
        server = scripted_server(faults=faults, kinds=kinds, retry_after=0.05)
        ran("revise", write_job(folder, server, num=20))
        assert set(good_per_question(server.log()).values()) == {1}
        rows = artifact(folder, "revise").read("training_pairs").to_pylist()
        found.append({row["prompt_id"]: row["chosen"] for row in rows})
    assert found[0].keys() == found[1].keys()


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"prompts": None}, "`constitution` needs `prompts`"),
        ({"engine": {"name": "extractive"}}, "set `engine`"),
        ({"sources": [{"name": "s", "format": "hh_rlhf", "path": "x"}]}, "found both"),
        ({"constitution": None}, "found neither"),
        ({"constitution": "nowhere.json"}, "there is no file nowhere.json"),
    ],
)
def test_what_cannot_work_is_refused_before_anything_starts(
    tmp_path: Path, scripted_server: Server, changes: dict[str, Any], said: str
) -> None:
    code, output = gcai("revise", write_job(tmp_path, scripted_server(), **changes))
    assert code == 2
    assert said in " ".join(output.split())


def test_where_no_pair_is_left_the_stage_ends_with_an_example(
    tmp_path: Path, scripted_server: Server
) -> None:
    job = write_job(tmp_path, scripted_server(), num=4, revise={"max_growth": 1, "compare": False})
    long = "x" * 400
    source = json.loads(job.read_text())["prompts"]["sources"][0]
    rows = [{"messages": [{"role": "user", "content": f"{long}{n}?"}]} for n in range(4)]
    Path(source["path"]).write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    code, output = gcai("revise", job)
    assert code == 1
    assert "no pair is left to train on" in output
    assert "revise.max_growth" in output
