"""Small constitutions for tests of what is done with a finished one, and runs that hold them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from gcai_ray.artifact_writer import ArtifactWriter
from gcai_ray.artifacts import Artifact
from gcai_ray.schemas import (
    ChosenPrinciple,
    Constitution,
    Evidence,
    Group,
    Interval,
    Kind,
    Support,
)
from gcai_ray.storage import Storage

TEXTS = (
    "Choose the response that names its sources.",
    "Choose the response that is short.",
    "Choose the response that says when it is unsure.",
)
GENERAL = ("The AI should be honest.", "The AI should keep secrets.")


def hashed(*parts: object) -> str:
    return hashlib.sha256(repr(parts).encode()).hexdigest()[:32]


def interval(share: float, width: float = 0.05) -> Interval:
    return Interval(share=share, low=max(0.0, share - width), high=min(1.0, share + width))


def evidence(quote: str, person: str = "ann", region: str = "North") -> Evidence:
    return Evidence(
        quote=quote,
        sentence_numbers=[1],
        candidate_id=hashed("candidate", quote, person),
        row_id=hashed("row", quote, person),
        annotator_id=hashed(person),
        source="s",
        source_file="s.csv",
        source_row=1,
        groups=[Group(name="region", value=region)],
        similarity=0.7,
    )


def principle(text: str, rank: int, num_people: int = 20, **changes: Any) -> ChosenPrinciple:
    """A principle of the kind its text says, supported by some of 100 people."""
    kind = Kind.CONTEXTUAL if text.startswith("Choose") else Kind.GENERAL
    share = num_people / 100
    support = Support(
        num_people=num_people,
        num_people_total=100,
        interval=interval(share),
        voice=interval(share / 2),
        num_rows=2 * num_people,
        groups=[],
        consensus=None,
    )
    given: dict[str, Any] = {
        "id": hashed(kind, text),
        "prediction": None,
        "approval": None,
        "ratification": None,
        "reserved_for": None,
        "num_people_added": num_people,
        "tied_with": [],
        "evidence": [evidence(f"{text} I said so.")],
    }
    return ChosenPrinciple(kind=kind, rank=rank, text=text, support=support, **{**given, **changes})


def principles() -> list[ChosenPrinciple]:
    """Three contextual and two general principles."""
    chosen = [principle(text, n, 40 - 10 * n) for n, text in enumerate(TEXTS, 1)]
    return chosen + [principle(text, n, 50 - 10 * n) for n, text in enumerate(GENERAL, 1)]


def constitution(chosen: Sequence[ChosenPrinciple] | None = None, **changes: Any) -> Constitution:
    given: dict[str, Any] = {
        "title": "Constitution: example",
        "status": "candidate",
        "mode": "gcai",
        "engine": "extractive",
        "model": None,
        "num_preferences": 120,
        "num_reasons": 110,
        "num_statements": 80,
        "num_people": 100,
        "match_threshold": {Kind.CONTEXTUAL: 0.6, Kind.GENERAL: 0.6},
        "not_represented": [],
        "balloting": None,
    }
    chosen = principles() if chosen is None else chosen
    return Constitution(principles=list(chosen), **{**given, **changes})


def ratified_run(root: Path, *built: Constitution) -> list[Artifact]:
    """A run's root with a ratify artifact for each constitution; run.json points to the last."""
    found = []
    for number, one in enumerate(built):
        writer = ArtifactWriter(Storage(str(root)), ("ratify", hashed("ratify", number)))
        writer.write_document("constitution.json", one.model_dump_json().encode())
        found.append(writer.commit(inputs={}, config={"mode": one.mode}, seconds=0.0))
    stages = {"ratify": found[-1].manifest.fingerprint} if found else {}
    (root / "run.json").write_text(json.dumps({"name": "example", "stages": stages}))
    return found
