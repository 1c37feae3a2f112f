"""Constitutions → what a comparison says of them. Knows neither a terminal nor a page."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from gcai_ray.comparison.coverage import Covered, Drawn, covered
from gcai_ray.comparison.jury import drawn_clauses, jury_of, matched_people
from gcai_ray.comparison.matching import Matching, matching
from gcai_ray.comparison.reading import Listed, Run
from gcai_ray.comparison.text import core
from gcai_ray.comparison.themes import OTHER, THEMES, described, themes_of
from gcai_ray.schemas import Kind

SEED = 0
LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
Vectors = NDArray[np.float32]


@dataclass(frozen=True)
class Compared:
    """One constitution under its letter, with the theme of each principle."""

    letter: str
    listed: Listed
    themes: tuple[str, ...]

    @property
    def num_principles(self) -> int:
        """How many principles it has."""
        return len(self.listed.texts)

    def count(self, theme: str) -> int:
        """How many of its principles are about a theme."""
        return self.themes.count(theme)


@dataclass(frozen=True)
class Pair:
    """Two of the constitutions, by their places, and what they share."""

    first: int
    second: int
    matching: Matching


@dataclass(frozen=True)
class Polled:
    """Coverage of the people of one run, by constitution.

    home: places of the constitutions made from these people's words.
    """

    owner: int
    home: tuple[int, ...]
    held_out: bool
    num_people: int
    equal_size: int
    equal_random: tuple[float, float, float] | None
    threshold: dict[Kind, float]
    rows: tuple[Covered, ...]


@dataclass(frozen=True)
class Comparison:
    """All that is told of two or more constitutions.

    themes: those that occur, most frequent first, `other` last. num_drawn: sets of random clauses
    behind each baseline.
    """

    constitutions: tuple[Compared, ...]
    pairs: tuple[Pair, ...]
    themes: tuple[str, ...]
    polled: tuple[Polled, ...]


def comparison_of(listed: Sequence[Listed]) -> Comparison:
    """Compare constitutions in the order given."""
    vectors, descriptions = _embedded(listed)
    themes = [tuple(themes_of(own, descriptions)) for own in vectors]
    return Comparison(
        constitutions=tuple(map(Compared, LETTERS, listed, themes)),
        pairs=tuple(
            Pair(i, j, matching((vectors[i], vectors[j]), (listed[i].texts, listed[j].texts)))
            for i, j in combinations(range(len(listed)), 2)
        ),
        themes=_occurring(themes),
        polled=tuple(_all_polled(listed, vectors)),
    )


def _embedded(listed: Sequence[Listed]) -> tuple[list[Vectors], Vectors]:
    """Vectors of each constitution's principles, and of the descriptions of themes."""
    from gcai_ray.stages.embed import embedded

    texts = [[core(text) for text in one.texts] for one in listed]
    vectors = embedded([*described(), *(text for own in texts for text in own)])
    ends = np.cumsum([len(described()), *map(len, texts)])
    descriptions, *found = np.split(vectors, ends[:-1])
    return found, descriptions


def _occurring(themes: Sequence[Sequence[str]]) -> tuple[str, ...]:
    counts = Counter(theme for own in themes for theme in own)
    order = [*THEMES, OTHER]
    found = sorted(counts, key=lambda name: (name == OTHER, -counts[name], order.index(name)))
    return tuple(found)


def _all_polled(listed: Sequence[Listed], vectors: list[Vectors]) -> list[Polled]:
    """Of every run that reads people's words, once where several stand on the same clauses."""
    found: dict[object, Polled] = {}
    for owner, one in enumerate(listed):
        if one.run is None or not one.run.reads_reasons:
            continue
        home = tuple(i for i, other in enumerate(listed) if _same_data(other.run, one.run))
        for held_out in (False, True):
            key = (_clauses_key(one.run), held_out)
            if key not in found and (polled := _polled(one.run, (owner, home), held_out, vectors)):
                found[key] = polled
    return list(found.values())


def _clauses_key(run: Run) -> object:
    return (*_fingerprints(run, "ingest", "embed"), *sorted(run.match_threshold.items()))


def _same_data(run: Run | None, other: Run) -> bool:
    return run is not None and _fingerprints(run, "ingest") == _fingerprints(other, "ingest")


def _fingerprints(run: Run, *stages: str) -> tuple[str, ...]:
    return tuple(run.stages[stage].manifest.fingerprint for stage in stages)


def _polled(
    run: Run, whose: tuple[int, tuple[int, ...]], held_out: bool, vectors: list[Vectors]
) -> Polled | None:
    """None where there are no such people."""
    jury = jury_of(run, held_out)
    if not len(jury.people):
        return None
    sizes = [len(own) for own in vectors]
    random_vectors, sets = drawn_clauses(run, max(sizes), SEED)
    columns = np.concatenate([*vectors, random_vectors]) if len(sets) else np.concatenate(vectors)
    *matched, of_random = np.split(matched_people(jury, columns), np.cumsum(sizes), axis=1)
    drawn = Drawn(of_random, sets)
    return Polled(
        owner=whose[0],
        home=whose[1],
        held_out=held_out,
        num_people=len(jury.people),
        equal_size=min(sizes),
        equal_random=drawn.coverage(min(sizes)),
        threshold=dict(run.match_threshold),
        rows=tuple(covered(matched, drawn, SEED)),
    )
