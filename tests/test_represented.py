"""Groups whose own principles fall out, and the places kept for them."""

from dataclasses import replace

import numpy as np
import pytest
from contest_rows import chosen_by, contest, polled

from gcai_ray.choosing.approval import Approvals
from gcai_ray.choosing.contest import Contest
from gcai_ray.choosing.represented import unrepresented
from gcai_ray.choosing.selection import choose
from gcai_ray.config import RatifyConfig
from gcai_ray.schemas import Group
from gcai_ray.stages.ratify import chosen_principles

CONFIG = RatifyConfig(min_people=2, min_group_size=3)
SOUTH = Group(name="region", value="south")


def minority(num_south: int = 4, near: tuple = ()) -> Contest:
    """Ten northerners share principles 0 and 1; southerners, fewer, principle 2; one of them 0."""
    rows = [(f"n{i}", f"n{i}", "north") for i in range(10)]
    rows += [(f"s{i}", f"s{i}", "south") for i in range(num_south)]
    said = [(f"n{i}", i % 2) for i in range(10)]
    said += [(f"s{i}", 2) for i in range(num_south - 1)] + [(f"s{num_south - 1}", 0)]
    return contest(rows, said, 3, near=near)


def test_a_group_whose_own_principle_fell_out_is_named_with_what_it_asked_for() -> None:
    one = minority()
    assert chosen_by(one, 2, CONFIG) == [0, 1]
    [lost] = unrepresented(one, [0, 1], CONFIG)
    assert (lost.group, lost.num_people, lost.kind) == (SOUTH, 4, one.kind)
    assert [(wish.principle_id, wish.text, wish.num_people) for wish in lost.wishes] == [
        (one.ids[2], one.texts[2], 3)
    ]


def test_a_group_is_represented_by_what_says_the_same() -> None:
    assert unrepresented(minority(near=((1, 2),)), [0, 1], CONFIG) == []
    assert unrepresented(minority(), [0, 2], CONFIG) == []


def test_small_groups_and_what_one_person_says_are_no_wish() -> None:
    assert unrepresented(minority(), [0, 1], RatifyConfig(min_people=2, min_group_size=5)) == []
    assert unrepresented(minority(), [0, 1], RatifyConfig(min_people=4, min_group_size=3)) == []
    # South's only shared principle is chosen; that one southerner also said 0 does not matter.
    loose = RatifyConfig(min_people=1, min_group_size=3)
    assert unrepresented(minority(), [1, 2], loose) == []
    [only] = unrepresented(minority(), [1], loose)
    assert [wish.num_people for wish in only.wishes] == [3]


def test_a_group_has_three_wishes_no_two_of_which_say_the_same() -> None:
    rows = [(f"s{i}x{n}", f"s{i}", "south") for i in range(3) for n in range(10)]
    said = [(f"s{i}x{n}", (0, 0, 0, 0, 1, 1, 1, 2, 2, 3)[n]) for i in range(3) for n in range(10)]

    def asked(one: Contest) -> list[str]:
        [lost] = unrepresented(one, [], CONFIG)
        return [wish.principle_id for wish in lost.wishes]

    one = contest(rows, said, 4)
    assert asked(one) == [one.ids[i] for i in (0, 1, 2)]
    assert asked(contest(rows, said, 4, near=((0, 1),))) == [one.ids[i] for i in (0, 2, 3)]
    # What others voted on a group's words does not change what it asked for.
    turned_down = np.where(one.incidence[:, [0]].toarray().ravel() > 0, 0.0, 1.0)
    votes = Approvals(np.full(30, 9), turned_down, {})
    assert asked(replace(one, approvals=votes)) == [one.ids[i] for i in (0, 1, 2)]


def test_a_floor_keeps_a_place_and_names_whose_it_is() -> None:
    one = minority()
    kept = choose(one, 2, CONFIG.model_copy(update={"floor": 1}), seed=0)
    assert kept.columns == (0, 2)
    assert kept.reserved == {2: SOUTH}
    rows = chosen_principles(one, kept, {key: [] for key in one.ids}, CONFIG, seed=0)
    assert [(row.rank, row.reserved_for) for row in rows] == [(1, None), (2, SOUTH)]


def test_a_floor_changes_nothing_where_every_group_has_a_place_without_it() -> None:
    plain = choose(minority(), 3, CONFIG, seed=0)
    assert (plain.columns, plain.reserved) == ((0, 1, 2), {})
    assert choose(minority(), 3, CONFIG.model_copy(update={"floor": 3}), seed=0) == plain


def test_places_of_the_floor_that_nobody_needs_go_on_greedily() -> None:
    found = choose(minority(), 2, CONFIG.model_copy(update={"floor": 2}), seed=0)
    # North, the larger, has its place kept first; it would have had that one anyway.
    assert (found.columns, found.reserved) == ((0, 2), {2: SOUTH})
    represented = choose(minority(near=((1, 2),)), 2, CONFIG, seed=0)
    assert represented.columns == (0, 1)


def test_the_largest_group_without_a_place_comes_first() -> None:
    sizes = {"north": 12, "east": 3, "south": 4}
    rows = [(f"{name}{i}", f"{name}{i}", name) for name, num in sizes.items() for i in range(num)]
    said = [(row, {"n": i % 2, "e": 2, "s": 3}[row[0]]) for i, (row, *_) in enumerate(rows)]
    one = contest(rows, said, 4)
    assert chosen_by(one, 2, CONFIG) == [0, 1]
    assert [lost.group.value for lost in unrepresented(one, [0, 1], CONFIG)] == ["south", "east"]
    found = choose(one, 2, CONFIG.model_copy(update={"floor": 1}), seed=0)
    assert (found.columns, found.reserved) == ((0, 3), {3: SOUTH})
    # A place that is won without the floor is nobody's by the floor.
    won = choose(one, 3, CONFIG.model_copy(update={"floor": 1}), seed=0)
    assert (won.columns, won.reserved) == ((0, 1, 3), {})


@pytest.mark.parametrize(("said", "reserved"), [("against", False), ("neither", True)])
def test_a_kept_place_is_not_for_what_goes_against_the_groups_own_choices(
    said: str, reserved: bool
) -> None:
    one = minority()
    people = {f"{who}": who for who in one.electorate.people.tolist()}
    votes = {0: dict.fromkeys(people, "for"), 2: {who: said for who in people if who[0] == "s"}}
    regions = {who: "south" if who[0] == "s" else "north" for who in people}
    poll = polled(people, votes, times=1, regions=regions).poll
    floor = CONFIG.model_copy(update={"floor": 1})
    assert (2 in choose(replace(one, poll=poll), 2, floor, seed=0).reserved) == reserved
