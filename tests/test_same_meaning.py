"""Where the threshold of "says the same" comes from, and how principles are paired."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from paraphrases import OPPOSED, SAME, UNRELATED, Pair

from gcai_ray.same_meaning import (
    MAX_UNRELATED,
    SAME_COSINE,
    best_pairs,
    one_to_one,
    opposed,
)
from gcai_ray.stages.embed import embedded


@pytest.fixture(scope="module")
def cosines() -> dict[str, np.ndarray]:
    texts = sorted({text for pair in (*SAME, *UNRELATED, *OPPOSED) for text in pair})
    vector = dict(zip(texts, embedded(texts), strict=True))
    lists = {"same": SAME, "unrelated": UNRELATED, "opposed": OPPOSED}
    return {
        name: np.array([vector[a] @ vector[b] for a, b in pairs]).round(5)
        for name, pairs in lists.items()
    }


def share(found: np.ndarray, threshold: float) -> float:
    return float((found >= threshold).mean())


def unbarred(pairs: list[Pair]) -> np.ndarray:
    return np.array([not opposed([one], [other])[0, 0] for one, other in pairs])


def test_the_threshold_is_the_lowest_that_few_unrelated_pairs_reach(
    cosines: dict[str, np.ndarray],
) -> None:
    steps = np.arange(0, 101) / 100
    kept = [step for step in steps if share(cosines["unrelated"], step) <= MAX_UNRELATED]
    assert kept[0] == SAME_COSINE


def test_what_is_said_of_the_threshold_is_so(cosines: dict[str, np.ndarray]) -> None:
    reached = {name: share(found, SAME_COSINE) for name, found in cosines.items()}
    assert reached == pytest.approx({"same": 0.37, "unrelated": 0.004, "opposed": 0.36}, abs=0.01)
    barred = {
        name: ((cosines[name] >= SAME_COSINE) & unbarred(pairs)).mean()
        for name, pairs in (("same", SAME), ("opposed", OPPOSED))
    }
    assert barred == pytest.approx({"same": 0.37, "opposed": 0.24}, abs=0.01)
    assert share(cosines["opposed"], 0.88) > 0.05 >= share(cosines["opposed"], 0.89)
    assert share(cosines["same"], 0.89) < 0.02


def test_the_lists_are_large_and_do_not_overlap() -> None:
    assert min(len(SAME), len(OPPOSED)) >= 60
    assert len(UNRELATED) > 1000
    pairs = [frozenset(pair) for pair in (*SAME, *UNRELATED)]
    assert len(set(pairs)) == len(pairs)
    assert not {frozenset(pair) for pair in OPPOSED} & {frozenset(pair) for pair in SAME}


def rows(*cosines: tuple[float, ...]) -> np.ndarray:
    return np.array(cosines)


def test_pairs_are_made_so_that_the_cosines_sum_to_the_most() -> None:
    found = best_pairs(rows((0.9, 0.8), (0.85, 0.1)), 0.5)
    assert found == [(0, 1, 0.8), (1, 0, 0.85)]


def test_pairs_below_the_threshold_do_not_crowd_out_a_true_one() -> None:
    found = best_pairs(rows((0.6, 0.4), (0.4, 0.0)), 0.5)
    assert found == [(0, 0, 0.6)]


def test_the_threshold_itself_is_the_same() -> None:
    assert best_pairs(rows((0.5,)), 0.5) == [(0, 0, 0.5)]
    assert best_pairs(rows((0.49999,)), 0.5) == []


def test_vectors_are_paired_by_cosine_and_barred_pairs_are_not_made() -> None:
    first = np.eye(3, dtype=np.float32)[:2]
    second = np.eye(3, dtype=np.float32)[[2, 1, 0]]
    assert one_to_one(first, second, 0.5) == [(0, 2, 1.0), (1, 1, 1.0)]
    barred = np.zeros((2, 3), dtype=bool)
    barred[0, 2] = True
    assert one_to_one(first, second, 0.5, barred) == [(1, 1, 1.0)]
    assert one_to_one(first[:0], second, 0.5) == one_to_one(first, second[:0], 0.5) == []


@given(arrays(float, (4, 6), elements=st.floats(0, 1, width=32)), st.integers(1, 5))
def test_more_to_choose_from_never_loses_a_match(cosines: np.ndarray, few: int) -> None:
    """What a repetition chose is part of what it formed, so no principle can come back as chosen
    more often than as formed.
    """
    assert len(best_pairs(cosines[:, :few], 0.3)) <= len(best_pairs(cosines, 0.3))
    assert len({j for _, j, _ in best_pairs(cosines, 0.3)}) == len(best_pairs(cosines, 0.3))


def test_forbidding_is_opposed_to_asking() -> None:
    asks = ["The AI should use bullet points.", "Choose the response that notes the risks."]
    forbids = ["The AI should never use them.", "Choose the response that doesn’t lecture."]
    assert opposed(asks, forbids).all()
    assert not opposed(asks, asks).any()
    assert not opposed(forbids, ["The AI should avoid slang."]).any()
