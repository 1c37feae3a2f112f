"""Paths of a source → files that exist, opened and fingerprinted. Knows no format.

`sample:NAME` is a file that ships with the package; a path may be a glob; anything fsspec knows
may be read (`s3://…`).
"""

from __future__ import annotations

import gzip
import hashlib
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.resources import files as package_files
from typing import IO, Any, cast

from gcai_ray.errors import InputError, StorageError
from gcai_ray.storage import explaining, open_filesystem

SAMPLE = "sample:"
CHUNK_BYTES = 8 * 2**20


def matching_files(path: str, source: str) -> list[str]:
    """The files a configured path stands for, sorted.

    Raises:
        InputError: none exists, or one is empty.
    """
    with explaining(f"source '{source}': cannot look for {path}", path):
        return _matching(path, source)


def _matching(path: str, source: str) -> list[str]:
    filesystem, place = open_place(path)
    found = [place] if filesystem.exists(place) else []
    if not found and any(c in place for c in "*?["):
        found = sorted(filesystem.glob(place))
    if not found:
        near = _neighbours(filesystem, place)
        raise InputError(f"source '{source}': no file at {path} (looked at {place}){near}")
    for file in found:
        if filesystem.isdir(file):
            hint = f"name a file or a pattern such as {file}/*.csv"
            raise InputError(f"source '{source}': {file} is a directory; {hint}")
        if filesystem.size(file) == 0:
            raise InputError(f"source '{source}': {file} is empty")
    return [cast("str", filesystem.unstrip_protocol(f)) if "://" in path else f for f in found]


@contextmanager
def open_binary(path: str) -> Iterator[IO[bytes]]:
    """Open a file for reading bytes; `.gz` is read through gzip.

    Raises:
        InputError: the file cannot be opened, or turns out to be damaged while it is read.
    """
    filesystem, place = open_place(path)
    compression = "gzip" if place.endswith(".gz") else None
    with _readable(path), filesystem.open(place, "rb", compression=compression) as file:
        yield cast("IO[bytes]", file)


def content_hash(path: str) -> str:
    """SHA-256 of a file's bytes: what a fingerprint knows of an input, wherever the file lies.

    Raises:
        InputError: the file cannot be read.
    """
    filesystem, place = open_place(path)
    digest = hashlib.sha256()
    with _readable(path), filesystem.open(place, "rb") as file:
        while chunk := file.read(CHUNK_BYTES):
            digest.update(chunk)
    return digest.hexdigest()


@contextmanager
def _readable(path: str) -> Iterator[None]:
    """What cannot be read is a fault of the input."""
    try:
        with explaining(f"{path}: cannot be read", path), _gzip_told(path):
            yield
    except StorageError as error:
        raise InputError(str(error)) from error


@contextmanager
def _gzip_told(path: str) -> Iterator[None]:
    try:
        yield
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise InputError(f"{path}: not gzip, or cut off: {error}") from error


def base_name(path: str) -> str:
    """The name a row remembers its file by: no directories, so a moved corpus reads the same."""
    return path.rsplit("/", 1)[-1]


def open_place(path: str) -> tuple[Any, str]:
    """The filesystem of a configured path, and the path as that wants it."""
    if path.startswith(SAMPLE):
        path = str(package_files("gcai_ray").joinpath("sample", path.removeprefix(SAMPLE)))
    return open_filesystem(path)


def _neighbours(filesystem: Any, place: str) -> str:
    import difflib

    folder, _, name = place.rpartition("/")
    if not filesystem.exists(folder):
        return f": the folder {folder} does not exist either"
    names = [base_name(p) for p in filesystem.ls(folder, detail=False)]
    near = difflib.get_close_matches(name, names, n=1)
    return f": did you mean {near[0]}?" if near else ""
