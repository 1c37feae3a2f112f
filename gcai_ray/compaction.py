"""Many small parts of a table → few of a size that object stores and readers like.

Write tasks make a part a block, a few MB each. Before an artifact is committed, neighbours are
joined until each holds `AIM_BYTES`, so that a table of 100 million rows is hundreds of files and
not thousands. Rows keep their order. Knows no stage.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from gcai_ray.artifacts import ROW_GROUP_ROWS, Part, conform
from gcai_ray.schemas import TABLES, arrow_schema
from gcai_ray.storage import Storage

if TYPE_CHECKING:
    import pyarrow as pa

AIM_BYTES = 96 * 2**20  # parts end between this and twice as much; the last of a table is smaller
ON_DRIVER_BYTES = 8 * 2**20  # a task costs more than joining these


def groups(parts: Sequence[Part], aim: int = AIM_BYTES) -> list[list[Part]]:
    """Neighbours of one table, by name, that are to become one part; those that stay as they are
    are left out.
    """
    found: list[list[Part]] = []
    gathered: list[Part] = []
    for part in sorted(parts, key=lambda part: part.name):
        gathered.append(part)
        if sum(one.size_bytes for one in gathered) >= aim:
            found.append(gathered)
            gathered = []
    return [group for group in (*found, gathered) if len(group) > 1]


def join(storage: Storage, directory: tuple[str, ...], parts: Sequence[Part]) -> Part:
    """Write the rows of some parts of a table as one, under the name of the first with `-joined`;
    the parts themselves stay.

    At most one row group and the new part's bytes are in memory.
    """
    import pyarrow.parquet as pq

    table = parts[0].table or ""
    schema = arrow_schema(TABLES[table])
    buffer = io.BytesIO()
    with pq.ParquetWriter(buffer, schema, compression="zstd") as writer:
        for rows in _row_groups(storage, directory, parts):
            writer.write_table(rows, row_group_size=ROW_GROUP_ROWS)
    data = buffer.getvalue()
    name = parts[0].name.removesuffix(".parquet") + "-joined.parquet"
    storage.replace(data, *directory, name)
    return Part(
        table=table,
        name=name,
        num_rows=sum(part.num_rows for part in parts),
        size_bytes=len(data),
        sha256=hashlib.sha256(data).hexdigest(),
    )


def _row_groups(
    storage: Storage, directory: tuple[str, ...], parts: Sequence[Part]
) -> Iterator[pa.Table]:
    """The rows in whole row groups, only the last one smaller: readers find rows by it."""
    import pyarrow as pa

    waiting: list[pa.Table] = []
    for rows in _rows(storage, directory, parts):
        gathered = pa.concat_tables([*waiting, rows])
        whole = gathered.num_rows // ROW_GROUP_ROWS * ROW_GROUP_ROWS
        if whole:
            yield gathered.slice(0, whole)
        waiting = [gathered.slice(whole)]
    yield from waiting


def _rows(
    storage: Storage, directory: tuple[str, ...], parts: Sequence[Part]
) -> Iterator[pa.Table]:
    import pyarrow.parquet as pq

    for part in parts:
        where = storage.url(*directory, part.name)
        schema = arrow_schema(TABLES[part.table or ""])
        with storage.open(*directory, part.name) as file:
            parquet = pq.ParquetFile(file, pre_buffer=True)
            for number in range(parquet.num_row_groups):
                yield conform(parquet.read_row_group(number), schema, where)


def compact(
    storage: Storage, directory: tuple[str, ...], parts: Sequence[Part]
) -> list[tuple[list[Part], Part]]:
    """Join what is too small, on the cluster where it is much; says which parts each new one
    stands for.
    """
    wanted = [
        group
        for table in sorted({part.table for part in parts if part.table})
        for group in groups([part for part in parts if part.table == table])
    ]
    near = [group for group in wanted if _size(group) <= ON_DRIVER_BYTES]
    far = [group for group in wanted if _size(group) > ON_DRIVER_BYTES]
    return [
        *zip(far, _joined_by_tasks(storage, directory, far), strict=True),
        *((group, join(storage, directory, group)) for group in near),
    ]


def _size(parts: Sequence[Part]) -> int:
    return sum(part.size_bytes for part in parts)


def _joined_by_tasks(
    storage: Storage, directory: tuple[str, ...], wanted: Sequence[Sequence[Part]]
) -> list[Part]:
    import ray

    if not ray.is_initialized():
        return [join(storage, directory, group) for group in wanted]
    task = ray.remote(join).options(memory=4 * AIM_BYTES)
    return ray.get([task.remote(storage, directory, group) for group in wanted])
