"""How often a principle comes back: counted by hand, and from people drawn with replacement."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest
from scipy.sparse import csr_matrix

from gcai_ray.choosing.approval import Approvals
from gcai_ray.choosing.contest import Contest
from gcai_ray.choosing.poll import Poll
from gcai_ray.config import Config
from gcai_ray.electorate import electorate, incidence
from gcai_ray.evaluate.stability import (
    Comparison,
    Listed,
    chosen_from_same,
    comes_back_chosen,
    comes_back_formed,
    compared,
    order_again,
    returns,
)
from gcai_ray.resampling import Draw, draw, drawn_contest, drawn_table, only, with_rows
from gcai_ray.schemas import EMBEDDING_DIM, Kind, VoteOutcome
from gcai_ray.stages.distill import fit
from gcai_ray.stages.match import Ballot, matched
from gcai_ray.steps.constitution import selection_of
from gcai_ray.steps.stability import (
    Ground,
    _judged,
    _matches,
    _repetitions,
    repeated,
)

GROUPS = pa.list_(pa.struct([("name", pa.string()), ("value", pa.string())]))
RED = [{"name": "colour", "value": "red"}]


def listed(places: list[int], chosen: tuple[int, ...], texts: tuple[str, ...] = ()) -> Listed:
    """Principles at right angles, so that two say the same when they share a place."""
    vectors = np.eye(8, dtype=np.float32)[places]
    return Listed(texts or tuple(f"is {i}" for i in places), vectors, chosen)


def repetition(chosen: list[int], formed: list[int]) -> list[Comparison]:
    """The run formed 0 to 5 and chose 2, 0, 4 in this order; the repetition chose and formed
    these.
    """
    run = listed([0, 1, 2, 3, 4, 5], (2, 0, 4))
    return [compared(run, listed(formed, tuple(formed.index(i) for i in chosen)))]


def test_returns_count_repetitions_that_formed_and_that_chose_the_principle() -> None:
    runs = [repetition([2, 0, 7], [0, 2, 7]), repetition([0], [0, 4]), repetition([6], [6, 7])]
    rows = returns([["a" * 32, "b" * 32, "c" * 32]], runs, runs)
    counts = [(row.principle_id[0], row.num_runs, row.num_formed, row.num_chosen) for row in rows]
    assert counts == [("a", 3, 1, 1), ("b", 3, 2, 2), ("c", 3, 1, 0)]


def test_shares_are_means_over_repetitions_with_the_range_they_lie_in() -> None:
    runs = [repetition([2, 0, 7], [0, 2, 7]), repetition([0], [0, 4]), repetition([6], [6, 7])]
    formed, chosen = comes_back_formed(runs, "how", 0), comes_back_chosen(runs, "how", 0)
    assert formed.value == pytest.approx((2 + 2 + 0) / 9, abs=1e-6)
    assert chosen.value == pytest.approx((2 + 1 + 0) / 9, abs=1e-6)
    low, high = np.quantile([2 / 3, 1 / 3, 0], [0.025, 0.975])
    assert (chosen.low, chosen.high) == pytest.approx((low, high), abs=1e-6)
    assert chosen.num_people is None


def test_the_baseline_of_the_chosen_draws_from_what_the_repetition_formed() -> None:
    """It chose 1 of the 4 it formed, 2 of which are among the run's 3: a random one is right half
    the time, which is 1/2 of 1/3.
    """
    measure = comes_back_chosen([repetition([7], [0, 2, 6, 7])] * 2, "how", 0)
    assert measure.value == 0
    assert measure.baseline == pytest.approx(1 / 6, abs=0.02)
    assert (measure.baseline_low, measure.baseline_high) == pytest.approx((0, 1 / 3), abs=1e-6)


def test_the_baseline_of_the_formed_draws_from_what_the_run_distilled() -> None:
    """The repetition formed 0 and 1 of the run's 6: a random principle comes back one time in 3."""
    measure = comes_back_formed([repetition([0], [0, 1])] * 2, "how", 0)
    assert measure.value == pytest.approx(1 / 3, abs=1e-6)
    assert measure.baseline == pytest.approx(1 / 3, abs=0.02)


