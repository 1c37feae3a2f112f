"""A setting and a crowd → preferences, statements, and the truth about them.

A person has one to three principles of a kind, drawn by weight, and shares the rows evenly among
them; the minority has its demand alone. The true weight of a principle is therefore the mean, over
people, of the share each gives to it: the unit of the method's own voices.
"""

from __future__ import annotations

import csv
import random
from dataclasses import dataclass, replace
from itertools import cycle
from pathlib import Path
from typing import Any

from servers import planted as words
from servers.known import shows
from servers.planted_principles import Planted

from gcai_ray.statistics import DIGITS
from tests.benchmarks.planted.settings import (
    CONTEXTUAL_WEIGHTS,
    FLOODER,
    GENERAL_WEIGHTS,
    SETTINGS,
    Crowd,
    Setting,
)

PREFERENCE_SHARE = 0.7
NUM_OWN = ((1, 2, 3), (0.5, 0.3, 0.2))  # of principles, and how many people have as many
MINORITY_REGION, FLOODER_ID = "Highlands", "flooder"
REGIONS = ("Capital", "North Coast", "River Delta")
ROLES = ("farmer", "nurse", "student", "teacher")
WEIGHTS = {"contextual": CONTEXTUAL_WEIGHTS, "general": GENERAL_WEIGHTS}
KINDS = tuple(WEIGHTS)


@dataclass(frozen=True)
class Person:
    """One annotator; `own`: kind → principles."""

    key: str
    region: str
    role: str
    own: dict[str, tuple[Planted, ...]]
    diligence: float


@dataclass(frozen=True)
class Row:
    """One annotation. `named`: the principles it speaks of, none for noise."""

    person: str
    region: str
    role: str
    named: tuple[Planted, ...]
    columns: dict[str, str]


@dataclass(frozen=True)
class Truth:
    """What is known of a corpus. `weights`: kind → planted key → true weight; the minority's
    demands are among them, the flooder's principle is not.
    """

    weights: dict[str, dict[str, float]]
    demands: dict[str, str]
    flooded: str = FLOODER.key
    minority: str = MINORITY_REGION

    def heaviest(self, kind: str, num: int) -> tuple[str, ...]:
        """Keys of the `num` principles with most true weight, and of those that weigh as much as
        the last of them.
        """
        weights = self.weights[kind]
        least = sorted(weights.values(), reverse=True)[:num][-1]
        return tuple(sorted(key for key, weight in weights.items() if weight >= least))


@dataclass(frozen=True)
class Corpus:
    """Rows and their truth."""

    people: tuple[Person, ...]
    preferences: tuple[Row, ...]
    statements: tuple[Row, ...]
    truth: Truth


def generated(setting: Setting, crowd: Crowd) -> Corpus:
    """The corpus; the same for the same arguments. People and their principles depend neither on
    how much they write nor on noise, so that a curve over these has one truth.
    """
    same = f"{setting.name}:{crowd.seed}:{crowd.num_people}:{crowd.minority}"
    people = _people(random.Random(same), setting, crowd)
    drawn = random.Random(f"{setting.name}:{crowd}")
    num = round(crowd.num_annotations * PREFERENCE_SHARE)
    preferences = [
        _preference(drawn, setting, person, named, crowd)
        for person, named in _dealt(drawn, people, "contextual", num, crowd.noise)
    ]
    flooder = Person(FLOODER_ID, REGIONS[0], ROLES[0], {"contextual": (FLOODER,)}, 1)
    steady = replace(crowd, first_place=0.0)
    preferences += [
        _preference(drawn, setting, flooder, (FLOODER,), steady)
        for _ in range(round(num * crowd.flood))
    ]
    drawn.shuffle(preferences)
    statements = [
        _row(person, named, {"statement": words._statement(drawn, named[0] if named else None)})
        for person, named in _dealt(
            drawn, people, "general", crowd.num_annotations - num, crowd.noise
        )
    ]
    truth = Truth(
        {kind: _weights(setting, people, kind) for kind in KINDS},
        {kind: setting.demand(kind).key for kind in KINDS},
    )
    return Corpus(tuple(people), tuple(preferences), tuple(statements), truth)


def _people(drawn: random.Random, setting: Setting, crowd: Crowd) -> list[Person]:
    num_minority = round(crowd.num_people * crowd.minority)
    found = []
    for number in range(crowd.num_people):
        is_minority = number < num_minority
        own = {
            kind: (setting.demand(kind),) if is_minority else _own(drawn, setting, kind)
            for kind in KINDS
        }
        region = MINORITY_REGION if is_minority else drawn.choice(REGIONS)
        diligence = 0.3 + drawn.expovariate(1)
        found.append(Person(f"p{number:04}", region, drawn.choice(ROLES), own, diligence))
    return found


