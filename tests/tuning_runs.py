"""Jobs that tune a tiny model on pairs a scripted writer makes, and what came of them."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from constitution_example import constitution
from servers.launch import Scripted

TOPICS = ("bread", "a bicycle", "a garden", "a poem", "a letter", "chess", "a tent", "a song")
PHASE = {"batch_size": 8, "every": 4}
TUNE = {
    "dtype": "float32",
    "max_length": 256,
    "sft": PHASE | {"learning_rate": 1e-2, "num_epochs": 2},
    "dpo": PHASE | {"learning_rate": 1e-3, "max_steps": 8},
    "where": {"device": "cpu", "num_workers": 2, "gradient_checkpointing": False},
}


def write_tuning_job(
    folder: Path, server: Scripted, model: Path, num: int = 60, **changes: Any
) -> Path:
    """A job from prompts to an adapter, in `folder/job.yaml`; its root is `folder/run`.

    `changes` are laid over the section `tune`.
    """
    texts = [f"How do I begin with {TOPICS[n % 8]} in {n} days?" for n in range(num)]
    rows = [{"messages": [{"role": "user", "content": text}]} for text in texts]
    (folder / "prompts.jsonl").write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    (folder / "given.json").write_text(constitution().model_dump_json(), encoding="utf-8")
    source = {"name": "own", "format": "messages", "path": str(folder / "prompts.jsonl")}
    job = {
        "name": "tuning",
        "root": str(folder / "run"),
        "constitution": str(folder / "given.json"),
        "engine": {
            "name": "openai",
            "model": "scripted",
            "base_url": server.base_url,
            "concurrency": 64,
        },
        "prompts": {"sources": [source], "test_share": 0.2},
        "tune": TUNE | {"model": str(model), "model_id": "tests/tiny"} | changes,
    }
    path = folder / "job.yaml"
    path.write_text(json.dumps(job), encoding="utf-8")
    return path


def started(job: Path, address: str, *args: str) -> subprocess.Popen[str]:
    """`gcai tune` in a process of its own, for a test that ends it."""
    import os

    command = [sys.executable, "-m", "gcai_ray.cli", "tune", str(job), *args]
    env = os.environ | {"RAY_ADDRESS": address}
    return subprocess.Popen(
        command, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )


def curve(metrics: list[dict[str, Any]], objective: str, name: str) -> dict[int, float]:
    """One figure by update."""
    return {
        row["step"]: row["value"]
        for row in metrics
        if (row["objective"], row["name"]) == (objective, name)
    }
