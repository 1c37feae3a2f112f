import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.stats import binomtest

from gcai_ray.electorate import electorate, incidence
from gcai_ray.statistics import (
    bootstrap_means,
    paired_difference,
    ratio_interval,
    ratio_intervals,
    share_intervals,
    tied_pairs,
    wilson,
)


def column(*values: float) -> np.ndarray:
    return np.array(values)[:, None]


def test_wilsons_interval_is_scipys() -> None:
    for hits, num in ((0, 1), (3, 3), (5, 12), (150, 200)):
        expected = binomtest(hits, num).proportion_ci(method="wilson")
        assert wilson(hits, num) == pytest.approx(
            (hits / num, expected.low, expected.high), abs=1e-6
        )


def test_people_who_say_yes_or_no_get_wilsons_interval() -> None:
    assert tuple(share_intervals(column(1, 0, 0, 1, 1), seed=0)[0]) == wilson(3, 5)
    assert ratio_interval(np.array([1.0, 0, 1]), np.ones(3), seed=0) == wilson(2, 3)


def test_shares_are_means_over_people_inside_their_interval() -> None:
    values = np.array([[1.0, 0.0], [0.0, 0.0], [1.0, 0.5], [1.0, 0.0]])
    found = share_intervals(values, seed=0)
    assert found[:, 0].tolist() == [0.75, 0.125]
    assert (found[:, 1] < found[:, 0]).all()
    assert (found[:, 0] < found[:, 2]).all()


@settings(max_examples=60)
@given(arrays(float, (5, 3), elements=st.floats(0, 1, width=16)))
def test_an_interval_holds_its_share_and_stays_a_share(values: np.ndarray) -> None:
    for found in (
        share_intervals(values, seed=0, num_draws=50),
        ratio_intervals(values, np.ones((5, 3)), seed=0, num_draws=50),
    ):
        assert (found[:, 1] >= 0).all()
        assert (found[:, 2] <= 1).all()
        assert (found[:, 1] <= found[:, 0]).all()
        assert (found[:, 0] <= found[:, 2]).all()


def test_no_people_give_zeros() -> None:
    assert share_intervals(np.zeros((0, 2)), seed=0).tolist() == [[0, 0, 0], [0, 0, 0]]
    assert ratio_interval(np.zeros(0), np.zeros(0), seed=0) == (0.0, 0.0, 0.0)
    assert ratio_intervals(np.zeros((0, 2)), np.zeros((0, 2)), seed=0).tolist() == [[0, 0, 0]] * 2
    assert wilson(0, 0) == (0.0, 0.0, 0.0)
    assert paired_difference(np.zeros(0), np.zeros(0), seed=0) == (0.0, 0.0, 0.0)
    assert not tied_pairs(np.zeros((0, 2)), seed=0).any()


def test_no_columns_give_none() -> None:
    assert share_intervals(np.zeros((4, 0)), seed=0).shape == (0, 3)
    assert ratio_intervals(np.zeros((4, 0)), np.zeros((4, 0)), seed=0).shape == (0, 3)


def test_a_column_without_rows_is_zeros_beside_one_with_rows() -> None:
    hits, totals = np.array([[0.0, 2], [0, 1], [0, 0]]), np.array([[0.0, 3], [0, 1], [0, 4]])
    found = ratio_intervals(hits, totals, seed=0)
    assert found[0].tolist() == [0, 0, 0]
    assert tuple(found[1]) == ratio_interval(hits[:, 1], totals[:, 1], seed=0)


@pytest.mark.parametrize("num_people", [1, 3, 12, 300])
def test_people_who_all_agree_are_no_certainty(num_people: int) -> None:
    everybody = np.ones((num_people, 1))
    assert tuple(share_intervals(everybody, seed=0)[0]) == wilson(num_people, num_people)
    assert tuple(share_intervals(0 * everybody, seed=0)[0]) == wilson(0, num_people)
    rows = np.full(num_people, 7.0)
    assert ratio_interval(rows, rows, seed=0) == wilson(num_people, num_people)


def test_people_who_all_say_one_half_may_be_followed_by_others() -> None:
    _, low, high = share_intervals(np.full((12, 1), 0.5), seed=0)[0]
    elsewhere = wilson(0, 12)[2]
    assert (low, high) == pytest.approx((0.5 - 0.5 * elsewhere, 0.5 + 0.5 * elsewhere), abs=1e-6)


