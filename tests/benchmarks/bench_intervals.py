"""The populations of `tests/test_interval_coverage.py` → how often 95 % intervals hold the truth,
and how wide they are: the percentile bootstrap over people beside ours.

Run: .venv/bin/python -m tests.benchmarks.bench_intervals [--sets 5000]
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np

from gcai_ray.statistics import bootstrap_means
from tests.benchmarks.measure import print_table

sys.path.append(str(Path(__file__).parents[1]))

from test_interval_coverage import (
    NUM_DRAWS,
    RATIOS,
    SHARES,
    SIZES,
    Floats,
    Population,
    coverage,
    intervals,
    parts_of,
)

HEAD = ["", "people", "percentile", "ours", "width: percentile", "ours"]


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description="Print the table.")
    parser.add_argument("--sets", type=int, default=5000, help="of people, for each row")
    num_sets = parser.parse_args().sets
    rows = []
    for draw in (*SHARES, *RATIOS):
        for num_people in SIZES:
            drawn = draw(np.random.default_rng(7), (num_people, num_sets))
            both = percentiles(drawn, 0), intervals(drawn, 0)
            held = [f"{coverage(found, drawn.truth):.1%}" for found in both]
            widths = [f"{(found[:, 2] - found[:, 1]).mean():.3f}" for found in both]
            rows.append([draw.__name__, str(num_people), *held, *widths])
    print_table(f"95 % intervals that hold the truth, of {num_sets:,} sets of people", HEAD, rows)


def percentiles(drawn: Population, seed: int) -> Floats:
    """[sets, 3] by what was used before: the percentile bootstrap."""
    found = []
    for number, part in enumerate(parts_of(drawn.truth)):
        both = np.hstack([drawn.hits[:, part], drawn.totals[:, part]])
        means = bootstrap_means(both, seed + number, NUM_DRAWS)
        ratios = means[:, : len(part)] / means[:, len(part) :]
        found.append(np.quantile(ratios, [0.5, 0.025, 0.975], axis=0).T)
    return np.concatenate(found)


if __name__ == "__main__":
    main()
