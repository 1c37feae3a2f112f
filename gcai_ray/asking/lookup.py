"""Requests and their final replies → the replies to the questions about one row, by its id.

A broadcast join in slices of source ids: nothing is shuffled. Knows no stage's rows.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from gcai_ray.artifact_writer import ArtifactWriter
from gcai_ray.artifacts import read_part

ROWS_PER_SLICE = 1_000_000
REQUEST_COLUMNS = ["id", "source_id", "part"]
REPLY_COLUMNS = ["request_id", "text", "parsed", "error"]


@dataclass(frozen=True)
class Lookup:
    """Replies to the questions about some source rows: sorted by source id, then part."""

    source_ids: NDArray[np.bytes_]
    rows: pa.Table  # part, text, parsed, error

    def of(self, source_id: str) -> list[dict[str, Any]]:
        """The replies to the questions about one row, in the order they were made; none when it
        was not asked about.
        """
        key = source_id.encode()
        low = np.searchsorted(self.source_ids, key, side="left")
        high = np.searchsorted(self.source_ids, key, side="right")
        return self.rows.slice(low, high - low).to_pylist()


def lookups(writer: ArtifactWriter) -> Iterator[Lookup]:
    """Lookups that together hold every request of an attempt, each for about a million at most."""
    total = writer.num_rows("requests")
    num_slices = 1 + total // ROWS_PER_SLICE
    for number in range(num_slices):
        requests = pa.concat_tables(_requests(writer, number, num_slices))
        yield _joined(requests, writer)


def _requests(writer: ArtifactWriter, number: int, num_slices: int) -> Iterator[pa.Table]:
    for part in [p for p in writer.parts if p.table == "requests"]:
        names = (*writer.directory, part.name)
        rows = read_part(writer.storage, names, "requests", REQUEST_COLUMNS)
        if num_slices > 1:
            heads = np.array([int(key[:8], 16) for key in rows["source_id"].to_pylist()])
            rows = rows.filter(pa.array(heads % num_slices == number))
        yield rows


def _joined(requests: pa.Table, writer: ArtifactWriter) -> Lookup:
    ids = requests["id"].combine_chunks()
    found = [part.select(REPLY_COLUMNS) for part in writer.tables("replies")]
    replies = pa.concat_tables([p.filter(pc.is_in(p["request_id"], ids)) for p in found])
    place = pc.index_in(ids, replies["request_id"].combine_chunks())
    taken = replies.select(REPLY_COLUMNS[1:]).take(place)
    rows = taken.append_column("part", requests["part"])
    rows = rows.append_column("source_id", requests["source_id"])
    rows = rows.filter(place.is_valid()).sort_by(
        [("source_id", "ascending"), ("part", "ascending")]
    )
    ids_of = np.asarray(rows["source_id"].to_pylist(), dtype="S32")
    return Lookup(ids_of, rows.drop_columns(["source_id"]))
