"""Rows and rejects of one batch → one table whose `reject` column tells them apart.

The sink (`table_sink`) parts them again when they are written. Knows no stage.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pyarrow as pa

from gcai_ray.schemas import Reject, Row, arrow_schema

VALUE_CHARS = 300


def marked(
    model: type[Row], rows: Sequence[dict[str, Any]], rejects: Sequence[dict[str, Any]]
) -> pa.Table:
    """Rows of a type, and rejects (dicts of `schemas.Reject`), as one table; its schema is the same
    whether there are rejects or not, so that batches can be joined.
    """
    schema = arrow_schema(model)
    reject = pa.field("reject", pa.struct([f.with_nullable(True) for f in arrow_schema(Reject)]))
    loose = pa.schema([field.with_nullable(True) for field in schema] + [reject])
    table = pa.Table.from_pylist(list(rows), schema=schema)
    table = table.append_column(reject, pa.nulls(len(rows), reject.type))
    empty = [pa.nulls(len(rejects), field.type) for field in schema]
    refused = pa.Table.from_arrays([*empty, pa.array(rejects, reject.type)], schema=loose)
    return pa.concat_tables([table.cast(loose), refused])


def reject_of(
    stage: str, row: dict[str, Any], field: str, value: str, reason: str
) -> dict[str, Any]:
    """A reject about a row of `preferences` or `statements`, its value shortened."""
    place = {name: row[name] for name in ("source", "source_file", "source_row")}
    shown = value if len(value) <= VALUE_CHARS else f"{value[:VALUE_CHARS]}…"
    return {"stage": stage, **place, "field": field, "value": shown, "reason": reason}
