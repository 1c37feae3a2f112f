"""Two runs, as folders → in what they differ, of all that must not depend on when, where and in how
many attempts they were made.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from gcai_ray.artifacts import Artifact
from gcai_ray.runs import open_run

# Of a reply, what was said; not how long it took, nor what was in the server's cache.
COMPARED = {"replies": ["request_id", "stage", "text", "parsed"]}
# The report shows seconds and tokens of this run.
LOOKED_AT = ("ingest", "extract", "embed", "distill", "vote", "ratify", "evaluate")


def differences(found: Path, wanted: Path) -> list[str]:
    """Tables and documents that are not the same; empty when the two runs are equal."""
    ours, theirs = open_run(str(found)), open_run(str(wanted))
    if set(ours) != set(theirs):
        return [f"stages {sorted(ours)}, not {sorted(theirs)}"]
    return [line for name in LOOKED_AT for line in _differing(ours[name], theirs[name])]


def repeated_questions(root: Path) -> dict[str, int]:
    """Ids of questions with more than one reply in the reply store, and how many they have."""
    parts = sorted((root / "replies").rglob("*.parquet"))
    ids = [key for part in parts for key in pq.read_table(part)["request_id"].to_pylist()]
    return {key: num for key, num in Counter(ids).items() if num > 1}


def _differing(ours: Artifact, theirs: Artifact) -> list[str]:
    where = ours.directory[0]
    if ours.directory != theirs.directory:
        return [f"{where}: fingerprint {ours.directory[-1]}, not {theirs.directory[-1]}"]
    if ours.manifest.num_rows != theirs.manifest.num_rows:
        return [f"{where}: rows {ours.manifest.num_rows}, not {theirs.manifest.num_rows}"]
    tables = [f"{where}.{t}" for t in ours.manifest.num_rows if _rows(ours, t) != _rows(theirs, t)]
    documents = _documents(theirs)
    if documents.keys() != _documents(ours).keys():
        return [*tables, f"{where}: documents {sorted(_documents(ours))}"]
    return tables + [f"{where}/{n}" for n, b in _documents(ours).items() if documents[n] != b]


def _rows(artifact: Artifact, table: str) -> list[Any]:
    """The rows in an order of their own."""
    rows: pa.Table = artifact.read(table, COMPARED.get(table))
    return sorted(map(repr, rows.to_pylist()))


def _documents(artifact: Artifact) -> dict[str, bytes]:
    names = [part.name for part in artifact.manifest.parts if part.table is None]
    return {name: artifact.document(name) for name in names}
