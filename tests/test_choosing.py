"""Which principles enter and which places stay empty: traps that must stay shut."""

from dataclasses import replace

import numpy as np
import pytest
from contest_rows import CONFIG, FOUR, chosen_by, contest, polled

from gcai_ray.choosing.poll import Poll
from gcai_ray.choosing.selection import Selection, choose, most_votes
from gcai_ray.config import RatifyConfig
from gcai_ray.electorate import electorate, incidence
from gcai_ray.schemas import Kind, Prediction, VoteOutcome
from gcai_ray.stages.ratify import chosen_principles


def prediction(people: dict[str, str], votes: dict[str, str], times: int = 1) -> Prediction:
    one = polled(people, {0: votes}, 1, times)
    assert one.poll is not None
    [found] = one.poll.predictions([0], seed=0)
    return found


def test_accuracy_coverage_and_voice_by_hand() -> None:
    # ann: 2 of 4 pairs for, 1 against; bob: 1 of 1 for; cid: 1 of 2 against; dan: nothing.
    people = {"a1": "ann", "a2": "ann", "a3": "ann", "a4": "ann", "b1": "bob"}
    people |= {"c1": "cid", "c2": "cid", "d1": "dan"}
    votes = {"a1": "for", "a2": "for", "a3": "against", "b1": "for", "c1": "against"}
    votes |= {"a4": "both", "c2": "neither", "d1": "invalid"}
    found = prediction(people, votes)
    right, wrong = 2 / 4 + 1, 1 / 4 + 1 / 2
    assert found.accuracy.share == pytest.approx(right / (right + wrong), abs=1e-6)
    assert found.coverage.share == pytest.approx((3 / 4 + 1 + 1 / 2) / 4, abs=1e-6)
    assert found.voice.share == pytest.approx((right - wrong) / 4, abs=1e-6)
    assert found.voice.share == pytest.approx(
        (2 * found.accuracy.share - 1) * found.coverage.share, abs=1e-6
    )
    assert (found.num_people, found.num_people_spoken, found.num_pairs) == (4, 3, 8)
    for figure in (found.accuracy, found.coverage, found.voice):
        assert figure.low < figure.share < figure.high


def test_a_negative_voice_keeps_its_sign_and_its_interval() -> None:
    found = prediction(FOUR, dict.fromkeys(FOUR, "against"))
    assert (found.accuracy.share, found.coverage.share, found.voice.share) == (0, 1, -1)
    assert found.voice.low == -1 < found.voice.high < 0


def test_a_small_voice_may_be_a_negative_one() -> None:
    """One of four people: the others could as well have chosen against it."""
    found = prediction(FOUR, {"v0": "for"})
    assert found.voice.low < 0 < found.voice.share


def test_what_speaks_nowhere_has_figures_of_nothing() -> None:
    found = prediction(FOUR, {"v0": "neither", "v1": "both"})
    assert (found.accuracy.share, found.coverage.share, found.voice.share) == (0, 0, 0)
    assert found.num_people_spoken == 0


@pytest.mark.parametrize(
    ("num_right", "enters"), [(50, False), (58, False), (59, True), (62, True)]
)
def test_only_what_is_surely_better_than_chance_enters(num_right: int, enters: bool) -> None:
    people = {f"v{n}": f"p{n}" for n in range(100)}
    votes = {f"v{n}": "for" if n < num_right else "against" for n in range(100)}
    one = polled(people, {0: votes}, 1, times=1)
    assert chosen_by(one, 1) == ([0] if enters else [])
    assert choose(one, 1, CONFIG, 0).left_out["within_chance"] == (0 if enters else 1)


@pytest.mark.parametrize(("num_people", "enters"), [(1, False), (3, False), (4, True)])
def test_a_few_people_who_agree_are_not_sure(num_people: int, enters: bool) -> None:
    people = {f"v{n}": f"p{n % num_people}" for n in range(100)}
    one = polled(people, {0: dict.fromkeys(people, "for")}, 1, times=1)
    assert chosen_by(one, 1) == ([0] if enters else [])


def test_a_coin_that_always_speaks_ranks_below_a_sure_principle_that_rarely_does() -> None:
    people = {f"v{n}": f"p{n}" for n in range(1000)}
    coin = {f"v{n}": "for" if n < 540 else "against" for n in range(1000)}  # 0.54 * 1
    sure = {f"v{n}": "for" for n in range(600, 800)}  # 1 * 0.2
    assert chosen_by(polled(people, {0: coin, 1: sure}, times=1), 2) == [1, 0]


