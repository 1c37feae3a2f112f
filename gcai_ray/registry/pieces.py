"""A file → its bytes piece by piece, so that weights are never in memory whole."""

from __future__ import annotations

from collections.abc import Iterator

from gcai_ray.storage import Storage

PIECE_BYTES = 16 * 2**20


def pieces(storage: Storage, name: str) -> Iterator[bytes]:
    """The bytes of a file, each piece one request. What the caller does with a piece and fails at
    is not taken for a failure of the file's place.

    Raises:
        FileNotFoundError: it is missing.
        StorageError: it cannot be read.
    """
    with storage.open(name) as file:
        while piece := file.read(PIECE_BYTES):
            yield piece
