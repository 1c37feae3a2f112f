"""A `Version` → a folder on this node with exactly the files it was registered with. Knows no index
and no engine.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import time

from filelock import FileLock, Timeout

from gcai_ray.errors import ArtifactError, StorageError
from gcai_ray.registry.entries import FileFacts, Version
from gcai_ray.registry.pieces import pieces
from gcai_ray.storage import Storage, explaining

TIMEOUT_S = 300.0


def fetch(version: Version, into_root: str, timeout_s: float = TIMEOUT_S) -> str:
    """The folder with a version's files below `into_root`, a folder of this machine.

    Its name is a hash of what the files hold, so versions with the same weights share it. A local
    adapter is copied too: what happens to its folder later does not get in. One process of a node
    fetches, the others wait. A copy from before is looked through again, at about 1 GB/s, and is
    fetched anew where it is not whole.

    Raises:
        ArtifactError: a file is missing, or not the one that was registered.
        StorageError: a place cannot be read or written, or `timeout_s` was not enough.
    """
    deadline = time.monotonic() + timeout_s
    target = os.path.join(into_root, version.digest)
    with explaining(f"cannot keep {version.adapter} in {into_root}", into_root):
        os.makedirs(into_root, mode=0o700, exist_ok=True)
        try:
            with FileLock(f"{target}.lock", timeout=timeout_s):
                if not _is_whole(version, target):
                    _fetch(version, target, deadline)
        except Timeout as error:
            raise StorageError(
                f"{target}: another process has been fetching {version.adapter} for "
                f"{timeout_s:g} s; see whether its store answers, and ask again"
            ) from error
    return target


def _is_whole(version: Version, folder: str) -> bool:
    if not os.path.isdir(folder) or set(os.listdir(folder)) != set(version.files):
        return False
    return all(_is(os.path.join(folder, name), facts) for name, facts in version.files.items())


def _is(path: str, facts: FileFacts) -> bool:
    if os.path.getsize(path) != facts.size_bytes:
        return False
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest() == facts.sha256


def _fetch(version: Version, target: str, deadline: float) -> None:
    """Into a folder beside it first: what stands under its own name is always whole."""
    beside, aside = f"{target}.part", f"{target}.damaged"
    for left in (beside, aside):  # of a process that was killed
        shutil.rmtree(left, ignore_errors=True)
    os.makedirs(beside)
    try:
        for name, facts in version.files.items():
            _take(Storage(version.adapter), name, facts, os.path.join(beside, name), deadline)
        if os.path.exists(target):
            os.rename(target, aside)  # an engine may have it open
        os.rename(beside, target)
    finally:
        for left in (beside, aside):
            shutil.rmtree(left, ignore_errors=True)


def _take(storage: Storage, name: str, facts: FileFacts, path: str, deadline: float) -> None:
    """Copy a file of which never more bytes are taken than were registered."""
    where, digest, size_bytes = storage.url(name), hashlib.sha256(), 0
    try:
        with open(path, "xb") as file:
            for piece in pieces(storage, name):
                size_bytes += len(piece)
                if size_bytes > facts.size_bytes:
                    break
                digest.update(piece)
                file.write(piece)
                _refuse_late(where, deadline)
    except FileNotFoundError as error:
        raise ArtifactError(
            f"{where}: missing; it was registered with {facts.size_bytes:,} bytes; put it back, or "
            "make another version live"
        ) from error
    if size_bytes != facts.size_bytes:
        more = "more than " if size_bytes > facts.size_bytes else ""
        seen = f"{more}{min(size_bytes, facts.size_bytes):,} bytes"
        raise _other(where, seen, f"{facts.size_bytes:,}")
    if digest.hexdigest() != facts.sha256:
        raise _other(where, f"SHA-256 {digest.hexdigest()}", facts.sha256)


def _refuse_late(where: str, deadline: float) -> None:
    if time.monotonic() > deadline:
        raise StorageError(f"{where}: its store is too slow, it did not come in time; ask again")


def _other(where: str, seen: str, wanted: str) -> ArtifactError:
    return ArtifactError(
        f"{where}: {seen}, but it was registered with {wanted}: it was changed or cut short since; "
        "put the file back, or make another version live"
    )
