"""Who said what, and which principles are chosen → whom the constitution covers, group by group,
and whom it leaves out. Knows no path and no words.

A person is covered when one of that person's reasons or statements matches a chosen principle of
its kind: people count, not rows, and who gave both is one person. A group is everybody with a row
in it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix, hstack

from gcai_ray.electorate import Electorate, GroupKey
from gcai_ray.evaluate.measures import Baseline, Triple, measure, not_measured
from gcai_ray.schemas import GroupCoverage, Interval, Kind, Measure
from gcai_ray.statistics import DIGITS, LEVEL, paired_difference, wilson

FAMILY = "pluralism"
COVERED, WORST, HOMELESS = "people_covered", "worst_served_group", "homeless"
NUM_RANDOM_SETS = 200

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Heard:
    """People of all kinds together, and which of them said what each principle says."""

    num_people: int
    said: csr_matrix  # [people, principles], above 0 where a row of the person matches
    kinds: NDArray[np.str_]  # [principles]
    chosen: Ints  # places of the chosen principles
    groups: dict[GroupKey, Ints]  # group → its people

    def covered(self, principles: Ints) -> NDArray[np.bool_]:
        """[people]: who said what one of these principles says."""
        is_wanted = np.zeros(len(self.kinds), dtype=np.int64)
        is_wanted[principles] = 1
        return np.asarray(self.said @ is_wanted) > 0

    def drawn(self, generator: np.random.Generator) -> Ints:
        """Random principles, of each kind as many as are chosen."""
        found = [np.zeros(0, np.int64)]
        for kind in np.unique(self.kinds[self.chosen]):
            own = np.flatnonzero(self.kinds == kind)
            num = int((self.kinds[self.chosen] == kind).sum())
            found.append(generator.choice(own, num, replace=False))
        return np.concatenate(found)


def heard(
    electorates: Mapping[Kind, Electorate],
    incidences: Mapping[Kind, csr_matrix],
    chosen: Mapping[Kind, Sequence[int]],
) -> Heard:
    """Kinds taken together.

    Args:
        electorates: who gave reasons, and who made statements.
        incidences: [rows, principles] of each kind: which rows say which of all distilled
            principles.
        chosen: columns of the chosen ones among them.
    """
    people = np.unique(np.concatenate([one.people for one in electorates.values()]))
    parts, kinds, places, groups = [], [], [], {}
    for kind, one in electorates.items():
        person = np.searchsorted(people, one.people)[one.person_of_row]
        ones = (np.ones(len(person), np.int64), (person, np.arange(len(person))))
        parts.append(csr_matrix(ones, shape=(len(people), len(person))) @ incidences[kind])
        places += [len(kinds) + column for column in chosen[kind]]
        kinds += [str(kind)] * incidences[kind].get_shape()[1]
        for key, rows in one.groups.items():
            groups[key] = np.union1d(groups.get(key, np.zeros(0, np.int64)), person[rows])
    return Heard(
        num_people=len(people),
        said=csr_matrix(hstack(parts)),
        kinds=np.asarray(kinds, dtype=np.str_),
        chosen=np.asarray(places, dtype=np.int64),
        groups=dict(sorted(groups.items())),
    )


def pluralism(
    people: Heard, min_group_size: int, seed: int
) -> tuple[list[GroupCoverage], list[Measure]]:
    """Coverage of every group, and measures of the whole.

    Args:
        people: at least one.
        min_group_size: people from which on a group can be the worst served.
        seed: of random principles and of intervals.
    """
    covered = people.covered(people.chosen)
    generator = np.random.default_rng(seed)
    sets = [people.covered(people.drawn(generator)) for _ in range(NUM_RANDOM_SETS)]
    expected = np.mean(sets, axis=0)
    shares = np.array([one.mean() for one in sets])
    groups = [_of_group(key, covered[own]) for key, own in people.groups.items()]
    return groups, [
        _covered(people, covered, expected, shares, seed),
        _worst(groups, covered, min_group_size, seed),
        _homeless(people, covered, expected, shares, seed),
    ]


def _covered(
    people: Heard, covered: NDArray[np.bool_], expected: Floats, shares: Floats, seed: int
) -> Measure:
    note = (
        f"share of {len(covered)} people with a reason or statement that matches one of the "
        f"{len(people.chosen)} chosen principles, of the training and the held-out half; "
        f"{_of_draws(shares)}"
    )
    difference = paired_difference(covered.astype(float), expected, seed)
    baseline = _drawn_by_lot(people, shares, difference)
    return measure((FAMILY, COVERED), _share(covered), len(covered), note, baseline)


def _homeless(
    people: Heard, covered: NDArray[np.bool_], expected: Floats, shares: Floats, seed: int
) -> Measure:
    note = (
        f"share of {len(covered)} people none of whose reasons and statements matches a chosen "
        f"principle: {int((~covered).sum())} people; {_of_draws(shares)}"
    )
    difference = paired_difference((~covered).astype(float), 1 - expected, seed)
    baseline = _drawn_by_lot(people, 1 - shares, difference)
    return measure((FAMILY, HOMELESS), _share(~covered), len(covered), note, baseline)


def _worst(
    groups: Sequence[GroupCoverage], covered: NDArray[np.bool_], min_group_size: int, seed: int
) -> Measure:
    """The group with the smallest share, beside the smallest that chance alone would leave: of
    several groups one is always the lowest.
    """
    large = [group for group in groups if group.num_people >= max(min_group_size, 2)]
    if not large:
        why = f"not measured: no group has {max(min_group_size, 2)} people"
        return not_measured((FAMILY, WORST), why)
    worst = min(large, key=lambda group: (group.interval.share, -group.num_people, group.name))
    sizes = np.array([group.num_people for group in large])
    lowest = _lowest_by_chance(covered, sizes, seed)
    note = (
        f"{worst.name} = {worst.value}: {worst.num_covered} of {worst.num_people} people are "
        f"covered, the smallest share of {len(large)} groups of at least "
        f"{max(min_group_size, 2)} people; baseline: mean and 95 % range of the smallest share, "
        f"were groups of these sizes drawn by lot from all people ({len(lowest)} draws)"
    )
    share = worst.interval
    return measure(
        (FAMILY, WORST),
        (share.share, share.low, share.high),
        worst.num_people,
        note,
        _range_of(lowest, "the worst of groups drawn by lot"),
    )


def _lowest_by_chance(covered: NDArray[np.bool_], sizes: Ints, seed: int) -> Floats:
    """[draws]: the smallest share of people covered in random groups of these sizes."""
    generator = np.random.default_rng(seed)
    hits = int(covered.sum())
    drawn = generator.hypergeometric(
        hits, len(covered) - hits, sizes, size=(NUM_RANDOM_SETS, len(sizes))
    )
    return (drawn / sizes).min(axis=1)


def _of_group(key: GroupKey, covered: NDArray[np.bool_]) -> GroupCoverage:
    share, low, high = _share(covered)
    return GroupCoverage(
        name=key[0],
        value=key[1],
        num_people=len(covered),
        num_covered=int(covered.sum()),
        interval=Interval(share=share, low=low, high=high),
    )


def _share(hit: NDArray[np.bool_]) -> Triple:
    """Share of people, with Wilson's interval: a person is a yes or a no."""
    return wilson(int(hit.sum()), len(hit))


def _drawn_by_lot(people: Heard, shares: Floats, difference: Triple) -> Baseline:
    name = f"{len(people.chosen)} random distilled principles"
    found = _range_of(shares, name)
    return Baseline(name, found.value, found.low, found.high, difference)


def _range_of(draws: Floats, name: str) -> Baseline:
    tail = (1 - LEVEL) / 2
    low, high = np.quantile(draws, [tail, 1 - tail]).round(DIGITS)
    return Baseline(name, round(float(draws.mean()), DIGITS), float(low), float(high))


def _of_draws(shares: Floats) -> str:
    return (
        f"baseline: mean and 95 % range over {len(shares)} draws of as many principles of each "
        "kind from all that were distilled; difference: person by person, to the mean of the draws"
    )
