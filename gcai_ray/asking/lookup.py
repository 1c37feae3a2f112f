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
REQUEST_COLUMNS = ["id", "source_id", "prompt", "part"]
REPLY_COLUMNS = ["request_id", "text", "parsed", "finish_reason", "error"]


@dataclass(frozen=True)
class Lookup:
    """Replies to the questions about some source rows: sorted by source id, prompt, part."""

    source_ids: NDArray[np.bytes_]
    rows: pa.Table  # prompt, part, text, parsed, finish_reason, error
    slice: tuple[int, int] = (0, 1)  # which of how many slices of all source ids it holds

    def covers(self, source_id: str) -> bool:
        """Whether replies to questions about this row would be here, not in another slice."""
        return _slice_of(source_id, self.slice[1]) == self.slice[0]

    def of(self, source_id: str, prompt: str | None = None) -> list[dict[str, Any]]:
        """The replies to the questions about one row, in the order they were made; none when it
        was not asked about. `prompt`: only to questions worded by it.
        """
        key = source_id.encode()
        low = np.searchsorted(self.source_ids, key, side="left")
        high = np.searchsorted(self.source_ids, key, side="right")
        found = self.rows.slice(low, high - low).to_pylist()
        return [row for row in found if prompt in (None, row["prompt"])]


def lookups(writer: ArtifactWriter) -> Iterator[Lookup]:
    """Lookups that together hold every request of an attempt, each for about a million at most."""
    total = writer.num_rows("requests")
    num_slices = 1 + total // ROWS_PER_SLICE
    for number in range(num_slices):
        requests = pa.concat_tables(_requests(writer, number, num_slices))
        yield _joined(requests, writer, (number, num_slices))


def _requests(writer: ArtifactWriter, number: int, num_slices: int) -> Iterator[pa.Table]:
    for part in [p for p in writer.parts if p.table == "requests"]:
        names = (*writer.directory, part.name)
        rows = read_part(writer.storage, names, "requests", REQUEST_COLUMNS)
        if num_slices > 1:
            ids = rows["source_id"].to_pylist()
            own = [_slice_of(key, num_slices) == number for key in ids]
            rows = rows.filter(pa.array(own, pa.bool_()))
        yield rows


def _slice_of(source_id: str, num_slices: int) -> int:
    return int(source_id[:8], 16) % num_slices


def _joined(requests: pa.Table, writer: ArtifactWriter, place_of: tuple[int, int]) -> Lookup:
    ids = requests["id"].combine_chunks()
    found = [part.select(REPLY_COLUMNS) for part in writer.tables("replies")]
    replies = pa.concat_tables([p.filter(pc.is_in(p["request_id"], ids)) for p in found])
    place = pc.index_in(ids, replies["request_id"].combine_chunks())
    taken = replies.select(REPLY_COLUMNS[1:]).take(place)
    for name in ("part", "prompt", "source_id"):
        taken = taken.append_column(name, requests[name])
    order = [(name, "ascending") for name in ("source_id", "prompt", "part")]
    rows = taken.filter(place.is_valid()).sort_by(order)
    ids_of = np.asarray(rows["source_id"].to_pylist(), dtype="S32")
    return Lookup(ids_of, rows.drop_columns(["source_id"]), place_of)
