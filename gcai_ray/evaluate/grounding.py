"""A constitution's evidence → questions whether each quote states its principle, and their replies
→ how much of it a second look confirms, beside quotes drawn at random.

The random quotes answer: would this model say yes to any words? Knows no path and no engine.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gcai_ray.asking.check import reply_json
from gcai_ray.asking.lookup import Lookup
from gcai_ray.asking.questions import Asking, counter, request
from gcai_ray.evaluate.measures import Baseline, measure, not_measured
from gcai_ray.prompts import TooLong, ground
from gcai_ray.schemas import ChosenPrinciple, Evidence, Grounding, Kind, Measure
from gcai_ray.statistics import DIGITS, paired_difference, share_intervals, wilson

EVIDENCE = ("grounding", "evidence_confirmed")
PRINCIPLES = ("grounding", "principles_confirmed")
RANDOM = "random pairings"
LEAST_CONFIRMED = 0.5  # of a principle's quotes, for the principle to count as confirmed


@dataclass(frozen=True)
class Pairing:
    """A principle beside a quote: its own evidence, or another principle's."""

    principle_id: str
    principle: str
    kind: Kind  # of the quote
    candidate_id: str
    annotator_id: str
    quote: str
    is_random: bool

    @property
    def id(self) -> str:
        """128-bit hash of principle and candidate: the source id of its question."""
        facts = f"ground\0{self.principle_id}\0{self.candidate_id}"
        return hashlib.blake2b(facts.encode(), digest_size=16).hexdigest()


def pairings(principles: Sequence[ChosenPrinciple], seed: int) -> list[Pairing]:
    """Every principle with each of its quotes, then with as many drawn from the evidence of the
    others, where there are as many: of its own kind, then of the other. A quote that is also
    evidence of the principle, or reads the same, is never drawn.
    """
    found = []
    for principle in principles:
        own = principle.evidence
        found += [_pairing(principle, principle.kind, quote, False) for quote in own]
        drawn = _others(principle, principles, seed)[: len(own)]
        found += [_pairing(principle, kind, quote, True) for kind, quote in drawn]
    return found


def _pairing(principle: ChosenPrinciple, kind: Kind, quote: Evidence, is_random: bool) -> Pairing:
    return Pairing(
        principle_id=principle.id,
        principle=principle.text,
        kind=kind,
        candidate_id=quote.candidate_id,
        annotator_id=quote.annotator_id,
        quote=quote.quote,
        is_random=is_random,
    )


def _others(
    principle: ChosenPrinciple, principles: Sequence[ChosenPrinciple], seed: int
) -> list[tuple[Kind, Evidence]]:
    """The other principles' evidence with its kind, in an order drawn for this principle; every
    text once.
    """
    own = {_words(quote) for quote in principle.evidence}
    pool = [
        (other.kind, quote)
        for other in principles
        for quote in other.evidence
        if _words(quote) not in own
    ]

    def place(entry: tuple[Kind, Evidence]) -> tuple[bool, bytes]:
        facts = f"ground\0{seed}\0{principle.id}\0{entry[1].candidate_id}"
        return entry[0] != principle.kind, hashlib.blake2b(facts.encode()).digest()

    first: dict[str, tuple[Kind, Evidence]] = {}
    for entry in sorted(pool, key=place):
        first.setdefault(_words(entry[1]), entry)
    return list(first.values())


def _words(quote: Evidence) -> str:
    return " ".join(quote.quote.lower().split())


def questions(found: Sequence[Pairing], asking: Asking) -> list[dict[str, Any]]:
    """Rows of `requests`, one per pairing; none for a quote that is longer than the model's
    context, which `answered` then counts as unanswered.
    """
    count, rows = counter(asking), []
    for pairing in found:
        question = ground.question(pairing.kind, pairing.quote, pairing.principle)
        try:
            source = (pairing.id, 0)
            rows.append(
                request(asking, ground.NAME, source, lambda cut, asked=question: asked, count)
            )
        except TooLong:
            continue
    return rows


