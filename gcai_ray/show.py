"""Artifacts → text for a terminal, or JSON. Knows where artifacts stand, not how they were made."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from gcai_ray.artifacts import MANIFEST, Artifact, check_artifact, open_artifact, read_part
from gcai_ray.errors import ArtifactError
from gcai_ray.pipeline import NAMES, Outcome
from gcai_ray.report import terminal
from gcai_ray.report.terminal import WIDTH, printable
from gcai_ray.runs import RUN_FILE, open_run
from gcai_ray.schemas import TABLES, Constitution
from gcai_ray.storage import Storage

if TYPE_CHECKING:
    import pyarrow as pa

CELL_CHARS = 300


def stage_line(name: str, outcome: Outcome) -> str:
    """One line on what became of a stage."""
    rows = ", ".join(
        f"{number:,} {table}"
        for table, number in outcome.artifact.manifest.num_rows.items()
        if table != "rejects"
    )
    rejects = outcome.artifact.manifest.num_rejects
    facts = ", ".join(filter(None, (rows, f"{rejects:,} rejects" if rejects else "")))
    took = "kept from before" if outcome.skipped else f"{outcome.seconds:.1f} s"
    return f"  {name:<12} {took:>16}   {facts}"


def run_facts(root: str, outcomes: Mapping[str, Outcome]) -> dict[str, Any]:
    """What a run did, for scripts."""
    stages = [
        {
            "stage": name,
            "skipped": outcome.skipped,
            "seconds": round(outcome.seconds, 3),
            "directory": outcome.artifact.url,
            "num_rows": outcome.artifact.manifest.num_rows,
            "num_rejects": outcome.artifact.manifest.num_rejects,
            "counts": outcome.artifact.manifest.counts,
        }
        for name, outcome in outcomes.items()
    ]
    documents = {
        "constitution": ("ratify", "constitution.json"),
        "report": ("report", "report.html"),
        "model_report": ("report", "model.html"),
    }
    paths = {
        key: f"{outcomes[stage].artifact.url}/{name}"
        for key, (stage, name) in documents.items()
        if stage in outcomes
        and any(part.name == name for part in outcomes[stage].artifact.manifest.parts)
    }
    return {"root": root, "stages": stages, **paths}


def constitution_text(ratified: Artifact) -> str:
    """The constitution of a finished run as a person reads it in a terminal."""
    document = ratified.document("constitution.json")
    return terminal.constitution_text(Constitution.model_validate_json(document))


def show(path: str, table: str | None, num_rows: int, as_json: bool) -> str:
    """Text on a run, an artifact, a table of either, or a part file."""
    if path.endswith(".parquet"):
        return _rows_text(_part(path), num_rows, as_json)
    artifacts = _artifacts(path)
    if table is None:
        return _overview(artifacts, as_json)
    holders = [artifact for artifact in artifacts.values() if table in artifact.manifest.num_rows]
    if not holders and table in TABLES:
        return "[]" if as_json else f"no rows: nothing was written to `{table}` in this run"
    if not holders:
        known = sorted(
            {name for artifact in artifacts.values() for name in artifact.manifest.num_rows}
        )
        raise ArtifactError(f"{path}: no table '{table}' here; there are: {', '.join(known)}")
    return _rows_text(_head(holders, table, num_rows), num_rows, as_json)


def _artifacts(path: str) -> dict[str, Artifact]:
    storage = Storage(path)
    storage.greet()
    if storage.exists(RUN_FILE):
        return open_run(path)
    parent, _, last = path.rstrip("/").rpartition("/")
    above, _, stage = parent.rpartition("/")
    artifact = (
        open_artifact(Storage(above or "."), (stage, last)) if storage.exists(MANIFEST) else None
    )
    if artifact is None:
        raise ArtifactError(
            f"{path}: neither a run (no {RUN_FILE}) nor a finished artifact (no {MANIFEST})"
        )
    return {stage: artifact}


def _head(holders: list[Artifact], table: str, num_rows: int) -> pa.Table:
    import pyarrow as pa

    parts: list[pa.Table] = []
    for artifact in holders:
        for part in artifact.tables(table):
            parts.append(part)
            if sum(p.num_rows for p in parts) >= num_rows:
                return pa.concat_tables(parts)
    return pa.concat_tables(parts)


def _part(path: str) -> pa.Table:
    folder, _, name = path.rpartition("/")
    table = next((t for t in TABLES if name.startswith(f"{t}-")), None)
    if table is None:
        raise ArtifactError(
            f"{path}: not a part of a known table; names begin with one of: {', '.join(TABLES)}"
        )
    return read_part(Storage(folder or "."), (name,), table)


def _rows_text(rows: pa.Table, num_rows: int, as_json: bool) -> str:
    shown = rows.slice(0, num_rows).to_pylist()
    for row in shown:
        if "vector" in row:
            row["vector"] = (
                f"{len(row['vector'])} numbers, beginning "
                f"{[round(v, 3) for v in row['vector'][:3]]}"
            )
    if as_json:
        return json.dumps(shown, indent=2, ensure_ascii=False)
    blocks = ["\n".join(_cell(name, value) for name, value in row.items()) for row in shown]
    return ("\n" + "-" * WIDTH + "\n").join(blocks) if blocks else "no rows"


def _cell(name: str, value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    text = printable(
        text if len(text) <= CELL_CHARS else f"{text[:CELL_CHARS]}… ({len(text)} characters)"
    )
    return textwrap.fill(f"{name:<18} {text}", WIDTH, subsequent_indent=" " * 19)


def _overview(artifacts: dict[str, Artifact], as_json: bool) -> str:
    ordered = sorted(
        artifacts.items(), key=lambda item: NAMES.index(item[0]) if item[0] in NAMES else len(NAMES)
    )
    if as_json:
        return json.dumps(
            {name: artifact.manifest.model_dump() for name, artifact in ordered}, indent=2
        )
    lines = [line for name, artifact in ordered for line in _stage_lines(name, artifact)]
    if "ratify" in artifacts:
        lines += ["", constitution_text(artifacts["ratify"])]
    return "\n".join(lines)


def _stage_lines(name: str, artifact: Artifact) -> list[str]:
    told = textwrap.fill(f"{name:<9} {_rows_of(artifact)}", WIDTH, subsequent_indent=" " * 10)
    return [told, f"{'':<9} {artifact.url}"]


def _rows_of(artifact: Artifact) -> str:
    manifest = artifact.manifest
    counts = manifest.num_rows | manifest.counts
    documents = [part.name for part in manifest.parts if part.table is None]
    return ", ".join(
        [
            f"{number:,} {name.removeprefix('num_').replace('_', ' ')}"
            for name, number in counts.items()
        ]
        + documents
    )


def check(path: str) -> tuple[int, list[str]]:
    """How many finished artifacts stand at or below a path, and what is wrong with them."""
    storage = Storage(path)
    storage.greet()
    if storage.exists(MANIFEST):
        artifacts = list(_artifacts(path).values())
    else:
        places = [
            (stage, key)
            for stage in storage.names()
            if stage in NAMES
            for key in storage.names(stage)
        ]
        artifacts = [artifact for place in places if (artifact := open_artifact(storage, place))]
    if not artifacts:
        raise ArtifactError(f"{path}: no finished artifact here")
    return len(artifacts), [
        problem for artifact in artifacts for problem in check_artifact(artifact)
    ]
