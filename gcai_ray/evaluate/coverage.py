"""Held-out reasons and the constitution → how many of them it covers, beside candidates drawn at
random. Knows no path.

A reason is covered when one of its clauses matches one of the principles (`stages.vote`). The
baseline answers: would any five clauses have done as well?
"""

from __future__ import annotations

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from gcai_ray.electorate import Electorate
from gcai_ray.evaluate.measures import Baseline, measure
from gcai_ray.schemas import Measure
from gcai_ray.statistics import DIGITS, ratio_interval
from gcai_ray.vectors import products, stacked

PLACE = ("coverage", "held_out_coverage")
NUM_RANDOM_SETS = 200


def covered_rows(
    electorate: Electorate, clauses: pa.Table, principles: NDArray[np.float32], threshold: float
) -> NDArray[np.bool_]:
    """Which rows [rows] have a clause near one of the principles [principles, dim]."""
    covered = np.zeros(len(electorate.rows), dtype=bool)
    if len(principles) and clauses.num_rows:
        near = (
            products(stacked(clauses["vector"]), principles).round(5) >= np.float32(threshold)
        ).any(axis=1)
        rows, is_in = electorate.places(np.asarray(clauses["row_id"].to_pylist(), dtype=np.str_))
        covered[rows[near & is_in]] = True
    return covered


def held_out_coverage(
    electorate: Electorate,
    clauses: pa.Table,
    principles: NDArray[np.float32],
    pool: NDArray[np.float32],
    threshold: float,
    seed: int,
) -> Measure:
    """Share of held-out reasons that the principles cover, beside as many random candidates of the
    training half.

    Args:
        electorate: people and rows of the held-out reasons.
        clauses: their candidates, with `row_id` and `vector`.
        principles: vectors of the chosen principles [k, dim].
        pool: vectors of training candidates to draw from [n, dim], in canonical order.
        threshold: cosine from which a clause matches.
        seed: of the draws.
    """
    share, low, high = _share(
        electorate, covered_rows(electorate, clauses, principles, threshold), seed
    )
    draws = random_coverages(electorate, clauses, pool, len(principles), threshold, seed)
    ends = np.quantile(draws, [0.025, 0.975]).round(DIGITS) if len(draws) else np.zeros(2)
    baseline = Baseline(
        name=f"{len(principles)} random candidates",
        value=round(float(draws.mean()), DIGITS) if len(draws) else 0.0,
        low=float(ends[0]),
        high=float(ends[1]),
    )
    note = (
        f"share of {len(electorate.rows)} held-out reasons with a clause that matches a "
        f"contextual principle; "
        f"baseline: mean and 95 % range over {len(draws)} random draws"
    )
    return measure(PLACE, (share, low, high), len(electorate.people), note, baseline)


def random_coverages(
    electorate: Electorate,
    clauses: pa.Table,
    pool: NDArray[np.float32],
    size: int,
    threshold: float,
    seed: int,
) -> NDArray[np.float64]:
    """Coverage of `NUM_RANDOM_SETS` random sets of `size` candidates."""
    if len(pool) < size or size == 0 or not len(electorate.rows):
        return np.zeros(0)
    generator = np.random.default_rng(seed)
    sets = [generator.choice(len(pool), size=size, replace=False) for _ in range(NUM_RANDOM_SETS)]
    return np.array(
        [covered_rows(electorate, clauses, pool[chosen], threshold).mean() for chosen in sets]
    )


def extraction_yield(
    electorate: Electorate, row_ids: set[str], name: str, note: str, seed: int
) -> Measure:
    """Share of rows that gave at least one candidate."""
    found = np.array([row in row_ids for row in electorate.rows.tolist()], dtype=bool)
    figure = _share(electorate, found, seed)
    return measure(("coverage", name), figure, len(electorate.people), note)


def _share(electorate: Electorate, hit: NDArray[np.bool_], seed: int) -> tuple[float, float, float]:
    num_people = len(electorate.people)
    hits = np.bincount(electorate.person_of_row, weights=hit.astype(float), minlength=num_people)
    return ratio_interval(hits, electorate.rows_per_person.astype(float), seed)
