"""docs/scaling.md says what the model computes, and the model computes what it says."""

from __future__ import annotations

import sys

import pytest
from places import ROOT

sys.path.append(str(ROOT))

from tests.benchmarks.scaling_model import SIZES, Estimate, assumptions, limits, tables

PAGE = ROOT / "docs" / "scaling.md"


def test_the_page_holds_exactly_what_the_model_prints() -> None:
    assert f"\n\n{tables()}\n" in PAGE.read_text(encoding="utf-8")


def test_a_hundred_million_by_hand() -> None:
    estimate = Estimate(100_000_000)
    # 100 M × (948 + 736 + 2 × 45) + 27,000 × 1,100 tokens, at 989e12 × 0.3 / 16e9 a second
    assert estimate.gpu_hours == pytest.approx(2657.8, abs=0.1)
    assert estimate.asking_hours == pytest.approx(41.5, abs=0.1)
    # 42 slices of `preferences`, 2 × 101 of `requests` and `replies`, 2 × 200 of the store
    assert estimate.driver_bytes == pytest.approx(30.36e12, rel=0.001)


def test_what_the_driver_reads_grows_with_the_square_and_tokens_do_not() -> None:
    small, large = Estimate(SIZES[1]), Estimate(10 * SIZES[1])
    assert large.driver_bytes > 80 * small.driver_bytes
    assert large.tokens_in == pytest.approx(10 * small.tokens_in, rel=0.01)


def test_limits_are_told_from_the_nearest_on() -> None:
    rows = [limit.rows for limit in limits()]
    assert rows == sorted(rows)
    assert rows[0] == pytest.approx(96.4e6, rel=0.01)  # 128e9 / 1,660 / 0.8


def test_every_assumption_says_where_it_comes_from() -> None:
    kinds = ("measured here", "assumed", "computed from", "NVIDIA", "AWS")
    assert all(of.source.startswith(kinds) for of in assumptions().values())
