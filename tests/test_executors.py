from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from sklearn.linear_model import LogisticRegression
from twelve_pairs import (
    BASELINE_PREDICTIONS,
    HELD,
    ICAI,
    ICAI_WEIGHT,
    OUR_PREDICTIONS,
    OURS,
    PAIRS,
    PREDICTED,
    PRINCIPLES,
    TRAIN,
    WEIGHTS,
    preferences,
    rows_of,
    verdicts,
    votes,
)

from gcai_ray.evaluate.executors import (
    fit_weights,
    judged,
    majority,
    pairs,
    predictions,
    speaks,
    weighted,
)


def cast(*cells: tuple[str, str, str | None, str | None]) -> pa.Table:
    """Votes from row, principle and both answers."""
    names = ("row_id", "principle_id", "a_first", "b_first")
    schema = pa.schema([(name, pa.string()) for name in names])
    return pa.Table.from_pylist([dict(zip(names, c, strict=True)) for c in cells], schema=schema)


def test_the_twelve_pairs_read_as_the_table_says() -> None:
    train, held = pairs(preferences(TRAIN)), pairs(preferences(HELD, reverse=True))
    assert held.row_ids.tolist() == list(HELD)
    assert held.preferred.tolist() == [1, -1, 1, -1, -1]
    assert held.longer.tolist() == list(BASELINE_PREDICTIONS["longer response"])
    assert held.person_of_row.tolist() == [0, 0, 1, 1, 2]
    assert train.voices() == pytest.approx([1 / 4, 1 / 4, 1 / 4, 1 / 4, 1, 1, 1])


@pytest.mark.parametrize(
    ("constitution", "ids", "wanted"),
    [
        ("gcai", OURS, OUR_PREDICTIONS),
        (
            "icai",
            ICAI,
            {name: BASELINE_PREDICTIONS[f"ICAI mode, {name}"] for name in OUR_PREDICTIONS},
        ),
    ],
)
def test_the_predictions_for_the_twelve_pairs(
    constitution: str, ids: tuple[str, ...], wanted: dict[str, tuple[int, ...]]
) -> None:
    train, held = pairs(preferences(TRAIN)), pairs(preferences(HELD))
    found = predictions((votes(), verdicts()), train, held, ids, constitution)
    assert {name: tuple(signs.tolist()) for name, signs in found.items()} == wanted


def test_the_weights_of_the_twelve_pairs() -> None:
    train = pairs(preferences(TRAIN))
    for ids, wanted in ((OURS, [*WEIGHTS.values()]), (ICAI, [ICAI_WEIGHT])):
        spoken = speaks(votes(), train, ids)
        weights = fit_weights(spoken, train.preferred, train.person_of_row)
        assert weights == pytest.approx(wanted, abs=2e-6)


@pytest.mark.parametrize("principle", PRINCIPLES)
def test_how_each_principle_predicts_the_training_choices(principle: str) -> None:
    """The figures of `twelve_pairs.PREDICTED`, from what is spoken alone."""
    train = pairs(preferences(TRAIN))
    side = speaks(votes(), train, [principle])[:, 0] * train.preferred
    voices, wanted = train.voices() / train.num_people, PREDICTED[principle]
    assert voices @ side == pytest.approx(wanted.voice)
    assert voices @ abs(side) == pytest.approx(wanted.coverage)
    assert voices @ (side > 0) / (voices @ abs(side)) == pytest.approx(wanted.accuracy)
    assert len(set(train.person_of_row[side != 0])) == wanted.num_people_spoken
    outcomes = votes(principle, held_too=False)["outcome"].to_pylist()
    assert {name: outcomes.count(name) for name in wanted.outcomes} == wanted.outcomes


def test_the_same_response_under_two_prompts_stays_two_pairs() -> None:
    same = [row for row in PAIRS if row["name"] in ("t6", "t7")]
    assert same[0]["response_a"] == same[1]["response_a"]
    spoken = speaks(votes("polite"), pairs(preferences(("t6", "t7"))), ["polite"])
    assert spoken.tolist() == [[1], [0]]


