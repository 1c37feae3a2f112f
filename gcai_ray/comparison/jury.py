"""A run's people and their clauses, and any principles → whose words each principle matches.

Knows no page and no engine: clauses have their vectors in the run, principles come with theirs.
Every principle, whoever wrote it, is held against reasons and statements alike, since a published
list knows no kinds; a clause matches from the cosine the run calibrated for its kind.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from gcai_ray.comparison.reading import Run
from gcai_ray.schemas import Kind, Split
from gcai_ray.vectors import products, stacked

if TYPE_CHECKING:
    import pyarrow as pa

    from gcai_ray.electorate import Electorate

MAX_DRAWS = 200
MIN_DRAWS = 20
# Random clauses drawn in all, at most where MIN_DRAWS allows: 100,000 people and 2,000 of them are
# 200 MB of yes and no.
_DRAWN_CLAUSES = 2000
_BLOCK_ROWS = 4096
Bools = NDArray[np.bool_]


@dataclass(frozen=True)
class Jury:
    """People of one run: everybody with a reason (ties aside) or a statement; or, where `held_out`,
    those with a reason that was set aside before the run's principles were made.
    """

    run: Run
    held_out: bool
    electorates: dict[Kind, Electorate]
    people: NDArray[np.str_]  # [people], sorted ids


def jury_of(run: Run, held_out: bool) -> Jury:
    """The people of a run whose words other constitutions are held against."""
    from gcai_ray.steps.lookup import electorate_of

    ingested = run.stages["ingest"]
    by_kind = {Kind.CONTEXTUAL: electorate_of(ingested, Kind.CONTEXTUAL, None)}
    if held_out:
        by_kind = {Kind.CONTEXTUAL: electorate_of(ingested, Kind.CONTEXTUAL, Split.TEST)}
    else:
        by_kind[Kind.GENERAL] = electorate_of(ingested, Kind.GENERAL, None)
    people = np.unique(np.concatenate([one.people for one in by_kind.values()]))
    return Jury(run, held_out, by_kind, people)


def matched_people(jury: Jury, vectors: NDArray[np.float32]) -> Bools:
    """Who has a clause that matches each vector [columns, dim]: [people, columns]."""
    found = np.zeros((len(jury.people), len(vectors)), dtype=bool)
    for part in _clauses(jury.run, ["row_id", "annotator_id", "kind", "vector"]):
        for kind, threshold in jury.run.match_threshold.items():  # of kinds that were distilled
            if kind not in jury.electorates:
                continue
            own = _of_kind(part, kind)
            _, is_in = jury.electorates[kind].places(_strings(own["row_id"]))
            _add(found, jury, own.filter(is_in), vectors, threshold)
    return found


def drawn_clauses(run: Run, size: int, seed: int) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Random sets of the run's training clauses, as baseline.

    Args:
        run: whose clauses.
        size: clauses in a set, or all there are; the first k of a set are a random set of k.
        seed: of the draws.

    Returns:
        vectors [drawn clauses, dim], and the places of each set's clauses in them [sets, size];
        no set where there is no clause.
    """
    parts = [_ids(part) for part in _clauses(run, ["candidate_id", "split"])]
    ids = np.sort(np.concatenate([np.zeros(0, "U32"), *parts]))
    size = min(size, len(ids))
    if not size:
        return np.zeros((0, 0), np.float32), np.zeros((0, 0), np.int64)
    num_sets = max(MIN_DRAWS, min(MAX_DRAWS, _DRAWN_CLAUSES // size))
    generator = np.random.default_rng(seed)
    sets = np.stack([generator.choice(len(ids), size, replace=False) for _ in range(num_sets)])
    wanted, places = np.unique(sets, return_inverse=True)
    return _vectors(run, ids[wanted]), places.reshape(sets.shape)


def _add(
    found: Bools, jury: Jury, clauses: pa.Table, vectors: NDArray[np.float32], threshold: float
) -> None:
    """Note in `found` [people, columns] who says what in some clauses of one kind."""
    for start in range(0, clauses.num_rows, _BLOCK_ROWS):
        block = clauses.slice(start, _BLOCK_ROWS)
        rows = np.searchsorted(jury.people, _strings(block["annotator_id"]))
        near = products(stacked(block["vector"]), vectors).round(5) >= np.float32(threshold)
        order = np.argsort(rows, kind="stable")
        people, starts = np.unique(rows[order], return_index=True)
        found[people] |= np.logical_or.reduceat(near[order], starts, axis=0)


def _ids(part: pa.Table) -> NDArray[np.str_]:
    import pyarrow.compute as pc

    return _strings(part.filter(pc.equal(part["split"], str(Split.TRAIN)))["candidate_id"])


def _vectors(run: Run, ids: NDArray[np.str_]) -> NDArray[np.float32]:
    """Vectors of the candidates with these sorted ids, in that order."""
    import pyarrow as pa
    import pyarrow.compute as pc

    wanted = pa.array(ids.tolist(), pa.string())
    parts = [
        part.filter(pc.is_in(part["candidate_id"], wanted))
        for part in _clauses(run, ["candidate_id", "vector"])
    ]
    return stacked(pa.concat_tables(parts).sort_by("candidate_id")["vector"])


def _clauses(run: Run, columns: list[str]) -> Iterator[pa.Table]:
    return run.stages["embed"].tables("embeddings", columns)


def _of_kind(part: pa.Table, kind: Kind) -> pa.Table:
    import pyarrow.compute as pc

    return part.filter(pc.equal(part["kind"], str(kind)))


def _strings(column: pa.ChunkedArray) -> NDArray[np.str_]:
    values = column.to_pylist()
    return np.asarray(values, dtype=np.str_) if values else np.zeros(0, dtype="U32")
