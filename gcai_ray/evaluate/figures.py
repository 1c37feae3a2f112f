"""What is measured of models → rows of `assessment`. The unit is the prompt: several contests on
one are one draw. Knows no path and no model.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from gcai_ray.evaluate.measures import Baseline, Triple
from gcai_ray.schemas import Figure
from gcai_ray.statistics import DIGITS, paired_difference, ratio_interval, share_intervals

ALL, SINGLE, MULTI = COLUMNS = ("all", "single", "multi")
# A share of fewer prompts has an interval of half the range or more: no figure is better.
LEAST_PROMPTS = 10

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]


@dataclass(frozen=True)
class Place:
    """What a figure is of: all of a row of `assessment` that is no number."""

    family: str
    name: str
    model: str
    against: str | None = None
    scope: str = "all"
    subject: str = ""
    prompts: str = ALL

    def on(self, prompts: str) -> Place:
        """The same of other prompts."""
        return replace(self, prompts=prompts)


def figure(
    place: Place,
    found: tuple[float, float | None, float | None],
    num_prompts: int | None,
    note: str,
    beside: Baseline | None = None,
) -> Figure:
    """One row with its baseline, if it has one. `found`: value, low, high."""
    told = beside.difference if beside and beside.difference else (None, None, None)
    return Figure(
        **vars(place),
        value=found[0],
        low=found[1],
        high=found[2],
        baseline_name=beside.name if beside else None,
        baseline=beside.value if beside else None,
        baseline_low=beside.low if beside else None,
        baseline_high=beside.high if beside else None,
        difference=told[0],
        difference_low=told[1],
        difference_high=told[2],
        num_prompts=num_prompts,
        note=note,
    )


def not_measured(place: Place, why: str) -> Figure:
    """A row that says plainly why there is no figure."""
    told = vars(place) | {"note": why}
    empty = dict.fromkeys(set(Figure.model_fields) - set(told))
    return Figure.model_validate(empty | told)


def too_few(place: Place, num_prompts: int, of: str) -> Figure:
    """The row of a figure that rests on fewer than 10 prompts. `of`: what those prompts are."""
    why = f"{num_prompts} {of}: at least {LEAST_PROMPTS} are needed"
    return not_measured(place, why).model_copy(update={"num_prompts": num_prompts})


def clustered(hits: Floats, totals: Floats, seed: int) -> Triple:
    """A share of contests with its interval over prompts.

    Args:
        hits: [prompts], contests of a prompt that count, a tie one half.
        totals: [prompts], all of its contests, at least one.
        seed: of the bootstrap.
    """
    return ratio_interval(hits, totals, seed)


def even(found: Triple, what: str = "no difference") -> Baseline:
    """One half, and how far the share is from it."""
    value, low, high = (round(end - 0.5, DIGITS) for end in found)
    return Baseline(what, 0.5, difference=(value, low, high))


def mean_of(values: Floats, seed: int) -> Triple:
    """Mean over prompts of a number that is 0 or more, such as characters, with its interval."""
    scale = max(float(values.max(initial=0.0)), 1.0)
    row = share_intervals((values / scale)[:, None], seed)[0] * scale
    return tuple(map(float, row.round(DIGITS)))  # pyright: ignore[reportReturnType]  three


def difference_of(first: Floats, second: Floats, seed: int) -> Triple:
    """Mean over prompts of `first` less `second`, numbers of any size, with its interval."""
    scale = max(float(np.abs(first - second).max(initial=0.0)), 1.0)
    found = paired_difference(first / scale, second / scale, seed)
    value, low, high = (round(end * scale, DIGITS) for end in found)
    return value, low, high


def columns_of(num_turns: NDArray[np.int64]) -> Mapping[str, Bools]:
    """[prompts] of each column: all of them, those of one turn of a person, longer ones."""
    return {ALL: num_turns > 0, SINGLE: num_turns == 1, MULTI: num_turns > 1}


def in_short(figures: Iterable[Figure], model: str) -> dict[str, dict[str, float | int | None]]:
    """The figures of one model over all principles, by name, for whoever chooses among adapters:
    `win_rate against base`, `over_refusal`, … with interval and number of prompts.
    """
    found = {}
    for one in figures:
        if one.model == model and one.scope == ALL and one.value is not None:
            name = one.name if one.name != "rate" else one.family
            against = f" against {one.against}" if one.against else ""
            where = "" if one.prompts == ALL else f", {one.prompts}"
            facts = {"value": one.value, "low": one.low, "high": one.high}
            found[f"{name}{against}{where}"] = facts | {"num_prompts": one.num_prompts}
    return found


WORDS = {
    ALL: "held-out prompts",
    SINGLE: "held-out prompts of one turn",
    MULTI: "held-out conversations of several turns",
}
