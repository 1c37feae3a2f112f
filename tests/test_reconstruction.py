import numpy as np
import pyarrow as pa
import pytest
from sklearn.metrics import cohen_kappa_score
from twelve_pairs import (
    ACCURACY,
    BASELINE_PREDICTIONS,
    DECIDED,
    DIFFERENCE,
    HELD,
    ICAI,
    KAPPA,
    OUR_PREDICTIONS,
    OURS,
    PER_PERSON,
    TRAIN,
    preferences,
    rows_of,
    verdicts,
    votes,
)

from gcai_ray.evaluate.executors import Pairs, judged, pairs, predictions
from gcai_ray.evaluate.reconstruction import (
    LONGER,
    MAJORITY_CLASS,
    NO_CONSTITUTION,
    agreement,
    baselines,
    icai,
    kappa_by_person,
    needs_a_model,
    reconstruction,
)
from gcai_ray.schemas import Measure
from gcai_ray.statistics import paired_difference, share_intervals

SEED = 5
TRAINED, HELD_OUT = pairs(preferences(TRAIN)), pairs(preferences(HELD))
Signs = np.ndarray


def signs(*values: int) -> Signs:
    return np.array(values, dtype=np.int8)


def twelve() -> tuple[dict[str, Signs], dict[str, Signs]]:
    """What the executors of both constitutions predict, from the votes and verdicts."""
    tables = (votes(), verdicts())
    ours = predictions(tables, TRAINED, HELD_OUT, OURS, "gcai")
    of_icai = predictions(tables, TRAINED, HELD_OUT, ICAI, "icai")
    others = {icai(name): found for name, found in of_icai.items()}
    return ours, others | {NO_CONSTITUTION: judged(verdicts(), HELD_OUT, "none")}


def rows_by_names(found: list[Measure]) -> dict[tuple[str, str | None], Measure]:
    return {(row.name, row.baseline_name): row for row in found}


def figure(row: Measure) -> tuple[float | None, float | None, float | None]:
    return row.value, row.low, row.high


def test_the_figures_of_the_twelve_pairs() -> None:
    found = rows_by_names(reconstruction(TRAINED, HELD_OUT, *twelve(), SEED))
    assert list(found) == list(DIFFERENCE)
    for (name, other), row in found.items():
        assert row.family == "reconstruction"
        assert row.value == pytest.approx(ACCURACY[name], abs=1e-6)
        assert row.baseline == pytest.approx(ACCURACY[other], abs=1e-6)
        assert row.difference == pytest.approx(DIFFERENCE[name, other], abs=1e-6)
        assert row.num_people == 3


def test_every_interval_is_over_what_people_have_predicted() -> None:
    people = {name: np.array(shares, dtype=float) for name, shares in PER_PERSON.items()}
    for (name, other), row in rows_by_names(
        reconstruction(TRAINED, HELD_OUT, *twelve(), SEED)
    ).items():
        alone = share_intervals(people[name][:, None], SEED)[0]
        beside = share_intervals(people[other][:, None], SEED)[0]
        difference = paired_difference(people[name], people[other], SEED)
        assert figure(row) == pytest.approx(tuple(alone), abs=1e-6)
        assert (row.baseline, row.baseline_low, row.baseline_high) == pytest.approx(tuple(beside))
        assert (row.difference, row.difference_low, row.difference_high) == pytest.approx(
            difference, abs=1e-6
        )


def test_the_note_tells_how_much_was_decided() -> None:
    for (name, _), row in rows_by_names(reconstruction(TRAINED, HELD_OUT, *twelve(), SEED)).items():
        num, share = DECIDED[name]
        assert f"decided on {num} pairs ({share} of voices)" in row.note


def test_agreement_on_the_twelve_pairs() -> None:
    found = {row.name: row for row in agreement(twelve()[0], HELD_OUT, SEED)}
    assert {name: row.value for name, row in found.items()} == pytest.approx(KAPPA, abs=1e-6)
    assert all(-1 <= row.low <= row.value <= row.high <= 1 for row in found.values())
    assert "4 of 5 held-out pairs (83% of voices)" in found["majority and weighted"].note


