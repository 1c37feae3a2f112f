"""Votes of principles on pairs → what each principle predicts, and how surely. Knows no words and
no choice.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from gcai_ray.electorate import Electorate, GroupKey, electorate, incidence
from gcai_ray.schemas import Interval, Prediction, VoteOutcome
from gcai_ray.statistics import ratio_intervals, share_intervals

Floats = NDArray[np.float64]
CHANCE = 0.5  # a principle that tosses a coin is right on half the voices it speaks on
# What lies above the lower end of this interval does so with 95 % confidence: to enter, only being
# too low can be wrong. With 400 annotations, 20 % of them noise, 95 % would lose 3 of 8 planted
# principles, this loses 1.
ACCURACY_LEVEL = 0.9
VOTE_COLUMNS = ["principle_id", "row_id", "annotator_id", "groups", "outcome"]


@dataclass(frozen=True)
class Poll:
    """What a model says each principle speaks for, on pairs people chose from.

    A person is one voice, spread evenly over that person's pairs. Three figures a principle:

    - accuracy: of the voices on which it speaks for one response, the share that chose that one;
    - coverage: the share of all voices on which it speaks for one response;
    - voice: share for less share against, which is (2 * accuracy - 1) * coverage.

    Principles are ranked by voice: accuracy *above chance* times coverage. Plain accuracy times
    coverage is the share for, and by that a coin that always speaks (0.5 * 1) stands above a
    principle that is right on all of the 40 % it speaks on (1 * 0.4), though it predicts nothing.
    """

    electorate: Electorate
    outcomes: dict[VoteOutcome, csr_matrix]  # [rows, principles] of 0 and 1 each

    def voices(self, columns: Sequence[int]) -> Floats:
        """[people, columns]: share of a person's pairs it speaks for, less that against."""
        return self._shares(self._net(), columns)

    def totals(self) -> Floats:
        """[principles]: the mean of `voices` over people."""
        return self.gains(np.zeros(len(self.electorate.rows), dtype=bool))

    def gains(self, covered: NDArray[np.bool_]) -> Floats:
        """[principles]: the voices each adds on the pairs no other speaks for yet."""
        weights = self.electorate.row_weights() * ~covered
        return np.asarray(self._net().T @ weights) / max(len(self.electorate.people), 1)

    def totals_in(self, group: GroupKey) -> Floats:
        """[principles]: the voices of one group's people on their pairs; zeros where none voted."""
        rows = self.electorate.groups.get(group, np.zeros(0, np.int64))
        weights = self.electorate.row_weights()[rows]
        return np.asarray(self._net()[rows].T @ weights)

    def net_votes(self) -> NDArray[np.int64]:
        """[principles]: pairs it speaks for less pairs it speaks against."""
        return np.asarray(self._net().sum(axis=0)).ravel().astype(np.int64)

    def beats_chance(self, seed: int) -> NDArray[np.bool_]:
        """[principles]: whether the interval of its accuracy lies above chance.

        Each principle is judged by itself: of 100 that toss coins, 5 pass. Three people who all
        chose as it says are not enough, four are.
        """
        columns = range(self._net().shape[1])
        return self._accuracies(columns, seed)[:, 1] > CHANCE

    def predictions(self, columns: Sequence[int], seed: int) -> list[Prediction]:
        """The figures of some principles, with intervals over people."""
        accuracy = self._accuracies(columns, seed)
        coverage = share_intervals(self._shares(self._spoken(), columns), seed)
        voice = share_intervals(self.voices(columns), seed, signed=True)
        people = self.electorate.supporters(self._spoken()[:, list(columns)])
        return [
            Prediction(
                num_pairs=len(self.electorate.rows),
                num_people=len(self.electorate.people),
                num_people_spoken=int(people[place]),
                outcomes={
                    name: int(cast[:, [column]].sum()) for name, cast in self.outcomes.items()
                },
                accuracy=interval(accuracy[place]),
                coverage=interval(coverage[place]),
                voice=interval(voice[place]),
            )
            for place, column in enumerate(columns)
        ]

    def _accuracies(self, columns: Sequence[int], seed: int) -> Floats:
        """[columns, 3]: accuracy with its 90 % interval."""
        right = self._shares(self.outcomes[VoteOutcome.FOR], columns)
        spoken = self._shares(self._spoken(), columns)
        return ratio_intervals(right, spoken, seed, level=ACCURACY_LEVEL)

    def _shares(self, cast: csr_matrix, columns: Sequence[int]) -> Floats:
        return self.electorate.shares(cast[:, list(columns)])

    def _net(self) -> csr_matrix:
        return self.outcomes[VoteOutcome.FOR] - self.outcomes[VoteOutcome.AGAINST]

    def _spoken(self) -> csr_matrix:
        return self.outcomes[VoteOutcome.FOR] + self.outcomes[VoteOutcome.AGAINST]


def poll_of(parts: Iterable[pa.Table], principle_ids: Sequence[str]) -> Poll | None:
    """The poll that these votes (columns `VOTE_COLUMNS`) are; None where there is no vote."""
    cast = [part.select(VOTE_COLUMNS) for part in parts if part.num_rows]
    if not cast:
        return None
    votes = pa.concat_tables(cast)
    people = electorate([_one_row_a_pair(votes).rename_columns({"row_id": "id"})])
    outcomes = {
        outcome: votes.filter(pc.equal(votes["outcome"], str(outcome))) for outcome in VoteOutcome
    }
    return Poll(
        people, {name: incidence(people, [rows], principle_ids) for name, rows in outcomes.items()}
    )


def _one_row_a_pair(votes: pa.Table) -> pa.Table:
    codes = votes["row_id"].combine_chunks().dictionary_encode().indices.to_numpy()
    _, first = np.unique(codes, return_index=True)
    return votes.take(pa.array(first))


def interval(row: Sequence[float] | Floats) -> Interval:
    """share, low, high → an `Interval`."""
    return Interval(share=float(row[0]), low=float(row[1]), high=float(row[2]))
