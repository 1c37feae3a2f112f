"""A root, local or `s3://` → files below it. The one filesystem layer; knows nothing of artifacts,
rows or Ray.

Everything written is new: nothing here overwrites but `replace`, and `create` lets exactly one of
several racing writers win.
"""

from __future__ import annotations

import errno
import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from gcai_ray.errors import StorageError

FIXES = {
    errno.EACCES: "check the permissions of the directory, or choose another `root`",
    errno.EPERM: "check the permissions of the directory, or choose another `root`",
    errno.EROFS: "the filesystem is read-only; choose another `root`",
    errno.ENOSPC: "free some space, or choose another `root`; what is finished is kept and the "
    "same command goes on",
    errno.EDQUOT: "the quota is used up; free some space, or choose another `root`",
    errno.ENOTDIR: "a part of the path is a file; choose another `root`",
}


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

    def exists(self, *names: str) -> bool:
        """Whether a file or directory stands there now."""
        with self._explained("look for", names):
            self.filesystem.invalidate_cache()
            return bool(self.filesystem.exists(self.path(*names)))

    def names(self, *names: str) -> list[str]:
        """Sorted base names in a directory; empty when it does not exist."""
        with self._explained("list", names):
            self.filesystem.invalidate_cache()
            try:
                return sorted(
                    p.rstrip("/").rsplit("/", 1)[-1]
                    for p in self.filesystem.ls(self.path(*names), detail=False)
                )
            except (FileNotFoundError, NotADirectoryError):
                return []

    def read(self, *names: str) -> bytes:
        """The bytes of a file. Raises FileNotFoundError when it is missing."""
        with self._explained("read", names):
            return bytes(self.filesystem.cat_file(self.path(*names)))

    def write(self, data: bytes, *names: str) -> None:
        """Write a new file and its directories."""
        with self._explained("write", names):
            if self.is_local:
                os.makedirs(os.path.dirname(self.path(*names)), exist_ok=True)
            self.filesystem.pipe_file(self.path(*names), data)

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
        was the one.

        Local: a hard link of a finished side file. S3: a conditional put (`If-None-Match: *`).
        """
        if self.is_local:
            return self._create_local(data, names)
        with self._explained("write", names):
            try:
                self.filesystem.pipe_file(self.path(*names), data, mode="create")
            except FileExistsError:
                return False
            except OSError as error:
                if "PreconditionFailed" in str(
                    error
                ) or "At least one of the pre-conditions" in str(error):
                    return False
                raise
        return True

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
        import fsspec

        return fsspec.core.url_to_fs(self._place)

    @contextmanager
    def _explained(self, verb: str, names: tuple[str, ...]) -> Iterator[None]:
        try:
            yield
        except FileNotFoundError:
            raise
        except OSError as error:
            raise explained(error, f"cannot {verb} {self.url(*names)}") from error


def explained(error: OSError, what: str) -> StorageError:
    """One line of what failed, why, and the likely fix."""
    fix = FIXES.get(error.errno or 0)
    return StorageError(f"{what}: {error.strerror or error}{f' ({fix})' if fix else ''}")
