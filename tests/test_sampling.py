from collections import Counter

import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from gcai_ray.sampling import stratified

Unit = tuple[str, str, str]  # person, group, prompt


def table(units: list[Unit]) -> pa.Table:
    people, groups, prompts = (list(column) for column in zip(*units, strict=True))
    return pa.table(
        {
            "id": [f"{number:032x}" for number in range(len(units))],
            "annotator_id": people,
            "groups": [[{"name": "g", "value": value}] for value in groups],
            "prompt": prompts,
        }
    )


def drawn(units: list[Unit], num: int, seed: int = 0) -> list[Unit]:
    return [units[int(key, 16)] for key in stratified(table(units), num, seed)]


CROWD = [(f"p{n}", "north" if n % 4 else "south", f"q{n}") for n in range(200)]


def test_a_sample_of_any_size_has_groups_in_proportion() -> None:
    for num in (20, 60, 100):
        south = sum(group == "south" for _, group, _ in drawn(CROWD, num))
        assert abs(south - num / 4) <= 1


def test_everybody_comes_once_before_anybody_comes_twice() -> None:
    flooder = [("flooder", "north", f"f{n}") for n in range(10_000)]
    counted = Counter(person for person, _, _ in drawn(CROWD + flooder, 201))
    assert set(counted.values()) == {1}
    assert len(counted) == 201
    more = Counter(person for person, _, _ in drawn(CROWD + flooder, 260))
    assert more.pop("flooder") == 60
    assert set(more.values()) == {1}


def test_prompts_are_spread_within_a_group() -> None:
    units = [(f"p{n}", "north", "popular" if n < 90 else f"q{n}") for n in range(100)]
    assert Counter(prompt for _, _, prompt in drawn(units, 11)) == Counter(
        ["popular", *(f"q{n}" for n in range(90, 100))]
    )


def test_seeds_draw_others_and_the_order_of_rows_does_not_matter() -> None:
    assert drawn(CROWD, 50, 1) == drawn(CROWD, 50, 1) != drawn(CROWD, 50, 2)
    backwards = stratified(table(CROWD).take(list(range(200))[::-1]), 50, 1)
    assert backwards == stratified(table(CROWD), 50, 1)


def test_more_people_push_out_no_more_than_their_share() -> None:
    before = set(drawn(CROWD, 100))
    after = set(drawn(CROWD + [(f"new{n}", "north", f"n{n}") for n in range(20)], 100))
    assert len(before - after) <= 14  # 20 of 220 people, and the rounding of two groups


@given(
    st.lists(st.tuples(*[st.sampled_from("abc")] * 3), min_size=1, max_size=30),
    st.integers(0, 35),
)
def test_a_sample_holds_just_so_many_different_rows(units: list[Unit], num: int) -> None:
    found = stratified(table(units), num, 0)
    assert len(set(found)) == len(found) == min(num, len(units))
    assert found == sorted(found)
