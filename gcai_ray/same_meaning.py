"""Two lists of principles → which of one say the same as which of the other. Pure functions; knows
no row, no model and no path.

Vectors are those of `stages.embed.embedded` and of the column `vector` of `principles`:
all-MiniLM-L6-v2 of the words behind the stem (`wording.bare`).

How far this goes, measured on principles of our own wording (tests/paraphrases.py; a test counts
anew): of pairs that say the same 37 % reach the threshold, of pairs of two unlike demands 0.4 %,
but of pairs that ask for different or opposite things on one topic 36 %: the embedding sees the
topic, not the "not", nor that short is the opposite of long. Where pairs of which one forbids and
the other does not (`opposed`) are barred, it is 37 %, 0.4 % and 24 %. So a match says "as near as
two wordings of one demand often are", not more, and of two paraphrases more are missed than found.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from gcai_ray.vectors import products

MAX_UNRELATED = 0.005
"""Share of pairs of unlike demands that may reach the threshold: among 20 others, one principle in
ten has a chance match. A bound of 5 % on opposed pairs instead would put the threshold at 0.89,
which 2 % of paraphrases reach.
"""
SAME_COSINE = 0.53
"""The lowest cosine, in hundredths, that no more than `MAX_UNRELATED` of unlike pairs reach."""
_FORBIDS = re.compile(
    r"\b(?:not|never|no|nor|neither|nothing|nobody|without|cannot"
    r"|avoid(?:s|ing)?|refus(?:e|es|ing)|refrain(?:s|ing)?)\b|n['’]t\b",
    re.IGNORECASE,
)

Same = tuple[int, int, float]


def one_to_one(
    first: NDArray[np.float32],
    second: NDArray[np.float32],
    threshold: float,
    barred: NDArray[np.bool_] | None = None,
) -> list[Same]:
    """The pairs of principles that say the same, each principle in one pair at most, so that the
    cosines sum to the most (scipy's `linear_sum_assignment`).

    Args:
        first: unit vectors [n, dim].
        second: unit vectors [m, dim].
        threshold: cosine from which two say the same, above 0.
        barred: [n, m], pairs that are not made whatever their cosine.

    Returns:
        place in `first`, place in `second`, cosine; by place in `first`.
    """
    if not len(first) or not len(second):
        return []
    cosines = products(first, second).astype(np.float64).round(5)
    return best_pairs(cosines if barred is None else np.where(barred, 0, cosines), threshold)


def best_pairs(cosines: NDArray[np.float64], threshold: float) -> list[Same]:
    """What `one_to_one` returns, from the cosines [n, m]."""
    from scipy.optimize import linear_sum_assignment

    # A pair below the threshold counts nothing, so that no number of them outweighs a true one.
    worth = np.where(cosines >= threshold, cosines, 0)
    rows, columns = linear_sum_assignment(worth, maximize=True)
    return [
        (int(row), int(column), float(cosines[row, column]))
        for row, column in zip(rows, columns, strict=True)
        if worth[row, column] > 0
    ]


def opposed(first: Sequence[str], second: Sequence[str]) -> NDArray[np.bool_]:
    """Pairs of texts [n, m] of which one forbids ("not", "never", "avoids") and the other does
    not.

    A rule of thumb: it also parts "be honest" and "never lie".
    """
    one, other = (np.array([_forbids(t) for t in texts], dtype=bool) for texts in (first, second))
    return one[:, None] != other[None, :]


def _forbids(text: str) -> bool:
    return _FORBIDS.search(text) is not None
