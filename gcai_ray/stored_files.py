"""A place below a root → the files that stand there, with their sizes and times; on S3 also the
uploads that were begun and never completed. Knows nothing of artifacts.

Links are told, never followed.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from gcai_ray import object_store
from gcai_ray.storage import Storage, explaining

AT_ONCE = 16  # requests; half of what the filesystem keeps connections for


@dataclass(frozen=True)
class StoredFile:
    """A file below a root, a link that stands there, or an upload that is still open.

    `names`: its path below the root, part by part. `modified`: seconds since 1970 by the clock of
    where it stands; of an upload, when its last piece came. `upload_id`: of an open upload.
    """

    names: tuple[str, ...]
    size_bytes: int
    modified: float
    upload_id: str = ""
    is_link: bool = False


def stored_files(storage: Storage, *names: str) -> list[StoredFile]:
    """Every file at or below a place, sorted by path; empty when nothing stands there.

    Raises:
        StorageError: the place cannot be listed.
    """
    with explaining(f"cannot list {storage.url(*names)}", storage.root):
        found = _local(storage, names) if storage.is_local else _remote(storage, names)
        return sorted(found, key=lambda file: file.names)


def open_uploads(storage: Storage, *names: str) -> list[StoredFile]:
    """The uploads below a place that were begun and neither completed nor aborted; none where
    there is no S3. Only keys that begin with the place and a slash: a neighbour is never listed.

    Raises:
        StorageError: the bucket does not let them be listed.
    """
    if not object_store.is_s3(storage.root):
        return []
    bucket, _, prefix = (storage.path(*names) + "/").partition("/")
    root = len(storage.path()) - len(bucket)  # of a root without a prefix: 0
    with (
        explaining(f"cannot list open uploads below {storage.url(*names)}", storage.root),
        ThreadPoolExecutor(AT_ONCE) as pool,
    ):
        uploads = list(_uploads(storage.filesystem, bucket, prefix))
        sent = pool.map(lambda upload: _sent(storage.filesystem, bucket, upload), uploads)
        found = [
            StoredFile(tuple(upload["Key"][root:].split("/")), size, last, upload["UploadId"])
            for upload, (size, last) in zip(uploads, sent, strict=True)
        ]
    return sorted(found, key=lambda file: (file.names, file.upload_id))


def remove_all(storage: Storage, files: Iterable[StoredFile]) -> list[StoredFile]:
    """Remove several; says which were there still. See `remove`."""
    files = list(files)
    with ThreadPoolExecutor(AT_ONCE) as pool:
        gone = pool.map(lambda file: remove(storage, file), files)
        return [file for file, was_there in zip(files, gone, strict=True) if was_there]


def remove(storage: Storage, file: StoredFile) -> bool:
    """Delete a file, or abort an open upload; says whether it was there still. A link, and what is
    reached through one, stays.

    Raises:
        StorageError: it cannot be deleted.
    """
    if file.is_link or is_linked(storage, file.names):
        return False
    path = storage.path(*file.names)
    try:
        with explaining(f"cannot remove {storage.url(*file.names)}", storage.root, missing=True):
            if file.upload_id:
                return _aborted(storage.filesystem, path, file.upload_id)
            storage.filesystem.rm_file(path)
    except FileNotFoundError:
        return False
    return True


def is_linked(storage: Storage, names: tuple[str, ...]) -> bool:
    """Whether a link stands on the way from the root to a place, or is the place."""
    ways = (names[: depth + 1] for depth in range(len(names)))
    return storage.is_local and any(os.path.islink(storage.path(*way)) for way in ways)


def _local(storage: Storage, names: tuple[str, ...]) -> Iterator[StoredFile]:
    if is_linked(storage, names):
        yield StoredFile(names, 0, time.time(), is_link=True)
        return
    try:
        if os.path.isdir(storage.path(*names)):
            for name in os.listdir(storage.path(*names)):
                yield from _local(storage, (*names, name))
            return
        status = os.lstat(storage.path(*names))
    except (FileNotFoundError, NotADirectoryError):  # not there, or removed since it was listed
        return
    yield StoredFile(names, status.st_size, status.st_mtime)


def _remote(storage: Storage, names: tuple[str, ...]) -> Iterator[StoredFile]:
    skip = len(storage.path()) + 1
    for path, info in storage.filesystem.find(storage.path(*names), detail=True).items():
        place = tuple(path[skip:].split("/"))
        yield StoredFile(place, int(info.get("size") or 0), _modified(info))


def _modified(info: dict[str, Any]) -> float:
    """Where a store tells no time, a file counts as just written: it is never taken for old."""
    told = info.get("LastModified", info.get("mtime"))
    return told.timestamp() if isinstance(told, datetime) else float(told or time.time())


def _uploads(filesystem: Any, bucket: str, prefix: str) -> Iterator[dict[str, Any]]:
    """Not s3fs's own listing: it takes the whole bucket, and its first 1,000 only."""
    marker: dict[str, str] = {}
    while True:
        page = filesystem.call_s3("list_multipart_uploads", Bucket=bucket, Prefix=prefix, **marker)
        yield from (up for up in page.get("Uploads", []) if up["Key"].startswith(prefix))
        if not page.get("IsTruncated"):
            return
        marker = {
            "KeyMarker": page["NextKeyMarker"],
            "UploadIdMarker": page.get("NextUploadIdMarker", ""),
        }


def _sent(filesystem: Any, bucket: str, upload: dict[str, Any]) -> tuple[int, float]:
    """Bytes of an upload that are stored already, and when its last piece came."""
    size, last, marker = 0, upload["Initiated"], 0
    asked = {"Bucket": bucket, "Key": upload["Key"], "UploadId": upload["UploadId"]}
    while True:
        try:
            page = filesystem.call_s3("list_parts", **asked, PartNumberMarker=marker)
        except FileNotFoundError:  # completed or aborted since it was listed
            return size, time.time()
        pieces = page.get("Parts", [])
        size += sum(piece["Size"] for piece in pieces)
        last = max([last, *(piece["LastModified"] for piece in pieces)])
        if not page.get("IsTruncated"):
            return size, last.timestamp()
        marker = page["NextPartNumberMarker"]


def _aborted(filesystem: Any, path: str, upload_id: str) -> bool:
    bucket, _, key = path.partition("/")
    filesystem.call_s3("abort_multipart_upload", Bucket=bucket, Key=key, UploadId=upload_id)
    return True