def test_the_order_is_compared_on_what_came_back() -> None:
    same, reverse = repetition([2, 7, 0, 4], list(range(8))), repetition([4, 2], [2, 4])
    assert order_again([same], "how").value == 1
    assert order_again([same, reverse], "how").value == 0
    assert order_again([same, repetition([2], [2])], "how").value == 1
    empty = order_again([repetition([2], [2])], "how")
    assert empty.value is None
    assert "not measured" in empty.note


def test_the_order_of_a_kind_weighs_as_many_pairs_as_it_has() -> None:
    """3 pairs in order, 1 pair in reverse: (3 - 1) / 4."""
    both = [*repetition([2, 0, 4], [0, 2, 4]), *repetition([4, 2], [2, 4])]
    assert order_again([both], "how").value == 0.5


def test_a_principle_that_forbids_does_not_come_back_as_one_that_asks() -> None:
    run = listed([0], (0,), ("Choose the response that uses lists.",))
    other = listed([0], (0,), ("Choose the response that does not use lists.",))
    assert comes_back_chosen([[compared(run, other)]], "how", 0).value == 0
    assert comes_back_chosen([[compared(run, run)]], "how", 0).value == 1


def test_choices_from_one_list_are_compared_by_place_not_by_words() -> None:
    one = chosen_from_same(5, (0, 1, 2), (2, 4))
    assert comes_back_chosen([[one]], "how", 0).value == pytest.approx(1 / 3, abs=1e-6)


def test_a_repetition_that_formed_nothing_counts_as_none_come_back() -> None:
    measure = comes_back_chosen([repetition([], [])], "how", 0)
    assert (measure.value, measure.baseline) == (0, 0)


# People drawn with replacement.

ROWS = [("r1", "ann"), ("r2", "bob"), ("r3", "ann"), ("r4", "cid")]
SAID = [("r1", 0), ("r2", 1), ("r3", 1), ("r4", 0)]


def contest() -> Contest:
    groups = pa.array([RED if person == "ann" else [] for _, person in ROWS], GROUPS)
    ids, people = [row for row, _ in ROWS], [person for _, person in ROWS]
    voters = electorate([pa.table({"id": ids, "annotator_id": people, "groups": groups})])
    names = ("0" * 32, "1" * 32)
    cast = pa.table(
        {"row_id": [row for row, _ in SAID], "principle_id": [names[i] for _, i in SAID]}
    )
    said = incidence(voters, [cast], names)
    votes = Approvals(np.array([5, 6, 7, 8]), np.array([0.5, 0.6, 0.7, 0.8]), {})
    poll = Poll(voters, dict.fromkeys(VoteOutcome, said))
    vectors = np.eye(2, dtype=np.float32)
    return Contest(
        Kind.CONTEXTUAL, names, ("is short", "is long"), vectors, 0.9, voters, said, poll, votes
    )


def drawn(**times: int) -> Draw:
    return Draw(np.array(sorted(times)), np.array([times[name] for name in sorted(times)]))


def test_a_person_drawn_twice_is_two_people_with_all_their_rows() -> None:
    found = drawn_contest(contest(), drawn(ann=2, bob=0, cid=1))
    assert len(found.electorate.people) == 3
    assert found.electorate.rows_per_person.tolist() == [2, 2, 1]
    assert found.num_people.tolist() == [3, 2]
    assert found.electorate.group_sizes == {("colour", "red"): 2}
    assert found.poll is not None
    assert len(found.poll.electorate.rows) == 5
    assert [cast.sum(axis=0).tolist() for cast in found.poll.outcomes.values()] == [[[3, 2]]] * 6
    assert found.approvals is not None
    assert found.approvals.num_votes.tolist() == [5, 5, 7, 7, 8]
    assert sorted(found.electorate.rows.tolist()) == found.electorate.rows.tolist()


