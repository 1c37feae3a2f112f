"""Chunks of bytes → one new file, local or `s3://`; nothing that stands there is ever replaced."""

from __future__ import annotations

import os
import tempfile
import uuid
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import IO

from gcai_ray.errors import GcaiError, StorageError
from gcai_ray.storage import Storage, explained

FOLDER = "export"
CHUNK_BYTES = 2**20


def place(run: str, out: str | None, name: str) -> tuple[Storage, str]:
    """The directory and the name of the file to write.

    Raises:
        StorageError: `out` is a directory.
    """
    if out is None:
        return Storage(Storage(run).url(FOLDER)), name
    folder, slash, base = out.rpartition("/")
    bare = not base or folder.endswith(":/")  # s3://bucket
    if bare or (Storage(out).is_local and os.path.isdir(Storage(out).path())):
        raise StorageError(f"--out {out}: is a directory; name a file in it, such as {name}")
    return Storage(folder or slash or "."), base


def write_new(target: Storage, name: str, chunks: Iterable[bytes]) -> None:
    """Write a file whole or not at all. A file with the same bytes may stand there already.

    Raises:
        StorageError: a file with other bytes stands there, or the place cannot be written to.
    """
    with _mended(target, name), _side_file(target, name) as path:
        with open(path, "wb") as side:
            side.writelines(chunks)
        if target.exists(name) or not _published(target, name, path):
            _check_same(target, name, path)


@contextmanager
def _mended(target: Storage, name: str) -> Iterator[None]:
    try:
        yield
    except GcaiError:
        raise
    except OSError as error:
        raise explained(error, f"cannot write {target.url(name)}") from error


@contextmanager
def _side_file(target: Storage, name: str) -> Iterator[str]:
    """A path for the unfinished file: beside a local one, so that it can be linked, else in the
    temporary directory.
    """
    if not target.is_local:
        with tempfile.TemporaryDirectory(prefix="gcai-export-") as folder:
            yield os.path.join(folder, "file")
        return
    os.makedirs(target.path(), exist_ok=True)
    path = target.path(f".{name}.{uuid.uuid4().hex}")
    try:
        yield path
    finally:
        if os.path.exists(path):
            os.unlink(path)


def _published(target: Storage, name: str, path: str) -> bool:
    if not target.is_local:
        target.filesystem.put_file(path, target.path(name))
        return True
    try:
        os.link(path, target.path(name))
    except FileExistsError:
        return False
    return True


def _check_same(target: Storage, name: str, path: str) -> None:
    with target.filesystem.open(target.path(name), "rb") as old, open(path, "rb") as new:
        if not _same(old, new):
            raise StorageError(
                f"{target.url(name)}: stands there already with other content; give another file "
                "with --out, or move it away"
            )


def _same(first: IO[bytes], second: IO[bytes]) -> bool:
    while True:
        one, other = first.read(CHUNK_BYTES), second.read(CHUNK_BYTES)
        if one != other:
            return False
        if not one:
            return True
