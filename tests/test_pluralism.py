"""Whom a constitution covers, counted by hand on a few people."""

from __future__ import annotations

import pyarrow as pa
import pytest

from gcai_ray.electorate import Electorate, electorate, incidence
from gcai_ray.evaluate.pluralism import Heard, heard, pluralism
from gcai_ray.schemas import GroupCoverage, Kind, Measure

GROUPS = pa.list_(pa.struct([("name", pa.string()), ("value", pa.string())]))
Row = tuple[str, str, str]  # id, person, town


def voters(rows: list[Row]) -> Electorate:
    groups = [[{"name": "town", "value": town}] if town else [] for _, _, town in rows]
    table = pa.table(
        {
            "id": [row[0] for row in rows],
            "annotator_id": [row[1] for row in rows],
            "groups": pa.array(groups, GROUPS),
        }
    )
    return electorate([table])


def people(
    reasons: list[Row], statements: list[Row], said: list[tuple[str, str]], chosen: tuple[str, ...]
) -> Heard:
    """Principles c1, c2, c3 are contextual, g1, g2 general; `said`: row and principle."""
    ids = {Kind.CONTEXTUAL: ["c1", "c2", "c3"], Kind.GENERAL: ["g1", "g2"]}
    electorates = {Kind.CONTEXTUAL: voters(reasons), Kind.GENERAL: voters(statements)}
    votes = pa.table({"row_id": [s[0] for s in said], "principle_id": [s[1] for s in said]})
    return heard(
        electorates,
        {kind: incidence(electorates[kind], [votes], own) for kind, own in ids.items()},
        {kind: [i for i, key in enumerate(own) if key in chosen] for kind, own in ids.items()},
    )


REASONS = [("r1", "ann", "Aa"), ("r2", "ann", "Aa"), ("r3", "bob", "Aa"), ("r4", "cid", "Bb")]
STATEMENTS = [("s1", "cid", "Bb"), ("s2", "dan", "Bb"), ("s3", "eve", "")]
SAID = [("r1", "c1"), ("r3", "c2"), ("r4", "c3"), ("s1", "g1"), ("s2", "g2"), ("s3", "g1")]


def judged(
    chosen: tuple[str, ...], min_group_size: int = 2
) -> tuple[dict[str, GroupCoverage], dict[str, Measure]]:
    groups, measures = pluralism(people(REASONS, STATEMENTS, SAID, chosen), min_group_size, 0)
    return {group.value: group for group in groups}, {m.name: m for m in measures}


def test_a_person_is_covered_by_a_reason_or_a_statement() -> None:
    """ann by c1; cid by g1, not by c3; eve by g1; bob and dan not."""
    groups, measures = judged(("c1", "g1"))
    assert measures["people_covered"].value == 0.6
    assert measures["people_covered"].num_people == 5
    assert measures["homeless"].value == 0.4
    assert (groups["Aa"].num_people, groups["Aa"].num_covered) == (2, 1)
    assert (groups["Bb"].num_people, groups["Bb"].num_covered) == (2, 1)


def test_many_rows_of_one_person_are_one_person() -> None:
    flood = [(f"f{i}", "bob", "Aa") for i in range(1000)]
    said = SAID + [(row[0], "c1") for row in flood]
    _, measures = pluralism(people(REASONS + flood, STATEMENTS, said, ("c1",)), 2, 0)
    assert measures[0].value == 0.4


def test_intervals_are_wilsons_for_the_people_there_are() -> None:
    """5 people, 3 covered: Newcombe 1998, method 3."""
    _, measures = judged(("c1", "g1"))
    covered = measures["people_covered"]
    assert (covered.low, covered.high) == pytest.approx((0.2307, 0.8824), abs=1e-4)


def test_the_worst_served_group_is_named_and_small_groups_are_not() -> None:
    groups, measures = judged(("c1", "c2"))
    worst = measures["worst_served_group"]
    assert (worst.value, worst.num_people) == (0, 2)
    assert "town = Bb" in worst.note
    assert groups["Aa"].interval.share == 1
    none = judged(("c1",), min_group_size=3)[1]["worst_served_group"]
    assert none.value is None
    assert "not measured" in none.note


def test_a_group_of_one_is_never_the_worst_served() -> None:
    reasons = [*REASONS, ("r9", "zoe", "Zz")]
    _, measures = pluralism(people(reasons, STATEMENTS, SAID, ("c1", "c2", "g1", "g2")), 1, 0)
    assert "Zz" not in measures[1].note


def test_the_worst_by_lot_is_lower_than_the_mean() -> None:
    """20 groups of 5 people of whom half are covered: one is always low by chance."""
    rows = [(f"r{i:03d}", f"p{i:03d}", f"town {i % 20:02d}") for i in range(100)]
    said = [(row[0], "c1") for row in rows if int(row[0][1:]) // 20 % 2 == 0]
    _, measures = pluralism(people(rows, STATEMENTS, said, ("c1",)), 5, 0)
    worst = measures[1]
    assert worst.value == 0.6
    assert worst.baseline is not None
    assert worst.baseline < 0.25


def test_the_baseline_draws_as_many_of_each_kind_from_all_distilled() -> None:
    """Of c1, c2, c3 one (1 person each), of g1, g2 one (2 people or 1); c3 and g1 share cid:
    the mean over the six draws is (3+2+3+2+2+2)/6 of 5 people.
    """
    _, measures = judged(("c1", "g1"))
    covered, homeless = measures["people_covered"], measures["homeless"]
    assert covered.baseline == pytest.approx(14 / 30, abs=0.03)
    assert homeless.baseline == pytest.approx(1 - 14 / 30, abs=0.03)
    assert covered.difference == pytest.approx(0.6 - (covered.baseline or 0), abs=1e-6)
    assert homeless.difference == pytest.approx(-(covered.difference or 0), abs=1e-6)


def test_all_chosen_is_what_any_draw_would_be() -> None:
    _, measures = judged(("c1", "c2", "c3", "g1", "g2"))
    assert measures["people_covered"].value == measures["people_covered"].baseline == 1
    assert measures["homeless"].value == 0


def test_nothing_chosen_covers_nobody() -> None:
    _, measures = judged(())
    assert measures["people_covered"].value == 0
    assert measures["homeless"].value == 1


def test_without_statements_only_reasons_count() -> None:
    _, measures = pluralism(people(REASONS, [], SAID, ("c1",)), 2, 0)
    assert measures[0].value == pytest.approx(1 / 3, abs=1e-6)