def test_one_person_says_little_of_others() -> None:
    _, low, high = share_intervals(column(0.4), seed=0)[0]
    assert low < 0.1
    assert high > 0.8


def test_fewer_people_give_a_wider_interval() -> None:
    person = np.array([0.2, 0.5, 0.9])
    widths = [
        np.diff(share_intervals(np.tile(person, times)[:, None], seed=0)[0, 1:])[0]
        for times in (1, 4, 16)
    ]
    assert widths[0] > 2 * widths[1] > 3 * widths[2]


def test_one_voice_of_many_is_no_more_than_noise() -> None:
    voices = np.zeros((300, 1))
    voices[0] = 1
    assert share_intervals(voices, seed=0, signed=True)[0, 1] < 0
    assert share_intervals(voices, seed=0)[0, 1] > 0  # a share of people above 0 is above 0


def test_each_column_has_a_range_of_its_own() -> None:
    values = np.array([[1.0, 1.0, 1.0], [0.0, 0.0, -1.0], [0.0, 0.0, 0.0]])
    found = share_intervals(values, seed=0, signed=np.array([False, True, False]))
    assert tuple(found[0]) == wilson(1, 3)
    assert (found[1:, 1] < 0).all()


def test_hits_may_count_against() -> None:
    flips, rows = np.array([2.0, -1, 0, 3, 1, 0]), np.full(6, 4.0)
    share, low, high = ratio_interval(flips, rows, seed=0)
    assert share == pytest.approx(5 / 24, abs=1e-6)
    assert -0.5 < low < 0 < high < 0.7
    turned = ratio_interval(-flips, rows, seed=0)
    assert turned == pytest.approx((-share, -high, -low), abs=1e-6)


def test_flips_to_one_side_only_may_still_be_noise() -> None:
    flips, rows = np.array([1.0, 0, 0, 0, 0, 0]), np.full(6, 4.0)
    assert ratio_interval(flips, rows, seed=0)[1] > 0
    assert ratio_interval(flips, rows, seed=0, signed=True)[1] < 0


def test_draws_are_the_same_for_the_same_seed_only() -> None:
    values = np.random.default_rng(0).random((30, 2))
    assert (bootstrap_means(values, 1, 120) == bootstrap_means(values, 1, 120)).all()
    assert (bootstrap_means(values, 1, 120) != bootstrap_means(values, 2, 120)).any()
    assert (share_intervals(values, 1) == share_intervals(values, 1)).all()
    assert (share_intervals(values, 1) != share_intervals(values, 2)).any()


def test_a_clear_order_is_no_tie_and_noise_is_one() -> None:
    generator = np.random.default_rng(3)
    clear = (generator.random(300) < 0.8).astype(float)
    near = (generator.random(300) < 0.79).astype(float)
    far = (generator.random(300) < 0.2).astype(float)
    tied = tied_pairs(np.stack([clear, near, far], axis=1), seed=0)
    assert tied.tolist() == [[False, True, False], [True, False, False], [False, False, False]]


def test_identical_columns_are_tied() -> None:
    same = np.array([1.0, 0.0, 1.0])
    assert tied_pairs(np.stack([same, same], axis=1), seed=0)[0, 1]
    assert paired_difference(same, same, seed=0)[0] == 0


@pytest.mark.parametrize("scale", [1, 2])  # shares apart by 1, voices apart by 2
@pytest.mark.parametrize(("num_people", "is_tie"), [(1, True), (3, True), (4, False)])
def test_few_people_who_all_order_alike_are_no_proof(
    num_people: int, is_tie: bool, scale: int
) -> None:
    first, second = np.ones(num_people), np.full(num_people, 1.0 - scale)
    assert tied_pairs(np.stack([first, second], axis=1), seed=0)[0, 1] == is_tie
    _, low, high = paired_difference(first, second, seed=0)
    assert (low <= 0) == is_tie
    half = wilson(num_people, num_people)[1]
    assert (low, high) == pytest.approx((scale * (2 * half - 1), scale), abs=1e-5)


