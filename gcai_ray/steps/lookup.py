"""Rows that several steps look up in finished artifacts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from gcai_ray.artifacts import Artifact
from gcai_ray.schemas import Kind, Split

if TYPE_CHECKING:
    import pyarrow as pa

    from gcai_ray.electorate import Electorate


Inputs = Mapping[str, Artifact]


def by_kind(table: pa.Table) -> Iterator[tuple[Kind, pa.Table]]:
    """The rows of each kind that has any."""
    import pyarrow.compute as pc

    for kind in Kind:
        rows = table.filter(pc.equal(table["kind"], str(kind)))
        if rows.num_rows:
            yield kind, rows


def electorate_of(
    ingested: Artifact, kind: Kind, split: Split | None, mode: str = "gcai"
) -> Electorate:
    """Everybody with a reason in one split, or in any (ties aside); or with a statement.

    In ICAI mode, which reads no reasons, everybody who chose.
    """
    from gcai_ray.electorate import electorate

    if kind is Kind.GENERAL:
        return electorate(ingested.tables("statements", ["id", "annotator_id", "groups"]))
    columns = ["id", "annotator_id", "groups", "split", "preferred", "reason"]
    parts = ingested.tables("preferences", columns)
    return electorate(part.filter(_spoke(part, split, mode)) for part in parts)


def _spoke(rows: pa.Table, split: Split | None, mode: str) -> pa.ChunkedArray:
    import pyarrow.compute as pc

    chosen = pc.not_equal(rows["preferred"], "tie")
    if mode == "gcai":
        chosen = pc.and_(rows["reason"].is_valid(), chosen)
    return chosen if split is None else pc.and_(chosen, pc.equal(rows["split"], str(split)))


def rows_by_id(
    artifact: Artifact, table: str, column: str, ids: set[str]
) -> dict[str, dict[str, Any]]:
    """Rows of a table whose column is one of a few ids."""
    import pyarrow as pa
    import pyarrow.compute as pc

    wanted = pa.array(sorted(ids), pa.string())
    parts = (part.filter(pc.is_in(part[column], wanted)) for part in artifact.tables(table))
    return {row[column]: row for part in parts for row in part.to_pylist()}
