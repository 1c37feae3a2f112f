"""Votes and verdicts on pairs → which response of each pair an executor of a constitution predicts.

Three executors: `judge`, a model that read the whole constitution; `majority`, the votes of its
principles; `weighted`, a logistic regression on those votes, fitted on training pairs (ICAI, arXiv
2406.06560, has only the first). A prediction is +1 (response_a), -1 (response_b) or 0: undecided.
Knows no path and no measure, and but for the fit of the weights not what people preferred.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from gcai_ray.statistics import DIGITS

JUDGE, MAJORITY, WEIGHTED = EXECUTORS = ("judge", "majority", "weighted")

Signs = NDArray[np.int8]  # +1, -1 or 0
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Pairs:
    """Pairs of responses that people chose from; ties are left out and counted."""

    row_ids: NDArray[np.str_]  # [rows], sorted
    person_of_row: NDArray[np.int64]  # [rows]
    num_people: int
    preferred: Signs  # [rows]: +1 response_a, -1 response_b
    longer: Signs  # [rows]: +1 response_a has more characters, -1 response_b, 0 as many
    num_ties: int = 0

    def voices(self) -> Floats:
        """[rows]: the part of its person's one voice a pair carries."""
        rows_per_person = np.bincount(self.person_of_row, minlength=self.num_people)
        return 1.0 / rows_per_person[self.person_of_row]

    def by_person(self, values: NDArray) -> Floats:
        """Mean over each person's pairs of every column: [rows, columns] → [people, columns]."""
        voices = values * self.voices()[:, None]
        found = np.zeros((self.num_people, values.shape[1]))
        for column in range(values.shape[1]):
            found[:, column] = np.bincount(self.person_of_row, voices[:, column], self.num_people)
        return found


def pairs(table: pa.Table) -> Pairs:
    """The pairs of some rows of `preferences`, in the order of their ids.

    A pair is a row, whatever its texts: the same two responses under two prompts are two pairs.

    Args:
        table: columns `id`, `annotator_id`, `preferred`, `response_a`, `response_b`.
    """
    chosen = table.filter(pc.not_equal(table["preferred"], "tie"))
    ids = _strings(chosen["id"])
    order = np.argsort(ids)
    people, person = np.unique(_strings(chosen["annotator_id"]), return_inverse=True)
    length_a, length_b = (
        _numbers(pc.utf8_length(chosen[name])) for name in ("response_a", "response_b")
    )
    preferred = np.where(_numbers(pc.equal(chosen["preferred"], "a")), 1, -1)
    return Pairs(
        row_ids=ids[order],
        person_of_row=person.astype(np.int64)[order],
        num_people=len(people),
        preferred=preferred.astype(np.int8)[order],
        longer=np.sign(length_a - length_b).astype(np.int8)[order],
        num_ties=table.num_rows - chosen.num_rows,
    )


def speaks(votes: pa.Table, pairs: Pairs, principle_ids: Sequence[str]) -> Signs:
    """Which response each principle speaks for: [rows, principles].

    +1 or -1 only where it named the same response in both orders. 0 for `both`, `neither`, an
    answer that changed with the order, a missing reply and a pair it was not asked about: none of
    them favours a response. Votes on other pairs or of other principles are left out.

    Args:
        votes: columns `row_id`, `principle_id`, `a_first`, `b_first`.
        pairs: the pairs to speak on.
        principle_ids: the columns wanted.
    """
    row = _places(votes["row_id"], pa.array(pairs.row_ids, pa.string()))
    column = _places(votes["principle_id"], pa.array(principle_ids, pa.string()))
    known = (row >= 0) & (column >= 0)
    spoken = np.zeros((len(pairs.row_ids), len(principle_ids)), dtype=np.int8)
    spoken[row[known], column[known]] = _sides(votes)[known]
    return spoken


def judged(verdicts: pa.Table, pairs: Pairs, constitution: str) -> Signs:
    """What a judge chose for each pair: [rows], 0 where its choice flipped with the order, a reply
    is missing or it was not asked.

    Args:
        verdicts: columns `row_id`, `constitution`, `a_first`, `b_first`.
        pairs: the pairs to predict.
        constitution: what the judge had read: `gcai`, `icai` or `none`.
    """
    own = verdicts.filter(pc.equal(verdicts["constitution"], constitution))
    row = _places(own["row_id"], pa.array(pairs.row_ids, pa.string()))
    found = np.zeros(len(pairs.row_ids), dtype=np.int8)
    found[row[row >= 0]] = _sides(own)[row >= 0]
    return found


def majority(spoken: Signs) -> Signs:
    """The response most principles speak for, [rows]; 0 where as many speak for either."""
    return np.sign(spoken.sum(axis=1, dtype=np.int64)).astype(np.int8)


