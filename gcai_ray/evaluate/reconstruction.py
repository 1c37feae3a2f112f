"""Predictions for held-out pairs → how often they are what people chose, beside baselines, and how
far the executors agree. Knows no vote, no model and no path.

Accuracy is the mean over people of the share of a person's pairs that are predicted; an undecided
pair counts one half, which is what tossing a coin for it comes to. Intervals are taken over people,
as if principles and replies were given: they do not tell how another constitution would do.
"""

from __future__ import annotations

from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from gcai_ray.agreement import cohens_kappa
from gcai_ray.evaluate.executors import EXECUTORS, JUDGE, MAJORITY, WEIGHTED, Pairs, Signs
from gcai_ray.evaluate.measures import Baseline, Triple, measure, not_measured
from gcai_ray.schemas import Measure
from gcai_ray.statistics import DIGITS, share_intervals

FAMILY, AGREEMENT = "reconstruction", "agreement"
MAJORITY_CLASS, LONGER = "majority class", "longer response"
NO_CONSTITUTION = "judge without constitution"
COMPARED = tuple(combinations(EXECUTORS, 2))
UNHEARD = {
    JUDGE: "no judge was asked about a held-out pair",
    MAJORITY: "no principle of the constitution was put to a held-out pair",
    WEIGHTED: "weights of the principles need votes on training pairs and on held-out pairs, and "
    "one of the two is missing",
}

Floats = NDArray[np.float64]


def icai(executor: str) -> str:
    """What the same executor of the ICAI constitution is called as a baseline."""
    return f"ICAI mode, {executor}"


def reconstruction(
    train: Pairs, held: Pairs, ours: dict[str, Signs], others: dict[str, Signs], seed: int
) -> list[Measure]:
    """How often each executor predicts what people chose: a row for each executor and baseline.

    Args:
        train: training pairs, for the majority class.
        held: the held-out pairs that were put to the executors.
        ours: what each executor predicts for them, [rows], by its name. One that is not there is
            not measured.
        others: the same of `NO_CONSTITUTION` and of `icai(executor)`, where they were asked. An
            ICAI executor is held against the executor of its own name.
        seed: of the bootstrap.
    """
    if not len(held.row_ids):
        return [not_measured((FAMILY, name), _why_no_pairs(held)) for name in EXECUTORS]
    known = place_and_length(train, held) | others
    against = [
        (name, other)
        for name in EXECUTORS
        if name in ours
        for other in (MAJORITY_CLASS, LONGER, NO_CONSTITUTION, icai(name))
        if other in known
    ]
    accuracies, differences = _figures(held, ours, known, against, seed)
    found = []
    for name in EXECUTORS:
        if name not in ours:
            found.append(not_measured((FAMILY, name), UNHEARD[name]))
        for other in (pair[1] for pair in against if pair[0] == name):
            figure = accuracies[other]
            baseline = Baseline(other, *figure, difference=differences[name, other])
            note = f"{_note(held, ours[name])}; the baseline is {_decided(held, known[other])}"
            place = (FAMILY, name)
            found.append(measure(place, accuracies[name], held.num_people, note, baseline))
    return found


def place_and_length(train: Pairs, held: Pairs) -> dict[str, Signs]:
    """What the two baselines that read nothing predict for the held-out pairs, by name.

    The majority class is the place, first or second in the data, that has more voices in training;
    with as many for either it decides nothing. The longer response has more characters.
    """
    net = float((train.preferred * train.voices()).sum()) if len(train.row_ids) else 0.0
    place = np.full(len(held.row_ids), np.sign(round(net, DIGITS)), dtype=np.int8)
    return {MAJORITY_CLASS: place, LONGER: held.longer}


def baselines(train: Pairs, held: Pairs, seed: int) -> list[Measure]:
    """The baselines that need no model, as measures of their own."""
    if not len(held.row_ids):
        why = _why_no_pairs(held)
        return [not_measured((FAMILY, name), why) for name in (MAJORITY_CLASS, LONGER)]
    known = place_and_length(train, held)
    accuracies, _ = _figures(held, {}, known, [], seed)
    return [
        measure((FAMILY, name), accuracies[name], held.num_people, _note(held, predicted))
        for name, predicted in known.items()
    ]


def needs_a_model() -> list[Measure]:
    """Rows that say why the extractive engine gives no reconstruction and no agreement."""
    why = (
        "needs a model: to predict a choice somebody must read both responses, and the extractive "
        "engine reads only people's words. A reason cannot stand in for that: it was written after "
        "the choice and names it"
    )
    names = [(FAMILY, name) for name in EXECUTORS]
    names += [(AGREEMENT, _between(pair)) for pair in COMPARED]
    return [not_measured(place, why) for place in names]


