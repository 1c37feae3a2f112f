"""A root, local or `s3://` → files below it. The one filesystem layer; knows nothing of artifacts,
rows or Ray.

Everything written is new: nothing here overwrites but `replace`, and `create` lets exactly one of
several racing writers win.
"""

from __future__ import annotations

import errno
import os
import random
import shutil
import time
import uuid
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from typing import IO, Any

from gcai_ray import object_store
from gcai_ray.errors import GcaiError, StorageError

FIXES = {
    errno.EACCES: "check the permissions of the directory, or choose another `root`",
    errno.EPERM: "check the permissions of the directory, or choose another `root`",
    errno.EROFS: "the filesystem is read-only; choose another `root`",
    errno.ENOSPC: "free some space, or choose another `root`; what is finished is kept and the "
    "same command goes on",
    errno.EDQUOT: "the quota is used up; free some space, or choose another `root`",
    errno.ENOTDIR: "a part of the path is a file; choose another `root`",
}


NUM_CONTENDED = 5  # attempts at a conditional put that meets another


@dataclass(frozen=True)
class Storage:
    """Files below `root` (a local path or an fsspec URL such as `s3://bucket/prefix`). Cheap to
    pickle.
    """

    root: str
    _place: str = field(init=False, repr=False)

    def __post_init__(self) -> None:
        """A relative root means where the command was started, on whatever worker it is used."""
        place = self.root if "://" in self.root else os.path.abspath(self.root)
        object.__setattr__(self, "_place", place)

    @property
    def filesystem(self) -> Any:
        """The fsspec filesystem of the root (cached by fsspec)."""
        return self._open()[0]

    @property
    def is_local(self) -> bool:
        """Whether the root is a directory of this machine."""
        return "://" not in self.root or self.root.startswith("file://")

    def path(self, *names: str) -> str:
        """The path of a file as its filesystem wants it (without the scheme)."""
        return "/".join((self._open()[1].rstrip("/"), *names))

    def url(self, *names: str) -> str:
        """The path of a file as a person would type it."""
        return "/".join((self.root.rstrip("/"), *names))

    def greet(self) -> None:
        """Look whether the place can be used at all: bucket, credentials, endpoint. Local: nothing.

        Raises:
            StorageError: in seconds, where other requests are made again for a minute.
        """
        if object_store.is_s3(self._place):
            with self._explained("use", ()):
                object_store.greet(self._place)

    def exists(self, *names: str) -> bool:
        """Whether a file or directory stands there now."""
        with self._explained("look for", names):
            return bool(self.filesystem.exists(self.path(*names)))

    def names(self, *names: str) -> list[str]:
        """Sorted base names in a directory; empty when it does not exist."""
        with self._explained("list", names):
            try:
                return sorted(
                    p.rstrip("/").rsplit("/", 1)[-1]
                    for p in self.filesystem.ls(self.path(*names), detail=False)
                )
            except (FileNotFoundError, NotADirectoryError) as error:
                if isinstance(error, FileNotFoundError) and not object_store.is_missing(error):
                    raise
                return []

    def read(self, *names: str) -> bytes:
        """The bytes of a file. Raises FileNotFoundError when it is missing."""
        with self._explained("read", names, missing=True):
            return bytes(self.filesystem.cat_file(self.path(*names)))

    @contextmanager
    def open(self, *names: str) -> Iterator[IO[bytes]]:
        """Open a file to read pieces of it; each piece is one request, nothing is read ahead.

        Raises FileNotFoundError when it is missing.
        """
        unbuffered = {} if self.is_local else {"cache_type": "none"}
        with (
            self._explained("read", names, missing=True),
            self.filesystem.open(self.path(*names), "rb", **unbuffered) as file,
        ):
            yield file

    def write(self, data: bytes, *names: str) -> None:
        """Write a new file and its directories."""
        with self._explained("write", names):
            if self.is_local:
                os.makedirs(os.path.dirname(self.path(*names)), exist_ok=True)
            self.filesystem.pipe_file(self.path(*names), data)

    def put(self, path: str, *names: str) -> None:
        """Copy a file of this machine, however large, whole or not at all, over one that may stand
        there.
        """
        with self._explained("write", names):
            if self.is_local:
                side = self.path(*names[:-1], f".{names[-1]}.{uuid.uuid4().hex}")
                os.makedirs(os.path.dirname(side), exist_ok=True)
                shutil.copyfile(path, side)
                os.replace(side, self.path(*names))
            else:
                self.filesystem.put_file(path, self.path(*names))

    def remove(self, *names: str) -> None:
        """Remove a file."""
        with self._explained("remove", names):
            self.filesystem.rm_file(self.path(*names))

    def replace(self, data: bytes, *names: str) -> None:
        """Write a file, whole or not at all, over one that may stand there."""
        if not self.is_local:
            return self.write(data, *names)
        side = (*names[:-1], f".{names[-1]}.{uuid.uuid4().hex}")
        self.write(data, *side)
        with self._explained("write", names):
            os.replace(self.path(*side), self.path(*names))
        return None

    def create(self, data: bytes, *names: str) -> bool:
        """Write a file only if none stands there, whole or not at all; says whether this writer
        was the one, which the bytes must tell (they name their attempt).

        Local: a hard link of a finished side file. S3: a conditional put (`If-None-Match: *`). A
        put whose answer was lost is made again and finds its own object.
        """
        if self.is_local:
            return self._create_local(data, names)
        with self._explained("write", names):
            try:
                self._put_new(data, names)
            except OSError as error:
                if not object_store.is_taken(error):
                    raise
                return self.read(*names) == data
        return True

    def _put_new(self, data: bytes, names: tuple[str, ...]) -> None:
        for left in reversed(range(NUM_CONTENDED)):
            try:
                self.filesystem.pipe_file(self.path(*names), data, mode="create")
            except OSError as error:
                if not object_store.is_contended(error) or not left:
                    raise
                time.sleep(random.uniform(0, 1))
            else:
                return

    def _create_local(self, data: bytes, names: tuple[str, ...]) -> bool:
        side = (*names[:-1], f".{names[-1]}.{uuid.uuid4().hex}")
        self.write(data, *side)
        with self._explained("write", names):
            try:
                os.link(self.path(*side), self.path(*names))
            except FileExistsError:
                return False
            finally:
                os.unlink(self.path(*side))
        return True

    def _open(self) -> tuple[Any, str]:
        try:
            return open_filesystem(self._place)
        except ValueError as error:
            raise StorageError(f"{self.root}: {error}; give a directory or s3://…") from error

    def _explained(
        self, verb: str, names: tuple[str, ...], missing: bool = False
    ) -> AbstractContextManager[None]:
        return explaining(f"cannot {verb} {self.url(*names)}", self._place, missing)


