import numpy as np
import pytest
from sklearn.metrics import adjusted_mutual_info_score, cohen_kappa_score

from gcai_ray.agreement import adjusted_mutual_information, cohens_kappa, rank_correlation

FIRST = list("aabbabneaabb")
SECOND = list("aababbneabba")


def test_kappa_is_scikit_learns() -> None:
    assert cohens_kappa(FIRST, SECOND) == pytest.approx(cohen_kappa_score(FIRST, SECOND), abs=1e-6)


def test_kappa_by_hand() -> None:
    """Same on 3 of 4; by chance 2/4 * 3/4 + 2/4 * 1/4 = 1/2."""
    assert cohens_kappa(list("aabb"), list("aaab")) == 0.5


def test_an_item_weighs_what_its_person_has_left() -> None:
    weights = np.array([1.0, 1, 0.5, 0.5, 0.5, 0.5])
    first, second = list("abaabb"), list("abbabb")
    doubled = [0, 0, 1, 1, 2, 3, 4, 5]
    assert cohens_kappa(first, second, weights) == pytest.approx(
        cohens_kappa([first[i] for i in doubled], [second[i] for i in doubled]), abs=1e-6
    )


def test_one_person_with_10_000_items_is_one_voice_of_a_kappa() -> None:
    first, second = [*"abab", *("a" * 10_000)], [*"abba", *("b" * 10_000)]
    once = cohens_kappa([*"abab", "a"], [*"abba", "b"])
    weights = np.array([1.0] * 4 + [1e-4] * 10_000)
    assert cohens_kappa(first, second, weights) == pytest.approx(once, abs=1e-6)


@pytest.mark.parametrize("labels", [[], ["a"], ["a", "a", "a"]])
def test_a_kappa_of_one_label_shows_nothing(labels: list[str]) -> None:
    assert cohens_kappa(labels, labels) == 0


def test_one_judge_who_never_varies_agrees_by_chance() -> None:
    assert cohens_kappa(list("aaaa"), list("abab")) == 0


def test_the_same_order_is_1_and_the_opposite_is_minus_1() -> None:
    assert rank_correlation([1, 2, 3], [10, 20, 30]) == 1
    assert rank_correlation([1, 2, 3], [3, 2, 1]) == -1


def test_ties_count_as_ties() -> None:
    """5 pairs in the same order, none opposite, 1 tied in one ranking: 5 / sqrt(6 * 5)."""
    assert rank_correlation([1, 2, 3, 4], [1, 2, 2, 4]) == pytest.approx(5 / 30**0.5, abs=1e-6)


@pytest.mark.parametrize(
    ("first", "second"), [([], []), ([1], [1]), ([2, 2, 2], [1, 2, 3]), ([2, 2], [2, 2])]
)
def test_without_an_order_there_is_no_correlation(first: list[float], second: list[float]) -> None:
    assert rank_correlation(first, second) == 0


def test_mutual_information_is_scikit_learns() -> None:
    assert adjusted_mutual_information(FIRST, SECOND) == pytest.approx(
        adjusted_mutual_info_score(FIRST, SECOND), abs=1e-6
    )
    assert adjusted_mutual_information(list("aabb"), list("xxyy")) == 1


@pytest.mark.parametrize("second", ["", "a", "aaaa", "abcd"])
def test_partitions_that_part_nothing_share_nothing(second: str) -> None:
    assert adjusted_mutual_information(list(second), list(second)) == 0


def test_one_cluster_tells_nothing_of_two() -> None:
    assert adjusted_mutual_information(list("aaaa"), list("abab")) == 0