def test_baselines_that_need_no_model_are_figures_of_their_own() -> None:
    found = {row.name: row for row in baselines(TRAINED, HELD_OUT, SEED)}
    beside = rows_by_names(reconstruction(TRAINED, HELD_OUT, *twelve(), SEED))
    for name in (MAJORITY_CLASS, LONGER):
        row = beside["judge", name]
        assert figure(found[name]) == (row.baseline, row.baseline_low, row.baseline_high)
        assert found[name].value == pytest.approx(ACCURACY[name], abs=1e-6)
    assert [row.value for row in needs_a_model()] == [None] * 6
    assert {row.name for row in needs_a_model()} == {*OUR_PREDICTIONS, *KAPPA}
    assert all("needs a model" in row.note for row in needs_a_model())


def test_an_icai_executor_is_held_against_its_own_kind_only() -> None:
    ours, others = twelve()
    found = reconstruction(TRAINED, HELD_OUT, ours, others, SEED)
    assert {row.baseline_name for row in found if row.name == "judge"} == {
        MAJORITY_CLASS,
        LONGER,
        NO_CONSTITUTION,
        "ICAI mode, judge",
    }
    alone = reconstruction(TRAINED, HELD_OUT, ours, {}, SEED)
    assert {row.baseline_name for row in alone} == {MAJORITY_CLASS, LONGER}


def test_the_majority_class_is_the_place_more_voices_prefer() -> None:
    """One person with 10,000 choices of `b` stands against two of `a`; a tie decides nothing."""
    flood = [(f"f{i:05}", "flooder", "b", 1, 1) for i in range(10_000)]
    held = pairs(rows_of(("h1", "p", "a", 1, 1), ("h2", "q", "a", 1, 1)))
    wanted = {2: 1.0, 1: 0.5}
    for num, value in wanted.items():
        train = pairs(rows_of(*flood, *((f"r{i}", f"p{i}", "a", 1, 1) for i in range(num))))
        assert baselines(train, held, SEED)[0].value == value
    assert baselines(pairs(rows_of()), held, SEED)[0].value == 0.5


def test_one_person_with_ten_thousand_pairs_is_one_voice_in_every_figure() -> None:
    def found(num: int) -> list[Measure]:
        few = [("a1", "ann", "a", 1, 2), ("b1", "bob", "b", 1, 2), ("c1", "cid", "a", 2, 1)]
        many = [(f"f{i:05}", "flooder", "b", 2, 1) for i in range(num)]
        held = pairs(rows_of(*few, *many))
        same = dict.fromkeys(("judge", "majority", "weighted"), held.longer)
        same["judge"] = signs(1, 0, 1, *([-1] * num))
        return [
            *reconstruction(held, held, same, {NO_CONSTITUTION: held.longer}, SEED),
            *agreement(same, held, SEED),
        ]

    for one, ten_thousand in zip(found(1), found(10_000), strict=True):
        for field in ("value", "low", "high", "baseline", "difference", "difference_low"):
            assert getattr(one, field) == pytest.approx(getattr(ten_thousand, field), abs=1e-6)


def test_where_everybody_is_predicted_the_interval_still_has_a_width() -> None:
    held = pairs(rows_of(*((f"r{i}", f"p{i}", "a", 2, 1) for i in range(8))))
    ours = dict.fromkeys(("judge", "majority", "weighted"), held.preferred)
    first, *_ = reconstruction(held, held, ours, {}, SEED)
    assert (first.value, first.high) == (1.0, 1.0)
    assert first.low < 0.9
    assert [row.value for row in agreement(ours, held, SEED)] == [None] * 3
    assert all("8 of 8" in row.note for row in agreement(ours, held, SEED))