def test_a_tie_is_a_paired_difference_that_holds_0() -> None:
    values = np.random.default_rng(5).beta(2, 2, (15, 6))
    values[:, 1] += 0.25
    tied = tied_pairs(values, seed=3)
    for i in range(6):
        for j in set(range(6)) - {i}:
            _, low, high = paired_difference(values[:, i], values[:, j], seed=3)
            assert tied[i, j] == (low <= 0 <= high)


def test_a_paired_difference_is_surer_than_two_apart() -> None:
    generator = np.random.default_rng(2)
    people = generator.random(40)
    first, second = people, np.clip(people - 0.1 + generator.normal(0, 0.02, 40), 0, 1)
    apart = share_intervals(np.stack([first, second], axis=1), seed=0)
    assert apart[0, 1] < apart[1, 2]  # the two overlap
    assert paired_difference(first, second, seed=0)[1] > 0


def test_a_flood_of_rows_by_one_person_leaves_a_row_share_unknown() -> None:
    hits, totals = np.full(50, 5.0), np.full(50, 10.0)
    even = ratio_interval(hits, totals, seed=0)
    hits[0], totals[0] = 10_000, 10_000
    flooded = ratio_interval(hits, totals, seed=0)
    assert even[2] - even[1] < 0.1
    assert (flooded[1], flooded[2]) == (0, 1)


def test_unequal_rows_are_worth_fewer_people() -> None:
    shares = np.tile([0.2, 0.6], 10)
    even, uneven = np.full(20, 10.0), np.tile([1.0, 1, 30, 30], 5)
    widths = [
        np.diff(ratio_interval(shares * rows, rows, seed=0)[1:])[0] for rows in (even, uneven)
    ]
    assert widths[1] > 1.3 * widths[0]


def test_one_person_with_rows_among_many_without_is_one_person() -> None:
    hits, totals = np.zeros(40), np.zeros(40)
    hits[7], totals[7] = 9, 9
    assert ratio_interval(hits, totals, seed=0) == wilson(1, 1)


def shares_said(rows: dict[str, list[str]]) -> np.ndarray:
    """[people, columns] of the principles p, q and r, where people wrote these rows."""
    said = [(person, said) for person in sorted(rows) for said in rows[person]]
    ids = [f"row {number:06}" for number in range(len(said))]
    written = pa.table(
        {
            "id": ids,
            "annotator_id": [person for person, _ in said],
            "groups": pa.array(
                [[]] * len(said), pa.list_(pa.struct({"name": pa.string(), "value": pa.string()}))
            ),
        }
    )
    people = electorate([written])
    matches = pa.table({"row_id": ids, "principle_id": [said for _, said in said]})
    return people.shares(incidence(people, [matches], ("p", "q", "r")))


def test_one_person_with_10_000_rows_changes_no_share_and_no_order() -> None:
    rows = {"anna": ["p", "q"], "ben": ["p"], "cleo": ["p", "r"], "dora": ["q"], "eve": ["r", "r"]}
    once, flooded = shares_said(rows), shares_said(rows | {"eve": ["r"] * 10_000})
    assert (share_intervals(once, seed=0) == share_intervals(flooded, seed=0)).all()
    assert (tied_pairs(once, seed=0) == tied_pairs(flooded, seed=0)).all()
    assert share_intervals(flooded, seed=0)[:, 0].tolist() == [0.4, 0.3, 0.3]


def test_each_ratio_has_a_range_of_its_own() -> None:
    hits, totals = np.array([[1.0, 1.0], [0.0, -1.0], [0.0, 0.0]]), np.ones((3, 2))
    found = ratio_intervals(hits, totals, seed=0)
    assert tuple(found[0]) == wilson(1, 3)
    assert found[1, 1] < 0


def test_columns_without_rows_take_nothing_from_the_others() -> None:
    hits = np.array([[1.0, 0.0, 2.0], [1.0, 0.0, 0.0], [0.0, 0.0, 1.0]])
    totals = np.array([[2.0, 0.0, 2.0], [1.0, 0.0, 1.0], [1.0, 0.0, 1.0]])
    signed = np.array([True, True, False])
    found = ratio_intervals(hits, totals, seed=0, signed=signed)
    assert found[1].tolist() == [0, 0, 0]
    for column in (0, 2):
        alone = ratio_intervals(hits[:, [column]], totals[:, [column]], 0, signed=signed[[column]])
        assert found[column] == pytest.approx(alone[0], abs=1e-6)
