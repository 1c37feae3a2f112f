"""Requests and the store → which questions are still to be asked, and how often each was.

Only ids and positions are held, never texts. Ids are large strings here: an Arrow array of plain
ones ends at 2 GiB, 67 million ids. Knows no engine.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from gcai_ray.artifact_writer import ArtifactWriter
from gcai_ray.artifacts import ROW_GROUP_ROWS, read_part
from gcai_ray.asking.store import stored_parts

ID = pa.large_string()
STATUS = pa.schema([("request_id", ID), ("attempt", pa.int64()), ("parsed", pa.bool_())])

IDS = pa.schema([("id", ID), ("num_prompt_tokens", pa.int64())])


@dataclass(frozen=True)
class Ledger:
    """The distinct questions of one stage in the order they were written.

    `questions`: columns id, place (of its first row, counted over all parts), tokens (of its
    prompt).
    """

    stage: str
    parts: tuple[tuple[str, int], ...]  # name and number of rows
    questions: pa.Table
    num_rows: int

    def todo(self, status: pa.Table, max_attempts: int) -> pa.Table:
        """Questions without a usable reply and with attempts left: id, place, the next attempt."""
        joined = self.questions.join(
            status, "id", "request_id", join_type="left outer", use_threads=False
        )
        tried = pc.fill_null(joined["attempt"], 0)
        is_open = pc.and_(
            pc.invert(pc.fill_null(joined["parsed"], False)), pc.less(tried, max_attempts)
        )
        table = pa.table(
            {"id": joined["id"], "place": joined["place"], "attempt": pc.add(tried, 1)}
        )
        return table.filter(is_open).sort_by("place")

    def pieces(self, todo: pa.Table) -> Iterator[dict[str, Any]]:
        """Where the questions to ask stand: row groups of parts, rows in them, attempts."""
        places, attempts = todo["place"].to_numpy(), todo["attempt"].to_numpy()
        start = 0
        for name, num_rows in self.parts:
            low, high = np.searchsorted(places, [start, start + num_rows])
            rows = places[low:high] - start
            for group in np.unique(rows // ROW_GROUP_ROWS):
                inside = rows // ROW_GROUP_ROWS == group
                yield {
                    "name": name,
                    "group": int(group),
                    "rows": (rows[inside] % ROW_GROUP_ROWS).tolist(),
                    "attempts": attempts[low:high][inside].tolist(),
                }
            start += num_rows


def open_ledger(writer: ArtifactWriter, stage: str) -> Ledger:
    """Read ids of the requests written so far by a stage."""
    parts = sorted((p for p in writer.parts if p.table == "requests"), key=lambda part: part.name)
    tables = [
        read_part(
            writer.storage, (*writer.directory, p.name), "requests", ["id", "num_prompt_tokens"]
        )
        for p in parts
    ]
    rows = pa.concat_tables([IDS.empty_table(), *(table.cast(IDS) for table in tables)])
    rows = rows.append_column("place", pa.array(np.arange(rows.num_rows, dtype=np.int64)))
    first = rows.group_by("id", use_threads=False).aggregate(
        [("place", "min"), ("num_prompt_tokens", "min")]
    )
    questions = pa.table(
        {"id": first["id"], "place": first["place_min"], "tokens": first["num_prompt_tokens_min"]}
    )
    return Ledger(stage, tuple((p.name, p.num_rows) for p in parts), questions, rows.num_rows)


def store_status(writer: ArtifactWriter, ledger: Ledger) -> pa.Table:
    """What the store knows of the ledger's questions: request_id, attempt (the last), parsed,
    attempts (how many replies there are).
    """
    ids = ledger.questions["id"].combine_chunks()
    found = [STATUS.empty_table()]
    for part in stored_parts(writer.storage, ledger.stage, STATUS.names):
        found.append(part.filter(pc.is_in(part["request_id"], ids)).cast(STATUS))
    grouped = pa.concat_tables(found).group_by("request_id", use_threads=False)
    totals = grouped.aggregate([("attempt", "max"), ("parsed", "max"), ([], "count_all")])
    columns = {
        "request_id": totals["request_id"],
        "attempt": totals["attempt_max"],
        "parsed": totals["parsed_max"],
        "attempts": totals["count_all"],
    }
    return pa.table(columns)