SIDES = {("a", "a"): 1, ("b", "b"): -1}
ANSWERS = (None, "a", "b", "both", "neither")


@pytest.mark.parametrize("first", ANSWERS)
@pytest.mark.parametrize("second", ANSWERS)
def test_a_principle_speaks_only_where_both_orders_name_one_response(first: Any, second: Any):
    one = pairs(rows_of(("r", "p", "b", 1, 2)))
    assert speaks(cast(("r", "x", first, second)), one, ["x"])[0, 0] == SIDES.get(
        (first, second), 0
    )


def test_votes_on_other_pairs_or_principles_count_nowhere() -> None:
    two = pairs(rows_of(("r1", "p", "a", 1, 2), ("r2", "p", "a", 1, 2)))
    table = cast(("r2", "y", "b", "b"), ("r9", "x", "a", "a"), ("r1", "z", "a", "a"))
    assert speaks(table, two, ["x", "y"]).tolist() == [[0, 0], [0, -1]]
    assert speaks(table.slice(0, 0), two, []).shape == (2, 0)


def test_a_judge_that_read_another_constitution_is_another_judge() -> None:
    held = pairs(preferences(HELD))
    assert judged(verdicts(), held, "none").tolist() == [1, 1, -1, -1, -1]
    assert judged(verdicts(), held, "unheard").tolist() == [0] * 5


def test_length_is_counted_in_characters() -> None:
    found = pairs(rows_of(("r1", "p", "a", 3, 4), ("r2", "p", "b", 4, 4), ("r3", "p", "b", 5, 4)))
    assert found.longer.tolist() == [-1, 0, 1]


def test_ties_are_left_out_and_counted() -> None:
    found = pairs(rows_of(("r1", "p", "tie", 1, 2), ("r2", "q", "a", 1, 2)))
    assert (found.row_ids.tolist(), found.num_people, found.num_ties) == (["r2"], 1, 1)
    assert pairs(rows_of()).num_people == 0


def test_a_majority_needs_one_voice_more() -> None:
    spoken = np.array([[1, 1, -1], [1, -1, 0], [0, -1, 0], [0, 0, 0]], dtype=np.int8)
    assert majority(spoken).tolist() == [1, 0, -1, 0]
    many = np.ones((1, 200), dtype=np.int8)  # more than an int8 holds
    assert majority(many).tolist() == [1]


def test_one_heavy_principle_outweighs_two_light_ones_and_equal_weights_are_even() -> None:
    spoken = np.array([[1, -1, -1], [0, 1, -1]], dtype=np.int8)
    assert weighted(spoken, np.array([1.0, 0.4, 0.4])).tolist() == [1, 0]
    assert weighted(spoken, np.array([1.0, 0.4, 0.400001])).tolist() == [1, 0]


