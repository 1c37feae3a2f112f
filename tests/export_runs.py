"""Small finished runs to export, built from rows by hand."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from constitution_example import constitution, hashed, principle
from pydantic import BaseModel

from gcai_ray.artifact_writer import ArtifactWriter
from gcai_ray.schemas import Constitution, Group, Kind, Match, Preference, Verdict, Vote
from gcai_ray.stages.vote import outcome
from gcai_ray.storage import Storage

SHORT, SURE = "Choose the response that is short.", "Choose the response that is sure."
HONEST, POLITE = "The AI should be honest.", "Choose the response that is polite."
SALTED = "5a17ed"


def preference(number: int, person: str, preferred: str, **changes: Any) -> Preference:
    """Row `number`, of one pair unless another prompt or response is given."""
    given = {
        "id": hashed("row", number),
        "source": "mine",
        "source_file": "mine.csv",
        "source_row": number,
        "source_id": f"{person}-{number}",
        "annotator_id": SALTED + hashed(person)[6:],
        "annotator_known": True,
        "groups": [Group(name="land", value="Kenya")],
        "prompt": "why?",
        "response_a": "so",
        "response_b": "because",
        "preferred": preferred,
        "reason": f"reason {number}",
        "sentences": [],
        "split": "train",
    }
    return Preference.model_validate(given | changes)


def vote(of: Preference, text: str, a_first: str | None, b_first: str | None) -> Vote:
    kind = Kind.CONTEXTUAL if text.startswith("Choose") else Kind.GENERAL
    return Vote(principle_id=hashed(kind, text), **_answered(of, a_first, b_first))


def verdict(of: Preference, read: str, a_first: str | None, b_first: str | None) -> Verdict:
    answered = _answered(of, a_first, b_first)
    del answered["preferred"]
    return Verdict(constitution=read, **answered)


def match(of: Preference, text: str, row_id: str | None = None) -> Match:
    kind = Kind.CONTEXTUAL if text.startswith("Choose") else Kind.GENERAL
    return Match(
        principle_id=hashed(kind, text),
        kind=kind,
        candidate_id=hashed("candidate", text, of.id),
        row_id=row_id or of.id,
        annotator_id=of.annotator_id,
        groups=of.groups,
        split=of.split,
        similarity=0.9,
    )


def ours(*texts: str, **changes: Any) -> Constitution:
    chosen = [principle(text, rank) for rank, text in enumerate(texts or (SHORT, SURE, HONEST), 1)]
    return constitution(chosen, **{"model": "scripted", "engine": "openai"} | changes)


def theirs() -> Constitution:
    return ours(SHORT, POLITE, mode="icai")


def write_run(
    root: Path, built: Constitution | None, **tables: dict[str, Sequence[BaseModel]]
) -> str:
    """A run's root: stage → table → rows, and its constitution; `icai_vote` is the baseline's."""
    stages = {}
    for name, rows in tables.items():
        branch, _, stage = name.rpartition("_")
        stages[f"{branch}.{stage}" if branch else stage] = _written(root, stage, name, rows)
    for name, one in (
        ("ratify", built),
        ("icai.ratify", theirs() if "icai_vote" in tables else None),
    ):
        if one is not None:
            document = one.model_dump_json().encode()
            stages[name] = _written(root, "ratify", name, {}, document)
    (root / "run.json").write_text(json.dumps({"name": "small", "stages": stages}))
    return str(root)


def _written(
    root: Path,
    stage: str,
    name: str,
    tables: dict[str, Sequence[BaseModel]],
    document: bytes | None = None,
) -> str:
    key = hashed(name)
    writer = ArtifactWriter(Storage(str(root)), (stage, key))
    for table, rows in tables.items():
        writer.write_rows(table, rows)
    if document is not None:
        writer.write_document("constitution.json", document)
    writer.commit(inputs={}, config={"name": "small"}, seconds=0.0)
    return key


def _answered(of: Preference, a_first: str | None, b_first: str | None) -> dict[str, Any]:
    return {
        "row_id": of.id,
        "annotator_id": of.annotator_id,
        "groups": of.groups,
        "preferred": of.preferred,
        "a_first": a_first,
        "b_first": b_first,
        "outcome": outcome(a_first, b_first, str(of.preferred)),
    }
