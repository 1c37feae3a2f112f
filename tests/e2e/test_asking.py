"""Questions → replies through a real endpoint that fails: nothing lost, nothing asked twice."""

from __future__ import annotations

import csv
import os
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest
from asking_runs import (
    artifact,
    as_json,
    gcai,
    good_per_question,
    openai,
    ran,
    replies_of,
    write_config,
)
from hostile import write_hostile
from servers.launch import Scripted
from servers.planted import write_corpus

pytestmark = pytest.mark.usefixtures("ray_address")
Server = Callable[..., Scripted]
SPOILED = ["truncated", "length", "wrong_schema", "out_of_range", "empty", "no_json"]


def preferences_only(folder: Path, num_annotations: int, seed: int = 0) -> list[dict]:
    """A corpus of planted preferences: nearly every row is a question of its own."""
    sources = write_corpus(folder, num_annotations=num_annotations, seed=seed)["sources"]
    return [source for source in sources if source.get("preferences")]


def append(source: dict, *changes: dict[str, str]) -> None:
    """Append copies of the first row of a source's file, changed, under ids of their own."""
    path, mapping = Path(source["path"]), source["preferences"]
    with path.open(encoding="utf-8", newline="") as file:
        [*rows] = csv.DictReader(file)
    with path.open("a", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        for number, change in enumerate(changes):
            named = {mapping[name]: value for name, value in change.items()}
            writer.writerow(rows[0] | named | {mapping["id"]: f"new{number}"})


@pytest.mark.slow
def test_five_thousand_questions_under_faults_have_one_outcome_each(
    tmp_path: Path, scripted_server: Server
) -> None:
    server = scripted_server(faults=0.15, slow_ms=200, retry_after=0.05)
    sources = preferences_only(tmp_path, 7300)
    config = write_config(tmp_path, sources, openai(server, concurrency=128, timeout_s=30))
    ran("extract", config)
    found = artifact(tmp_path, "extract")
    asked = set(found.read("requests", ["id"])["id"].to_pylist())
    replies = replies_of(found)
    assert len(asked) >= 5000
    assert Counter(replies["request_id"].to_pylist()) == Counter(asked)
    delivered = good_per_question(server.log())
    usable = set(replies.filter(replies["parsed"])["request_id"].to_pylist())
    assert {key for key, num in delivered.items() if num} == usable
    assert all(num <= 1 for num in delivered.values())
    counts = found.manifest.counts
    assert counts["num_unusable_replies"] == len(asked) - len(usable)
    assert counts["num_attempts"] > len(asked)


def killed_after(num_requests: int, server: Scripted, config: Path, address: str) -> None:
    """Run `extract` in a process of its own and SIGKILL it when the server was asked so often."""
    env = os.environ | {"RAY_ADDRESS": address}
    command = [sys.executable, "-m", "gcai_ray.cli", "extract", str(config)]
    process = subprocess.Popen(
        command, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    deadline = time.monotonic() + 240
    while server.log()["num_requests"] < num_requests:
        if process.poll() is not None or time.monotonic() > deadline:
            raise RuntimeError("the run ended before it could be killed")
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    process.wait()
    while server.log()["num_in_flight"]:
        time.sleep(0.05)


@pytest.mark.slow
def test_a_killed_run_asks_again_only_what_was_in_flight(
    tmp_path: Path, scripted_server: Server, ray_address: str
) -> None:
    slots = 32
    server = scripted_server(latency_ms=25, slots=slots)
    sources = preferences_only(tmp_path, 5000)
    config = write_config(tmp_path, sources, openai(server, concurrency=slots))
    killed_after(1750, server, config, ray_address)
    assert not list(tmp_path.glob("run/extract/*/manifest.json"))
    ran("extract", config)
    num_questions = artifact(tmp_path, "extract").manifest.counts["num_questions"]
    asked_twice = server.log()["num_requests"] - num_questions
    assert 0 <= asked_twice <= 0.02 * num_questions + slots
    assert artifact(tmp_path, "extract").manifest.counts["num_attempts_now"] < num_questions


def test_only_what_changed_is_asked(tmp_path: Path, scripted_server: Server) -> None:
    server = scripted_server()
    sources = preferences_only(tmp_path, 100)
    config = write_config(tmp_path, sources, openai(server))
    ran("extract", config)
    first = server.log()["num_requests"]
    shutil.rmtree(tmp_path / "run" / "extract")  # as a new parser would: the replies stay
    ran("extract", config)
    assert server.log()["num_requests"] == first
    append(sources[0], {"prompt": "A new prompt"}, {"prompt": "Another new prompt"})
    ran("extract", config)
    added = artifact(tmp_path, "extract").manifest.counts["num_questions"] - first
    assert server.log()["num_requests"] == first + added
    assert added == 2
    ran("extract", config, "--set", "engine.temperature=0.9")
    again = artifact(tmp_path, "extract").manifest.counts["num_questions"]
    assert server.log()["num_requests"] == first + added + again


@pytest.mark.parametrize("kind", SPOILED)
def test_a_reply_that_stays_bad_is_set_aside_with_its_text(
    tmp_path: Path, scripted_server: Server, kind: str
) -> None:
    server = scripted_server(seed=3)
    sources = preferences_only(tmp_path, 60)
    config = write_config(tmp_path, sources, openai(server, max_attempts=2))
    ran("ingest", config)
    row = artifact(tmp_path, "ingest").read("preferences").to_pylist()[0]
    server.set_faults(always={row["prompt"]: kind})
    ran("extract", config)
    found = artifact(tmp_path, "extract")
    bad = [reply for reply in replies_of(found).to_pylist() if not reply["parsed"]]
    assert bad
    assert all(reply["attempt"] == 2 and reply["error"] for reply in bad)
    rejects = found.read("rejects").to_pylist()
    assert {reject["value"] for reject in rejects} == {
        reply["text"][:300] + ("…" if len(reply["text"]) > 300 else "") for reply in bad
    }
    seeds = [asked["attempts"] for asked in server.log()["questions"].values() if asked["faults"]]
    assert all(attempts == [1, 2] for attempts in seeds)


def test_too_many_bad_replies_stop_the_job_with_an_example(
    tmp_path: Path, scripted_server: Server
) -> None:
    server = scripted_server(faults=1.0, kinds="no_json")
    config = write_config(tmp_path, preferences_only(tmp_path, 30), openai(server, max_attempts=2))
    code, output = gcai("extract", config)
    assert code == 1
    assert "engine.max_rejected_share" in output
    assert "no JSON in the reply" in output
    assert not list(tmp_path.glob("run/extract/*/manifest.json"))
    server.set_faults(share=0.0)
    code, _ = gcai("extract", config)
    assert (
        code == 1
    )  # every attempt is used up: a new seed or more attempts are for the user to set
    ran("extract", config, "--set", "engine.max_attempts=3")


def test_a_stalled_engine_fails_the_job_and_names_what_was_in_flight(
    tmp_path: Path, scripted_server: Server
) -> None:
    server = scripted_server(faults=1.0, kinds="stall", stall_s=120)
    engine = openai(server, timeout_s=200, stall_timeout_s=15)
    config = write_config(tmp_path, preferences_only(tmp_path, 20), engine)
    code, output = gcai("extract", config)
    assert code == 1
    assert "engine.stall_timeout_s" in output
    assert any(key in output for key in server.log()["questions"])


def test_a_prompt_longer_than_the_context_loses_response_text_or_is_set_aside(
    tmp_path: Path, scripted_server: Server
) -> None:
    server = scripted_server()
    sources = preferences_only(tmp_path, 20)
    config = write_config(tmp_path, sources, openai(server, context_tokens=3000))
    append(
        sources[0],
        {"prompt": "prompt 0", "response_a": "word " * 4000, "reason": "It is clear."},
        {"prompt": "prompt 1", "reason": "It is very clear. " * 2000},
    )
    ran("extract", config)
    found = artifact(tmp_path, "extract")
    requests = found.read("requests").to_pylist()
    texts = [request["messages"][1]["content"] for request in requests]
    [cut] = [text for text in texts if "prompt 0" in text]
    assert "characters left out" in cut
    assert "It is clear." in cut
    assert all(r["num_prompt_tokens"] + r["sampling"]["max_tokens"] <= 3000 for r in requests)
    [reject] = found.read("rejects").to_pylist()
    assert reject["field"] == "reason"
    assert "3,000" in reject["reason"]


@pytest.mark.slow
def test_a_hostile_corpus_goes_through_the_whole_road(
    tmp_path: Path, scripted_server: Server
) -> None:
    server = scripted_server()
    (tmp_path / "planted").mkdir()
    (tmp_path / "hostile").mkdir()
    sources = [
        *write_corpus(tmp_path / "planted", num_annotations=200, seed=2)["sources"],
        *write_hostile(tmp_path / "hostile")["sources"],
    ]
    short = {"icai": False, "num_resamples": 2}
    config = write_config(tmp_path, sources, openai(server), evaluate=short)
    report = ran("run", config)
    assert "concise" in report or "polite" in report
    stages = as_json(ran("run", config, "--json"))["stages"]
    assert all(stage["skipped"] for stage in stages)
    for stage in ("extract", "distill", "vote", "evaluate"):
        assert all(replies_of(artifact(tmp_path, stage))["parsed"].to_pylist())


@pytest.mark.long
def test_a_plan_is_near_what_the_run_then_asks(tmp_path: Path, scripted_server: Server) -> None:
    server = scripted_server()
    sources = write_corpus(tmp_path, num_annotations=200, seed=4)["sources"]
    price = {"prompt": 1.0, "completion": 2.0}
    config = write_config(tmp_path, sources, openai(server, price=price))
    planned = as_json(ran("plan", config, "--json"))
    assert server.log()["num_requests"] == 0
    ran("evaluate", config, "--set", "evaluate.num_resamples=0")
    tokens = {stage["stage"]: stage["num_prompt_tokens"] for stage in planned["stages"]}
    actual = {name: artifact(tmp_path, name).manifest.counts for name in tokens}
    asked = {name: counts["num_prompt_tokens"] for name, counts in actual.items()}
    own = ("extract", "distill", "vote")
    assert sum(tokens[s] for s in own) == pytest.approx(sum(asked[s] for s in own), rel=0.1)
    assert sum(tokens.values()) == pytest.approx(sum(asked.values()), rel=0.2)
    assert planned["stages"][0]["num_questions"] == actual["extract"]["num_questions"]
    assert planned["total"]["dollars"] > 0
    after = as_json(ran("plan", config, "--set", "evaluate.num_resamples=0", "--json"))
    assert after["total"]["num_prompt_tokens"] == 0
    assert all(stage["is_done"] for stage in after["stages"])
