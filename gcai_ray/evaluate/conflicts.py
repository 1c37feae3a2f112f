"""Chosen principles → the question of each two of them whether an AI can follow both, and what a
model's replies make of it.

Each two are asked about in both orders; they conflict when both replies say so. Knows no path and
no engine.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

from gcai_ray.asking.check import reply_json
from gcai_ray.asking.lookup import Lookup
from gcai_ray.asking.questions import Asking, counter, request
from gcai_ray.evaluate.contradictions import FAMILY, Backing, contradiction
from gcai_ray.evaluate.measures import measure, not_measured
from gcai_ray.prompts import TooLong, conflict
from gcai_ray.schemas import ChosenPrinciple, Contradiction, Measure
from gcai_ray.statistics import wilson

PLACE = (FAMILY, "judged_to_conflict")


@dataclass(frozen=True)
class Duo:
    """Two principles, by id and text, in the order of the constitution."""

    ids: tuple[str, str]
    texts: tuple[str, str]

    @property
    def id(self) -> str:
        """128-bit hash of both: the source id of the questions about them."""
        facts = "\0".join(("conflict", *self.ids))
        return hashlib.blake2b(facts.encode(), digest_size=16).hexdigest()


@dataclass(frozen=True)
class Judgement:
    """What a model said about two principles: in their order, then swapped; None: no usable
    reply. `note`: a situation in which they conflict, where it named one.
    """

    duo: Duo
    answers: tuple[bool | None, bool | None]
    note: str


def duos(principles: Sequence[ChosenPrinciple]) -> list[Duo]:
    """Each two principles once, of one kind or of both."""
    return [Duo((p.id, q.id), (p.text, q.text)) for p, q in combinations(principles, 2)]


def questions(found: Iterable[Duo], asking: Asking) -> list[dict[str, Any]]:
    """Rows of `requests`, two for each two principles; none where they are longer than the model's
    context, which counts as unanswered.
    """
    count, rows = counter(asking), []
    for duo in found:
        for part, texts in enumerate((duo.texts, duo.texts[::-1])):
            question = conflict.question(*texts)
            try:
                source = (duo.id, part)
                rows.append(
                    request(asking, conflict.NAME, source, lambda cut, asked=question: asked, count)
                )
            except TooLong:
                continue
    return rows


def answered(found: Iterable[Duo], lookup: Lookup) -> list[Judgement]:
    """What was said about those whose replies are in this lookup."""
    return [_judgement(duo, lookup) for duo in found if lookup.covers(duo.id)]


def _judgement(duo: Duo, lookup: Lookup) -> Judgement:
    said = {
        reply["part"]: conflict.judgement(reply_json(reply["text"]))
        for reply in lookup.of(duo.id, conflict.NAME)
        if reply["parsed"]
    }
    answers = tuple(said[part][0] if part in said else None for part in (0, 1))
    note = next((said[part][1] for part in sorted(said) if said[part][1]), "")
    return Judgement(duo, (answers[0], answers[1]), note)


def by_model(judgements: Iterable[Judgement], backing: Backing) -> list[Contradiction]:
    """The principles that a model judges to conflict in both orders; `note`: in which situation."""
    return [
        contradiction("model", said.duo.ids, backing, (0, 0), [], said.note)
        for said in judgements
        if said.answers == (True, True)
    ]


def conflict_measure(judgements: Sequence[Judgement]) -> Measure:
    """Share of pairs of principles judged to conflict, and how many judgements flipped with the
    order or are missing.
    """
    usable = [said.answers for said in judgements if None not in said.answers]
    missing = len(judgements) - len(usable)
    if not usable:
        why = f"no usable reply about {missing} pairs" if missing else "fewer than two principles"
        return not_measured(PLACE, why)
    flipped = sum(one != other for one, other in usable)
    note = (
        f"share of {len(usable)} pairs of chosen principles that a model judges to conflict, asked "
        f"in both orders; {flipped} answers flipped with the order and count as no conflict; "
        f"{missing} of {len(judgements)} pairs got no usable reply"
    )
    return measure(PLACE, wilson(usable.count((True, True)), len(usable)), None, note)
