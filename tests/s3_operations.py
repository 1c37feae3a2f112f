"""Every operation of a storage, and what its error must look like, for tests that let it fail."""

from __future__ import annotations

from collections.abc import Callable

from s3_gateway import OWNER, STRANGER

from gcai_ray.storage import Storage

# On a root that holds the object `old`.
OPERATIONS: dict[str, Callable[[Storage], object]] = {
    "read": lambda storage: storage.read("old"),
    "names": lambda storage: storage.names(),
    "exists": lambda storage: storage.exists("old"),
    "create": lambda storage: storage.create(b"new", "new"),
    "write": lambda storage: storage.write(b"new", "new"),
    "replace": lambda storage: storage.replace(b"new", "old"),
    "remove": lambda storage: storage.remove("old"),
}
EXPECTED = {"read": b"old", "names": ["old"], "exists": True, "create": True}


def one_line(error: BaseException, *pieces: str) -> None:
    """The message stands on one line, holds these pieces and no secret."""
    said = str(error)
    assert "\n" not in said
    for piece in pieces:
        assert piece.lower() in said.lower(), said
    for secret in (OWNER[1], STRANGER[1], "Traceback"):
        assert secret not in said
