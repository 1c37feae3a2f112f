"""A folder or file, local, on `s3://` or on the hub → a path on this node, copied at most once."""

from __future__ import annotations

import hashlib
import os
import tempfile
from typing import Any

from gcai_ray.engines.model_files import is_hub_id, place
from gcai_ray.errors import InputError
from gcai_ray.storage import explaining, open_filesystem


def local_copy(source: str) -> str:
    """The same folder or file on this node's disk. All processes of a node share one copy; the
    first takes it, the others wait. A local path is taken as it is.

    Raises:
        InputError: it is not there.
    """
    if is_hub_id(source):
        return _of_hub(source)
    if "://" not in source:
        return place(source)
    from filelock import FileLock

    digest = hashlib.blake2b(source.encode(), digest_size=16).hexdigest()
    root = os.path.join(tempfile.gettempdir(), f"gcai_ray-{os.getuid()}")
    os.makedirs(root, exist_ok=True)
    target = os.path.join(root, digest, source.rstrip("/").rsplit("/", 1)[-1])
    with FileLock(os.path.join(root, f"{digest}.lock")):
        if not os.path.exists(target):
            _fetch(source, target)
    return target


def _fetch(source: str, target: str) -> None:
    """Under another name first, so that a fetch that was cut off is never taken for whole."""
    filesystem, path = open_filesystem(source)
    beside = f"{target}.part"
    with explaining(f"cannot read {source}", source):
        if not filesystem.exists(path):
            raise InputError(f"there is no file or folder {source}")
        if filesystem.isdir(path):
            _fetch_folder(filesystem, path, beside)
        else:
            os.makedirs(os.path.dirname(beside), exist_ok=True)
            filesystem.get_file(path, beside)
    os.rename(beside, target)


def _fetch_folder(filesystem: Any, path: str, into: str) -> None:
    for found in filesystem.find(path):
        own = os.path.join(into, found.removeprefix(path.rstrip("/") + "/"))
        os.makedirs(os.path.dirname(own), exist_ok=True)
        filesystem.get_file(found, own)


def _of_hub(name: str) -> str:
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, LocalEntryNotFoundError

    kept = ["*.json", "*.safetensors", "*.jinja", "*.model", "*.txt"]
    try:
        return snapshot_download(name, allow_patterns=kept)
    except (HfHubHTTPError, LocalEntryNotFoundError, OSError) as error:
        raise InputError(
            f"tune.model: {name} cannot be had from the hub ({type(error).__name__}): give a "
            "folder or s3://… with its files, or see whether the hub can be reached"
        ) from error
