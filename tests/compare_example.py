"""What the tests of comparing share: a run made by hand, and a result of ICAI.

The run's people and clauses are written straight into artifacts; no stage runs. The result of ICAI
is one of the package `inverse-cai` 0.4.8 (`icai-exp` on six pairs, answered by tests/servers), cut
to one comparison and without its texts: names, keys and nesting are as it wrote them.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import constitution_example as example
import numpy as np
from constitution_example import hashed
from hostile import preference, statement
from numpy.typing import NDArray

from gcai_ray.artifact_writer import ArtifactWriter
from gcai_ray.schemas import (
    EMBEDDING_DIM,
    Constitution,
    Embedding,
    Kind,
    Preference,
    Split,
    Statement,
)
from gcai_ray.storage import Storage

ICAI_PRINCIPLES = (
    "Select the response that is polite in tone",
    "Select the response that cites the sources of its claims",
    "Select the response that is concise and to the point",
)


@dataclass(frozen=True)
class Said:
    """One clause of one person: a reason, or a statement where `kind` says so."""

    person: str
    text: str
    kind: str = "contextual"
    split: str = "train"


def axis(number: int) -> NDArray[np.float32]:
    """A unit vector; two of them with different numbers have cosine 0."""
    vector = np.zeros(EMBEDDING_DIM, dtype=np.float32)
    vector[number] = 1
    return vector


def write_run(
    root: Path,
    said: Sequence[Said],
    vectors: NDArray[np.float32],
    built: Constitution | None = None,
    silent: Sequence[str] = (),
) -> Path:
    """A run in which each clause is a row of its own; the silent gave a reason without a clause."""
    root.mkdir(parents=True, exist_ok=True)
    rows = [_row(one) for one in (*said, *(Said(name, "well") for name in silent))]
    tables = {
        "preferences": [Preference(**row) for kind, row in rows if kind == "contextual"],
        "statements": [Statement(**row) for kind, row in rows if kind == "general"],
    }
    clauses = [_clause(one, vector) for one, vector in zip(said, vectors, strict=True)]
    document = (built or example.constitution()).model_dump_json().encode()
    stages = {
        "ingest": _write(root, "ingest", tables, {}),
        "embed": _write(root, "embed", {"embeddings": clauses}, {}),
        "ratify": _write(root, "ratify", {}, {"constitution.json": document}),
    }
    (root / "run.json").write_text(json.dumps({"name": "example", "stages": stages}))
    return root


def _row(one: Said) -> tuple[str, dict[str, Any]]:
    facts = {"id": _row_id(one), "annotator_id": hashed(one.person)}
    if one.kind == "general":
        return one.kind, statement(one.text, **facts)
    return one.kind, preference(one.text, **facts, split=one.split)


def _row_id(one: Said) -> str:
    return hashed("row", one.person, one.text, one.kind)


def _clause(one: Said, vector: NDArray[np.float32]) -> Embedding:
    return Embedding(
        candidate_id=hashed("candidate", one),
        row_id=_row_id(one),
        annotator_id=hashed(one.person),
        groups=[],
        kind=Kind(one.kind),
        split=Split(one.split),
        text=one.text,
        vector=vector.tolist(),
    )


def _write(root: Path, stage: str, tables: dict[str, list], documents: dict[str, bytes]) -> str:
    key = hashed(stage, str(tables), str(documents))
    writer = ArtifactWriter(Storage(str(root)), (stage, key))
    for name, rows in tables.items():
        writer.write_rows(name, rows)
    for name, data in documents.items():
        writer.write_document(name, data)
    return writer.commit(inputs={}, config={}, seconds=0.0).manifest.fingerprint


def write_icai_result(folder: Path) -> Path:
    """The folder `icai-exp` leaves, of which `results/` is what is read."""
    results = folder / "results"
    results.mkdir(parents=True)
    numbered = "\n".join(f"{n}. {text}" for n, text in enumerate(ICAI_PRINCIPLES, 1))
    documents: dict[str, Any] = {
        "030_distilled_principles_per_cluster.json": dict(
            zip("0123", (*ICAI_PRINCIPLES, "Select the response that rhymes"), strict=True)
        ),
        "035_distilled_prompt_principles_per_cluster.json": {},
        "050_filtered_principles.json": list(ICAI_PRINCIPLES),
        "060_constitution.json": numbered,
        "070_annotations_train_ap.json": annotated_pairs(),
    }
    for name, document in documents.items():
        text = json.dumps(document, indent=None if isinstance(document, str) else 4)
        (results / name).write_text(text)
    return folder


def annotated_pairs() -> dict[str, Any]:
    principles = {
        key: {"description": text, "type": "principle"}
        for key, text in zip(("2f688ff2", "0f0f08a0", "53f8e277"), ICAI_PRINCIPLES, strict=True)
    }
    chosen = {
        "name": "preferred_text",
        "description": "Default annotator from original dataset (from column `preferred_text`)",
        "type": "unknown",
    }
    return {
        "metadata": {
            "version": "2.0",
            "description": "Annotated pairs dataset with annotations from ICAI",
            "created_at": "2026-11-23T16:28:17Z",
            "dataset_name": "ICAI Training Dataset - out",
            "default_annotator": "ba751e7b",
        },
        "annotators": {"ba751e7b": chosen, **principles},
        "comparisons": [
            {
                "id": "074cfb9f",
                "prompt": "Question 0?",
                "response_a": {"text": "Answer 0."},
                "response_b": {"text": "Another answer 0."},
                "annotations": {
                    "ba751e7b": {"pref": "b"},
                    "2f688ff2": {"pref": None, "no_pref_reason": "invalid"},
                },
            }
        ],
    }