def test_everybody_drawn_once_is_the_same_contest() -> None:
    one = contest()
    same = drawn_contest(one, drawn(ann=1, bob=1, cid=1))
    assert same.electorate.rows.tolist() == one.electorate.rows.tolist()
    assert same.electorate.people.tolist() == one.electorate.people.tolist()
    assert same.voices([0, 1]).tolist() == one.voices([0, 1]).tolist()
    assert same.totals().tolist() == one.totals().tolist()


def test_some_rows_keep_their_ids_and_people() -> None:
    found = with_rows(contest(), only(np.array([1, 2])))
    assert found.electorate.rows.tolist() == ["r2", "r3"]
    assert found.electorate.people.tolist() == ["ann", "bob"]
    assert found.num_people.tolist() == [0, 2]
    assert found.electorate.groups[("colour", "red")].tolist() == [1]


def test_copies_in_a_table_have_annotator_ids_of_their_own() -> None:
    table = pa.table({"annotator_id": ["bob", "ann", "cid", "ann"], "text": ["w", "x", "y", "z"]})
    found = drawn_table(table, drawn(ann=3, bob=1, cid=0))
    assert found["text"].to_pylist() == ["w", "x", "x", "x", "z", "z", "z"]
    counts = Counter(found["annotator_id"].to_pylist())
    assert sorted(counts.values()) == [1, 2, 2, 2]


def test_as_many_people_are_drawn_as_there_are_and_seeds_differ() -> None:
    people = np.array([f"{i:03d}" for i in range(500)])
    one, same, other = draw(people, (0, 1)), draw(people, (0, 1)), draw(people, (0, 2))
    assert one.times.sum() == 500
    assert (one.times == same.times).all()
    assert (one.times != other.times).any()
    assert (one.times > 0).mean() == pytest.approx(0.632, abs=0.05)


# A repetition.

DEMANDS = ("is concise", "gives an example", "cites its sources", "is polite")


def ground(shares: tuple[float, ...] = (0.4, 0.3, 0.2, 0.1), num_people: int = 40) -> Ground:
    """Every person has one row with one clause: of the first demand the first share, and so on."""
    random = np.random.default_rng(0)
    demand = np.repeat(range(4), np.round(np.array(shares) * num_people).astype(int))
    vectors = np.zeros((num_people, EMBEDDING_DIM), dtype=np.float32)
    vectors[np.arange(num_people), demand] = 1
    vectors += random.normal(size=vectors.shape).astype(np.float32) * 0.01
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    ids = [f"{i:032x}" for i in range(num_people)]
    sample = pa.table(
        {
            "candidate_id": ids,
            "annotator_id": [f"{i:032x}" for i in reversed(range(num_people))],
            "kind": ["contextual"] * num_people,
            "split": ["train"] * num_people,
            "text": [f"Choose the response that {DEMANDS[i]}." for i in demand],
            "vector": pa.FixedSizeListArray.from_arrays(pa.array(vectors.ravel()), EMBEDDING_DIM),
        }
    )
    groups = pa.array([[] for _ in ids], GROUPS)
    voters = electorate(
        [pa.table({"id": ids, "annotator_id": sample["annotator_id"], "groups": groups})]
    )
    found = fit(sample, Kind.CONTEXTUAL, 4, 0)
    own = np.stack([np.asarray(v, np.float32) for v in found.speakers["vector"].to_pylist()])
    texts = tuple(found.speakers["text"].to_pylist())
    contest_ = Contest(
        Kind.CONTEXTUAL, found.ids, texts, own, 0.5, voters, incidence(voters, [], found.ids)
    )
    one = Ground(contest_, sample, np.arange(num_people), ())
    chosen = selection_of(replace(contest_, incidence=_matches(one, own)), CONFIG).columns
    return replace(one, chosen=chosen)


