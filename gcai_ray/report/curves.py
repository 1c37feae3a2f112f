"""Figures of training by update → the geometry of line charts, in per cent. Knows no HTML.

Means of neighbouring updates where there are more than a line can show.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from gcai_ray.report.phrases import percent
from gcai_ray.schemas import Metric

MAX_CORNERS = 120
STEPS = (1.0, 2.0, 2.5, 5.0, 10.0)
Points = list[tuple[int, float]]  # update, value


@dataclass(frozen=True)
class Curve:
    """One line: its corners in a drawing 100 wide and 100 high, and in words where it began and
    ended; `marks`: left, top, words of every point, where there are few.
    """

    held_out: bool
    corners: str
    marks: tuple[tuple[str, str, str], ...]
    words: str


@dataclass(frozen=True)
class Chart:
    """One figure by update. `ticks`: labels from the top; `zero`: the height of zero, where it
    lies inside.
    """

    name: str
    curves: tuple[Curve, ...]
    ticks: tuple[str, str, str]
    zero: str | None
    last_update: int

    @property
    def words(self) -> str:
        """What the curves say."""
        told = ("held-out rows" if curve.held_out else "rows it learns" for curve in self.curves)
        pairs = zip(told, self.curves, strict=True)
        return "; ".join(f"{of}: {curve.words}" for of, curve in pairs)


def points_of(metrics: Sequence[Metric], objective: str, name: str) -> Points:
    """The values of a figure by update, whatever the order of the rows."""
    return sorted((m.step, m.value) for m in metrics if (m.objective, m.name) == (objective, name))


def chart_of(metrics: Sequence[Metric], objective: str, name: str) -> Chart | None:
    """The chart of one figure, with that of the held-out rows; None where it was not measured."""
    own = points_of(metrics, objective, name)
    held = points_of(metrics, objective, f"eval_{name}")
    drawn = [(thinned(points), is_held) for points, is_held in ((own, False), (held, True))]
    drawn = [(points, is_held) for points, is_held in drawn if points]
    if not drawn:
        return None
    say = percent if name.endswith("accuracy") else number_words
    low, high = (0.0, 1.0) if say is percent else bounds([v for of, _ in drawn for _, v in of])
    last = max(max(step for step, _ in points) for points, _ in drawn)
    ends = {False: own, True: held}
    frame = (low, high, last)
    return Chart(
        name=name,
        curves=tuple(
            _curve(points, is_held, ends[is_held], frame, say) for points, is_held in drawn
        ),
        ticks=(say(high), say((low + high) / 2), say(low)),
        zero=_top(0.0, low, high) if low < 0 < high else None,
        last_update=last,
    )


def thinned(points: Points) -> Points:
    """At most 120 points: each the mean of as many neighbours."""
    size = math.ceil(len(points) / MAX_CORNERS) or 1
    groups = [points[start : start + size] for start in range(0, len(points), size)]
    return [(group[-1][0], math.fsum(value for _, value in group) / len(group)) for group in groups]


def bounds(values: Sequence[float]) -> tuple[float, float]:
    """A short axis around all values whose ends and middle are round.

    >>> bounds([0.31, 2.9])
    (0.0, 4.0)
    """
    least, most = min(values), max(values)
    wanted = max(most - least, 1e-3 * max(abs(most), abs(least)), 1e-9) / 2
    unit = 10.0 ** math.floor(math.log10(wanted))
    for step in (unit * times for times in (*STEPS, 20.0)):
        low = math.floor(least / step) * step
        if low + 2 * step >= most:
            return low, low + 2 * step
    raise ValueError(f"no axis holds {least} to {most}")


def number_words(value: float) -> str:
    """Three figures are enough: `2.31`, `0.052`."""
    text = f"{value:.3g}" if abs(value) < 1000 else f"{value:,.0f}"
    return "0" if text in ("-0", "0") else text.replace("-", "−")


def _curve(
    points: Points,
    is_held: bool,
    whole: Points,
    frame: tuple[float, float, int],
    say: Callable[[float], str],
) -> Curve:
    low, high, last = frame
    places = [(_left(step, last), _top(value, low, high)) for step, value in points]
    few = is_held or len(points) == 1
    marks = zip(places, points, strict=True) if few else ()
    return Curve(
        held_out=is_held,
        corners=" ".join(f"{left},{top}" for left, top in places),
        marks=tuple((*place, f"update {step:,}: {say(value)}") for place, (step, value) in marks),
        words=f"{say(whole[0][1])} → {say(whole[-1][1])}",
    )


def _left(step: int, last: int) -> str:
    return f"{100 * step / max(last, 1):.2f}"


def _top(value: float, low: float, high: float) -> str:
    return f"{100 * (high - value) / (high - low):.2f}"
