"""Votes in both orders → how often the answer went with the order of the responses, and what the
votes came to. Knows no path and no principle.

A vote is one principle put to one pair in both orders. Shares are of votes, each counted once: what
is measured is the model that answers, not the people who chose. Intervals are taken over people all
the same, each with the votes on all their pairs, since those resemble each other. Votes of one
principle do too, which the intervals do not tell.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from gcai_ray.evaluate.measures import measure, not_measured
from gcai_ray.schemas import Measure, VoteOutcome
from gcai_ray.statistics import ratio_intervals

FAMILY = "votes"
FLIP_RATE, POSITION_BIAS = "flip_rate", "position_bias"
MEANS = {
    VoteOutcome.FOR: "for the response the person chose",
    VoteOutcome.AGAINST: "for the other response",
    VoteOutcome.BOTH: "for both alike",
    VoteOutcome.NEITHER: "for neither",
    VoteOutcome.ABSTAIN: "another answer in the other order",
    VoteOutcome.INVALID: "no usable reply in one order or in both",
}
NO_VOTES = (
    "no principle was put to a pair: that needs a model, which reads both responses in both "
    "orders, and pairs from which people chose one"
)

Floats = NDArray[np.float64]


def vote_measures(votes: pa.Table, seed: int) -> list[Measure]:
    """Flips, position bias, and the share of each outcome.

    `flip_rate`: votes that named one response in one order and the other in the other, out of those
    answered in both orders. `position_bias`: flips to the response shown first less flips to the
    one shown second, out of the same: 0 for a model that does not mind the place, 1 for one that
    always names the first.

    Args:
        votes: columns `annotator_id`, `a_first`, `b_first`, `outcome`.
        seed: of the bootstrap over people.
    """
    if not votes.num_rows:
        return [not_measured((FAMILY, name), NO_VOTES) for name in (FLIP_RATE, POSITION_BIAS)]
    counted = [*_flips(votes), *_outcomes(votes)]
    told = [figure for figure in counted if figure.votes.any()]
    why = f"none of {votes.num_rows} votes was answered in both orders"
    silent = [not_measured((FAMILY, c.name), why) for c in counted if not c.votes.any()]
    return [*silent, *_measures(votes["annotator_id"], told, seed)]


def outcome_name(outcome: VoteOutcome) -> str:
    """The name of the measure that gives the share of an outcome."""
    return f"votes_{outcome}"


@dataclass(frozen=True)
class _Counted:
    """One figure before it is divided: `hits` out of `votes`."""

    name: str
    hits: Floats  # [votes], 1, 0, or -1 where a vote counts against
    votes: Floats  # [votes], 1 for those it is a share of
    note: str


def _flips(votes: pa.Table) -> list[_Counted]:
    first, second = (pc.fill_null(votes[name], "") for name in ("a_first", "b_first"))
    answered = _array(pc.and_(pc.not_equal(first, ""), pc.not_equal(second, "")))
    changed = _array(pc.not_equal(first, second)) & answered
    to_first = _array(pc.and_(pc.equal(first, "a"), pc.equal(second, "b")))
    to_second = _array(pc.and_(pc.equal(first, "b"), pc.equal(second, "a")))
    flips = to_first | to_second
    counts = (
        f"{answered.sum()} votes answered in both orders: {to_first.sum()} flipped to the response "
        f"shown first, {to_second.sum()} to the one shown second, {(changed & ~flips).sum()} "
        "changed otherwise"
    )
    bias = to_first.astype(float) - to_second
    by_place = f"flips to the first less flips to the second, as a part of {counts}"
    return [
        _Counted(
            FLIP_RATE,
            flips.astype(float),
            answered.astype(float),
            f"share that flipped of {counts}",
        ),
        _Counted(POSITION_BIAS, bias, answered.astype(float), by_place),
    ]


def _outcomes(votes: pa.Table) -> list[_Counted]:
    found = []
    for outcome, means in MEANS.items():
        hit = _array(pc.equal(votes["outcome"], str(outcome))).astype(float)
        note = f"share of {len(hit)} votes: {hit.sum():.0f} {means}"
        found.append(_Counted(outcome_name(outcome), hit, np.ones(len(hit)), note))
    return found


def _measures(annotators: pa.ChunkedArray, counted: list[_Counted], seed: int) -> list[Measure]:
    """A measure for each figure, from the same draws; `annotators`: [votes]."""
    # In the order of their ids, so that the draws do not depend on the order of the votes.
    people = pc.unique(annotators).sort()
    person = _array(pc.index_in(annotators, value_set=people))
    hits = np.column_stack([np.bincount(person, c.hits) for c in counted])
    totals = np.column_stack([np.bincount(person, c.votes) for c in counted])
    signed = np.array([c.name == POSITION_BIAS for c in counted])
    rows = ratio_intervals(hits.astype(float), totals.astype(float), seed, signed=signed).tolist()
    num_people = (totals > 0).sum(axis=0).tolist()
    return [
        measure((FAMILY, c.name), (value, low, high), num, c.note)
        for c, (value, low, high), num in zip(counted, rows, num_people, strict=True)
    ]


def _array(column: pa.ChunkedArray) -> NDArray:
    return column.to_numpy(zero_copy_only=False)