def drawn(rows: int, principles: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    generator = np.random.default_rng(3)
    spoken = generator.integers(-1, 2, (rows, principles)).astype(np.int8)
    leaning = spoken[:, 0] + 0.5 * spoken[:, 1] + generator.normal(size=rows) + 0.3
    people = generator.integers(0, rows // 4, rows)
    return spoken, np.where(leaning > 0, 1, -1).astype(np.int8), people


def test_weights_equal_those_of_a_plain_fit_by_scikit_learn() -> None:
    spoken, preferred, people = drawn(400, 6)
    of_person = {who: 1 / (people == who).sum() for who in people}
    voices = [of_person[who] for who in people]
    plain = LogisticRegression(C=1.0, fit_intercept=False, tol=1e-10, max_iter=10_000)
    plain.fit(spoken.astype(float), preferred, sample_weight=voices)
    assert fit_weights(spoken, preferred, people) == pytest.approx(plain.coef_[0], abs=2e-5)
    mirrored = LogisticRegression(C=1.0, fit_intercept=False, tol=1e-10, max_iter=10_000).fit(
        np.concatenate([spoken, -spoken]).astype(float),
        np.concatenate([preferred, -preferred]),
        sample_weight=np.concatenate([voices, voices]) / 2,
    )
    assert fit_weights(spoken, preferred, people) == pytest.approx(mirrored.coef_[0], abs=2e-5)


def test_one_person_with_ten_thousand_rows_weighs_as_one() -> None:
    spoken, preferred, people = drawn(40, 3)
    one = (np.array([[1, -1, 1]], np.int8), np.array([-1], np.int8), np.array([99]))
    few, many = (
        fit_weights(
            np.concatenate([spoken, np.repeat(one[0], num, axis=0)]),
            np.concatenate([preferred, np.repeat(one[1], num)]),
            np.concatenate([people, np.repeat(one[2], num)]),
        )
        for num in (1, 10_000)
    )
    assert many == pytest.approx(few, abs=2e-6)


def test_everybody_choosing_one_place_is_no_preference_for_the_place() -> None:
    """Swapping both responses of any rows changes no weight: here until only `a` was chosen."""
    spoken, preferred, people = drawn(60, 3)
    all_a = fit_weights(spoken * preferred[:, None], np.ones(60, np.int8), people)
    assert all_a == pytest.approx(fit_weights(spoken, preferred, people), abs=2e-6)
    assert all_a[0] > 0


def test_without_anything_said_no_principle_has_weight() -> None:
    silent = np.zeros((4, 2), np.int8)
    ones, people = np.ones(4, np.int8), np.arange(4)
    assert fit_weights(silent, ones, people).tolist() == [0.0, 0.0]
    assert fit_weights(silent[:0], ones[:0], people[:0]).tolist() == [0.0, 0.0]
    assert fit_weights(silent[:, :0], ones, people).tolist() == []


def test_a_principle_that_misleads_gets_a_negative_weight() -> None:
    spoken = np.array([[-1], [-1], [1]], np.int8)
    [weight] = fit_weights(spoken, np.ones(3, np.int8), np.arange(3))
    assert weight < 0
    assert weighted(np.array([[-1]], np.int8), np.array([weight])).tolist() == [1]


def test_an_executor_with_nothing_to_go_by_predicts_nothing() -> None:
    train, held = pairs(preferences(TRAIN)), pairs(preferences(HELD))
    none = verdicts().slice(0, 0)
    assert predictions((votes(), none), train, held, (), "gcai") == {}
    assert set(predictions((votes(), none), train, held, OURS, "gcai")) == {"majority", "weighted"}
    untrained = predictions((votes(), verdicts()), pairs(rows_of()), held, OURS, "gcai")
    assert set(untrained) == {"judge", "majority"}
    unasked = predictions((votes(*OURS, held_too=False), none), train, held, OURS, "gcai")
    assert unasked == {}


def test_training_pairs_that_were_not_voted_on_take_no_part_of_a_voice() -> None:
    """p chose one pair that was voted on, q two: `x` is right for p, `y` for one pair of q."""
    unvoted = ((f"u{i}", "p", "a", 1, 2) for i in range(50))
    rows = [("r1", "p", "a", 1, 2), ("r2", "q", "a", 1, 2), ("r3", "q", "a", 1, 2), *unvoted]
    said = [("r1", "x", "a", "a"), ("r1", "y", "b", "b"), ("r2", "y", "a", "a")]
    said += [("r2", "x", "b", "b"), ("r3", "x", None, None)]
    held = pairs(rows_of(("h", "q", "a", 1, 2)))
    tables = (cast(*said, ("h", "x", "a", "a"), ("h", "y", "b", "b")), verdicts().slice(0, 0))
    found = predictions(tables, pairs(rows_of(*rows)), held, ["x", "y"], "gcai")
    assert found["weighted"].tolist() == [1]
