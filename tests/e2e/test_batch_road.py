"""The whole road by batch files: questions out, replies in, the run goes on where it waited."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from asking_runs import artifact, gcai, ran, replies_of, write_config
from servers.annotator import reply
from servers.planted import recognised, write_corpus

from gcai_ray.schemas import Constitution

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("ray_address")]
PENDING = 3


def answered(line: str) -> dict[str, Any]:
    """What a provider's batch returns for one line."""
    asked = json.loads(line)
    body = asked["body"]
    schema = body["response_format"]["json_schema"]["schema"]
    text = reply(body["messages"], schema, body["seed"])
    message = {"role": "assistant", "content": text}
    usage = {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15}
    completion = {
        "id": "c",
        "object": "chat.completion",
        "choices": [{"index": 0, "finish_reason": "stop", "message": message}],
        "usage": usage,
    }
    response = {"status_code": 200, "request_id": "r", "body": completion}
    return {"id": "b", "custom_id": asked["custom_id"], "response": response, "error": None}


def returned(files: list[Path], drawn: random.Random) -> Iterator[str]:
    """All lines of some batch files answered, in another order."""
    lines = [line for file in files for line in file.read_text(encoding="utf-8").splitlines()]
    drawn.shuffle(lines)
    for line in lines:
        yield json.dumps(answered(line)) + "\n"


def test_a_run_waits_for_its_files_and_goes_on_with_what_came_back(tmp_path: Path) -> None:
    sources = write_corpus(tmp_path, num_annotations=300, seed=5)["sources"]
    config = write_config(tmp_path, sources, {"name": "batch_file", "model": "scripted"})
    root, drawn, known = tmp_path / "run", random.Random(0), set()
    for turn in range(8):
        code, output = gcai("ratify", config)
        if code == 0:
            break
        assert code == PENDING
        assert "gcai replies import" in output
        files = sorted(set(root.glob("batch/*.jsonl")) - known)
        if turn == 0:
            again, _ = gcai("ratify", config)
            assert (again, sorted(root.glob("batch/*.jsonl"))) == (PENDING, files)
        known |= set(files)
        lines = list(returned(files, drawn))
        for half, part in enumerate((lines[::2], lines[1::2])):
            back = tmp_path / f"back-{turn}-{half}.jsonl"
            back.write_text("".join(part), encoding="utf-8")
            if part:
                ran("replies", "import", back, "--run", root)
            if turn == 0 and half == 0:
                assert gcai("ratify", config)[0] == PENDING
    assert code == 0
    text = artifact(tmp_path, "ratify").document("constitution.json")
    found = {recognised(p.text) for p in Constitution.model_validate_json(text).principles}
    assert len(found - {None}) >= 8
    for stage in ("extract", "distill", "vote"):
        replies = replies_of(artifact(tmp_path, stage))
        assert set(replies["engine"].to_pylist()) == {"batch_file"}
        assert not list((root / stage).glob("*/requests-*.parquet")) or all(
            part.name in {p.name for p in artifact(tmp_path, stage).manifest.parts}
            for part in (root / stage).glob("*/requests-*.parquet")
        )
