import pyarrow as pa
import pytest
from twelve_pairs import ALL_FLIPS, ALL_OUTCOMES, TRAIN_FLIPS, TRAIN_OUTCOMES, votes

from gcai_ray.evaluate.position_bias import outcome_name, vote_measures
from gcai_ray.schemas import Measure, Vote, VoteOutcome, arrow_schema
from gcai_ray.stages.vote import outcome

SEED = 5
NO_VOTES = arrow_schema(Vote).empty_table()


def measured(table: pa.Table) -> dict[str, Measure]:
    return {row.name: row for row in vote_measures(table, SEED)}


def answers(*cells: tuple[str, str | None, str | None]) -> pa.Table:
    """Votes from person and both answers; response_a was chosen."""
    names = ("annotator_id", "a_first", "b_first", "outcome")
    rows = [(*cell, str(outcome(cell[1], cell[2], "a"))) for cell in cells]
    schema = pa.schema([(name, pa.string()) for name in names])
    return pa.Table.from_pylist([dict(zip(names, row, strict=True)) for row in rows], schema)


@pytest.mark.parametrize(
    ("table", "flips", "outcomes"),
    [
        (votes("concise", "sources", "polite", held_too=False), TRAIN_FLIPS, TRAIN_OUTCOMES),
        (votes(), ALL_FLIPS, ALL_OUTCOMES),
    ],
)
def test_the_figures_of_the_twelve_pairs(
    table: pa.Table, flips: dict[str, float], outcomes: dict[str, int]
) -> None:
    found = measured(table)
    for name, value in flips.items():
        assert found[name].value == pytest.approx(value, abs=1e-6)
    for name, count in outcomes.items():
        row = found[outcome_name(VoteOutcome(name))]
        assert row.value == pytest.approx(count / table.num_rows, abs=1e-6)
        assert f" {count} " in row.note
    assert {row.family for row in found.values()} == {"votes"}
    assert {row.num_people for row in found.values()} == {4}


def test_the_bias_is_full_towards_the_first_and_negative_towards_the_second() -> None:
    first = measured(answers(*((f"p{i}", "a", "b") for i in range(5))))
    assert (first["flip_rate"].value, first["position_bias"].value) == (1, 1)
    second = measured(answers(*((f"p{i}", "b", "a") for i in range(5))))
    assert (second["flip_rate"].value, second["position_bias"].value) == (1, -1)
    assert second["position_bias"].high < 0


def test_a_change_to_neither_or_both_is_no_flip_and_those_two_stay_apart() -> None:
    cells = [("p", "a", "neither"), ("q", "both", "b"), ("r", "neither", "neither")]
    found = measured(answers(*cells, ("s", "both", "both"), ("s", "neither", "both")))
    assert (found["flip_rate"].value, found["position_bias"].value) == (0, 0)
    assert found["votes_abstain"].value == 0.6
    assert found["votes_neither"].value == found["votes_both"].value == 0.2


def test_a_missing_reply_is_no_answer_and_no_flip() -> None:
    found = measured(answers(("p", "a", "b"), ("q", None, "a"), ("r", "b", None), ("s", "a", "a")))
    assert found["flip_rate"].value == 0.5
    assert found["flip_rate"].num_people == 2
    assert found["votes_invalid"].value == 0.5


def test_an_even_number_of_flips_both_ways_is_no_bias() -> None:
    found = measured(answers(*((f"p{i}", *(("a", "b"), ("b", "a"))[i % 2]) for i in range(40))))
    assert found["flip_rate"].value == 1
    assert found["position_bias"].value == 0
    assert found["position_bias"].low < 0 < found["position_bias"].high


def test_the_interval_of_a_bias_that_nobody_showed_reaches_both_ways() -> None:
    found = measured(answers(*((f"p{i}", "a", "a") for i in range(10))))
    assert found["position_bias"].low < 0 < found["position_bias"].high


def test_without_votes_or_answers_nothing_is_measured() -> None:
    assert [row.value for row in vote_measures(NO_VOTES, SEED)] == [None, None]
    assert all("needs a model" in row.note for row in vote_measures(NO_VOTES, SEED))
    silent = measured(answers(("p", None, "a"), ("q", None, None)))
    assert silent["flip_rate"].value is silent["position_bias"].value is None
    assert "none of 2" in silent["flip_rate"].note
    assert silent["votes_invalid"].value == 1


def test_the_order_of_votes_changes_nothing() -> None:
    assert vote_measures(votes(), SEED) == vote_measures(votes().sort_by("a_first"), SEED)
