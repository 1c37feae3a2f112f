"""The replies a root has ever received, by stage: parts that are only ever added.

`<root>/replies/<stage>/replies-<random>.parquet`, each written whole, none ever changed: a killed
job loses no reply that stands here, and another run with the same question finds its answer. Knows
no engine and no prompt.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from typing import TYPE_CHECKING

from gcai_ray.artifact_writer import write_part
from gcai_ray.artifacts import read_part
from gcai_ray.errors import ArtifactError
from gcai_ray.storage import Storage

if TYPE_CHECKING:
    import pyarrow as pa

STORE = "replies"


def store_replies(storage: Storage, stage: str, replies: pa.Table) -> None:
    """Add replies (columns of `replies`) to the store as one part."""
    if replies.num_rows:
        name = f"{STORE}-{uuid.uuid4().hex}.parquet"
        write_part(storage, (STORE, stage), STORE, name, replies)


def stored_parts(
    storage: Storage, stage: str, columns: list[str] | None = None
) -> Iterator[pa.Table]:
    """Everything the store holds for a stage, part by part, in the order of their names.

    Raises:
        ArtifactError: a part is damaged or was written under another schema.
    """
    for name in storage.names(STORE, stage):
        if name.endswith(".parquet"):
            yield _part(storage, (STORE, stage, name), columns)


def recorded(storage: Storage, stage: str) -> dict[str, tuple[int, bool]]:
    """The last attempt of every question the store knows, and whether it has a usable reply."""
    found: dict[str, tuple[int, bool]] = {}
    names = ["request_id", "attempt", "parsed"]
    for part in stored_parts(storage, stage, names):
        for key, attempt, parsed in zip(*(part[name].to_pylist() for name in names), strict=True):
            last, usable = found.get(key, (0, False))
            found[key] = (max(last, attempt), usable or parsed)
    return found


def _part(storage: Storage, names: tuple[str, ...], columns: list[str] | None) -> pa.Table:
    try:
        return read_part(storage, names, STORE, columns)
    except ArtifactError as error:
        raise ArtifactError(
            f"{storage.url(*names)}: a part of the reply store that cannot be read; remove this "
            "one file: only what it answered is asked again"
        ) from error
