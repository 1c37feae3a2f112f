"""One row of `rejects`, for tests of what is written and not of what it says."""

from __future__ import annotations

from gcai_ray.schemas import Reject

ROW = Reject(
    stage="ingest",
    source="s",
    source_file="f.csv",
    source_row=3,
    field="reason",
    value="x",
    reason="is empty",
)