CONFIG = Config.model_validate(
    {
        "name": "t",
        "root": "nowhere",
        "sources": [{"name": "s", "format": "hh_rlhf", "path": "p"}],
        "distill": {"num_contextual_clusters": 4},
        "ratify": {"num_contextual": 2, "min_people": 2},
        "evaluate": {"num_resamples": 3},
    }
)


def test_matches_are_those_of_the_vote_stage() -> None:
    one = ground()
    rows = one.sample.append_column("row_id", one.sample["candidate_id"])
    rows = rows.append_column("groups", pa.array([[]] * rows.num_rows, GROUPS))
    ballot = Ballot(Kind.CONTEXTUAL, one.contest.ids, one.contest.vectors, 0.5, {})
    wanted = incidence(one.contest.electorate, [matched(rows, [ballot])], one.contest.ids)
    found = _matches(one, one.contest.vectors)
    assert found.sum() >= 40
    assert (found.toarray() == wanted.toarray()).all()


def test_clauses_of_rows_outside_the_contest_match_nothing() -> None:
    one = ground()
    places = one.places.copy()
    places[0] = -1
    found = _matches(replace(one, places=places), one.contest.vectors)
    assert found[0].nnz == 0
    assert found[1].nnz == 1


def test_a_repetition_finds_the_demands_of_most_people_again() -> None:
    one = ground()
    [found] = repeated([one], CONFIG, 1)[0]
    assert one.contest.texts[found.first[0]] == "Choose the response that is concise."
    assert returns([["a" * 32, "b" * 32]], [[found]], [[found]])[0].num_chosen == 1


def test_every_repetition_draws_other_people() -> None:
    """Two demands of 20 people each: whose principle is first depends on who is drawn."""
    one = ground((0.5, 0.5, 0.0, 0.0))
    runs = [repeated([one], CONFIG, run)[0] for run in range(1, 7)]
    orders = order_again(runs, "how")
    assert (orders.low, orders.high) == (-1, 1)


def test_with_a_model_people_choose_anew_from_the_same_principles() -> None:
    """Everybody's choice is as the first principle says and against the others."""
    engine = {"name": "openai", "model": "m"}
    config = Config.model_validate(CONFIG.model_dump() | {"engine": engine})
    one = ground()
    everybody = csr_matrix(np.eye(4, dtype=np.int64)[[0] * 40])
    others = csr_matrix(1 - everybody.toarray())
    none = csr_matrix((40, 4), dtype=np.int64)
    outcomes = dict.fromkeys(VoteOutcome, none)
    outcomes |= {VoteOutcome.FOR: everybody, VoteOutcome.AGAINST: others}
    said = _matches(one, one.contest.vectors)
    poll = Poll(one.contest.electorate, outcomes)
    one = replace(one, contest=replace(one.contest, poll=poll, incidence=said), chosen=(0, 1))
    runs = [repeated([one], config, run) for run in (1, 2)]
    rows, measures = _judged(config, [one], [run[0] for run in runs], [run[1] for run in runs])
    values = {measure.name: measure.value for measure in measures}
    assert [row.num_chosen for row in rows] == [2, 0]
    assert values["chosen_again_from_same_list"] == 0.5
    assert values["comes_back_chosen"] is None
    assert values["rank_correlation_from_same_list"] is None
    assert (values["comes_back_formed"] or 0) > 0


def test_repetitions_are_the_same_in_ray_tasks_and_here(ray_address: str) -> None:
    one = ground()
    formed, _ = _repetitions(CONFIG, [one])
    here = [repeated([one], CONFIG, run)[0] for run in (1, 2, 3)]
    assert [[c.second for c in run] for run in formed] == [[c.second for c in run] for run in here]
    assert all((a[0].likeness == b[0].likeness).all() for a, b in zip(formed, here, strict=True))
