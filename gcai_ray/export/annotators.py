"""Constitutions → the annotators of an AnnotatedPairs document: principles and judges.

Source of the format: `inverse-cai` 0.4.8, `data/annotated_pairs_format.py`: an annotator's id is
the first 8 digits of the MD5 of its description. Knows no pair and no vote.
"""

from __future__ import annotations

import hashlib
from typing import Any

from gcai_ray.schemas import ChosenPrinciple, Constitution, Kind

Annotator = dict[str, Any]
PRINCIPLE, JUDGE = "principle", "ai"
BASELINE = "of the ICAI baseline"
FROM_REASONS = "matched in people's own reasons, no model voted"
JUDGES = {  # by the constitution that was read
    "gcai": ("judge with the constitution", "A model that read the constitution chooses"),
    "icai": (
        "judge with the ICAI baseline's constitution",
        "A model that read the constitution of the ICAI baseline chooses",
    ),
    "none": ("judge without a constitution", "A model that read no constitution chooses"),
}


def key_of(annotator: Annotator) -> str:
    """The id the format gives an annotator."""
    text = annotator["description"].encode()
    return hashlib.md5(text, usedforsecurity=False).hexdigest()[:8]


def principles(ours: Constitution, baseline: Constitution | None) -> dict[str, Annotator]:
    """Id of a principle → annotator; ours before the baseline's, contextual before general.

    Feedback Forensics knows a row by its short text, so equal ones are told apart by kind and rank.
    A principle that both constitutions chose is ours.
    """
    found: dict[str, Annotator] = {}
    taken: set[str] = set()
    for of in filter(None, (ours, baseline)):
        notes = [BASELINE] if of is baseline else [] if of.model else [FROM_REASONS]
        for principle in (one for one in _ranked(of) if one.id not in found):
            text = _described(principle.text, notes)
            if _shown(text) in taken:
                told_apart = [f"{principle.kind} {principle.rank}", *notes]
                text = _described(principle.text, told_apart)
            taken.add(_shown(text))
            found[principle.id] = _annotator(principle, text)
    return found


def judges() -> dict[str, Annotator]:
    """Name of a constitution among the verdicts → annotator."""
    return {
        of: {"name": name, "description": text, "type": JUDGE}
        for of, (name, text) in JUDGES.items()
    }


def _ranked(constitution: Constitution) -> list[ChosenPrinciple]:
    kinds = list(Kind)
    return sorted(constitution.principles, key=lambda p: (kinds.index(p.kind), p.rank, p.id))


def _described(text: str, notes: list[str]) -> str:
    return f"{text} ({'; '.join(notes)})" if notes else text


def _shown(description: str) -> str:
    """What Feedback Forensics makes of a description (`data/loader.py`)."""
    return description.replace("Select the response that", "").strip(" .")


def _annotator(principle: ChosenPrinciple, description: str) -> Annotator:
    return {
        "description": description,
        "type": PRINCIPLE,
        "principle_id": principle.id,
        "kind": str(principle.kind),
        "rank": principle.rank,
    }
