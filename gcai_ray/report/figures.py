"""Shares and coordinates → the geometry of charts, in per cent of the drawing. Knows no HTML.

Places are per cents and marks are pixels, so a chart stays legible from a phone to a printed page.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from gcai_ray.report.content import ClusterPoint, MapPoint
from gcai_ray.report.evaluation import Answer, Figure
from gcai_ray.report.phrases import percent
from gcai_ray.report.prose import Part
from gcai_ray.report.votes import IN_BAR
from gcai_ray.schemas import Constitution, GroupCoverage, Kind, Prediction

TOPS = (0.05, 0.1, 0.2, 0.4, 0.6, 0.8, 1.0)
MARGIN = 5.0  # per cent of the map left free on every side, so that no mark is cut
RADIUS = (5.0, 15.0)  # pixels: a cluster of one person, the cluster of most people
LABELLED_RADIUS = 11.0  # pixels: a chosen cluster holds its number


@dataclass(frozen=True)
class Scale:
    """An axis from 0 to `top`."""

    top: float
    is_share: bool = True

    def place(self, value: float) -> str:
        """Where a value stands, in per cent of the width; values off the axis stand at its end."""
        return f"{100 * min(max(value / self.top, 0.0), 1.0):.2f}"

    @property
    def ticks(self) -> list[str]:
        """Labels at the start, the middle and the end of the axis."""
        if not self.is_share:
            return ["0", f"{self.top / 2:g}", f"{self.top:g}"]
        return ["0", percent(self.top / 2, self.top == TOPS[0]), percent(self.top)]


@dataclass(frozen=True)
class Segment:
    """One outcome in a bar: where it begins and how wide it is, in per cent of the width."""

    tone: str
    start: str
    width: str


@dataclass(frozen=True)
class Mark:
    """One point or cluster on the map: place in per cent of the drawing, radius in pixels."""

    x: str
    y: str
    radius: str
    kind: Kind
    text: str
    cluster: int
    num_people: int = 0
    label: str = ""
    anchor: str = ""


@dataclass(frozen=True)
class Map:
    """The marks of the map in drawing order; clusters by falling size, the chosen by rank."""

    points: list[Mark]
    clusters: list[Mark]
    chosen: list[Mark]


WHOLE = Scale(1.0)


def scale_for(values: Iterable[float]) -> Scale:
    """The shortest axis that holds all values, at most 0 to 1."""
    largest = max(values, default=1.0)
    return Scale(next((top for top in TOPS if largest <= top), TOPS[-1]))


def support_scale(parts: Sequence[Part]) -> Scale:
    """One axis for the support of all principles, so that their bars can be compared."""
    return scale_for(p.support.interval.high for part in parts for p in part.principles)


def group_scale(parts: Sequence[Part]) -> Scale:
    """One axis for the support of all principles in all groups."""
    own = (p.support for part in parts for p in part.principles)
    return scale_for(
        high for s in own for high in (s.interval.high, *(g.interval.high for g in s.groups))
    )


def share_scale(answer: Answer) -> Scale | None:
    """One axis for all shares that answer one question, so that their bars can be compared; None
    where none is a share.
    """
    return _scale_of([figure for figure in answer.figures if figure.share])


def figure_scale(figure: Figure, answer: Answer) -> Scale | None:
    """The axis of a figure and its baselines; None when a value outside 0 to 1 has no fair bar."""
    return share_scale(answer) if figure.share else _scale_of([figure])


def _scale_of(figures: Sequence[Figure]) -> Scale | None:
    lines = [line for figure in figures for line in figure.lines]
    ends = [end for line in lines for end in (line.value, line.low, line.high) if end is not None]
    if not ends or not all(0 <= end <= 1 for end in ends):
        return None
    return replace(scale_for(ends), is_share=figures[0].share)


def coverage_scale(groups: Sequence[GroupCoverage]) -> Scale:
    """One axis for the coverage of all groups."""
    return scale_for(group.interval.high for group in groups)


def segments(said: Prediction) -> list[Segment]:
    """The bar of a principle's votes; outcomes that did not occur are left out."""
    total = max(sum(said.outcomes.values()), 1)
    found, done = [], 0
    for outcome, tone in IN_BAR:
        number = said.outcomes.get(outcome, 0)
        if number:
            start, width = WHOLE.place(done / total), WHOLE.place(number / total)
            found.append(Segment(tone, start, width))
        done += number
    return found


