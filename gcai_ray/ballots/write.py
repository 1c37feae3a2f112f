"""A run's constitution → the three files of a ballot: statements for Polis, a sheet for votes, and
a page to print. Knows nothing of how votes are read back but their headings.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence

from gcai_ray.artifacts import Artifact
from gcai_ray.ballots.names import ballot_id, heading
from gcai_ray.ballots.page import ballot_page
from gcai_ray.errors import ArtifactError, StorageError
from gcai_ray.report.phrases import printable
from gcai_ray.runs import open_run
from gcai_ray.schemas import ChosenPrinciple, Constitution, Kind
from gcai_ray.storage import Storage

STATEMENTS = "polis-comments.csv"
SHEET = "ballot-sheet.csv"
PAGE = "ballot-paper.html"
_FORMULA = ("=", "+", "-", "@", "\t", "\r")  # what makes a spreadsheet run a cell (OWASP)


def write_ballot(run: str, out: str | None = None) -> list[str]:
    """Write the ballot of a finished run; returns the paths of its files.

    Without `out` they go to `ballot-<8 characters>` of the constitution's fingerprint, below the
    run's root, or below the working directory when the run is not local.

    Raises:
        ArtifactError: the run has no constitution yet.
        StorageError: a file of that name with other content stands there.
    """
    ratified = open_run(run).get("ratify")
    if ratified is None:
        raise ArtifactError(f"{run}: no constitution yet; run `gcai ratify CONFIG` first")
    constitution = Constitution.model_validate_json(ratified.document("constitution.json"))
    target = Storage(out or _default_directory(run, ratified))
    files = ballot_files(constitution)
    taken = [name for name, data in files.items() if not _is_free(target, name, data)]
    if taken:
        raise StorageError(
            f"{target.url(taken[0])}: stands there already with other content (filled in, or of "
            "another constitution); give another directory with --out, or move it away"
        )
    for name, data in files.items():
        if not target.create(data, name) and target.read(name) != data:
            raise StorageError(f"{target.url(name)}: was written by another program just now")
    return [target.url(name) for name in files]


def ballot_files(constitution: Constitution) -> dict[str, bytes]:
    """Name → bytes of each file."""
    principles = in_order(constitution.principles)
    return {
        STATEMENTS: _statements(principles),
        SHEET: _csv([[f"participant (ballot {ballot_id(principles)})", *map(heading, principles)]]),
        PAGE: ballot_page(constitution, principles).encode(),
    }


def in_order(principles: Sequence[ChosenPrinciple]) -> list[ChosenPrinciple]:
    """Contextual before general, each by rank."""
    kinds = list(Kind)
    return sorted(principles, key=lambda p: (kinds.index(p.kind), p.rank, p.id))


def _statements(principles: Sequence[ChosenPrinciple]) -> bytes:
    """`comment_text` is the column that Polis's upload reads (compdemocracy/polis#2081: others are
    ignored); `comment-id` and `comment-body` are named as in its export.
    """
    head = ["comment-id", "comment-body", "comment_text", "principle-id", "kind"]
    rows = [
        [str(number), guarded(p.text), guarded(p.text), p.id, str(p.kind)]
        for number, p in enumerate(principles)
    ]
    return _csv([head, *rows])


def guarded(text: str) -> str:
    """The text on one line, with an apostrophe before a sign that a spreadsheet would run."""
    line = " ".join(printable(text).split())
    return f"'{line}" if line.startswith(_FORMULA) else line


def _csv(rows: Iterable[Sequence[str]]) -> bytes:
    file = io.StringIO(newline="")
    csv.writer(file, lineterminator="\r\n").writerows(rows)
    return file.getvalue().encode()


def _default_directory(run: str, ratified: Artifact) -> str:
    name = f"ballot-{ratified.manifest.fingerprint[:8]}"
    storage = Storage(run)
    return storage.url(name) if storage.is_local else name


def _is_free(target: Storage, name: str, data: bytes) -> bool:
    try:
        return target.read(name) == data
    except FileNotFoundError:
        return True
