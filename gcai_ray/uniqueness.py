"""Parts of a table whose `id` is a content hash → the same parts without repeats. Scales by id: no
row is ever shuffled.

Only ids and positions are read to find repeats, one slice of the ids at a time; then only the parts
that hold a repeat are written again. Of equal rows the first stays (source, file, row). A row whose
`source_id` the same person already used for other content is rejected; several people may judge the
pair of one id.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from gcai_ray.artifact_writer import ArtifactWriter, write_part
from gcai_ray.artifacts import Part, read_part
from gcai_ray.sampling import draw
from gcai_ray.schemas import Reject, arrow_schema
from gcai_ray.table_sink import Counter

POSITION = ["source", "source_file", "source_row"]
ROWS_PER_SLICE = 5_000_000  # about 600 MB of ids and positions at a time


@dataclass(frozen=True)
class Repeats:
    """Row numbers to drop, per part name: repeats of a row, and rows that reuse an id for other
    content.
    """

    duplicates: dict[str, list[int]]
    conflicts: dict[str, list[int]]


def drop_repeats(writer: ArtifactWriter, table: str, count: Counter | None = None) -> None:
    """Make the ids of a written table unique, before its artifact is committed.

    Counts the repeats in the writer; conflicting rows move to `rejects`. `count` is what the table
    was written with: what it counted in dropped rows is taken back.
    """
    repeats = find_repeats(writer, table)
    writer.counts[f"num_duplicate_{table}"] = sum(len(rows) for rows in repeats.duplicates.values())
    for part in [p for p in writer.parts if p.table == table]:
        duplicates = repeats.duplicates.get(part.name, [])
        conflicts = repeats.conflicts.get(part.name, [])
        if duplicates or conflicts:
            writer.parts.remove(part)
            writer.parts.extend(_rewritten(writer, part, duplicates, conflicts, count))


def keep_drawn(
    writer: ArtifactWriter, table: str, num: int | None, seed: int, count: Counter | None = None
) -> None:
    """Make the ids of a written table unique and keep at most `num` of its rows, drawn by id and
    seed: nearly the same ones when rows are added. All ids are held at once, 100 MB a million.
    """
    parts = sorted((p for p in writer.parts if p.table == table), key=lambda p: p.name)
    claims = _claims(writer, table, parts, 0, 1)
    same = claims.sort_by([(name, "ascending") for name in ("id", *POSITION)])
    repeats = _follows(same, ["id"])
    dropped: dict[str, list[int]] = {}
    _note(dropped, parts, same, repeats)
    writer.counts[f"num_duplicate_{table}"] = int(repeats.sum())
    if num is not None:
        single = same.filter(pa.array(~repeats))
        lots = [draw(f"{table} {key}", seed) for key in single["id"].to_pylist()]
        is_left_out = np.ones(single.num_rows, dtype=bool)
        is_left_out[np.argsort(np.array(lots), kind="stable")[:num]] = False
        _note(dropped, parts, single, is_left_out)
        writer.counts[f"num_{table}_not_drawn"] = int(is_left_out.sum())
    for part in [p for p in parts if p.name in dropped]:
        writer.parts.remove(part)
        writer.parts.extend(_rewritten(writer, part, dropped[part.name], [], count))


def find_repeats(writer: ArtifactWriter, table: str) -> Repeats:
    """Find the rows to drop, reading a slice of the ids at a time."""
    parts = sorted((p for p in writer.parts if p.table == table), key=lambda p: p.name)
    num_slices = 1 + sum(p.num_rows for p in parts) // ROWS_PER_SLICE
    duplicates: dict[str, list[int]] = {}
    conflicts: dict[str, list[int]] = {}
    for number in range(num_slices):
        claims = _claims(writer, table, parts, number, num_slices)
        same = claims.sort_by([(name, "ascending") for name in ("id", *POSITION)])
        _note(duplicates, parts, same, _follows(same, ["id"]))
    dropped = {name: set(rows) for name, rows in duplicates.items()}
    for number in range(num_slices):
        claims = _source_claims(writer, table, parts, number, num_slices, dropped)
        order = ["source", "source_id", "person", "source_file", "source_row"]
        same = claims.sort_by([(name, "ascending") for name in order])
        _note(conflicts, parts, same, _follows(same, ["source", "source_id", "person"]))
    return Repeats(duplicates, conflicts)


def _claims(
    writer: ArtifactWriter, table: str, parts: list[Part], number: int, num_slices: int
) -> pa.Table:
    found = []
    for index, part in enumerate(parts):
        rows = read_part(writer.storage, (*writer.directory, part.name), table, ["id", *POSITION])
        rows = _placed(rows, index)
        if num_slices > 1:
            heads = np.array([int(value[:8], 16) for value in rows["id"].to_pylist()])
            rows = rows.filter(pa.array(heads % num_slices == number))
        found.append(rows)
    return pa.concat_tables(found)


def _source_claims(
    writer: ArtifactWriter,
    table: str,
    parts: list[Part],
    number: int,
    num_slices: int,
    dropped: dict[str, set[int]],
) -> pa.Table:
    import pandas as pd

    columns = ["source_id", "annotator_id", "annotator_known", *POSITION]
    found = []
    for index, part in enumerate(parts):
        rows = _placed(
            read_part(writer.storage, (*writer.directory, part.name), table, columns), index
        )
        person = pc.if_else(rows["annotator_known"], rows["annotator_id"], "")
        rows = rows.append_column("person", person).drop_columns(
            ["annotator_id", "annotator_known"]
        )
        keep = rows["source_id"].is_valid().to_numpy()
        keep[list(dropped.get(part.name, ()))] = False
        rows = rows.filter(pa.array(keep))
        if num_slices > 1:
            hashes = pd.util.hash_array(rows["source_id"].to_numpy(zero_copy_only=False))
            rows = rows.filter(pa.array(hashes % num_slices == number))
        found.append(rows)
    return pa.concat_tables(found)


def _placed(rows: pa.Table, part_index: int) -> pa.Table:
    rows = rows.append_column("part", pa.array(np.full(rows.num_rows, part_index, dtype=np.int32)))
    return rows.append_column("row", pa.array(np.arange(rows.num_rows, dtype=np.int64)))


def _follows(rows: pa.Table, names: list[str]) -> np.ndarray:
    """Which rows of a sorted table equal the row before them in these columns."""
    same = np.ones(max(rows.num_rows - 1, 0), dtype=bool)
    for name in names:
        column = rows[name].combine_chunks()
        same &= pc.equal(column[1:], column[:-1]).to_numpy(zero_copy_only=False)
    return np.concatenate([[False], same])[: rows.num_rows]


def _note(into: dict[str, list[int]], parts: list[Part], rows: pa.Table, mask: np.ndarray) -> None:
    chosen = rows.select(["part", "row"]).filter(pa.array(mask))
    for part, row in zip(chosen["part"].to_pylist(), chosen["row"].to_pylist(), strict=True):
        into.setdefault(parts[part].name, []).append(row)


def _rewritten(
    writer: ArtifactWriter,
    part: Part,
    duplicates: list[int],
    conflicts: list[int],
    count: Counter | None,
) -> list[Part]:
    table = str(part.table)
    rows = read_part(writer.storage, (*writer.directory, part.name), table)
    keep = np.ones(rows.num_rows, dtype=bool)
    keep[duplicates + conflicts] = False
    for name, number in (count(rows.filter(pa.array(~keep))) if count else {}).items():
        writer.counts[name] -= number
    stem = part.name.removesuffix(".parquet")
    new = [
        write_part(
            writer.storage,
            writer.directory,
            table,
            f"{stem}-unique.parquet",
            rows.filter(pa.array(keep)),
        )
    ]
    if conflicts:
        refused = rows.take(pa.array(sorted(conflicts)))
        rejects = pa.Table.from_pylist(
            [_conflict(row) for row in refused.to_pylist()], schema=arrow_schema(Reject)
        )
        new.append(
            write_part(
                writer.storage,
                writer.directory,
                "rejects",
                f"rejects-{stem}-unique.parquet",
                rejects,
            )
        )
    return new


def _conflict(row: dict[str, object]) -> dict[str, object]:
    place = {name: row[name] for name in POSITION}
    reason = "this id was used before by a row with other content; give each row an id of its own"
    return {"stage": "ingest", **place, "field": "id", "value": row["source_id"], "reason": reason}
