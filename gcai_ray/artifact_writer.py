"""Rows and documents → the files of one artifact, then its manifest.

Every attempt writes files of its own names; only the manifest decides which of them exist.
"""

from __future__ import annotations

import hashlib
import io
import os
import platform
import tempfile
import uuid
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel

from gcai_ray import __version__
from gcai_ray.artifacts import (
    MANIFEST,
    ROW_GROUP_ROWS,
    Artifact,
    Manifest,
    Part,
    conform,
    open_artifact,
    read_part,
)
from gcai_ray.errors import ArtifactError, StorageError
from gcai_ray.progress import Board
from gcai_ray.schemas import SCHEMA_VERSION, TABLES, arrow_schema
from gcai_ray.storage import Storage

if TYPE_CHECKING:
    import pyarrow as pa
    import ray.data

    from gcai_ray.table_sink import Counter


@dataclass
class ArtifactWriter:
    """Collects the parts of one attempt at an artifact; `commit` makes it exist."""

    storage: Storage
    directory: tuple[str, ...]
    attempt: str = field(default_factory=lambda: uuid.uuid4().hex[:12])
    parts: list[Part] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=dict)
    documents: dict[str, bytes] = field(default_factory=dict)
    files: dict[str, str] = field(default_factory=dict)  # name → path on this machine
    _scratch: list[tempfile.TemporaryDirectory[str]] = field(default_factory=list)
    board: Board = field(default_factory=Board)  # what is noted for `gcai status`

    def write_dataset(
        self, table: str, dataset: ray.data.Dataset, count: Counter | None = None
    ) -> None:
        """Run a lazy dataset and write its rows as Parquet parts; rows with a `reject` go to the
        table `rejects`.

        `count` is asked of each part's rows; its numbers are added up in the manifest's `counts`.
        """
        from gcai_ray.table_sink import TableSink

        sink = TableSink(
            self.storage, self.directory, table, f"{self.attempt}-{len(self.parts):05d}", count
        )
        dataset.set_name(f"{self.directory[0]}.{table}")  # its name in Ray's dashboard
        with self.board.while_doing(table):
            dataset.write_datasink(sink)
        self.parts.extend(sink.parts)
        for name, number in sink.counts.items():
            self.counts[name] = self.counts.get(name, 0) + number

    def write_table(self, table: str, rows: pa.Table) -> None:
        """Write a table that is in memory as one part."""
        taken = sum(part.table == table for part in self.parts)
        name = f"{table}-{self.attempt}-m{taken:05d}.parquet"
        self.parts.append(write_part(self.storage, self.directory, table, name, rows))

    def write_rows(self, table: str, rows: Iterable[BaseModel]) -> None:
        """Write rows of the table's own type as one part."""
        import pyarrow as pa

        schema = arrow_schema(TABLES[table])
        self.write_table(
            table,
            pa.Table.from_pylist([row.model_dump(mode="python") for row in rows], schema=schema),
        )

    def drop(self, table: str) -> None:
        """Leave out what this attempt has written to a table so far, and remove its files."""
        for part in [part for part in self.parts if part.table == table]:
            self.parts.remove(part)
            self.storage.remove(*self.directory, part.name)

    def abandon(self) -> None:
        """Remove all that this attempt has written: it will not be committed."""
        for table in {part.table for part in self.parts if part.table}:
            self.drop(table)

    def write_document(self, name: str, data: bytes) -> None:
        """Keep one document for the commit. Its name is the same for all attempts: written any
        earlier, that of one which loses a race could come to stand under the winner's manifest.
        """
        self.documents[name] = data

    def scratch(self) -> str:
        """A new folder of this machine that stands as long as this writer."""
        self._scratch.append(tempfile.TemporaryDirectory())
        return self._scratch[-1].name

    def write_file(self, name: str, path: str) -> None:
        """The same with a file of this machine, such as weights; it must stay until the commit."""
        self.files[name] = path

    def tables(self, table: str) -> Iterator[pa.Table]:
        """What was written to a table so far, part by part."""
        for part in sorted((p for p in self.parts if p.table == table), key=lambda p: p.name):
            yield read_part(self.storage, (*self.directory, part.name), table)

    def num_rows(self, table: str) -> int:
        """Rows written to a table so far."""
        return sum(part.num_rows for part in self.parts if part.table == table)

    def _compact(self) -> None:
        """Join small parts; those they stand for are removed."""
        from gcai_ray.compaction import compact

        for group, joined in compact(self.storage, self.directory, self.parts):
            self.parts = [part for part in self.parts if part not in group] + [joined]
            for part in group:
                self.storage.remove(*self.directory, part.name)

    def commit(self, *, inputs: dict[str, str], config: dict[str, Any], seconds: float) -> Artifact:
        """Write the manifest, last.

        Raises:
            StorageError: another run has committed the same artifact meanwhile. Its result stands;
                what this attempt wrote is removed.
        """
        self._compact()
        if self.storage.exists(*self.directory, MANIFEST):
            raise self._lost()
        written = [self._document(name, data) for name, data in self.documents.items()]
        written += [self._file(name, path) for name, path in self.files.items()]
        tables = sorted({part.table for part in self.parts if part.table})
        manifest = Manifest(
            artifact=self.directory[0],
            schema_version=SCHEMA_VERSION,
            fingerprint=self.directory[-1],
            inputs=inputs,
            config=config,
            parts=sorted([*self.parts, *written], key=lambda part: part.name),
            num_rows={table: self.num_rows(table) for table in tables},
            num_rejects=self.num_rows("rejects"),
            counts=dict(sorted(self.counts.items())),
            seconds=round(seconds, 3),
            versions=versions(),
        )
        data = manifest.model_dump_json(indent=2).encode()
        if not self.storage.create(data, *self.directory, MANIFEST):
            raise self._lost()
        artifact = open_artifact(self.storage, self.directory)
        if artifact is None:
            raise ArtifactError(
                f"{self.storage.url(*self.directory)}: the manifest vanished right after it was "
                f"written"
            )
        return artifact

    def _document(self, name: str, data: bytes) -> Part:
        self.storage.replace(data, *self.directory, name)
        digest = hashlib.sha256(data).hexdigest()
        return Part(table=None, name=name, num_rows=0, size_bytes=len(data), sha256=digest)

    def _file(self, name: str, path: str) -> Part:
        self.storage.put(path, *self.directory, name)
        with open(path, "rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        size = os.path.getsize(path)
        return Part(table=None, name=name, num_rows=0, size_bytes=size, sha256=digest)

    def _lost(self) -> StorageError:
        """What to raise when another attempt was the first; all of this one is removed."""
        self.abandon()
        return StorageError(
            f"{self.storage.url(*self.directory)}: another run has committed this artifact "
            "while this one computed it; its result stands and this run stops. Let that run "
            "end, or run the same command again to go on from its result"
        )


def write_part(
    storage: Storage, directory: tuple[str, ...], table: str, name: str, rows: pa.Table
) -> Part:
    """Write one Parquet part, whole or not at all, checked against the table's schema; says what
    was written.
    """
    import pyarrow.parquet as pq

    buffer = io.BytesIO()
    pq.write_table(
        conform(rows, arrow_schema(TABLES[table]), name),
        buffer,
        row_group_size=ROW_GROUP_ROWS,
        compression="zstd",
    )
    data = buffer.getvalue()
    storage.replace(data, *directory, name)
    return Part(
        table=table,
        name=name,
        num_rows=rows.num_rows,
        size_bytes=len(data),
        sha256=hashlib.sha256(data).hexdigest(),
    )


def versions() -> dict[str, str]:
    """Versions of what decides the bytes of an artifact."""
    from importlib.metadata import PackageNotFoundError, version

    found = {"python": platform.python_version(), "gcai-ray": __version__}
    for name in ("ray", "pyarrow", "torch", "transformers", "spacy", "faiss-cpu"):
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = "not installed"
    return found
