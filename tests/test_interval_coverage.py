"""Do 95 % intervals hold the truth in 95 % of draws? Each case draws 1,000 sets of people from a
population whose figure is known.

With few people who say yes or no the coverage of any interval jumps with the share (Brown, Cai and
DasGupta 2001), therefore the share is drawn anew for each set. `benchmarks/bench_intervals.py`
prints the coverages over more sets, beside those of the percentile bootstrap.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pytest
from numpy.typing import NDArray

from gcai_ray.statistics import (
    paired_difference,
    ratio_intervals,
    share_intervals,
    tied_pairs,
)

Floats = NDArray[np.float64]
NUM_SETS = 1000
SETS_PER_CALL = 50  # sets that share their draws of people; other calls have other seeds
NUM_DRAWS = 500
SIZES = (12, 20, 60, 200)


@dataclass(frozen=True)
class Population:
    """Sets of people: `hits` of `totals` [people, sets], and the figure [sets] they come from."""

    hits: Floats
    totals: Floats
    truth: Floats
    signed: bool = False


Draw = Callable[[np.random.Generator, tuple[int, int]], Population]


def yes_or_no(generator: np.random.Generator, shape: tuple[int, int]) -> Population:
    truth = generator.uniform(0.1, 0.9, shape[1])
    return Population((generator.random(shape) < truth).astype(float), np.ones(shape), truth)


def shares_of_a_few_rows(generator: np.random.Generator, shape: tuple[int, int]) -> Population:
    """People with 1 to 10 rows or so, who differ in what they tend to: 0, 1 and all between."""
    truth = generator.uniform(0.2, 0.8, shape[1])
    rows = generator.geometric(0.3, shape)
    said = generator.binomial(rows, generator.beta(3 * truth, 3 * (1 - truth), shape))
    return Population(said / rows, np.ones(shape), truth)


def skewed_shares(generator: np.random.Generator, shape: tuple[int, int]) -> Population:
    return Population(generator.beta(0.5, 1.5, shape), np.ones(shape), np.full(shape[1], 0.25))


def voices(generator: np.random.Generator, shape: tuple[int, int]) -> Population:
    """For 0.4, against 0.1, silent 0.5."""
    said = generator.choice([-1.0, 0.0, 1.0], p=[0.1, 0.5, 0.4], size=shape)
    return Population(said, np.ones(shape), np.full(shape[1], 0.3), signed=True)


def unequal_rows(generator: np.random.Generator, shape: tuple[int, int]) -> Population:
    """Rows per person log-normal: the largest of 60 people writes 10 times the median."""
    truth = generator.uniform(0.2, 0.8, shape[1])
    rows = np.ceil(3 * np.exp(generator.normal(0, 1, shape)))
    tends = generator.beta(4 * truth, 4 * (1 - truth), shape)
    return Population(generator.binomial(rows.astype(int), tends).astype(float), rows, truth)


def busy_people_differ(generator: np.random.Generator, shape: tuple[int, int]) -> Population:
    """Half the people write twice as much and agree twice as often."""
    busy = generator.random(shape) < 0.5
    rows = generator.geometric(0.2, shape) * np.where(busy, 2, 1)
    hits = generator.binomial(rows, np.where(busy, 0.6, 0.3)).astype(float)
    return Population(hits, rows.astype(float), np.full(shape[1], (2 * 0.6 + 0.3) / 3))


def flips(generator: np.random.Generator, shape: tuple[int, int]) -> Population:
    """Position bias: 30 % of answers flip to the first, 20 % to the second."""
    rows = generator.geometric(0.2, shape)
    to_first = generator.binomial(rows, 0.3)
    hits = (to_first - generator.binomial(rows - to_first, 0.2 / 0.7)).astype(float)
    return Population(hits, rows.astype(float), np.full(shape[1], 0.1), signed=True)


SHARES: tuple[Draw, ...] = (yes_or_no, shares_of_a_few_rows, skewed_shares, voices)
RATIOS: tuple[Draw, ...] = (unequal_rows, busy_people_differ, flips)


def intervals(drawn: Population, seed: int) -> Floats:
    """[sets, 3] by the function under test."""
    found = []
    for number, part in enumerate(parts_of(drawn.truth)):
        hits, totals = drawn.hits[:, part], drawn.totals[:, part]
        again = seed + number
        found.append(
            share_intervals(hits, again, NUM_DRAWS, drawn.signed)
            if (totals == 1).all()
            else ratio_intervals(hits, totals, again, NUM_DRAWS, drawn.signed)
        )
    return np.concatenate(found)


def parts_of(truth: Floats) -> list[NDArray[np.int64]]:
    return np.array_split(np.arange(len(truth)), max(len(truth) // SETS_PER_CALL, 1))


def coverage(found: Floats, truth: Floats) -> float:
    return float(((found[:, 1] <= truth + 1e-6) & (found[:, 2] >= truth - 1e-6)).mean())


@pytest.mark.parametrize("num_people", SIZES)
@pytest.mark.parametrize("draw", [*SHARES, *RATIOS], ids=lambda draw: draw.__name__)
def test_an_interval_holds_the_truth_as_often_as_it_says(draw: Draw, num_people: int) -> None:
    drawn = draw(np.random.default_rng(num_people), (num_people, NUM_SETS))
    assert 0.93 <= coverage(intervals(drawn, seed=0), drawn.truth) <= 0.97


@pytest.mark.parametrize("num_people", SIZES)
def test_what_enters_is_above_chance_as_surely_as_it_says(num_people: int) -> None:
    """Only the lower end of the 90 % interval matters: it may be wrong in 5 % of draws. A dozen
    people err on the safe side.
    """
    generator = np.random.default_rng(num_people)
    totals = generator.geometric(0.4, (num_people, NUM_SETS)).astype(float)
    hits = generator.binomial(totals.astype(int), 0.5).astype(float)
    found = [
        ratio_intervals(hits[:, part], totals[:, part], seed, NUM_DRAWS, level=0.9)
        for seed, part in enumerate(parts_of(np.zeros(NUM_SETS)))
    ]
    wrong = float((np.concatenate(found)[:, 1] > 0.5).mean())
    assert 0.02 <= wrong <= 0.07


def executors(
    generator: np.random.Generator, shape: tuple[int, int], better_by: float
) -> tuple[Floats, Floats]:
    """Shares predicted of each person's few pairs by two executors that meet the same people."""
    rows = generator.geometric(0.4, shape)
    ease = generator.beta(4, 4, shape) * (1 - better_by)
    return generator.binomial(rows, ease + better_by) / rows, generator.binomial(rows, ease) / rows


@pytest.mark.parametrize("better_by", [0.0, 0.15])
@pytest.mark.parametrize("num_people", SIZES)
def test_a_paired_difference_is_held_as_often(num_people: int, better_by: float) -> None:
    generator = np.random.default_rng(num_people)
    first, second = executors(generator, (num_people, NUM_SETS), better_by)
    found = [
        paired_difference(first[:, i], second[:, i], seed=i, num_draws=200) for i in range(NUM_SETS)
    ]
    assert 0.93 <= coverage(np.array(found), np.full(NUM_SETS, better_by)) <= 0.97


@pytest.mark.parametrize("num_people", SIZES)
def test_columns_alike_in_the_population_are_tied_as_often(num_people: int) -> None:
    ties = 0
    for seed in range(NUM_SETS // 10):
        generator = np.random.default_rng(seed)
        values = generator.beta(2, 3, (num_people, 5))
        tied = tied_pairs(values, seed, num_draws=200)
        ties += int(tied[np.triu_indices(5, 1)].sum())
    assert 0.93 <= ties / NUM_SETS <= 0.97
