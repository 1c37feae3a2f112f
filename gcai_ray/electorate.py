"""Rows and votes, part by part → who could support a principle and who does, as small arrays.

People and rows become numbers, so that a million people fit in memory beside sixty principles.
Knows no path and no order of stages.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

if TYPE_CHECKING:
    from collections.abc import Sequence

GroupKey = tuple[str, str]


@dataclass(frozen=True)
class Electorate:
    """Everybody who could support principles of one kind: people with at least one reason, or one
    statement.
    """

    people: NDArray[np.str_]  # [people], sorted ids
    rows: NDArray[np.str_]  # [rows], sorted ids
    person_of_row: NDArray[np.int64]  # [rows]
    groups: dict[GroupKey, NDArray[np.int64]]  # group → its rows

    @property
    def rows_per_person(self) -> NDArray[np.int64]:
        """[people], at least 1 each."""
        return np.bincount(self.person_of_row, minlength=len(self.people))

    def places(self, ids: NDArray[np.str_]) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
        """Where rows with these ids stand, and which of them are in the electorate at all."""
        found = np.searchsorted(self.rows, ids)
        inside = np.minimum(found, max(len(self.rows) - 1, 0))
        return found, (self.rows[inside] == ids) if len(self.rows) else np.zeros(len(ids), bool)

    def row_weights(self) -> NDArray[np.float64]:
        """[rows]: the part of its person's one voice a row carries."""
        return 1.0 / self.rows_per_person[self.person_of_row]

    def shares(self, cast: csr_matrix) -> NDArray[np.float64]:
        """[people, columns]: mean of each column over a person's rows; `cast`: [rows, columns]."""
        membership = csr_matrix(
            (np.ones(len(self.rows)), (self.person_of_row, np.arange(len(self.rows)))),
            shape=(len(self.people), len(self.rows)),
        )
        return (membership @ cast).toarray() / np.maximum(self.rows_per_person, 1)[:, None]

    def supporters(
        self, incidence: csr_matrix, rows: NDArray[np.int64] | None = None
    ) -> NDArray[np.int64]:
        """[columns]: distinct people with a row that matches, among all rows or these."""
        part = (incidence if rows is None else incidence[rows]).tocoo()
        person = self.person_of_row if rows is None else self.person_of_row[rows]
        num_columns = max(part.shape[1], 1)
        pairs = np.unique(person[part.row] * num_columns + part.col)
        return np.bincount(pairs % num_columns, minlength=part.shape[1])[: part.shape[1]]

    @cached_property
    def group_sizes(self) -> dict[GroupKey, int]:
        """People with a row in each group."""
        people = self.person_of_row
        return {key: len(np.unique(people[rows])) for key, rows in self.groups.items()}

    def large_groups(self, min_people: int) -> dict[GroupKey, NDArray[np.int64]]:
        """Rows of the groups with at least this many people, and at least two: one person is no
        group.
        """
        least = max(min_people, 2)
        return {key: rows for key, rows in self.groups.items() if self.group_sizes[key] >= least}


def electorate(parts: Iterable[pa.Table]) -> Electorate:
    """Who wrote which rows: from tables with `id`, `annotator_id` and `groups`."""
    tables = [part.select(["id", "annotator_id", "groups"]) for part in parts]
    table = (
        pa.concat_tables(tables).sort_by("id")
        if tables
        else pa.table({"id": [], "annotator_id": [], "groups": []})
    )
    rows = _strings(table["id"])
    people, person_of_row = np.unique(_strings(table["annotator_id"]), return_inverse=True)
    return Electorate(people, rows, person_of_row.astype(np.int64), _groups(table))


def incidence(
    electorate_: Electorate, votes: Iterable[pa.Table], principle_ids: Sequence[str]
) -> csr_matrix:
    """Which rows match which principles: [rows, principles] of 0 and 1, from tables with `row_id`
    and `principle_id`; votes of rows that are not in the electorate are left out.
    """
    shape = (len(electorate_.rows), len(principle_ids))
    column_of = pa.array(principle_ids, pa.string())
    found_rows, found_columns = [np.zeros(0, np.int64)], [np.zeros(0, np.int64)]
    for table in votes:
        column = pc.index_in(table["principle_id"], column_of)
        known = table.filter(column.is_valid())
        rows, is_in = electorate_.places(_strings(known["row_id"]))
        found_rows.append(rows[is_in])
        found_columns.append(pc.drop_null(column).to_numpy().astype(np.int64)[is_in])
    keys = np.unique(np.concatenate(found_rows) * max(shape[1], 1) + np.concatenate(found_columns))
    ones = np.ones(len(keys), dtype=np.int64)
    return csr_matrix((ones, (keys // max(shape[1], 1), keys % max(shape[1], 1))), shape=shape)


def _groups(table: pa.Table) -> dict[GroupKey, NDArray[np.int64]]:
    lists = table["groups"].combine_chunks()
    if table.num_rows == 0 or len(lists) == 0:
        return {}
    flat = pc.list_flatten(lists)
    names, values = pc.struct_field(flat, "name"), pc.struct_field(flat, "value")
    keys = pc.binary_join_element_wise(names, values, "\0").dictionary_encode()
    codes = keys.indices.to_numpy()
    order = np.argsort(codes, kind="stable")
    parents = pc.list_parent_indices(lists).to_numpy().astype(np.int64)[order]
    parts = np.split(parents, np.cumsum(np.bincount(codes))[:-1]) if len(codes) else []
    found = dict(zip(keys.dictionary.to_pylist(), parts, strict=True))
    return {tuple(key.split("\0", 1)): found[key] for key in sorted(found)}


def _strings(column: pa.Array | pa.ChunkedArray) -> NDArray[np.str_]:
    values = column.to_pylist()
    return np.asarray(values, dtype=np.str_) if values else np.zeros(0, dtype="U32")
