"""A registry's root → what it says now, what it said, and a change of it.

`adapters/index/00000001.json` and so on: each holds the whole state, none is ever written again,
the highest number is true. A change creates the next number only if nobody else has; who loses
reads anew. Knows no rule of a rollout.
"""

from __future__ import annotations

import getpass
import json
import os
import random
import re
import socket
import time
import uuid
from collections.abc import Callable, Iterator
from datetime import UTC, datetime

from pydantic import ValidationError

from gcai_ray import __version__
from gcai_ray.errors import ArtifactError, StorageError
from gcai_ray.registry.entries import FORMAT, Index
from gcai_ray.storage import Storage

FOLDER = ("adapters", "index")
NUM_TRIES = 40  # of racing writers one wins each time, so this many may race
FIRST_WAIT_S, MAX_WAIT_S = 0.02, 1.0
_NAME = re.compile(r"[0-9]{8}\.json")


def read_index(storage: Storage, known: Index | None = None) -> Index:
    """What the registry says now; empty where nothing was added yet.

    `known`: what it said before. Then only what came after is looked for: one request where
    nothing did, however long the history.

    Raises:
        ArtifactError: the newest file is damaged or of another version.
        StorageError: the place cannot be read.
    """
    if known is not None and known.number:
        while (later := _read(storage, known.number + 1)) is not None:
            known = later
        return known
    numbers = _numbers(storage)
    found = _read(storage, numbers[-1]) if numbers else Index()
    if found is None:
        raise ArtifactError(f"{_url(storage, numbers[-1])}: was removed while it was read")
    return found


def change(storage: Storage, make: Callable[[Index], Index]) -> Index:
    """Apply a pure function to what the registry says now and write the result; of racing changes
    none is lost, each is applied to what the one before left.

    Raises:
        StorageError: others were faster, time and again.
        GcaiError: whatever `make` or `read_index` raises; nothing was changed.
    """
    known = None
    for lost in range(NUM_TRIES):
        known = read_index(storage, known)
        after = _stamped(make(known), known.number + 1)
        data = (after.model_dump_json(indent=2) + "\n").encode()
        if storage.create(data, *FOLDER, _name(after.number)):
            return after
        time.sleep(random.uniform(0, min(MAX_WAIT_S, FIRST_WAIT_S * 2**lost)))
    raise StorageError(
        f"{storage.url(*FOLDER)}: others changed it {NUM_TRIES} times while this change was tried; "
        "nothing was changed, run the command again"
    )


def history(storage: Storage) -> Iterator[Index]:
    """Every state, the newest first.

    Raises:
        ArtifactError: a file is damaged.
    """
    for number in reversed(_numbers(storage)):
        found = _read(storage, number)
        if found is not None:
            yield found


def _numbers(storage: Storage) -> list[int]:
    return [int(name[:8]) for name in storage.names(*FOLDER) if _NAME.fullmatch(name)]


def _name(number: int) -> str:
    return f"{number:08d}.json"


def _url(storage: Storage, number: int) -> str:
    return storage.url(*FOLDER, _name(number))


def _read(storage: Storage, number: int) -> Index | None:
    """None where there is no such file."""
    try:
        data = storage.read(*FOLDER, _name(number))
    except FileNotFoundError:
        return None
    where = _url(storage, number)
    try:
        raw = json.loads(data)
        said = raw.get("format") if isinstance(raw, dict) else None
        if isinstance(said, int) and said != FORMAT:
            raise ArtifactError(
                f"{where}: a registry of format {said}, gcai-ray {__version__} knows {FORMAT}; use "
                "the version that wrote it"
            )
        found = Index.model_validate(raw)
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(str(part) for part in first["loc"]) or "the whole"
        raise _damaged(where, f"{field}: {first['msg']}") from error
    except ValueError as error:
        if isinstance(error, ArtifactError):
            raise
        raise _damaged(where, str(error)) from error
    if found.number != number:
        raise _damaged(where, f"it says it is number {found.number}")
    return found


def _damaged(where: str, why: str) -> ArtifactError:
    return ArtifactError(
        f"{where}: damaged index of a registry ({why}); put the file back, or remove it: the one "
        "before it is then true again"
    )


def _stamped(index: Index, number: int) -> Index:
    return index.model_copy(
        update={
            "number": number,
            "at": datetime.now(UTC).isoformat(timespec="seconds"),
            "by": _by(),
            "attempt": uuid.uuid4().hex,
        }
    )


def _by() -> str:
    """User and host; a container's user may have no name."""
    try:
        user = getpass.getuser()
    except (KeyError, OSError):
        user = f"uid-{os.getuid()}"
    return f"{user}@{socket.gethostname()}"
