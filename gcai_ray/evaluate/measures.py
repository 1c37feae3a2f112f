"""Figures → rows of `evaluation`. Knows no data and no stage."""

from __future__ import annotations

from dataclasses import dataclass

from gcai_ray.schemas import Measure

Triple = tuple[float, float, float]  # value, low, high


@dataclass(frozen=True)
class Baseline:
    """What a figure is held against; `difference`: paired, over the same people."""

    name: str
    value: float
    low: float | None = None
    high: float | None = None
    difference: Triple | None = None


def measure(
    place: tuple[str, str],
    figure: Triple,
    num_people: int | None,
    note: str,
    baseline: Baseline | None = None,
) -> Measure:
    """One row; `place`: family and name."""
    against = baseline.difference if baseline else None
    return Measure(
        family=place[0],
        name=place[1],
        value=figure[0],
        low=figure[1],
        high=figure[2],
        baseline_name=baseline.name if baseline else None,
        baseline=baseline.value if baseline else None,
        baseline_low=baseline.low if baseline else None,
        baseline_high=baseline.high if baseline else None,
        difference=against[0] if against else None,
        difference_low=against[1] if against else None,
        difference_high=against[2] if against else None,
        num_people=num_people,
        note=note,
    )


def not_measured(place: tuple[str, str], why: str) -> Measure:
    """A row that says plainly why there is no figure; `place`: family and name."""
    empty = dict.fromkeys(set(Measure.model_fields) - {"family", "name", "note"})
    return Measure(family=place[0], name=place[1], note=why, **empty)
