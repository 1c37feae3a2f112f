"""Vectors of two constitutions → which principles say the same. Knows no file and no page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gcai_ray.same_meaning import SAME_COSINE, best_pairs, opposed
from gcai_ray.vectors import products

DIGITS = 4


@dataclass(frozen=True)
class Match:
    """Two principles that say the same: their places in the first and the second.

    opposed: one of them forbids and the other does not, so that they may ask for opposite things
    on one topic, which an embedding hardly tells apart (`gcai_ray.same_meaning`).
    """

    first: int
    second: int
    cosine: float
    opposed: bool


@dataclass(frozen=True)
class Nearest:
    """A principle without a match: its place, and the nearest of the other constitution."""

    place: int
    nearest: int
    cosine: float


@dataclass(frozen=True)
class Matching:
    """Two constitutions: `matches` by falling cosine, the rest in each one's own order.

    also_*: as near to a principle of the other as a match, but that one is matched to another.
    only_*: near to none.
    """

    matches: tuple[Match, ...]
    also_first: tuple[Nearest, ...]
    also_second: tuple[Nearest, ...]
    only_first: tuple[Nearest, ...]
    only_second: tuple[Nearest, ...]


def matching(
    vectors: tuple[NDArray[np.float32], NDArray[np.float32]],
    texts: tuple[Sequence[str], Sequence[str]],
) -> Matching:
    """Which principles of two constitutions say the same, each at most once.

    Args:
        vectors: unit rows [principles, dim] of the first and of the second, at least one each.
        texts: their words [principles].
    """
    cosines = products(*vectors).round(DIGITS).astype(np.float64)
    oppose = opposed(*texts)
    found = [
        Match(i, j, round(cosine, DIGITS), bool(oppose[i, j]))
        for i, j, cosine in best_pairs(cosines, SAME_COSINE)
    ]
    first = _left_over(cosines, {match.first for match in found})
    second = _left_over(cosines.T, {match.second for match in found})
    return Matching(
        tuple(sorted(found, key=lambda match: (-match.cosine, match.first))),
        *(tuple(left for left in lefts if _is_near(left)) for lefts in (first, second)),
        *(tuple(left for left in lefts if not _is_near(left)) for lefts in (first, second)),
    )


def _is_near(left: Nearest) -> bool:
    return left.cosine >= SAME_COSINE


def _left_over(cosines: NDArray[np.float64], matched: set[int]) -> list[Nearest]:
    nearest = cosines.argmax(axis=1)
    return [
        Nearest(row, int(nearest[row]), round(float(cosines[row, nearest[row]]), DIGITS))
        for row in range(len(cosines))
        if row not in matched
    ]
