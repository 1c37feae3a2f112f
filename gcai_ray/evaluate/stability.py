"""A run's chosen principles and what repetitions of it found → how often each comes back, and in
which order. Knows neither how a run is repeated nor any path.

A repetition is no person: what is given beside a mean is the range that 95 % of the repetitions lie
in, not an interval that narrows with their number.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gcai_ray.agreement import rank_correlation
from gcai_ray.evaluate.measures import Baseline, Triple, measure, not_measured
from gcai_ray.same_meaning import SAME_COSINE, best_pairs, opposed
from gcai_ray.schemas import Measure, Return
from gcai_ray.statistics import DIGITS, LEVEL
from gcai_ray.vectors import products

FAMILY = "stability"
FORMED, CHOSEN, ORDER = "comes_back_formed", "comes_back_chosen", "rank_correlation"
CHOSEN_FROM_SAME = "chosen_again_from_same_list"
ORDER_FROM_SAME = "rank_correlation_from_same_list"
NUM_RANDOM_SETS = 1000  # over all repetitions together
SAME = (
    f"says the same: cosine of at least {SAME_COSINE}, each principle matched once, none that "
    "forbids with one that does not"
)

Floats = NDArray[np.float64]
Places = tuple[int, ...]
Draws = Callable[[np.random.Generator], float]


@dataclass(frozen=True)
class Listed:
    """All principles of one kind that a run formed, and the places of those it chose, in rank
    order.
    """

    texts: tuple[str, ...]
    vectors: NDArray[np.float32]  # [principles, dim]
    chosen: Places


@dataclass(frozen=True)
class Comparison:
    """One kind of principles in the run, `first`, and in one repetition, `second`."""

    likeness: Floats  # [principles, principles of the repetition], 0 where they cannot be the same
    first: Places  # of the chosen ones, in rank order
    second: Places


Repetition = Sequence[Comparison]  # one for each kind the run chose from, in the same order always


def compared(run: Listed, repeated: Listed) -> Comparison:
    """Principles compared by what they say."""
    shape = (len(run.texts), len(repeated.texts))
    cosines = np.zeros(shape)
    if shape[1]:
        cosines = products(run.vectors, repeated.vectors).astype(np.float64).round(5)
    cosines[opposed(run.texts, repeated.texts)] = 0
    return Comparison(cosines, run.chosen, repeated.chosen)


def chosen_from_same(num_principles: int, first: Places, second: Places) -> Comparison:
    """Two choices from one list, where each principle is the same as itself alone."""
    return Comparison(np.eye(num_principles), first, second)


def returns(
    ids: Sequence[Sequence[str]],
    formed: Sequence[Repetition],
    chosen: Sequence[Repetition],
) -> list[Return]:
    """How often each chosen principle comes back.

    Args:
        ids: of the chosen principles of each kind, in rank order.
        formed: repetitions that tell what was formed.
        chosen: as many that tell what was chosen; `formed` itself, or choices from the same list.
    """
    found = []
    for kind, own in enumerate(ids):
        num_formed = _times(len(own), [_formed(repetition[kind]) for repetition in formed])
        num_chosen = _times(len(own), [_back(repetition[kind]) for repetition in chosen])
        for place, key in enumerate(own):
            found.append(
                Return(
                    principle_id=key,
                    num_runs=len(formed),
                    num_formed=num_formed[place],
                    num_chosen=num_chosen[place],
                )
            )
    return found


def comes_back_formed(repetitions: Sequence[Repetition], how: str, seed: int) -> Measure:
    """Mean share of the chosen principles of which the repetition formed one that says the same,
    beside as many principles drawn at random from all that the run formed.
    """
    shares = [_share(repetition, _formed) for repetition in repetitions]
    draws = _random_shares(repetitions, _random_formed, seed)
    note = (
        f"mean share of the {_num_chosen(repetitions)} chosen principles of which a repetition "
        f"formed one that {SAME}; {how}"
    )
    baseline = _range_of(draws, "as many principles drawn at random from all that were distilled")
    return measure((FAMILY, FORMED), _spread(shares), None, _noted(note, repetitions), baseline)


def comes_back_chosen(
    repetitions: Sequence[Repetition], how: str, seed: int, name: str = CHOSEN
) -> Measure:
    """Mean share of the chosen principles of which the repetition chose one that says the same,
    beside as many as it chose drawn at random from all that it formed.
    """
    shares = [_share(repetition, _back) for repetition in repetitions]
    draws = _random_shares(repetitions, _random_chosen, seed)
    is_same = "itself" if name == CHOSEN_FROM_SAME else f"one that {SAME}"
    note = (
        f"mean share of the {_num_chosen(repetitions)} chosen principles of which a repetition "
        f"chose {is_same}; {how}"
    )
    baseline = _range_of(
        draws, "as many principles drawn at random from all that the repetition chose from"
    )
    return measure((FAMILY, name), _spread(shares), None, _noted(note, repetitions), baseline)


def order_again(repetitions: Sequence[Repetition], how: str, name: str = ORDER) -> Measure:
    """Mean rank correlation of the run and its repetitions, over the principles that came back."""
    found = [_order(repetition) for repetition in repetitions]
    told = [order for order in found if order is not None]
    if not told:
        why = "not measured: in no repetition did two principles of a kind come back as chosen"
        return not_measured((FAMILY, name), why)
    note = (
        "mean Kendall tau-b between the order of the run and of a repetition, on the principles "
        f"that come back as chosen ({len(told)} of {len(found)} repetitions have two of a kind; "
        f"with few principles it takes few values); {how}"
    )
    baseline = Baseline("an order drawn by lot", 0.0)
    return measure((FAMILY, name), _spread(told), None, _noted(note, repetitions), baseline)


def _formed(one: Comparison) -> list[int]:
    """Ranks, from 0, of the chosen principles that the repetition formed."""
    return _matched(one.likeness[list(one.first)])


def _back(one: Comparison) -> list[int]:
    """Ranks, from 0, of the chosen principles that the repetition chose."""
    return [first for first, _ in _ranks(one)]


def _ranks(one: Comparison) -> list[tuple[int, int]]:
    """Ranks in the run and in the repetition of the principles both chose."""
    both = one.likeness[list(one.first)][:, list(one.second)]
    return [(first, second) for first, second, _ in best_pairs(both, SAME_COSINE)]


def _matched(likeness: Floats) -> list[int]:
    return [row for row, _, _ in best_pairs(likeness, SAME_COSINE)]


def _random_formed(one: Comparison, generator: np.random.Generator) -> int:
    num_all, num = len(one.likeness), len(one.first)
    return len(_matched(one.likeness[generator.choice(num_all, num, replace=False)]))


def _random_chosen(one: Comparison, generator: np.random.Generator) -> int:
    num_all, num = one.likeness.shape[1], len(one.second)
    if num == 0:
        return 0
    drawn = generator.choice(num_all, num, replace=False)
    return len(_matched(one.likeness[list(one.first)][:, drawn]))


def _random_shares(
    repetitions: Sequence[Repetition],
    count: Callable[[Comparison, np.random.Generator], int],
    seed: int,
) -> list[float]:
    """Shares that random sets reach, as many sets for each repetition."""
    generator = np.random.default_rng(seed)
    num_each = -(-NUM_RANDOM_SETS // len(repetitions))
    total = _num_chosen(repetitions)
    return [
        sum(count(one, generator) for one in repetition) / total
        for repetition in repetitions
        for _ in range(num_each)
    ]


def _share(repetition: Repetition, ranks: Callable[[Comparison], list[int]]) -> float:
    return sum(len(ranks(one)) for one in repetition) / _num_chosen([repetition])


def _order(repetition: Repetition) -> float | None:
    """Kendall's tau-b, each kind as heavy as it has pairs of principles; None without a pair."""
    pairs = [ranks for ranks in map(_ranks, repetition) if len(ranks) > 1]
    if not pairs:
        return None
    taus = [rank_correlation(*zip(*ranks, strict=True)) for ranks in pairs]
    weights = [len(ranks) * (len(ranks) - 1) for ranks in pairs]
    return float(np.average(taus, weights=weights))


def _times(num: int, found: Sequence[Sequence[int]]) -> list[int]:
    return [sum(place in ranks for ranks in found) for place in range(num)]


def _num_chosen(repetitions: Sequence[Repetition]) -> int:
    return sum(len(one.first) for one in repetitions[0])


def _spread(figures: Sequence[float]) -> Triple:
    """Their mean and the range that 95 % of them lie in."""
    tail = (1 - LEVEL) / 2
    low, high = np.quantile(figures, [tail, 1 - tail])
    mean = float(np.mean(figures))
    return round(mean, DIGITS), round(float(low), DIGITS), round(float(high), DIGITS)


def _range_of(draws: Sequence[float], name: str) -> Baseline:
    value, low, high = _spread(draws)
    return Baseline(name, value, low, high)


def _noted(note: str, repetitions: Sequence[Repetition]) -> str:
    return (
        f"{note}; low and high: the range that 95 % of the {len(repetitions)} repetitions lie in "
        "(a repetition is no person: this is no interval over people)"
    )
