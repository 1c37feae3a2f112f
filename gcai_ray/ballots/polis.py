"""The comments of a Polis conversation → which of its comment ids are which principle.

Polis numbers the comments itself, and people add their own; a number alone does not say which words
were voted on. So principles are found by their text in the `comments.csv` of the same export, or in
our own `polis-comments.csv` where the votes were saved beside that: right if it was uploaded first
and whole, since Polis numbers from 0.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from gcai_ray.ballots.names import ballot_id
from gcai_ray.ballots.table import VoteTable, parted, read_bytes, read_table
from gcai_ray.ballots.write import STATEMENTS, guarded
from gcai_ray.errors import InputError
from gcai_ray.report.phrases import count, shorten
from gcai_ray.schemas import ChosenPrinciple
from gcai_ray.storage import Storage

_VOTES = re.compile(r"(?:participants?-)?votes")


@dataclass(frozen=True)
class Comments:
    """Comment id → principle id ('' for a comment that is none), and, where the file has them, its
    own numbers of agreeing and disagreeing votes.
    """

    path: str
    principles: dict[str, str]
    totals: dict[str, tuple[float, float]] = field(default_factory=dict)


def beside(path: str) -> str | None:
    """The file of comments that goes with a file of votes, by its name; None where there is none:
    `X-votes.csv` and `X-participants-votes.csv` go with `X-comments.csv`.
    """
    folder, name = parted(path)
    if not _VOTES.search(name):
        return None
    storage = Storage(folder)
    for candidate in (_VOTES.sub("comments", name), STATEMENTS):
        if storage.exists(candidate):
            return storage.url(candidate)
    return None


def comments_of(path: str, principles: Sequence[ChosenPrinciple]) -> Comments:
    """Which comments are which principles, for the votes in `path`.

    Raises:
        InputError: no file of comments beside it, or a principle that is none of the comments.
    """
    found = beside(path)
    if found is None:
        raise InputError(
            f"{path}: votes are by comment number, and no comments.csv stands beside it to say "
            "which words each number is; put it there, from the same export (X-votes.csv goes "
            f"with X-comments.csv), or name it {STATEMENTS}"
        )
    table = read_table(found, read_bytes(found))
    if not {"comment-id", "comment-body"} <= set(table.columns):
        raise InputError(
            f"{found}: no columns 'comment-id' and 'comment-body'; found "
            f"{', '.join(table.columns[:12])}"
        )
    comments = _matched(table, principles)
    missing = [p for p in principles if p.id not in comments.principles.values()]
    if missing:
        raise InputError(
            f"{found}: {len(missing)} of {count(len(principles), 'principle')} of ballot "
            f"{ballot_id(principles)} are none of its comments, the first: "
            f"“{shorten(missing[0].text, 80)}”; it belongs to another constitution, or comments "
            "were reworded"
        )
    return comments


def _matched(table: VoteTable, principles: Sequence[ChosenPrinciple]) -> Comments:
    by_text = {_key(p.text): p.id for p in principles}
    found, totals = {}, {}
    for record in table.records:
        key = whole_number(record.cells["comment-id"])
        by_words = by_text.get(_key(record.cells["comment-body"]), "")
        found[key] = by_words
        counts = [record.cells.get(name, "") for name in ("agrees", "disagrees")]
        if by_words and all(cell.isdigit() for cell in counts):
            totals[key] = (float(counts[0]), float(counts[1]))
    return Comments(table.path, found, totals)


def _key(text: str) -> str:
    return guarded(text).removeprefix("'").casefold()


def whole_number(cell: str) -> str:
    """`7.0` → `7`, as a spreadsheet or pandas may have written it."""
    return re.sub(r"\.0+$", "", cell) if "." in cell else cell
