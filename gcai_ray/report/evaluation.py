"""Rows of `evaluation` → figures beside their baselines, by the question they answer, in words.

Knows neither HTML nor Markdown. A figure with several baselines is one figure with several
comparisons; what was not measured is told once, by its reason.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import groupby

from gcai_ray.report.comparisons import (
    VERDICTS,
    difference_words,
    figure_words,
    is_share,
    spreads_of,
    verdict_of,
)
from gcai_ray.report.meanings import (
    MEANINGS,
    ONLY_BASELINES,
    OTHER,
    OUTCOME_NAMES,
    OUTCOMES,
    QUESTIONS,
    Meaning,
    Question,
    baseline_meaning,
    meaning_of,
    question_of,
    spoken,
)
from gcai_ray.report.phrases import join_words, people
from gcai_ray.schemas import Measure

NO_BASELINE = "a baseline"
NO_REASON = "no reason was recorded"
PIECES = re.compile(r"; (?![^()]*\))")  # of a note; what stands in brackets stays together
BASELINE_ORDER = ("random", "majority class", "longer", "without")


@dataclass(frozen=True)
class Line:
    """One bar: the figure itself or one baseline, with the difference where it is known."""

    name: str
    value: float
    low: float | None
    high: float | None
    words: str
    difference: str = ""
    verdict: str = ""
    note: str = ""  # what the row's note says that the notes of other baselines do not
    beside: bool = False  # a baseline


@dataclass(frozen=True)
class Figure:
    """One measured figure and all its baselines; the first line is the figure itself."""

    measure: Measure
    meaning: Meaning
    share: bool
    lines: tuple[Line, ...]
    pieces: tuple[str, ...] = ()  # of its note

    @property
    def notes(self) -> str:
        """What its note says, in sentences."""
        return _sentences(self.pieces)

    @property
    def words(self) -> str:
        """The figure with its interval."""
        return self.lines[0].words

    @property
    def verdict(self) -> str:
        """`Better than X and Y; within noise of Z.`; empty without a baseline."""
        found: dict[str, list[str]] = {}
        for line in self.lines[1:]:
            if line.verdict:
                found.setdefault(line.verdict, []).append(line.name)
        words = "; ".join(
            f"{verdict} {join_words(found[verdict])}" for verdict in VERDICTS if verdict in found
        )
        return f"{words[:1].upper()}{words[1:]}." if words else ""


@dataclass(frozen=True)
class Answer:
    """One question with the figures that answer it, and what their baselines are."""

    question: Question
    figures: tuple[Figure, ...]
    baselines: str
    notes: str  # what the notes of all its figures say

    @property
    def introduction(self) -> str:
        """What the figures are; another where nothing but baselines was measured."""
        if all(figure.meaning.is_baseline for figure in self.figures):
            return ONLY_BASELINES
        return self.question.introduction

    @property
    def compared(self) -> list[Figure]:
        """Figures of several bars."""
        return [figure for figure in self.figures if len(figure.lines) > 1]

    @property
    def alone(self) -> list[Figure]:
        """Figures of one bar, which share a table."""
        return [figure for figure in self.figures if len(figure.lines) == 1]


@dataclass(frozen=True)
class Gap:
    """What was not measured for one reason: names of measures by what they belong to."""

    reason: str
    missing: dict[str, list[str]]

    @property
    def words(self) -> str:
        """`Prediction of choices: Judge and Majority; agreement: …`."""
        told = (f"{subject}: {join_words(names)}" for subject, names in self.missing.items())
        words = "; ".join(told)
        return f"{words[:1].upper()}{words[1:]}"


def answers_of(measures: Sequence[Measure]) -> list[Answer]:
    """The measured figures by question, in a fixed order whatever the order of the rows."""
    known = sorted((row for row in measures if row.value is not None), key=_order)
    found = []
    for question in (*QUESTIONS, OTHER):
        own = [row for row in known if question_of(row.family) is question]
        figures = [
            _figure(list(rows)) for _, rows in groupby(own, key=lambda m: (m.family, _name(m)))
        ]
        if figures:
            found.append(_answer(question, figures, _baseline_words(own)))
    return found


def not_measured(measures: Sequence[Measure]) -> list[Gap]:
    """What was not measured and why: each reason once, with all it stands for."""
    reasons: dict[str, dict[str, list[str]]] = {}
    for row in sorted(measures, key=_order):
        if row.value is None:
            families = reasons.setdefault(row.note, {})
            title = meaning_of(row.family, row.name).title
            titles = families.setdefault(question_of(row.family).subject, [])
            titles += [title] if title not in titles else []
    return [
        Gap(why.removeprefix("not measured: ") or NO_REASON, missing)
        for why, missing in reasons.items()
    ]


def figure_of(measures: Sequence[Measure], family: str, name: str) -> Figure | None:
    """One figure by its name; None when it was not measured."""
    rows = [m for m in measures if (m.family, spoken(m.name)) == (family, spoken(name))]
    known = sorted((row for row in rows if row.value is not None), key=_order)
    return _figure(known) if known else None


def _order(measure: Measure) -> tuple[int, str, int, int, str, int, str, str]:
    """Known families and names first, in the order in which they are explained."""
    families = [question.family for question in QUESTIONS]
    place = (measure.family, spoken(_name(measure)).replace("-", " "))
    names, outcomes = list(MEANINGS), list(OUTCOME_NAMES)
    outcome = outcomes.index(measure.name) if measure.name in outcomes else 0
    name = spoken(measure.baseline_name or "").lower()
    return (
        families.index(measure.family) if measure.family in families else len(families),
        measure.family,
        names.index(place) if place in names else len(names),
        outcome,
        measure.name,
        next((i for i, part in enumerate(BASELINE_ORDER) if part in name), len(BASELINE_ORDER)),
        name,
        measure.note,
    )


def _answer(question: Question, figures: Sequence[Figure], baselines: str) -> Answer:
    """With what all notes say told once."""
    shared = [
        piece
        for piece in figures[0].pieces
        if len(figures) > 1 and all(piece in figure.pieces for figure in figures)
    ]
    own = [
        replace(figure, pieces=tuple(piece for piece in figure.pieces if piece not in shared))
        for figure in figures
    ]
    return Answer(question, tuple(own), baselines, _sentences(shared))


def _name(measure: Measure) -> str:
    """The figure a row belongs to: the outcomes of votes are one figure."""
    return OUTCOMES if measure.family == "votes" and measure.name in OUTCOME_NAMES else measure.name


def _figure(rows: Sequence[Measure]) -> Figure:
    first, share = rows[0], is_share(rows)
    meaning = meaning_of(first.family, _name(first))
    own = "Baseline" if meaning.is_baseline else "This constitution"
    if _name(first) == OUTCOMES:
        lines = [_own(row, spoken(OUTCOME_NAMES[row.name]), share) for row in rows]
        return Figure(first, meaning, share, tuple(lines))
    pieces = [PIECES.split(row.note) for row in rows]
    common = [piece for piece in pieces[0] if piece and all(piece in other for other in pieces)]
    beside = [_beside(row, meaning, share, common) for row in rows if row.baseline is not None]
    if first.num_people and people(first.num_people) not in first.note:
        common.append(f"the interval is taken over {people(first.num_people)}")
    lines = (_own(first, own, share), *beside)
    return Figure(first, meaning, share, lines, tuple(common))


def _own(row: Measure, name: str, share: bool) -> Line:
    value = row.value or 0.0
    words = figure_words(value, row.low, row.high, share, spreads_of(row)[0])
    return Line(name, value, row.low, row.high, words)


def _sentences(notes: Sequence[str]) -> str:
    spaced = (re.sub(r"(?<=\d)%", " %", note.strip()) for note in notes)
    ended = (note if note[-1] in ".!?" else f"{note}." for note in spaced)
    return " ".join(f"{note[:1].upper()}{note[1:]}" for note in ended)


def _beside(row: Measure, meaning: Meaning, share: bool, common: Sequence[str]) -> Line:
    value = row.baseline or 0.0
    verdict = verdict_of(row, meaning)
    return Line(
        baseline_meaning(row.baseline_name or NO_BASELINE)[0],
        value,
        row.baseline_low,
        row.baseline_high,
        figure_words(value, row.baseline_low, row.baseline_high, share, spreads_of(row)[1]),
        difference_words(row, share, verdict),
        verdict,
        "; ".join(
            piece.removeprefix("the baseline is ").removeprefix("baseline: ")
            for piece in PIECES.split(row.note)
            if piece not in common
        ),
        beside=True,
    )


def _baseline_words(measures: Sequence[Measure]) -> str:
    """What the baselines of some figures are, each once."""
    names = [row.baseline_name for row in measures if row.baseline_name and row.value is not None]
    told = dict.fromkeys(baseline_meaning(name) for name in names)
    words = "; ".join(f"{name}: {says}" for name, says in told if says)
    return f"{words[:1].upper()}{words[1:]}." if words else ""
