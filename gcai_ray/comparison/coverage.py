"""Whose words each principle matches → how many people each constitution covers. Pure arithmetic;
knows no text, no file and no page.

A longer list covers more people whatever it says. So each figure stands beside as many clauses
drawn at random, and beside the figure at one size: what as many principles as the smallest
constitution has, drawn at random from each, cover on average. That average is exact, not drawn:
with m of n principles matching a person, k drawn ones miss that person with C(n-m, k) / C(n, k).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gcai_ray.statistics import DIGITS, Floats, Triple, paired_difference, share_intervals

Bools = NDArray[np.bool_]


@dataclass(frozen=True)
class Covered:
    """One constitution: the share of people with a clause that one of its principles matches.

    share: with its interval over people. difference: to the first constitution, paired over people;
    None for the first itself. random: mean and 95 % range over sets of as many random clauses; None
    where the run has too few. equal_*: the same at the size of the smallest constitution.
    """

    num_principles: int
    share: Triple
    difference: Triple | None
    random: Triple | None
    equal_share: Triple
    equal_difference: Triple | None


@dataclass(frozen=True)
class Drawn:
    """Random clauses: who says each [people, clauses], and which make a set [sets, clauses]."""

    matched: Bools
    sets: NDArray[np.int64]

    def coverage(self, size: int) -> Triple | None:
        """Mean and 95 % range of the share of people that the first `size` of each set cover; None
        where a set holds fewer.
        """
        if not len(self.sets) or size > self.sets.shape[1]:
            return None
        shares = [self.matched[:, chosen[:size]].any(axis=1).mean() for chosen in self.sets]
        low, high = np.quantile(shares, [0.025, 0.975])
        mean = float(np.mean(shares))
        return round(mean, DIGITS), round(float(low), DIGITS), round(float(high), DIGITS)


def covered(matched: list[Bools], drawn: Drawn, seed: int) -> list[Covered]:
    """How many of the same people each constitution covers.

    Args:
        matched: of each constitution, who has a clause that each principle matches
            [people, principles], at least one principle each.
        drawn: random clauses said by the same people.
        seed: of the draws of people.
    """
    size = smallest(matched)
    whole = np.stack([own.any(axis=1).astype(float) for own in matched], axis=1)
    equal = np.stack([expected_share(own, size) for own in matched], axis=1)
    shares, equal_shares = share_intervals(whole, seed), share_intervals(equal, seed)
    return [
        Covered(
            num_principles=own.shape[1],
            share=_triple(shares[place]),
            difference=_difference(whole, place, seed),
            random=drawn.coverage(own.shape[1]),
            equal_share=_triple(equal_shares[place]),
            equal_difference=_difference(equal, place, seed),
        )
        for place, own in enumerate(matched)
    ]


def smallest(matched: list[Bools]) -> int:
    """Principles of the smallest constitution."""
    return min(own.shape[1] for own in matched)


def expected_share(matched: Bools, size: int) -> Floats:
    """The chance [people] that a random `size` of the principles match the person.

    Args:
        matched: [people, principles].
        size: at most the number of principles.
    """
    num, misses = matched.shape[1], (~matched).sum(axis=1)
    missed = np.ones(len(matched))
    for taken in range(size):
        missed *= np.maximum(misses - taken, 0) / (num - taken)
    return 1 - missed


def _difference(values: Floats, place: int, seed: int) -> Triple | None:
    return paired_difference(values[:, place], values[:, 0], seed) if place else None


def _triple(row: Floats) -> Triple:
    return float(row[0]), float(row[1]), float(row[2])
