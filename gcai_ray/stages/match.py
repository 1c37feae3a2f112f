"""`principles` and `embeddings` → `matches`: a clause that is near a principle is a voice for it,
and so is one that a model found covered by it.

Knows no path. A clause may match several principles, of its own kind only.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from gcai_ray.schemas import Kind, Match, arrow_schema
from gcai_ray.vectors import products, stacked

if TYPE_CHECKING:
    import ray.data

CALIBRATION_ROWS = 3000
COPIED = ("kind", "candidate_id", "row_id", "annotator_id", "groups", "split")


@dataclass(frozen=True)
class Ballot:
    """The principles of one kind, and the cosine from which a clause counts as saying one of "
    "them."""

    kind: Kind
    principle_ids: tuple[str, ...]
    vectors: NDArray[np.float32]  # [principles, dim]
    threshold: float
    confirmed: dict[str, str]  # words of a candidate → the principle a model said covers them


def calibrated_threshold(
    vectors: NDArray[np.float32], annotators: list[str], max_chance_match: float
) -> float:
    """The cosine that at most `max_chance_match` of the pairs of clauses of different people reach.

    Two clauses drawn at random from two people seldom mean the same; the few that do make the
    threshold stricter, not laxer.

    Args:
        vectors: unit rows [n, dim] of a sample of clauses, in canonical order; the first 3,000 are
            used.
        annotators: [n], who wrote each.
        max_chance_match: share of such pairs that may reach the threshold.
    """
    rows = np.ascontiguousarray(vectors[:CALIBRATION_ROWS])
    people = np.unique(np.asarray(annotators[:CALIBRATION_ROWS]), return_inverse=True)[1]
    cosines = products(rows, rows)
    others = cosines[np.triu(people[:, None] != people[None, :], k=1)]
    if len(others) == 0:
        return 1.0
    return round(float(np.quantile(others, 1 - max_chance_match)), 4)


def matches(embeddings: ray.data.Dataset, ballots: list[Ballot]) -> ray.data.Dataset:
    """One row per clause and principle that match, as a lazy dataset."""
    return embeddings.map_batches(
        matched, fn_args=(ballots,), batch_format="pyarrow", batch_size=4096
    )


def matched(rows: pa.Table, ballots: list[Ballot]) -> pa.Table:
    """Columns of `embeddings` in, columns of `matches` out."""
    kinds = rows["kind"].to_numpy(zero_copy_only=False)
    vectors = stacked(rows["vector"])
    found = [
        _matches_of(rows, np.flatnonzero(kinds == ballot.kind), vectors, ballot)
        for ballot in ballots
    ]
    return pa.concat_tables([arrow_schema(Match).empty_table(), *found])


def _matches_of(
    rows: pa.Table, chosen: NDArray[np.int64], vectors: NDArray[np.float32], ballot: Ballot
) -> pa.Table:
    cosines = products(vectors[chosen], ballot.vectors)
    # Rounded before it is compared: the last bits differ between machines.
    cosines = cosines.round(5)
    row, principle = np.nonzero(
        (cosines >= np.float32(ballot.threshold)) | _confirmed(rows, chosen, ballot)
    )
    copied = rows.select(COPIED).take(pa.array(chosen[row]))
    ids = pa.array(ballot.principle_ids, pa.string()).take(pa.array(principle))
    similarity = pa.array(cosines[row, principle].astype(np.float64).round(5))
    columns = {name: copied[name] for name in COPIED} | {
        "principle_id": ids,
        "similarity": similarity,
    }
    schema = arrow_schema(Match)
    return pa.Table.from_arrays(
        [columns[name].cast(schema.field(name).type) for name in schema.names], schema=schema
    )


def _confirmed(rows: pa.Table, chosen: NDArray[np.int64], ballot: Ballot) -> NDArray[np.bool_]:
    found = np.zeros((len(chosen), len(ballot.principle_ids)), dtype=bool)
    if ballot.confirmed:
        places = {key: place for place, key in enumerate(ballot.principle_ids)}
        for row, text in enumerate(rows["text"].take(pa.array(chosen)).to_pylist()):
            if text in ballot.confirmed:
                found[row, places[ballot.confirmed[text]]] = True
    return found
