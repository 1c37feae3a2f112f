"""Configurations and counts that tests of asking share: a corpus, a scripted server, a root."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import yaml
from servers.launch import Scripted
from typer.testing import CliRunner

from gcai_ray.artifacts import Artifact
from gcai_ray.cli import app
from gcai_ray.runs import open_run
from gcai_ray.schemas import Constitution


def write_config(
    folder: Path, sources: list[dict[str, Any]], engine: dict[str, Any], **others: Any
) -> Path:
    """A configuration with its root in `folder/run`."""
    config = {"name": "asking", "root": str(folder / "run"), "sources": sources, "engine": engine}
    path = folder / "config.yaml"
    path.write_text(yaml.safe_dump(config | others), encoding="utf-8")
    return path


def openai(server: Scripted, **settings: Any) -> dict[str, Any]:
    """The engine section for a scripted server."""
    usual = {"name": "openai", "model": "scripted", "base_url": server.base_url, "concurrency": 64}
    return usual | settings


def gcai(*args: str | Path) -> tuple[int, str]:
    """Run the command in this process; its exit code and what it printed."""
    result = CliRunner().invoke(app, [str(arg) for arg in args])
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result.exit_code, result.output


def ran(*args: str | Path) -> str:
    """The same, for a command that must end well."""
    code, output = gcai(*args)
    if code:
        raise RuntimeError(f"gcai {' '.join(map(str, args))} ended with {code}:\n{output}")
    return output


def artifact(folder: Path, stage: str) -> Artifact:
    """A finished stage of the run in `folder`; `icai.vote`: of its baseline."""
    branch, _, name = stage.rpartition(".")
    return open_run(str(folder / "run"), branch)[name]


def constitution(folder: Path, stage: str = "ratify") -> Constitution:
    """The constitution of the run in `folder`; `icai.ratify`: its baseline's."""
    return Constitution.model_validate_json(artifact(folder, stage).document("constitution.json"))


def replies_of(found: Artifact) -> pa.Table:
    """The final replies of a stage."""
    return found.read("replies")


def good_per_question(log: dict[str, Any]) -> dict[str, int]:
    """How many usable answers left the server, by question."""
    return {key: asked["num_good"] for key, asked in log["questions"].items()}


def as_json(text: str) -> Any:
    """The one JSON document a command printed, past what went to standard error."""
    return json.loads(text[text.index("{") :])
