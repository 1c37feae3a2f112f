"""What an export gives: the chunks of a file, and what a person should know about it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from gcai_ray.errors import ArtifactError

if TYPE_CHECKING:
    from gcai_ray.artifacts import Artifact


@dataclass(frozen=True)
class Document:
    """A file about to be written. `chunks` can be read once."""

    title: str
    notes: list[str]
    chunks: Iterator[bytes]


def needed(run: str, artifacts: dict[str, Artifact], stage: str) -> Artifact:
    """A stage's artifact.

    Raises:
        ArtifactError: it is not finished.
    """
    if stage not in artifacts:
        raise ArtifactError(f"{run}: '{stage}' is not finished; run `gcai run CONFIG` first")
    return artifacts[stage]


def preferences_of(run: str, artifacts: dict[str, Artifact]) -> Artifact:
    """The artifact that holds the preferences.

    Raises:
        ArtifactError: it is not finished, or holds none.
    """
    ingested = needed(run, artifacts, "ingest")
    if not ingested.manifest.num_rows.get("preferences"):
        raise ArtifactError(f"{run}: holds no preferences, and only pairs can be exported")
    return ingested


def counted(num: int, one: str, many: str | None = None) -> str:
    """A number with its noun.

    >>> counted(1, "pair"), counted(2_000, "pair"), counted(0, "reply", "replies")
    ('1 pair', '2,000 pairs', '0 replies')
    """
    return f"{num:,} {one if num == 1 else many or f'{one}s'}"