def open_filesystem(path: str) -> tuple[Any, str]:
    """The fsspec filesystem of a path or URL (cached by fsspec), and the path as it wants it."""
    import fsspec

    return object_store.open_s3(path) if object_store.is_s3(path) else fsspec.core.url_to_fs(path)


@contextmanager
def explaining(what: str, place: str, missing: bool = False) -> Iterator[None]:
    """Whatever fails at a place, a path or URL, is raised as one line that begins with `what`;
    `missing`: that a file is not there is for the caller to tell.
    """
    try:
        yield
    except GcaiError:
        raise
    except _failures(place) as error:
        if missing and object_store.is_missing(error):
            raise
        if isinstance(error, ValueError) and "endpoint" not in str(error):
            raise
        raise explained(error, what, place) from error


def _failures(place: str) -> tuple[type[Exception], ...]:
    if not object_store.is_s3(place):
        return (OSError,)
    return (OSError, ValueError, *object_store.store_errors())  # ValueError: a malformed endpoint


def explained(error: Exception, what: str, place: str = "") -> StorageError:
    """One line of what failed, why, and the likely fix; `place` is where."""
    why = getattr(error, "strerror", None) or error
    if object_store.is_s3(place):
        return StorageError(f"{what}: {object_store.why(error)} ({object_store.fix_of(error)})")
    fix = FIXES.get(getattr(error, "errno", None) or 0)
    return StorageError(f"{what}: {why}{f' ({fix})' if fix else ''}")
