"""Matches of a principle → the verbatim quotes shown with it. Knows no choice."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from gcai_ray.schemas import Evidence

QUOTE_CHARS = 400  # a longer quote is taken only when nothing shorter is left
NUM_READ = 2000  # matches of a principle whose quotes are looked at: a million would not fit
NUM_READ_OF_PERSON = 20  # of them of one person, so that no one fills them up
_QUALIFIED = re.compile(r"\b(?:but|however|although|though|while|whereas|except)\b", re.IGNORECASE)


def nearest(matches: pa.Table) -> list[dict[str, Any]]:
    """The matches of one principle to pick quotes from: the nearest `NUM_READ`, at most
    `NUM_READ_OF_PERSON` of one person. Columns `candidate_id`, `annotator_id`, `similarity`.
    """
    columns = matches.select(["candidate_id", "annotator_id", "similarity"])
    ordered = columns.sort_by([("similarity", "descending"), ("candidate_id", "ascending")])
    people = ordered["annotator_id"].combine_chunks().dictionary_encode().indices.to_numpy()
    by_person = np.argsort(people, kind="stable")
    sizes = np.bincount(people)
    place = np.empty(len(people), dtype=np.int64)  # within the person's own, nearest first
    place[by_person] = np.arange(len(people)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    kept = np.flatnonzero(place < NUM_READ_OF_PERSON)[:NUM_READ]
    return ordered.take(pa.array(kept)).to_pylist()


def pick_evidence(
    votes: Sequence[dict[str, Any]], candidates: dict[str, dict[str, Any]], num_quotes: int
) -> list[Evidence]:
    """The nearest quotes of a principle, each of another person and in other words; short ones
    before long ones.

    Args:
        votes: rows of `matches` for one principle.
        candidates: rows of `candidates` by id, for at least these matches.
        num_quotes: how many at most.
    """
    order = sorted(votes, key=lambda vote: _readiness(vote, candidates[vote["candidate_id"]]))
    people: set[str] = set()
    quotes: set[str] = set()
    found: list[Evidence] = []
    for vote in order:
        candidate = candidates[vote["candidate_id"]]
        words = " ".join(candidate["quote"].lower().split())
        if vote["annotator_id"] in people or words in quotes or len(found) == num_quotes:
            continue
        people.add(vote["annotator_id"])
        quotes.add(words)
        found.append(_evidence(candidate, vote["similarity"]))
    return found


def _readiness(vote: dict[str, Any], candidate: dict[str, Any]) -> tuple[bool, bool, float, str]:
    """Short before long, plain before qualified ("but", "although"), then the nearest."""
    quote = candidate["quote"]
    is_qualified = _QUALIFIED.search(quote) is not None
    return len(quote) > QUOTE_CHARS, is_qualified, -vote["similarity"], candidate["id"]


def _evidence(candidate: dict[str, Any], similarity: float) -> Evidence:
    names = (
        "quote",
        "sentence_numbers",
        "row_id",
        "annotator_id",
        "source",
        "source_file",
        "source_row",
        "groups",
    )
    return Evidence(
        candidate_id=candidate["id"],
        similarity=similarity,
        **{name: candidate[name] for name in names},
    )
