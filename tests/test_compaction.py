"""Small parts become few: no row is lost, none changes its place."""

from __future__ import annotations

from pathlib import Path

import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gcai_ray.artifact_writer import ArtifactWriter
from gcai_ray.artifacts import ROW_GROUP_ROWS, Artifact, Part, check_artifact
from gcai_ray.compaction import AIM_BYTES, groups
from gcai_ray.schemas import Reject
from gcai_ray.storage import Storage

MB = 2**20


def reject(number: int) -> Reject:
    place = {"stage": "ingest", "source": "s", "source_file": "f.csv", "source_row": number}
    return Reject(**place, field="reason", value=f"value {number}", reason="is empty")


def committed(root: Path, sizes: list[int]) -> Artifact:
    """An artifact whose rejects were written as parts of so many rows, numbered throughout."""
    writer, start = ArtifactWriter(Storage(str(root)), ("ingest", "f" * 32)), 0
    for size in sizes:
        writer.write_rows("rejects", [reject(number) for number in range(start, start + size)])
        start += size
    writer.write_document("note.json", b"{}")
    return writer.commit(inputs={}, config={}, seconds=1.0)


@pytest.mark.parametrize("sizes", [[3, 1, 2], [700, 700, 700], [0, 1024, 0, 1, 2048], [5000], [0]])
def test_rows_keep_their_order_and_groups_their_size(tmp_path: Path, sizes: list[int]) -> None:
    artifact = committed(tmp_path, sizes)
    rows = artifact.read("rejects")["source_row"].to_pylist()
    assert rows == list(range(sum(sizes)))
    assert check_artifact(artifact) == []
    [part] = [part for part in artifact.manifest.parts if part.table]
    assert part.num_rows == sum(sizes)
    file = pq.ParquetFile(Path(artifact.url, part.name))
    groups_ = [file.metadata.row_group(i).num_rows for i in range(file.num_row_groups)]
    assert all(size == ROW_GROUP_ROWS for size in groups_[:-1])
    names = {path.name for path in Path(artifact.url).iterdir()}
    assert names == {part.name, "note.json", "manifest.json"}  # the small ones are gone


@pytest.mark.ray
def test_joined_parts_are_read_whole_by_tasks(ray_address: str, tmp_path: Path) -> None:
    artifact = committed(tmp_path, [700, 1500, 3])
    rows = artifact.dataset("rejects", ["source_row"]).take_all()
    assert sorted(row["source_row"] for row in rows) == list(range(2203))


def part(number: int, size_bytes: int, table: str | None = "votes") -> Part:
    name = f"votes-{number:05d}.parquet"
    return Part(table=table, name=name, num_rows=1, size_bytes=size_bytes, sha256="0" * 64)


@settings(max_examples=200)
@given(st.lists(st.integers(1, 3 * AIM_BYTES), max_size=60))
def test_no_part_is_lost_and_none_grows_too_large(sizes: list[int]) -> None:
    parts = [part(number, size) for number, size in enumerate(sizes)]
    found = groups(parts)
    taken = [one for group in found for one in group]
    assert len({one.name for one in taken}) == len(taken)
    alone = [one for one in parts if one not in taken]
    totals = [sum(one.size_bytes for one in group) for group in found]
    small = [size for size in (*totals, *(one.size_bytes for one in alone)) if size < AIM_BYTES]
    assert len(small) <= 1  # only the last
    assert all(sum(one.size_bytes for one in group[:-1]) < AIM_BYTES for group in found)


def test_ten_thousand_crumbs_become_parts_of_a_hundred_megabytes() -> None:
    found = groups([part(number, 5 * MB) for number in range(10_000)])
    sizes = [sum(one.size_bytes for one in group) for group in found]
    assert all(96 * MB <= size < 102 * MB for size in sizes[:-1])
    assert len(found) == 500
