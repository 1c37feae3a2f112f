"""Contests → win rates, lengths, position bias; responses → refusals. Figures computed by hand."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from asking_rows import key
from assessment_rows import contest, contests, response, responses
from hypothesis import given, settings
from hypothesis import strategies as st

from gcai_ray.evaluate.adherence import (
    NO_THEME,
    Scored,
    adherence,
    missing_themes,
    position,
    scored,
)
from gcai_ray.evaluate.lengths import lengths
from gcai_ray.evaluate.refusals import found_harmless, refusals
from gcai_ray.schemas import Figure, Revision, arrow_schema
from gcai_ray.statistics import wilson

NAMES = ("tuned", "base")
IDS = [key(1000), key(1001)]
THEMES = {key(1000): "safety", key(1001): "style"}


def of(outcomes: Sequence[Sequence[str]], **changes: object) -> Scored:
    """Contests of prompt after prompt, by two principles."""
    rows = [
        contest(prompt, principle, outcome, **changes)
        for prompt, own in enumerate(outcomes)
        for principle, outcome in enumerate(own)
    ]
    return scored(contests(rows), NAMES, IDS)


def found(
    figures: Sequence[Figure], name: str, scope: str = "all", subject: str = "", on: str = "all"
) -> Figure:
    [one] = [
        f for f in figures if (f.name, f.scope, f.subject, f.prompts) == (name, scope, subject, on)
    ]
    return one


def rates(outcomes: Sequence[Sequence[str]], **changes: object) -> list[Figure]:
    return list(adherence(of(outcomes, **changes), THEMES, seed=0))


def test_a_win_counts_one_and_a_tie_one_half() -> None:
    # principle 0: 6 wins, 2 losses, 2 flips, 2 same: (6 + 2) / 12; principle 1: 12 losses
    first = ["win"] * 6 + ["loss"] * 2 + ["flip", "second", "same", "same"]
    figures = rates([(one, "loss") for one in first])
    own = found(figures, "win_rate", "principle", IDS[0])
    assert own.value == pytest.approx(8 / 12)
    assert "6 won, 2 lost, 4 tied (2 flipped with the order, 2 with equal responses)" in own.note
    assert (own.baseline, own.num_prompts) == (0.5, 12)
    assert own.difference == pytest.approx(8 / 12 - 0.5, abs=1e-6)
    assert found(figures, "win_rate", "principle", IDS[1]).value == 0
    assert found(figures, "win_rate").value == pytest.approx(8 / 24)
    assert found(figures, "win_rate", "theme", "safety").value == own.value


def test_without_ties_the_interval_of_a_principle_is_wilsons() -> None:
    figures = rates([("win", "win")] * 14 + [("loss", "win")] * 6)
    own = found(figures, "win_rate", "principle", IDS[0])
    assert (own.value, own.low, own.high) == pytest.approx(wilson(14, 20))


def test_contests_on_one_prompt_are_one_draw() -> None:
    """Twice the principles that say the same tell no more than one of them."""
    outcomes = [("win",) * 2] * 13 + [("loss",) * 2] * 7
    figures = rates(outcomes)
    one, both = found(figures, "win_rate", "principle", IDS[0]), found(figures, "win_rate")
    assert both.num_prompts == one.num_prompts == 20
    assert both.high - both.low == pytest.approx(one.high - one.low, rel=0.15)


def test_a_missing_reply_is_no_contest_and_is_told() -> None:
    figures = rates([("win", "invalid")] * 12)
    assert found(figures, "win_rate").value == 1
    assert "12 without a usable reply" in found(figures, "win_rate").note
    silent = found(figures, "win_rate", "principle", IDS[1])
    assert (silent.value, silent.num_prompts) == (None, 0)
    assert "0 held-out prompts were judged: at least 10 are needed" in silent.note


def test_a_model_that_says_what_its_base_says_is_at_one_half() -> None:
    for outcome in ("same", "flip"):
        whole = found(rates([(outcome, outcome)] * 25), "win_rate")
        assert whole.value == 0.5
        assert whole.low < 0.5 < whole.high
        assert whole.high - whole.low < 0.2


def test_longer_conversations_have_a_column_and_a_number_of_their_own() -> None:
    rows = [contest(n, 0, "win" if n < 12 else "loss", num_turns=1 + n // 12) for n in range(24)]
    figures = list(adherence(scored(contests(rows), NAMES, IDS), THEMES, 0))
    told = {on: found(figures, "win_rate", on=on) for on in ("all", "single", "multi")}
    assert [told[on].value for on in told] == [0.5, 1.0, 0.0]
    assert [told[on].num_prompts for on in told] == [24, 12, 12]
    few = [contest(n, 0, "win", num_turns=1 + n // 12) for n in range(21)]
    figures = list(adherence(scored(contests(few), NAMES, IDS), THEMES, 0))
    multi = found(figures, "win_rate", on="multi")
    assert (multi.value, multi.num_prompts) == (None, 9)
    assert "9 held-out conversations of several turns were judged" in multi.note


def test_other_pairs_of_models_are_left_out() -> None:
    rows = [contest(n, 0, "win") for n in range(10)]
    rows += [contest(n, 0, "loss", against="icai") for n in range(10)]
    assert scored(contests(rows), NAMES, IDS).scores[:, 0].tolist() == [1.0] * 10


def test_a_theme_without_principles_is_said_to_be_missing() -> None:
    [gap] = missing_themes(NAMES, THEMES, ["safety", "ethics", "style"])
    assert (gap.subject, gap.value, gap.note) == ("ethics", None, NO_THEME)


@given(
    st.lists(
        st.tuples(*[st.sampled_from(["win", "loss", "flip", "same"])] * 2), min_size=10, max_size=40
    )
)
@settings(max_examples=40)
def test_seen_from_the_other_side_every_rate_is_what_is_left(
    outcomes: list[tuple[str, str]],
) -> None:
    swap = {"win": "loss", "loss": "win"}
    other = [tuple(swap.get(one, one) for one in own) for own in outcomes]
    for ours, theirs in zip(rates(outcomes), rates(other), strict=True):
        if ours.value is None:
            assert theirs.value is None
            continue
        assert ours.value + theirs.value == pytest.approx(1, abs=1e-5)
        assert ours.low + theirs.high == pytest.approx(1, abs=1e-5)
        assert 0 <= ours.low <= ours.value <= ours.high <= 1


def test_the_order_of_contests_changes_nothing() -> None:
    rows = [contest(n, p, "win" if (n + p) % 3 else "flip") for n in range(15) for p in (0, 1)]
    there = list(adherence(scored(contests(rows), NAMES, IDS), THEMES, 0))
    back = list(adherence(scored(contests(rows[::-1]), NAMES, IDS), THEMES, 0))
    assert there == back


def test_a_95_percent_interval_over_prompts_holds_the_truth_as_often_as_it_says() -> None:
    """Prompts differ: each has a chance of its own that all its contests share."""
    dice, held = np.random.default_rng(1), 0
    for run in range(200):
        chances = dice.beta(3, 2, size=40)  # mean 0.6
        wins = dice.random((40, 2)) < chances[:, None]
        outcomes = [tuple("win" if one else "loss" for one in own) for own in wins]
        whole = found(list(adherence(of(outcomes), {}, run)), "win_rate")
        held += whole.low <= 0.6 <= whole.high
    assert 0.91 <= held / 200 <= 0.99


def test_position_bias_is_flips_and_choices_of_the_first() -> None:
    rows = [contest(n, 0, "flip" if n < 6 else "win") for n in range(18)]
    rows += [contest(n, 1, "second" if n < 2 else "loss") for n in range(18)]
    rows += [contest(n, 0, "same", against="icai") for n in range(18)]
    flips, first = position(contests(rows), 0)
    assert flips.value == pytest.approx(8 / 36)
    assert (
        "8 of 36 contests flipped with the order, 6 of them to the response shown first"
        in flips.note
    )
    # 28 choices that hold name the first once of two; 6 flips name it twice, 2 never
    assert first.value == pytest.approx((28 + 12) / 72)
    assert first.baseline == 0.5
    assert {figure.model for figure in (flips, first)} == {"judge"}


def test_without_contests_position_bias_is_not_measured() -> None:
    for figure in position(contests([contest(1, 0, "same")]), 0):
        assert (figure.value, figure.num_prompts) == (None, 0)


def test_lengths_beside_each_other_and_who_wins_by_them() -> None:
    # 12 prompts where the model is longer (150 to 100) and wins, 8 where it is shorter (50) and
    # wins; 10 within 10 %, of which it loses all
    rows = [contest(n, 0, "win", num_chars=150) for n in range(12)]
    rows += [contest(n, 0, "win", num_chars=50) for n in range(12, 20)]
    rows += [contest(n, 0, "loss", num_chars=105) for n in range(20, 30)]
    figures = list(lengths(scored(contests(rows), NAMES, IDS), 0))
    chars = found(figures, "chars")
    assert chars.value == pytest.approx((12 * 150 + 8 * 50 + 10 * 105) / 30)
    assert (chars.baseline_name, chars.baseline) == ("base", 100)
    assert chars.difference == pytest.approx(chars.value - 100, abs=1e-3)
    assert chars.low < chars.value < chars.high
    longer = found(figures, "longer_won")  # 12 of 30: of the last 10 the longer lost
    assert (longer.value, longer.baseline) == (pytest.approx(12 / 30), 0.5)
    winner = found(figures, "winner_chars")
    assert winner.value == pytest.approx((12 * 150 + 8 * 50 + 10 * 100) / 30)
    assert winner.baseline == pytest.approx((20 * 100 + 10 * 105) / 30)
    equal = found(figures, "win_rate_equal_length")
    assert (equal.value, equal.num_prompts) == (0.0, 10)


def test_too_few_responses_of_one_length_are_no_figure() -> None:
    rows = [contest(n, 0, "win", num_chars=150) for n in range(20)]
    equal = found(list(lengths(scored(contests(rows), NAMES, IDS), 0)), "win_rate_equal_length")
    assert equal.value is None
    assert "0 prompts have responses within 10 % in length" in equal.note


def refusal(prompt: int, refused: dict[str, bool]) -> list[dict[str, object]]:
    return [response(prompt, model, refuses=refuses) for model, refuses in refused.items()]


def test_refusals_on_harmless_prompts_stand_beside_the_bases_own() -> None:
    rows = []
    for n in range(20):
        rows += refusal(n, {"base": n < 2, "tuned": n < 6})
    harmless = frozenset(key(n) for n in range(12))
    base, tuned, base_all, tuned_all = refusals(responses(rows), NAMES[::-1], harmless, "so", 0)
    assert (base.value, base.baseline) == (pytest.approx(2 / 12, abs=1e-6), None)
    assert (tuned.value, tuned.baseline) == pytest.approx((6 / 12, 2 / 12), abs=1e-6)
    assert tuned.difference == pytest.approx(4 / 12, abs=1e-6)
    assert tuned.difference_low < 4 / 12 < tuned.difference_high
    assert (tuned.low, tuned.high) == wilson(6, 12)[1:]
    assert (base_all.value, tuned_all.value) == (0.1, 0.3)
    assert "6 refusals on 12 held-out prompts that are harmless (so)" in tuned.note


def test_without_harmless_prompts_over_refusal_is_not_measured() -> None:
    rows = [row for n in range(20) for row in refusal(n, {"base": False, "tuned": True})]
    over = list(refusals(responses(rows), NAMES[::-1], frozenset(), "so", 0))[:2]
    assert [f.value for f in over] == [None, None]
    assert "0 held-out prompts that are harmless (so) were answered" in over[0].note


def test_a_prompt_is_harmless_where_the_model_answered_and_the_critique_saw_no_harm() -> None:
    import pyarrow as pa

    def row(n: int, harmful: bool | None, text: str = "Yes.", round: int = 1) -> dict[str, object]:
        return {"prompt_id": key(n), "round": round, "response": text, "harmful": harmful}

    rows = [
        row(1, False),
        row(2, True),
        row(3, None),
        row(4, False, "I'm sorry, but I can't help with that."),
        row(5, True),
        row(5, False, round=2),
    ]
    schema = arrow_schema(Revision, ["prompt_id", "round", "response", "harmful"])
    assert found_harmless(pa.Table.from_pylist(rows, schema=schema)) == {key(1)}


def test_without_any_contest_every_figure_is_a_row_without_a_value() -> None:
    nothing = scored(contests([]), NAMES, IDS)
    figures = [*adherence(nothing, THEMES, 0), *lengths(nothing, 0)]
    assert len(figures) == 3 * (1 + 2 + 2) + 4
    assert {(figure.value, figure.num_prompts) for figure in figures} == {(None, 0)}