def test_places_stay_empty_rather_than_go_to_what_adds_nobody() -> None:
    votes = {
        0: dict.fromkeys(FOUR, "for"),
        1: {"v0": "for", "v1": "for"},  # sure, but speaks for nothing that is still open
    }
    both = polled(FOUR, votes, 2)
    found = choose(both, 2, CONFIG, seed=0)
    assert found.columns == (0,)
    assert found.left_out["adds_nobody"] == 1
    said = replace(both, poll=None)  # both say all there is: the second adds nobody either
    assert chosen_by(said, 2) == [0]


def test_every_principle_left_out_is_counted_once() -> None:
    rows = [(f"r{i}", f"p{i}", "") for i in range(9)]
    votes = [("r0", 0), ("r1", 0), ("r0", 1), ("r3", 1), ("r4", 2)]
    one = contest(rows, votes, 3, near=((0, 1),))
    found = choose(one, 1, RatifyConfig(min_people=2), seed=0)
    assert found.columns == (0,)
    assert {why: n for why, n in found.left_out.items() if n} == {
        "said_already": 1,
        "too_few_people": 1,
    }
    full = choose(replace(one, vectors=np.eye(3, dtype=np.float32)), 1, CONFIG, seed=0)
    assert full.left_out["no_place_left"] == 2


def test_ten_thousand_rows_of_one_person_change_no_ranking() -> None:
    rows = [("a1", "ann", "n"), ("a2", "ann", "n"), ("b1", "bob", "n"), ("c1", "cid", "s")]
    said = [("a1", 0), ("a2", 1), ("b1", 2), ("c1", 2)]
    copies = [(f"{row}x{n}", "ann", "n") for row in ("a1", "a2") for n in range(5000)]
    also = [(row, 0 if row.startswith("a1") else 1) for row, *_ in copies]
    for kind in Kind:
        one, many = contest(rows, said, 3, kind), contest(rows + copies, said + also, 3, kind)
        assert chosen_by(one, 3) == chosen_by(many, 3) == [2, 0, 1]
        np.testing.assert_allclose(one.voices(range(3)), many.voices(range(3)))


def test_ten_thousand_pairs_of_one_person_change_no_prediction() -> None:
    people = {f"v{n}": f"p{n}" for n in range(8)}
    votes = {f"v{n}": "for" if n else "against" for n in range(8)}
    copies = {f"x{n}": "p0" for n in range(10_000)}
    few, many = (
        prediction(people, votes),
        prediction(people | copies, votes | dict.fromkeys(copies, "against")),
    )
    assert (few.accuracy, few.coverage, few.voice) == (many.accuracy, many.coverage, many.voice)


def test_a_group_of_one_decides_no_consensus_whatever_the_least_size() -> None:
    config = RatifyConfig(min_people=1, min_group_size=1)
    rows = [*((f"n{i}", f"n{i}", "north") for i in range(5)), ("s", "sol", "south")]
    said = [("n0", 0), ("n1", 0), ("n2", 0), ("n3", 1), ("n4", 1), ("s", 1)]
    one = contest(rows, said, 2, Kind.GENERAL)
    assert chosen_by(one, 1, config) == [0]
    [row] = chosen_principles(one, Selection((0,)), {one.ids[0]: []}, config, seed=0)
    assert row.support.consensus == 0.6  # of north; nobody of south said it


def test_all_saying_the_same_gives_one_principle_with_everybody_behind_it() -> None:
    people = {f"v{n}": f"p{n}" for n in range(6)}
    one = polled(people, {0: dict.fromkeys(people, "for")}, 1)
    assert chosen_by(one, 5) == [0]
    assert chosen_by(replace(one, poll=None, kind=Kind.GENERAL), 5) == [0]


def test_nobody_who_chose_leaves_every_place_empty() -> None:
    """Ties only: no row of the electorate, no vote."""
    nobody = electorate([])
    one = contest([("r", "ann", "")], [("r", 0)], 2)
    ties = replace(one, electorate=nobody, incidence=incidence(nobody, [], one.ids))
    cast = dict.fromkeys(VoteOutcome, ties.incidence)
    for empty in (ties, replace(ties, poll=Poll(nobody, cast))):
        assert chosen_by(empty, 3) == []
        assert most_votes(empty, 3).columns == ()
