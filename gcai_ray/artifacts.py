"""A stage's output ↔ a directory: Parquet tables and documents, then `manifest.json`, written last.

A directory without a manifest does not exist. Nothing finished is ever overwritten. Knows no stage:
what a table holds stands in `schemas`, when it is written in `pipeline`.
"""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ConfigDict, ValidationError

from gcai_ray import __version__
from gcai_ray.errors import ArtifactError, StorageError
from gcai_ray.schemas import SCHEMA_VERSION, TABLES, arrow_schema
from gcai_ray.storage import Storage

if TYPE_CHECKING:
    import pyarrow as pa
    import ray.data

MANIFEST = "manifest.json"
ROW_GROUP_ROWS = 1024
MAX_TASKS = 2000


class Part(BaseModel):
    """One file of an artifact."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    table: str | None  # None for a document such as constitution.json
    name: str
    num_rows: int
    size_bytes: int
    sha256: str


class Manifest(BaseModel):
    """What an artifact holds and what it was made from. No paths, no secrets, nothing about
    hardware but `versions`.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    artifact: str
    schema_version: int
    fingerprint: str
    inputs: dict[str, str]
    config: dict[str, Any]
    parts: list[Part]
    num_rows: dict[str, int]
    num_rejects: int
    counts: dict[str, int]
    seconds: float
    versions: dict[str, str]


