"""`gcai status` of real runs: seen from another process while they go, failed, killed, done."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from asking_rows import replies_of, reply
from asking_runs import artifact, gcai, openai, write_config
from progress_runs import write_noted
from servers.launch import Scripted
from servers.planted import write_corpus

from gcai_ray.artifact_writer import ArtifactWriter
from gcai_ray.artifacts import ROW_GROUP_ROWS
from gcai_ray.progress import Progress, executions
from gcai_ray.storage import Storage

GCAI = [sys.executable, "-m", "gcai_ray.cli"]
pytestmark = pytest.mark.usefixtures("ray_address")


def status(root: Path) -> dict[str, Any]:
    """What a process of its own sees."""
    command = [*GCAI, "status", str(root), "--json"]
    found = subprocess.run(command, capture_output=True, text=True)
    return json.loads(found.stdout) if found.returncode == 0 else {"stages": [], "state": "none"}


def started(config: Path, address: str, *args: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [*GCAI, "extract", str(config), *args],
        env=os.environ | {"RAY_ADDRESS": address},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def seen(process: subprocess.Popen[bytes], root: Path, holds: Callable[[dict], bool]) -> dict:
    """The first status that is as wanted, read while the run goes on."""
    deadline = time.monotonic() + 300
    while time.monotonic() < deadline and process.poll() is None:
        facts = status(root)
        if holds(facts):
            return facts
    raise RuntimeError(f"never seen; the run's exit code is {process.poll()}, {status(root)}")


def extracting(facts: dict[str, Any]) -> bool:
    stages = {stage["name"]: stage for stage in facts["stages"]}
    return bool(stages) and stages["extract"]["num_replies"] > 0


def test_a_run_is_seen_from_another_process_until_it_is_done(
    tmp_path: Path, ray_address: str, scripted_server: Callable[..., Scripted]
) -> None:
    server = scripted_server(latency_ms=300)
    sources = write_corpus(tmp_path, num_annotations=80, seed=3)["sources"]
    config = write_config(tmp_path, sources, openai(server, concurrency=4))
    process = started(config, ray_address)
    try:
        facts = seen(process, tmp_path / "run", extracting)
    finally:
        process.wait(timeout=180)
    ingest, extract = facts["stages"]
    assert (facts["state"], facts["pid"], facts["is_lost"]) == ("running", process.pid, False)
    assert (ingest["state"], extract["state"], extract["doing"]) == ("done", "running", "replies")
    assert 0 < extract["num_answered"] < extract["num_questions"]
    assert 0 < extract["num_in_flight"] <= extract["num_questions"]
    assert 0 < extract["num_completion_tokens"] < extract["num_prompt_tokens"]

    facts = status(tmp_path / "run")
    assert (process.returncode, facts["state"], facts["error"]) == (0, "done", None)
    for stage in facts["stages"]:
        manifest = artifact(tmp_path, stage["name"]).manifest
        assert stage["state"] == "done"
        assert stage["num_rows"] == {name: n for name, n in manifest.num_rows.items() if n}
    counts = artifact(tmp_path, "extract").manifest.counts
    done = facts["stages"][1]
    assert done["num_answered"] == done["num_questions"] == counts["num_questions"]
    assert done["num_replies"] == counts["num_attempts_now"]
    assert done["num_prompt_tokens"] == counts["num_prompt_tokens"]
    assert done["num_completion_tokens"] == counts["num_completion_tokens"]


def test_a_run_that_fails_says_its_line_to_others(
    tmp_path: Path, scripted_server: Callable[..., Scripted]
) -> None:
    server = scripted_server(api_key="right")
    sources = write_corpus(tmp_path, num_annotations=30, seed=3)["sources"]
    code, output = gcai("extract", write_config(tmp_path, sources, openai(server)))
    told = next(line for line in output.splitlines() if line.startswith("gcai: "))
    facts = status(tmp_path / "run")
    assert (code, facts["state"]) == (1, "failed")
    assert told == f"gcai: {facts['error']}"
    assert [stage["state"] for stage in facts["stages"]] == ["done", "failed"]


def test_a_killed_run_gives_no_sign_of_life(
    tmp_path: Path, ray_address: str, scripted_server: Callable[..., Scripted]
) -> None:
    server = scripted_server(latency_ms=400)
    sources = write_corpus(tmp_path, num_annotations=200, seed=3)["sources"]
    process = started(write_config(tmp_path, sources, openai(server, concurrency=2)), ray_address)
    try:
        seen(process, tmp_path / "run", extracting)
    finally:
        process.kill()
        process.wait()
    facts = status(tmp_path / "run")
    assert (facts["state"], facts["is_lost"]) == ("running", False)  # too early to tell
    run = Progress.model_validate(facts)
    old = run.model_copy(update={"updated_at": run.updated_at - timedelta(minutes=3)})
    write_noted(Storage(str(tmp_path / "run")), old)
    assert status(tmp_path / "run")["is_lost"]
    code, output = gcai("status", tmp_path / "run")
    assert (code, "no sign of life since" in output) == (0, True)


def test_rows_of_a_running_dataset_are_told(tmp_path: Path) -> None:
    storage, num_rows = Storage(str(tmp_path)), 5 * ROW_GROUP_ROWS + 7
    read = written(ArtifactWriter(storage, ("extract", "0" * 32)), num_rows)
    told = []

    def slowly(rows: Any) -> Any:
        time.sleep(0.3)
        return rows

    for _ in read.dataset("replies").map_batches(slowly, batch_format="pyarrow").iter_batches():
        told.append(executions.current())
    assert executions.current() is None
    known = [execution for execution in told if execution is not None]
    assert {execution.num_rows_total for execution in known} == {num_rows}
    done = [execution.num_rows_done or 0 for execution in known]
    assert done == sorted(done)
    assert any(0 < number < num_rows for number in done)


def written(writer: Any, num_rows: int) -> Any:
    """A finished artifact with a table of so many rows."""
    writer.write_table("replies", replies_of([reply(n) for n in range(num_rows)]))
    return writer.commit(inputs={}, config={}, seconds=1.0)