def agreement(ours: dict[str, Signs], held: Pairs, seed: int) -> list[Measure]:
    """How far each two executors give the same answer (response_a, response_b or undecided):
    Cohen's kappa (1960) over voices, which is 1 when they always do and 0 when as often as chance
    gives by their shares of each answer.

    Args:
        ours: what each executor predicts, [rows], by its name.
        held: the pairs predicted.
        seed: of the bootstrap over people.
    """
    why = {pair: _why_no_kappa(pair, ours, held) for pair in COMPARED}
    told = [pair for pair in COMPARED if not why[pair]]
    people = [kappa_by_person(ours[first], ours[second], held) for first, second in told]
    rows = share_intervals(np.column_stack(people), seed, signed=True) if told else []
    figures = dict(zip(told, rows, strict=True))
    return [
        _agreement(pair, ours, held, figures[pair])
        if pair in figures
        else not_measured((AGREEMENT, _between(pair)), why[pair])
        for pair in COMPARED
    ]


def _why_no_kappa(pair: tuple[str, str], ours: dict[str, Signs], held: Pairs) -> str:
    """Empty where two executors can be compared."""
    if not len(held.row_ids):
        return _why_no_pairs(held)
    missing = [UNHEARD[name] for name in pair if name not in ours]
    if missing:
        return "; ".join(missing)
    first, second = (ours[name] for name in pair)
    if len(np.unique([first, second])) < 2:
        return f"{_same(first, second, held)}, one and the same for all: chance would do as well"
    return ""


def _agreement(pair: tuple[str, str], ours: dict[str, Signs], held: Pairs, row: Floats) -> Measure:
    value, low, high = row.clip(-1, 1).tolist()
    note = f"agreement beyond chance (kappa): {_same(ours[pair[0]], ours[pair[1]], held)}"
    return measure((AGREEMENT, _between(pair)), (value, low, high), held.num_people, note)


def _same(first: Signs, second: Signs, held: Pairs) -> str:
    same = first == second
    share = held.by_person(same[:, None]).mean()
    return (
        f"they give the same answer to {same.sum()} of {len(same)} held-out pairs ({share:.0%} of "
        "voices)"
    )


def kappa_by_person(first: Signs, second: Signs, held: Pairs) -> Floats:
    """What each person's pairs contribute to Cohen's kappa of two predictions, [people]: the mean
    is kappa, and the spread that of kappa to first order (Fleiss, Cohen and Everitt 1969).
    """
    answers = np.array([-1, 0, 1])
    one, other = (held.by_person(found[:, None] == answers) for found in (first, second))
    same = held.by_person((first == second)[:, None])[:, 0]
    agreed, chance = same.mean(), one.mean(axis=0) @ other.mean(axis=0)
    by_chance = one @ other.mean(axis=0) + other @ one.mean(axis=0) - 2 * chance
    kappa = cohens_kappa(first.astype(str).tolist(), second.astype(str).tolist(), held.voices())
    return kappa + ((same - agreed) - by_chance * (1 - kappa)) / (1 - chance)


def _figures(
    held: Pairs,
    ours: dict[str, Signs],
    others: dict[str, Signs],
    against: list[tuple[str, str]],
    seed: int,
) -> tuple[dict[str, Triple], dict[tuple[str, str], Triple]]:
    """Accuracy of each prediction, and the paired difference of each two, over the same draws."""
    names = [*ours, *others]
    predicted = np.stack([*ours.values(), *others.values()], axis=1)
    shares = held.by_person((1 + predicted * held.preferred[:, None]) / 2)
    of = {name: shares[:, i] for i, name in enumerate(names)}
    paired = [of[name] - of[other] for name, other in against]
    # `paired_difference` of each, by one set of draws: 20 sets for 5,000 people take 8 s.
    signed = np.arange(len(names) + len(paired)) >= len(names)
    rows = share_intervals(np.column_stack([shares, *paired]), seed, signed=signed)
    triples = [(float(row[0]), float(row[1]), float(row[2])) for row in rows]
    return (
        dict(zip(names, triples[: len(names)], strict=True)),
        dict(zip(against, triples[len(names) :], strict=True)),
    )


def _note(held: Pairs, predicted: Signs) -> str:
    """What the figure is a share of, and how much of it is decided."""
    people = f"{held.num_people} people" if held.num_people != 1 else "1 person"
    return (
        f"share of {len(held.row_ids)} held-out choices of {people} predicted, one voice each; "
        f"{_decided(held, predicted)}, an undecided pair counts one half"
    )


def _decided(held: Pairs, predicted: Signs) -> str:
    share = held.by_person((predicted != 0)[:, None]).mean()
    return f"decided on {int((predicted != 0).sum())} pairs ({share:.0%} of voices)"


def _between(pair: tuple[str, str]) -> str:
    return f"{pair[0]} and {pair[1]}"


def _why_no_pairs(held: Pairs) -> str:
    if held.num_ties:
        return f"all {held.num_ties} held-out preferences are ties: there is no choice to predict"
    return "no preference is held out (ingest.test_share): there is no choice to predict"