def answered(found: Iterable[Pairing], lookup: Lookup) -> list[Grounding]:
    """What was said to the pairings whose replies are in this lookup."""
    return [
        Grounding(
            principle_id=pairing.principle_id,
            candidate_id=pairing.candidate_id,
            annotator_id=pairing.annotator_id,
            is_random=pairing.is_random,
            confirmed=_confirmed(pairing, lookup),
        )
        for pairing in found
        if lookup.covers(pairing.id)
    ]


def _confirmed(pairing: Pairing, lookup: Lookup) -> bool | None:
    replies = lookup.of(pairing.id, ground.NAME)
    if not replies or not replies[0]["parsed"]:
        return None
    return ground.confirmed(reply_json(replies[0]["text"]))


def grounding_measures(rows: Sequence[Grounding], seed: int) -> list[Measure]:
    """How much of the evidence, and how many principles, a second look confirms, beside random
    pairings. Rows without a usable reply are left out of both and counted in the note.
    """
    own, drawn = ([row for row in rows if row.is_random is flag] for flag in (False, True))
    unanswered = sum(row.confirmed is None for row in rows)
    if all(row.confirmed is None for row in own):
        why = "no evidence to look at" if not own else f"no usable reply to {unanswered} questions"
        return [not_measured(EVIDENCE, why), not_measured(PRINCIPLES, why)]
    lost = f"; {unanswered} of {len(rows)} questions got no usable reply"
    return [_of_evidence(own, drawn, lost, seed), _of_principles(own, drawn, lost)]


def _of_evidence(
    own: Sequence[Grounding], drawn: Sequence[Grounding], lost: str, seed: int
) -> Measure:
    """Each person is one voice, spread evenly over that person's quotes."""
    shares, others = _shares(own, "annotator_id"), _shares(drawn, "annotator_id")
    baseline = None
    if others:
        both = sorted(shares.keys() & others.keys())
        paired = [np.array([of[person] for person in both]) for of in (shares, others)]
        difference = paired_difference(paired[0], paired[1], seed) if both else None
        baseline = Baseline(RANDOM, *_over_people(others, seed), difference)
    note = (
        f"share of {_num_answered(own)} quotes of which a model says that they state or imply "
        f"their principle, each person one voice; baseline: {_num_answered(drawn)} quotes drawn "
        f"from the evidence of other principles{lost}"
    )
    return measure(EVIDENCE, _over_people(shares, seed), len(shares), note, baseline)


def _of_principles(own: Sequence[Grounding], drawn: Sequence[Grounding], lost: str) -> Measure:
    shares, others = _shares(own, "principle_id"), _shares(drawn, "principle_id")
    baseline = Baseline(RANDOM, *_over_principles(others)) if others else None
    note = (
        f"share of {len(shares)} principles with at least half of their quotes confirmed; Wilson "
        f"interval over principles; baseline: the same with quotes of other principles{lost}"
    )
    return measure(PRINCIPLES, _over_principles(shares), None, note, baseline)


def _num_answered(rows: Iterable[Grounding]) -> int:
    return sum(row.confirmed is not None for row in rows)


def _shares(rows: Iterable[Grounding], by: str) -> dict[str, float]:
    """The share confirmed of each person's or principle's rows that got an answer."""
    said: dict[str, list[bool]] = defaultdict(list)
    for row in rows:
        if row.confirmed is not None:
            said[getattr(row, by)].append(row.confirmed)
    return {key: sum(answers) / len(answers) for key, answers in sorted(said.items())}


def _over_people(shares: dict[str, float], seed: int) -> tuple[float, float, float]:
    values: NDArray[np.float64] = np.array([[share] for share in shares.values()])
    [(share, low, high)] = share_intervals(values, seed).round(DIGITS).tolist()
    return share, low, high


def _over_principles(shares: dict[str, float]) -> tuple[float, float, float]:
    return wilson(sum(share >= LEAST_CONFIRMED for share in shares.values()), len(shares))
