"""Principles of one kind, who said them and what was voted → their voices. Knows no choice."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix, diags_array

from gcai_ray.choosing.approval import Approvals
from gcai_ray.choosing.poll import Poll
from gcai_ray.electorate import Electorate, GroupKey
from gcai_ray.schemas import Kind, VoteOutcome
from gcai_ray.vectors import products
from gcai_ray.wording import content_stems

Floats = NDArray[np.float64]
_SURE_DIGITS = 9  # shares that cancel out leave 1e-17; what is compared is rounded
_COSINE_DIGITS = 5


@dataclass(frozen=True)
class Contest:
    """Principles of one kind before the people who could support them."""

    kind: Kind
    ids: tuple[str, ...]
    texts: tuple[str, ...]
    vectors: NDArray[np.float32]
    threshold: float
    electorate: Electorate
    incidence: csr_matrix  # [rows, principles]: which rows say which principle
    poll: Poll | None = None
    approvals: Approvals | None = None

    def voices(self, columns: Sequence[int]) -> Floats:
        """[people, columns]: what principles are ranked by: by the poll where there is one, else
        what people said.
        """
        return self.poll.voices(columns) if self.poll else self.said(columns)

    def said(self, columns: Sequence[int]) -> Floats:
        """[people, columns]: share of a person's rows that say it, each row weighed by the approval
        of those who voted on it.
        """
        part = self.incidence[:, list(columns)]
        if self.approvals:
            part = diags_array(self.approvals.weights()) @ part
        return self.electorate.shares(part)

    def totals(self) -> Floats:
        """[principles]: the mean of `voices` over people."""
        if self.poll:
            return self.poll.totals().round(_SURE_DIGITS)
        return self._mean_voices(self._row_weights)

    def said_in(self, group: GroupKey) -> Floats:
        """[principles]: mean over a group's people of the share of their rows that say it, whatever
        others voted on them.
        """
        return self._mean_voices(self.electorate.row_weights(), group)

    def covers(self, chosen: Sequence[int]) -> NDArray[np.bool_]:
        """Which pairs, of the poll where there is one, or else which rows these explain."""
        rows = self.poll.outcomes[VoteOutcome.FOR] if self.poll else self.incidence
        return np.asarray(rows[:, list(chosen)].sum(axis=1)).ravel() > 0

    def gains(self, covered: NDArray[np.bool_], min_group_size: int) -> Floats:
        """[principles]: voices each would add: over all people; for general ones, half of it in the
        least favourable group of at least `min_group_size` people.
        """
        if self.poll:
            return self.poll.gains(covered).round(_SURE_DIGITS)
        weights = self._row_weights * ~covered
        everybody = self._mean_voices(weights)
        groups = self.electorate.large_groups(min_group_size)
        if self.kind is not Kind.GENERAL or not groups:
            return everybody
        least = np.min([self._mean_voices(weights, group) for group in groups], axis=0)
        return ((everybody + least) / 2).round(_SURE_DIGITS)

    @cached_property
    def num_people(self) -> NDArray[np.int64]:
        """[principles]: distinct people who said it."""
        return self.electorate.supporters(self.incidence)

    @cached_property
    def alike(self) -> NDArray[np.bool_]:
        """[principles, principles]: which say the same: near in meaning, or sharing a word that
        carries it, since embeddings alone keep apart what people read as one ("accurate answers",
        "accurate and reliable information": cosine 0.56).
        """
        stems = [content_stems(text) for text in self.texts]
        shared = np.array([[bool(one & other) for other in stems] for one in stems], dtype=bool)
        near = products(self.vectors, self.vectors).round(_COSINE_DIGITS) >= self.threshold
        return near | shared.reshape(near.shape) | np.eye(len(stems), dtype=bool)

    @cached_property
    def _row_weights(self) -> Floats:
        weights = self.electorate.row_weights()
        return weights * self.approvals.weights() if self.approvals else weights

    def _mean_voices(self, weights: Floats, group: GroupKey | None = None) -> Floats:
        """[principles]: of everybody or of a group, each row as heavy as `weights` [rows] says."""
        if group is None:
            sums, num_people = self.incidence.T @ weights, len(self.electorate.people)
        else:
            rows = self.electorate.groups[group]
            sums = self.incidence[rows].T @ weights[rows]
            num_people = self.electorate.group_sizes[group]
        return (np.asarray(sums) / max(num_people, 1)).round(_SURE_DIGITS)