def _own(drawn: random.Random, setting: Setting, kind: str) -> tuple[Planted, ...]:
    [num] = drawn.choices(NUM_OWN[0], NUM_OWN[1])
    found: list[Planted] = []
    while len(found) < num:
        [planted] = drawn.choices(setting.common(kind), WEIGHTS[kind])
        if planted not in found:
            found.append(planted)
    return tuple(found)


def _weights(setting: Setting, people: list[Person], kind: str) -> dict[str, float]:
    total = dict.fromkeys((p.key for p in (*setting.common(kind), setting.demand(kind))), 0.0)
    for person in people:
        for planted in person.own[kind]:
            total[planted.key] += 1 / len(person.own[kind])
    # Thirds and halves that add up to the same are the same weight.
    return {key: round(weight / len(people), DIGITS) for key, weight in total.items()}


def _dealt(
    drawn: random.Random, people: list[Person], kind: str, num: int, noise: float
) -> list[tuple[Person, tuple[Planted, ...]]]:
    """Who writes each row, and on what ground; a person's grounds come in turn."""
    is_noise = [True] * round(num * noise) + [False] * (num - round(num * noise))
    drawn.shuffle(is_noise)
    grounds = {person.key: cycle(person.own[kind]) for person in people}
    writers = drawn.choices(people, [person.diligence for person in people], k=num)
    return [
        (person, () if odd else (next(grounds[person.key]),))
        for person, odd in zip(writers, is_noise, strict=True)
    ]


def _preference(
    drawn: random.Random,
    setting: Setting,
    person: Person,
    named: tuple[Planted, ...],
    crowd: Crowd,
) -> Row:
    """A choice for the response that shows what is named, unless the first is taken anyway."""
    topic = drawn.choice(words._TOPICS)
    wanted = _response(drawn, _shown(drawn, setting, named, (), crowd), topic)
    other = _response(drawn, _shown(drawn, setting, (), named, crowd), topic)
    wanted_first = drawn.random() < 0.5
    answers = (wanted, other) if wanted_first else (other, wanted)
    takes_first = wanted_first or drawn.random() < crowd.first_place
    columns = {
        "prompt": drawn.choice(words._TASKS).format(topic),
        "answer_1": answers[0],
        "answer_2": answers[1],
        "preferred": "Answer 1" if takes_first else "Answer 2",
        "reason": words._reason(drawn, list(named)),
    }
    return _row(person, named, columns)


def _shown(
    drawn: random.Random,
    setting: Setting,
    wanted: tuple[Planted, ...],
    unwanted: tuple[Planted, ...],
    crowd: Crowd,
) -> list[Planted]:
    """Every wanted feature, no unwanted one, and others at random."""
    features = (*setting.contextual, setting.contextual_demand, FLOODER)
    return [
        planted
        for planted in features
        if planted in wanted or (planted not in unwanted and drawn.random() < crowd.other_features)
    ]


def _response(drawn: random.Random, shown: list[Planted], topic: str) -> str:
    sentences = [sentence.format(topic) for sentence in drawn.sample(words._BODY, 2)]
    sentences += [drawn.choice(planted.markers) for planted in shown]
    drawn.shuffle(sentences)
    return " ".join(sentences)


def _row(person: Person, named: tuple[Planted, ...], columns: dict[str, str]) -> Row:
    return Row(person.key, person.region, person.role, named, columns)


def chosen_shows(row: Row, planted: Planted) -> bool:
    """Whether the response a preference chose has the feature."""
    first = row.columns["preferred"] == "Answer 1"
    return shows(row.columns["answer_1" if first else "answer_2"], planted)


def write(corpus: Corpus, folder: Path) -> list[dict[str, Any]]:
    """Write both tables; the `sources` of a configuration."""
    folder.mkdir(parents=True, exist_ok=True)
    _write(folder / "preferences.csv", corpus.preferences)
    _write(folder / "statements.csv", corpus.statements)
    return words._sources(folder)


def _write(path: Path, rows: tuple[Row, ...]) -> None:
    table = [
        {"id": f"{path.stem}-{number:05}", "annotator": row.person}
        | {"region": row.region, "role": row.role}
        | row.columns
        for number, row in enumerate(rows, 1)
    ]
    with path.open("w", newline="", encoding="utf-8") as out:
        writer = csv.DictWriter(out, list(table[0]))
        writer.writeheader()
        writer.writerows(table)


def corpus_of(setting: str, crowd: Crowd) -> Corpus:
    """The same, by the setting's name."""
    return generated(SETTINGS[setting], crowd)