def anchor_of(kind: Kind, rank: int) -> str:
    """The id of a principle on the page, `contextual-1`."""
    return f"{kind}-{rank}"


def label_of(kind: Kind, rank: int) -> str:
    """The short name of a principle in charts, `C1` or `G1`."""
    return f"{kind[0].upper()}{rank}"


def map_of(
    points: Sequence[MapPoint], clusters: Sequence[ClusterPoint], constitution: Constitution
) -> Map:
    """Points and clusters → marks. Depends on no order of its input."""
    frame = _Frame.around([(p.x, p.y) for p in (*points, *clusters)])
    ordered = sorted(clusters, key=lambda c: (-c.num_people, c.principle_id))
    index = {cluster.principle_id: number for number, cluster in enumerate(ordered)}
    ranks = {p.id: p.rank for p in constitution.principles}
    most = max((c.num_people for c in clusters), default=1)
    marks = [(cluster, _cluster_mark(cluster, index, ranks, most, frame)) for cluster in ordered]
    return Map(
        points=[
            _point_mark(p, index, frame)
            for p in sorted(points, key=lambda p: (p.x, p.y, p.kind, p.text))
        ],
        clusters=[mark for cluster, mark in marks if not cluster.chosen],
        chosen=sorted((mark for cluster, mark in marks if cluster.chosen), key=_chosen_order),
    )


def _chosen_order(mark: Mark) -> tuple[Kind, int]:
    return mark.kind, int(mark.label[1:])


@dataclass(frozen=True)
class _Frame:
    left: float
    bottom: float
    width: float
    height: float

    @classmethod
    def around(cls, places: Sequence[tuple[float, float]]) -> _Frame:
        xs = [x for x, _ in places] or [0.0]
        ys = [y for _, y in places] or [0.0]
        return cls(min(xs), min(ys), max(xs) - min(xs), max(ys) - min(ys))

    def place(self, x: float, y: float) -> tuple[str, str]:
        across = (x - self.left) / self.width if self.width > 0 else 0.5
        up = (y - self.bottom) / self.height if self.height > 0 else 0.5
        room = 100 - 2 * MARGIN
        return f"{MARGIN + room * across:.2f}", f"{MARGIN + room * (1 - up):.2f}"


def _point_mark(point: MapPoint, index: dict[str, int], frame: _Frame) -> Mark:
    x, y = frame.place(point.x, point.y)
    return Mark(x, y, "2", point.kind, point.text, index.get(point.principle_id, -1))


def _cluster_mark(
    cluster: ClusterPoint, index: dict[str, int], ranks: dict[str, int], most: int, frame: _Frame
) -> Mark:
    x, y = frame.place(cluster.x, cluster.y)
    radius = RADIUS[0] + (RADIUS[1] - RADIUS[0]) * math.sqrt(cluster.num_people / max(most, 1))
    number, people = index[cluster.principle_id], cluster.num_people
    if not cluster.chosen:
        return Mark(x, y, f"{radius:.1f}", cluster.kind, cluster.text, number, people)
    rank = ranks[cluster.principle_id]
    label, anchor = label_of(cluster.kind, rank), anchor_of(cluster.kind, rank)
    return Mark(
        x,
        y,
        f"{max(radius, LABELLED_RADIUS):.1f}",
        cluster.kind,
        cluster.text,
        number,
        people,
        label,
        anchor,
    )
