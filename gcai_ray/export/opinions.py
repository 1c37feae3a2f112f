"""`votes`, `matches`, `verdicts` → who says what about each pair, as AnnotatedPairs has it.

Holds 36 bytes a vote, so that a million votes cost 36 MB and no Python object each. Knows no file
and no preference's text.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pyarrow.compute as pc
from numpy.typing import NDArray

from gcai_ray.schemas import VoteOutcome

if TYPE_CHECKING:
    import pyarrow as pa

Annotation = dict[str, Any]
# What the format knows beside a preference (inverse-cai, `votes_to_annotations`); all else, such as
# an answer that flipped with the order, is its `not_applicable`.
REASONS = (VoteOutcome.BOTH, VoteOutcome.NEITHER, VoteOutcome.INVALID)
SPOKEN = (VoteOutcome.FOR, VoteOutcome.AGAINST)
CHOSEN: Annotation = {"pref": "chosen"}  # speaks for whichever response the person chose
_SIDES: tuple[Literal["left", "right"], ...] = ("left", "right")


@dataclass(frozen=True)
class Opinions:
    """What some annotators say about some pairs, sorted by pair."""

    row_ids: NDArray[np.bytes_]  # [opinions]
    who: NDArray[np.int16]  # [opinions], place of the annotator in `keys`
    what: NDArray[np.int16]  # [opinions], place of the annotation in `annotations`
    keys: list[str]
    annotations: list[Annotation]

    def of(self, row_id: str, preferred: str) -> dict[str, Annotation]:
        """Annotator → annotation of one pair; empty when nobody was asked about it.

        `preferred`: what the person chose.
        """
        first, last = self._span(row_id)
        found = sorted(zip(self.who[first:last], self.what[first:last], strict=True))
        said = {self.keys[who]: self.annotations[what] for who, what in found}
        return {key: {"pref": preferred} if it is CHOSEN else it for key, it in said.items()}

    def cover(self, row_id: str) -> bool:
        """Whether anybody was asked about a pair."""
        first, last = self._span(row_id)
        return first < last

    def speakers(self) -> set[str]:
        """The annotators who say anything at all."""
        return {self.keys[who] for who in np.unique(self.who)}

    def _span(self, row_id: str) -> tuple[int, int]:
        wanted = np.bytes_(row_id.encode())
        first, last = (int(np.searchsorted(self.row_ids, wanted, side)) for side in _SIDES)
        return first, last


def voted(tables: Iterable[pa.Table], column: str, keys: dict[str, str]) -> Opinions:
    """Votes or verdicts: columns `row_id`, `a_first`, `b_first`, `outcome`, and one that says whose
    they are (`column`); `keys`: from its values to annotators. Others are left out.
    """
    return _gathered(tables, column, keys, ("outcome", "a_first", "b_first"))


def matched(tables: Iterable[pa.Table], column: str, keys: dict[str, str]) -> Opinions:
    """Matches: each speaks for the response that the person who gave the reason chose."""
    return _gathered(tables, column, keys, ())


def annotation(outcome: str, a_first: str | None, b_first: str | None) -> Annotation:
    """A vote in the format's words, its outcome beside, and where it is no preference the answers.

    >>> annotation("abstain", "a", "b")["no_pref_reason"], annotation("against", "b", "b")["pref"]
    ('not_applicable', 'b')
    """
    if outcome in SPOKEN:
        return {"pref": a_first, "outcome": outcome}
    reason = outcome if outcome in REASONS else "not_applicable"
    answers = {"a_first": a_first, "b_first": b_first}
    return {"pref": None, "no_pref_reason": reason, "outcome": outcome} | answers


def _gathered(
    tables: Iterable[pa.Table], column: str, keys: dict[str, str], said: tuple[str, ...]
) -> Opinions:
    import pyarrow as pa

    names = list(dict.fromkeys(keys.values()))
    wanted = pa.array(list(keys), pa.string())
    rows, who, what = [np.empty(0, "S32")], [np.empty(0, np.int16)], [np.empty(0, np.int16)]
    places: dict[tuple[Any, ...], int] = {}
    for table in tables:
        known = table.filter(pc.is_in(table[column], wanted))
        speakers = [names.index(keys[value]) for value in known[column].to_pylist()]
        answers = zip(*(known[name].to_pylist() for name in said), strict=True) if said else ()
        codes = [places.setdefault(answer, len(places)) for answer in answers]
        rows.append(np.array(known["row_id"].to_pylist(), "S32"))
        who.append(np.array(speakers, np.int16))
        what.append(np.array(codes if said else [0] * len(speakers), np.int16))
    merged = np.concatenate(rows)
    order = np.argsort(merged, kind="stable")
    annotations = [annotation(*answer) for answer in places] if said else [CHOSEN]
    return Opinions(
        merged[order], np.concatenate(who)[order], np.concatenate(what)[order], names, annotations
    )