def weighted(spoken: Signs, weights: Floats) -> Signs:
    """The response with more weight, [rows]; 0 where the scales are even."""
    # One digit less than weights have: two that cancel may differ in the last one.
    return np.sign((spoken @ weights).round(DIGITS - 1)).astype(np.int8)


def fit_weights(spoken: Signs, preferred: Signs, person_of_row: NDArray[np.int64]) -> Floats:
    """What the word of each principle is worth, [principles], by logistic regression.

    The least of `|w|² / 2 + sum of voice * log(1 + exp(-preferred * spoken @ w))`: scikit-learn's
    LogisticRegression with C = 1 and a person's one voice spread over their rows as sample weight.
    There is no intercept: it would be a preference for a place. Every row is given twice, as it
    stands and with both sides swapped, at half its voice. Without an intercept that leaves the sum
    as it is, and both classes are there even where everybody chose the same place.

    Args:
        spoken: [rows, principles].
        preferred: [rows], +1 or -1.
        person_of_row: [rows].

    Returns:
        Zeros where no principle speaks on any row: nothing speaks for a weight. Negative where a
        principle misleads.
    """
    from sklearn.linear_model import LogisticRegression
    from threadpoolctl import threadpool_limits

    heard = spoken.any(axis=1) if spoken.size else np.zeros(len(spoken), dtype=bool)
    if not heard.any():
        return np.zeros(spoken.shape[1])
    voices = 1.0 / np.bincount(person_of_row)[person_of_row]
    # Rows on which nobody speaks add a constant, but do take their part of a person's voice.
    agreeing = (spoken * preferred[:, None])[heard].astype(float)
    rows = np.concatenate([agreeing, -agreeing])
    sides = np.repeat([1, -1], len(agreeing))
    model = LogisticRegression(C=1.0, fit_intercept=False, solver="newton-cholesky", tol=1e-9)
    with threadpool_limits(limits=1):  # the last bits of a product depend on the number of threads
        model.fit(rows, sides, sample_weight=np.tile(voices[heard], 2) / 2)
    return model.coef_[0].round(DIGITS)


def predictions(
    tables: tuple[pa.Table, pa.Table],
    train: Pairs,
    held: Pairs,
    principle_ids: Sequence[str],
    constitution: str,
) -> dict[str, Signs]:
    """What each executor of one constitution predicts for the held-out pairs, by its name.

    An executor that has nothing to go by is left out: no verdict, no vote on a held-out pair, or,
    for `weighted`, none on a training pair.

    Args:
        tables: rows of `votes`, on training and held-out pairs alike, and of `verdicts`.
        train: training pairs; those without a vote are not fitted on.
        held: the held-out pairs that were put to the executors.
        principle_ids: the principles of the constitution.
        constitution: its name among the verdicts.
    """
    votes, verdicts = tables
    own = votes.filter(pc.is_in(votes["principle_id"], pa.array(principle_ids, pa.string())))
    asked, asked_before = (_is_asked(own, some) for some in (held, train))
    found = {}
    if pc.any(pc.equal(verdicts["constitution"], constitution)).as_py():
        found[JUDGE] = judged(verdicts, held, constitution)
    if asked.any():
        spoken = speaks(own, held, principle_ids)
        found[MAJORITY] = majority(spoken)
        if asked_before.any():
            heard = speaks(own, train, principle_ids)[asked_before]
            people = np.unique(train.person_of_row[asked_before], return_inverse=True)[1]
            weights = fit_weights(heard, train.preferred[asked_before], people)
            found[WEIGHTED] = weighted(spoken, weights)
    return found


def _is_asked(votes: pa.Table, pairs: Pairs) -> NDArray[np.bool_]:
    """[rows]: whether anything was asked about a pair."""
    row = _places(votes["row_id"], pa.array(pairs.row_ids, pa.string()))
    asked = np.zeros(len(pairs.row_ids), dtype=bool)
    asked[row[row >= 0]] = True
    return asked


def _sides(answers: pa.Table) -> Signs:
    """[answers]: +1 or -1 where both orders name the same response, else 0."""
    first, second = answers["a_first"], answers["b_first"]
    for_a, for_b = (
        _numbers(pc.fill_null(pc.and_(pc.equal(first, side), pc.equal(second, side)), False))
        for side in ("a", "b")
    )
    return for_a.astype(np.int8) - for_b.astype(np.int8)


def _places(column: pa.ChunkedArray, values: pa.Array) -> NDArray[np.int64]:
    """Where each entry of a column stands in `values`; -1: nowhere."""
    return _numbers(pc.fill_null(pc.index_in(column, value_set=values), -1)).astype(np.int64)


def _numbers(column: pa.ChunkedArray) -> NDArray:
    return column.to_numpy(zero_copy_only=False)


def _strings(column: pa.ChunkedArray) -> NDArray[np.str_]:
    values = column.to_pylist()
    return np.asarray(values, dtype=np.str_) if values else np.zeros(0, dtype="U32")