def test_a_single_person_tells_next_to_nothing() -> None:
    held = pairs(rows_of(("r1", "p", "a", 2, 1), ("r2", "p", "b", 2, 1)))
    ours = {"judge": signs(1, 1), "majority": signs(1, -1)}
    by_name = rows_by_names(reconstruction(held, held, ours, {}, SEED))
    judge = by_name["judge", MAJORITY_CLASS]
    assert judge.value == 0.5
    assert judge.high - judge.low > 0.7
    [kappa, *_] = agreement(ours, held, SEED)
    assert kappa.value == 0
    assert kappa.low < -0.7 < 0.7 < kappa.high


@pytest.mark.parametrize(
    ("held", "told"),
    [
        (rows_of(), "ingest.test_share"),
        (rows_of(("r", "p", "tie", 1, 2), ("s", "p", "tie", 1, 2)), "all 2 held-out"),
    ],
)
def test_without_a_held_out_choice_nothing_is_measured(held: pa.Table, told: str) -> None:
    nothing = pairs(held)
    found = [
        *reconstruction(TRAINED, nothing, {}, {}, SEED),
        *agreement({}, nothing, SEED),
        *baselines(TRAINED, nothing, SEED),
    ]
    assert [row.value for row in found] == [None] * 8
    assert all(told in row.note for row in found)


def test_an_executor_without_votes_says_so_and_the_others_stand() -> None:
    found = reconstruction(TRAINED, HELD_OUT, {"judge": twelve()[0]["judge"]}, {}, SEED)
    assert [row.name for row in found if row.value is None] == ["majority", "weighted"]
    assert [row.name for row in found if row.value is not None] == ["judge", "judge"]
    silent = agreement({"judge": twelve()[0]["judge"]}, HELD_OUT, SEED)
    assert [row.value for row in silent] == [None] * 3
    assert "no principle" in silent[0].note


def drawn(num_people: int, num_rows: int) -> tuple[Pairs, Signs, Signs]:
    generator = np.random.default_rng(11)
    held = Pairs(
        row_ids=np.array([f"{i:05}" for i in range(num_rows)]),
        person_of_row=np.sort(np.arange(num_rows) % num_people),
        num_people=num_people,
        preferred=generator.choice([-1, 1], num_rows).astype(np.int8),
        longer=generator.choice([-1, 0, 1], num_rows).astype(np.int8),
    )
    # Both answer `a` for two people of three, so that what chance gives differs by person.
    first, other = (
        np.where(held.person_of_row % 3, 1, generator.choice([-1, 0, 1], num_rows)).astype(np.int8)
        for _ in range(2)
    )
    copied = generator.random(num_rows) < 0.4
    return held, first, np.where(copied, first, other)


def test_kappa_is_that_of_scikit_learn_and_its_spread_that_of_the_bootstrap() -> None:
    held, first, second = drawn(num_people=150, num_rows=400)
    [row, *_] = agreement({"judge": first, "majority": second}, held, SEED)
    plain = cohen_kappa_score(first, second, sample_weight=held.voices())
    assert row.value == pytest.approx(plain, abs=1e-6)
    generator = np.random.default_rng(1)
    draws = []
    for _ in range(400):
        times = np.bincount(generator.integers(0, 150, 150), minlength=150)
        weights = held.voices() * times[held.person_of_row]
        draws.append(cohen_kappa_score(first, second, sample_weight=weights))
    spread = kappa_by_person(first, second, held).std() / np.sqrt(150)
    assert spread == pytest.approx(np.std(draws), rel=0.1)
    low, high = np.quantile(draws, [0.025, 0.975])
    assert figure(row)[1:] == pytest.approx((low, high), abs=0.02)


def test_the_order_of_rows_changes_nothing() -> None:
    turned = pairs(preferences(HELD, reverse=True))
    ours, others = twelve()
    one = reconstruction(TRAINED, HELD_OUT, ours, others, SEED)
    assert one == reconstruction(TRAINED, turned, ours, others, SEED)
    assert set(BASELINE_PREDICTIONS) - {MAJORITY_CLASS, LONGER} == set(others)
