"""Votes cast before → what each principle said about each pair in each order, so that no cell is
asked about twice. Knows no stage, no path and no question.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

ANSWERS = ("a", "b", "both", "neither")
ORDERS = ("a_first", "b_first")


@dataclass(frozen=True)
class Cells:
    """Answers known already, for some pairs and the principles of one motion."""

    row_ids: NDArray[np.bytes_]  # [rows], sorted
    codes: NDArray[np.int8]  # [rows, orders, principles]: place in ANSWERS, -1: not known

    def of(self, row_id: str, order: int, num_principles: int) -> list[str | None]:
        """What each principle said about a pair in one order; None where nobody asked yet."""
        place = int(np.searchsorted(self.row_ids, row_id.encode()))
        if place == len(self.row_ids) or self.row_ids[place] != row_id.encode():
            return [None] * num_principles
        codes = self.codes[place, order].tolist()
        return [ANSWERS[code] if code >= 0 else None for code in codes]

    @property
    def num_known(self) -> int:
        """Cells that need not be asked about: answers in one order each."""
        return int((self.codes >= 0).sum())


def no_cells() -> Cells:
    """Nothing was asked before."""
    return Cells(np.zeros(0, dtype="S32"), np.zeros((0, len(ORDERS), 0), dtype=np.int8))


def known_cells(
    votes: Iterable[pa.Table], row_ids: Iterable[str], principle_ids: Sequence[str]
) -> Cells:
    """The answers to some principles about some pairs that earlier votes hold.

    Args:
        votes: tables with `principle_id`, `row_id`, `a_first`, `b_first`; of two answers to one
            cell, the one in the last table counts.
        row_ids: pairs that are to be voted on.
        principle_ids: principles that are put to them, in order.
    """
    wanted = np.asarray(sorted(row_ids), dtype="S32")
    codes = np.full((len(wanted), len(ORDERS), len(principle_ids)), -1, dtype=np.int8)
    columns, rows_of = pa.array(principle_ids, pa.string()), pa.array(wanted.astype(str))
    for table in votes:
        row = pc.index_in(table["row_id"], rows_of)
        column = pc.index_in(table["principle_id"], columns)
        both = pc.and_(row.is_valid(), column.is_valid())
        places = row.filter(both).to_numpy(), column.filter(both).to_numpy()
        for order, name in enumerate(ORDERS):
            answers = pc.index_in(table[name].filter(both), pa.array(ANSWERS))
            said = pc.fill_null(answers, -1).to_numpy().astype(np.int8)
            told = said >= 0
            codes[places[0][told], order, places[1][told]] = said[told]
    any_known = (codes >= 0).any(axis=(1, 2))
    return Cells(wanted[any_known], codes[any_known])
