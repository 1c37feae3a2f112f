"""`jobs/haluquestqa_openai.yaml` and `jobs/haluquestqa_batch.yaml` on the first 50 rows of the real
file: the scripted annotator knows none of its themes, so only the road is looked at.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from asking_runs import artifact, as_json, gcai, ran, replies_of
from servers.launch import Scripted
from test_vllm_road import NUM_ROWS, ROOT, first_rows

pytestmark = pytest.mark.usefixtures("ray_address")


def changes(folder: Path, shared_data: Path, **others: str) -> list[str]:
    settings = {"root": folder / "run", "sources.0.path": first_rows(shared_data, folder)} | others
    return [part for key, value in settings.items() for part in ("--set", f"{key}={value}")]


def test_the_openai_job_plans_and_asks(
    tmp_path: Path, shared_data: Path, scripted_server: Callable[..., Scripted]
) -> None:
    server = scripted_server()
    job = ROOT / "jobs" / "haluquestqa_openai.yaml"
    told = changes(tmp_path, shared_data, **{"engine.base_url": server.base_url})
    planned = as_json(ran("plan", job, *told, "--json"))
    assert planned["stages"][0]["num_questions"] == NUM_ROWS
    assert planned["total"]["dollars"] > 0
    code, output = gcai("run", job, *told, "--set", "ratify.min_people=1")
    for stage in ("extract", "distill", "vote"):
        assert all(replies_of(artifact(tmp_path, stage))["parsed"].to_pylist())
    # Votes by words that pairs happen to share predict nothing, so that no principle may stand.
    assert code == 1
    assert "better than chance" in output
    assert "Traceback" not in output


def test_the_batch_job_writes_its_questions_and_waits(tmp_path: Path, shared_data: Path) -> None:
    told = changes(tmp_path, shared_data)
    code, output = gcai("extract", ROOT / "jobs" / "haluquestqa_batch.yaml", *told)
    assert code == 3
    assert "gcai replies import" in output
    [file] = (tmp_path / "run" / "batch").glob("*.jsonl")
    assert len(file.read_text(encoding="utf-8").splitlines()) == NUM_ROWS