@dataclass(frozen=True)
class Artifact:
    """A finished directory `<root>/<stage>/<fingerprint>` and its manifest."""

    storage: Storage
    directory: tuple[str, ...]
    manifest: Manifest

    @property
    def url(self) -> str:
        """Where it stands, as a person would type it."""
        return self.storage.url(*self.directory)

    def read(self, table: str, columns: list[str] | None = None) -> pa.Table:
        """A whole table in memory, for what is the size of a constitution. Parts in the order of
        their names.
        """
        import pyarrow as pa

        schema = arrow_schema(TABLES[table], columns)
        return pa.concat_tables([schema.empty_table(), *self.tables(table, columns)])

    def tables(self, table: str, columns: list[str] | None = None) -> Iterator[pa.Table]:
        """A table part by part."""
        for part in self._parts(table):
            yield read_part(self.storage, (*self.directory, part.name), table, columns)

    def dataset(
        self, table: str, columns: list[str] | None = None, *, for_actors: bool = False
    ) -> ray.data.Dataset:
        """A table as a lazy Ray dataset, read in tasks of about a thousand rows or more.

        `for_actors`: the rows go to actors, which hold their CPUs until the end; reading then asks
        for none, or on a machine where actors take every CPU it would wait for ever.

        Not `ray.data.read_parquet`: it looks into every file before it starts (seconds, even for a
        few rows), and takes the columns as they come instead of checking them.
        """
        import ray.data

        pieces = self._pieces(table)
        if not pieces:
            return ray.data.from_arrow(self.read(table, columns))
        units = ray.data.from_items(pieces, override_num_blocks=len(pieces))
        return units.map_batches(
            _read_pieces,  # pyright: ignore[reportArgumentType]  stubs forget fn_args
            fn_args=(self.storage, self.directory, table, columns),
            batch_size=1,
            batch_format="pyarrow",
            num_cpus=0 if for_actors else None,
            concurrency=min(4, len(pieces)) if for_actors else None,
        )

    def _pieces(self, table: str) -> list[dict[str, Any]]:
        """Runs of row groups, each the work of one task; about 2,000 tasks at most."""
        parts = [part for part in self._parts(table) if part.num_rows]
        total = sum(part.num_rows for part in parts)
        groups = max(1, -(-total // (MAX_TASKS * ROW_GROUP_ROWS)))
        step = groups * ROW_GROUP_ROWS
        return [
            {
                "name": part.name,
                "first": start // ROW_GROUP_ROWS,
                "num_groups": groups,
                "num_rows": min(step, part.num_rows - start),  # for `progress`
            }
            for part in parts
            for start in range(0, part.num_rows, step)
        ]

    def document(self, name: str) -> bytes:
        """The bytes of a document such as `constitution.json`."""
        return self.storage.read(*self.directory, name)

    def _parts(self, table: str) -> list[Part]:
        return sorted((p for p in self.manifest.parts if p.table == table), key=lambda p: p.name)


def read_part(
    storage: Storage, names: tuple[str, ...], table: str, columns: list[str] | None = None
) -> pa.Table:
    """Read one Parquet part and check its columns against the schema of the table.

    Raises:
        ArtifactError: the part is missing, damaged, or its columns are not those of the schema.
    """
    import pyarrow.parquet as pq

    where = storage.url(*names)
    with _readable(where):
        # One thread: a command that ends right after reading could abort in the pool's own exit.
        data = io.BytesIO(storage.read(*names))
        found = pq.read_table(data, columns=columns, use_threads=False, pre_buffer=False)
    return conform(found, arrow_schema(TABLES[table], columns), where)


def _read_pieces(
    pieces: pa.Table,
    storage: Storage,
    directory: tuple[str, ...],
    table: str,
    columns: list[str] | None,
) -> Iterator[pa.Table]:
    import pyarrow.parquet as pq

    schema = arrow_schema(TABLES[table], columns)
    for piece in pieces.to_pylist():
        where = storage.url(*directory, piece["name"])
        with _readable(where), storage.open(*directory, piece["name"]) as file:
            parquet = pq.ParquetFile(file, pre_buffer=True)
            last = min(piece["first"] + piece["num_groups"], parquet.num_row_groups)
            found = parquet.read_row_groups(range(piece["first"], last), columns=columns)
        yield conform(found, schema, where)


@contextmanager
def _readable(where: str) -> Iterator[None]:
    import pyarrow as pa

    hint = "remove its directory and run again"
    try:
        yield
    except FileNotFoundError as error:
        raise ArtifactError(f"{where}: named in the manifest but missing; {hint}") from error
    except StorageError:
        raise
    except (pa.ArrowInvalid, OSError) as error:
        raise ArtifactError(f"{where}: damaged part file ({error}); {hint}") from error


def conform(found: pa.Table, schema: pa.Schema, origin: str) -> pa.Table:
    """The table with exactly this schema. Types must be equal already: pyarrow's own cast turns
    numbers into text silently.

    Raises:
        ArtifactError: a column is missing, has another type, or holds nulls where none may be.
    """
    import pyarrow as pa

    for column in schema:
        position = found.schema.get_field_index(column.name)
        if position < 0:
            raise ArtifactError(
                f"{origin}: column '{column.name}' is missing; found "
                f"{', '.join(found.column_names)}"
            )
        if not _same_type(found.schema.field(position).type, column.type):
            raise ArtifactError(
                f"{origin}: column '{column.name}' is {found.schema.field(position).type}, "
                f"expected {column.type}; "
                "it was written by another version or program"
            )
        if not column.nullable and found.column(position).null_count:
            raise ArtifactError(f"{origin}: column '{column.name}' holds nulls")
    columns = [found.column(c.name).cast(c.type) for c in schema]
    return pa.Table.from_arrays(columns, schema=schema)


def _same_type(found: pa.DataType, wanted: pa.DataType) -> bool:
    import pyarrow as pa

    if pa.types.is_struct(wanted):
        return (
            pa.types.is_struct(found)
            and [f.name for f in found] == [f.name for f in wanted]
            and all(_same_type(f.type, w.type) for f, w in zip(found, wanted, strict=True))
        )
    if pa.types.is_list(wanted):
        return pa.types.is_list(found) and _same_type(found.value_type, wanted.value_type)
    if pa.types.is_fixed_size_list(wanted):
        same = pa.types.is_fixed_size_list(found) and found.list_size == wanted.list_size
        return same and found.value_type == wanted.value_type
    return found == wanted


def fingerprint(stage: str, config: dict[str, Any], inputs: dict[str, str]) -> str:
    """128-bit hash of all that decides a stage's result: its settings, its inputs, the schema and
    this version of the code.
    """
    facts = {
        "stage": stage,
        "config": config,
        "inputs": inputs,
        "schema": SCHEMA_VERSION,
        "version": __version__,
    }
    text = json.dumps(facts, sort_keys=True, ensure_ascii=False)
    return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()


def open_artifact(storage: Storage, directory: tuple[str, ...]) -> Artifact | None:
    """The finished artifact in a directory, or None when there is no manifest.

    Raises:
        ArtifactError: the manifest is damaged or was written under another schema version.
    """
    where = storage.url(*directory, MANIFEST)
    try:
        raw = json.loads(storage.read(*directory, MANIFEST))
    except FileNotFoundError:
        return None
    except ValueError as error:
        raise ArtifactError(
            f"{where}: damaged manifest ({error}); remove its directory and run again"
        ) from error
    version = raw.get("schema_version") if isinstance(raw, dict) else None
    if version != SCHEMA_VERSION:
        raise ArtifactError(
            f"{where}: written under schema version {version}, this is gcai-ray {__version__} "
            f"with schema version {SCHEMA_VERSION}; "
            "use the version that wrote it, or another `root`"
        )
    try:
        return Artifact(storage, directory, Manifest.model_validate(raw))
    except ValidationError as error:
        raise ArtifactError(
            f"{where}: not a manifest of gcai-ray ({error.error_count()} fields do not fit)"
        ) from error


def check_artifact(artifact: Artifact) -> list[str]:
    """What is wrong with a finished artifact: checksums, columns, counts of rows. Empty when all
    is well.
    """
    problems = []
    for part in artifact.manifest.parts:
        where = artifact.storage.url(*artifact.directory, part.name)
        try:
            data = artifact.storage.read(*artifact.directory, part.name)
        except FileNotFoundError:
            problems.append(f"{where}: missing")
            continue
        if hashlib.sha256(data).hexdigest() != part.sha256:
            problems.append(f"{where}: damaged, its checksum is not the manifest's")
        elif part.table:
            problems.extend(_check_table(artifact, part))
    return problems


def _check_table(artifact: Artifact, part: Part) -> list[str]:
    try:
        table = read_part(artifact.storage, (*artifact.directory, part.name), part.table or "")
    except ArtifactError as error:
        return [str(error)]
    if table.num_rows != part.num_rows:
        return [
            f"{artifact.storage.url(*artifact.directory, part.name)}: {table.num_rows} rows, the "
            f"manifest says {part.num_rows}"
        ]
    return []
