from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest
from contest_rows import CONFIG, FOUR, chosen_by, contest, polled

from gcai_ray.choosing.evidence import nearest, pick_evidence
from gcai_ray.choosing.selection import Selection, choose, most_votes
from gcai_ray.config import RatifyConfig
from gcai_ray.schemas import Evidence, Kind, VoteOutcome
from gcai_ray.stages.ratify import chosen_principles


def test_one_person_with_many_rows_is_one_voice() -> None:
    flood = [(f"f{i}", "flooder", "") for i in range(1000)]
    rows = [("r1", "ann", ""), ("r2", "bob", ""), ("r3", "cid", ""), *flood]
    votes = [("r1", 0), ("r2", 0), *((f"f{i}", 1) for i in range(1000))]
    assert chosen_by(contest(rows, votes, 2), 1, CONFIG) == [0]


def test_the_next_principle_is_the_one_that_adds_most_people_not_yet_heard() -> None:
    rows = [(f"r{i}", f"p{i}", "") for i in range(10)]
    votes = [
        *((f"r{i}", 0) for i in range(6)),
        *((f"r{i}", 1) for i in range(5)),
        *((f"r{i}", 2) for i in (7, 8)),
    ]
    assert chosen_by(contest(rows, votes, 3), 2, CONFIG) == [0, 2]


def test_a_principle_that_says_the_same_as_a_chosen_one_is_passed_over() -> None:
    rows = [(f"r{i}", f"p{i}", "") for i in range(6)]
    votes = [("r0", 0), ("r1", 0), ("r2", 0), ("r3", 1), ("r4", 1), ("r5", 2)]
    assert chosen_by(contest(rows, votes, 3, near=((0, 1),)), 2, CONFIG) == [0, 2]


def test_principles_that_share_the_word_that_matters_are_one() -> None:
    rows = [(f"r{i}", f"p{i}", "") for i in range(4)]
    one = contest(rows, [("r0", 0), ("r1", 0), ("r2", 1), ("r3", 2)], 3)
    texts = (
        "The AI should provide accurate information.",
        "The AI should show accuracy.",
        "The AI should show respect.",
    )
    assert chosen_by(replace(one, texts=texts), 2, CONFIG) == [0, 2]


def test_too_few_people_never_enter() -> None:
    rows = [("r1", "ann", ""), ("r2", "ann", ""), ("r3", "bob", "")]
    votes = [("r1", 0), ("r2", 0)]
    assert chosen_by(contest(rows, votes, 1), 5, RatifyConfig(min_people=2)) == []


def test_general_principles_need_the_least_favourable_group_too() -> None:
    rows = [(f"n{i}", f"n{i}", "north") for i in range(6)] + [
        (f"s{i}", f"s{i}", "south") for i in range(4)
    ]
    one_sided = [(f"n{i}", 0) for i in range(6)]
    shared = [*((f"n{i}", 1) for i in range(2)), *((f"s{i}", 1) for i in range(3))]
    assert chosen_by(contest(rows, one_sided + shared, 2, Kind.GENERAL), 1, CONFIG) == [1]
    assert chosen_by(contest(rows, one_sided + shared, 2, Kind.CONTEXTUAL), 1, CONFIG) == [0]


def evidence(key: str) -> dict[str, list[Evidence]]:
    base = {
        "quote": "q",
        "sentence_numbers": [1],
        "source": "s",
        "source_file": "f",
        "source_row": 1,
        "groups": [],
        "similarity": 1.0,
    }
    ids = dict.fromkeys(("candidate_id", "row_id", "annotator_id"), key)
    return {key: [Evidence(**base, **ids)]}


def test_support_counts_people_groups_and_intervals() -> None:
    rows = [
        ("r1", "ann", "north"),
        ("r2", "ann", "north"),
        ("r3", "bob", "north"),
        ("r4", "cid", "south"),
        ("r5", "dan", "south"),
    ]
    one = contest(rows, [("r1", 0), ("r4", 0), ("r4", 0)], 1)
    [found] = chosen_principles(one, Selection((0,)), evidence(one.ids[0]), CONFIG, seed=0)
    assert (found.support.num_people, found.support.num_people_total, found.support.num_rows) == (
        2,
        4,
        2,
    )
    assert found.support.interval.share == 0.5
    assert (
        found.support.voice.share == 0.375
    )  # ann's one of two rows, cid's only row, over four people
    assert [(g.value, g.num_people, g.num_people_total) for g in found.support.groups] == [
        ("north", 1, 2),
        ("south", 1, 2),
    ]
    assert found.support.consensus == 0.5
    assert found.num_people_added == 2


def test_ties_are_named_on_both_sides_and_added_people_follow_the_rank() -> None:
    rows = [(f"r{i}", f"p{i}", "") for i in range(8)]
    both = contest(rows, [("r0", 0), ("r1", 0), ("r2", 1), ("r3", 1)], 2)
    chosen = choose(both, 2, CONFIG, seed=0)
    quotes = evidence(both.ids[0]) | evidence(both.ids[1])
    first, second = chosen_principles(both, chosen, quotes, CONFIG, seed=0)
    assert first.tied_with == [second.id]
    assert second.tied_with == [first.id]
    assert (first.rank, second.rank) == (1, 2)
    assert second.num_people_added == 2


def candidate(key: str, person: str, quote: str) -> dict[str, object]:
    return {
        "id": key * 32,
        "quote": quote,
        "sentence_numbers": [1],
        "row_id": key * 32,
        "annotator_id": person * 32,
        "source": "s",
        "source_file": "f",
        "source_row": 1,
        "groups": [],
    }


def test_quotes_come_from_different_people_in_different_words_nearest_first() -> None:
    rows = [
        candidate("1", "a", "Clear."),
        candidate("2", "a", "Very clear."),
        candidate("3", "b", "clear. "),
        candidate("4", "c", "It was clear."),
        candidate("6", "e", "Clear, but dull."),
        candidate("5", "d", "clear " * 200),
    ]
    scores = (0.9, 0.8, 0.7, 0.6, 0.95, 1.0)
    votes = [
        {"candidate_id": r["id"], "annotator_id": r["annotator_id"], "similarity": s}
        for r, s in zip(rows, scores, strict=True)
    ]
    found = pick_evidence(votes, {str(r["id"]): r for r in rows}, 4)
    assert [e.quote for e in found] == [
        "Clear.",
        "It was clear.",
        "Clear, but dull.",
        "clear " * 200,
    ]


def test_one_person_does_not_fill_up_the_quotes_that_are_read() -> None:
    flood = [(f"{n:032x}", "f" * 32, 0.9) for n in range(5000)]
    others = [(f"{n:032x}", f"{n:032x}", 0.5 + n / 1e5) for n in range(5000, 5003)]
    names = ("candidate_id", "annotator_id", "similarity")
    table = pa.table(dict(zip(names, zip(*flood, *others, strict=True), strict=True)))
    found = nearest(table)
    assert [row["annotator_id"] for row in found[-3:]] == [f"{n:032x}" for n in (5002, 5001, 5000)]
    assert [row["candidate_id"] for row in found[:2]] == [f"{0:032x}", f"{1:032x}"]
    assert len(found) == 23
    assert nearest(table.slice(0, 0)) == []


def test_the_poll_and_not_the_matches_decides_what_is_chosen() -> None:
    votes = {0: {"v0": "for"}, 1: {"v1": "for", "v2": "for", "v3": "for"}}
    assert chosen_by(polled(FOUR, votes), 3, CONFIG) == [1, 0]


def test_the_next_principle_adds_most_on_pairs_no_other_speaks_for() -> None:
    people = {f"v{n}": f"p{n}" for n in range(6)}
    votes = {
        0: dict.fromkeys(("v0", "v1", "v2", "v3"), "for"),
        1: dict.fromkeys(("v0", "v1", "v2"), "for"),
        2: dict.fromkeys(("v4", "v5"), "for"),
    }
    assert chosen_by(polled(people, votes, times=20), 2, CONFIG) == [0, 2]
    # Votes against count on the pairs that are still open.
    votes[2] |= {"v3": "against"}
    votes[1] |= {"v4": "for"}
    assert chosen_by(polled(people, votes, times=20), 2, CONFIG) == [0, 2]
    votes[1] |= {"v5": "for"}
    assert chosen_by(polled(people, votes, times=20), 2, CONFIG) == [1, 0]


def test_what_is_as_often_wrong_as_right_never_enters() -> None:
    votes = {
        0: {"v0": "for", "v1": "against"},
        1: {"v0": "for", "v1": "against", "v2": "against"},
        2: {"v0": "neither", "v1": "both", "v2": "invalid"},
    }
    assert chosen_by(polled(FOUR, votes), 3, CONFIG) == []
    assert most_votes(polled(FOUR, votes), 3).columns == ()


def test_equal_voices_are_a_tie_that_words_decide_whatever_their_last_bits() -> None:
    rows = [
        (f"{who}{n}", who, "")
        for who, size in (("a", 10), ("b", 5), ("c", 20))
        for n in range(size)
    ]
    votes = [("a0", 1), ("b0", 1), *((f"c{n}", 0) for n in range(6))]
    one = contest(rows, votes, 2)
    raw = one.incidence.T @ one.electorate.row_weights()
    assert raw[1] > raw[0]  # 1/10 + 1/5 is more than 6/20 in floats
    assert chosen_by(one, 2) == [0, 1]


def test_one_person_with_many_pairs_is_one_voice_in_the_poll_and_many_votes_for_icai() -> None:
    people = {f"f{n}": "flooder" for n in range(50)} | {"r1": "ann", "r2": "bob", "r3": "cid"}
    flood = {f"f{n}": "for" for n in range(50)}
    both = polled(people, {0: {"r1": "for", "r2": "for"}, 1: flood})
    assert chosen_by(both, 1, CONFIG) == [0]
    assert most_votes(both, 1).columns == (1,)


def test_icai_ranks_by_votes_for_less_votes_against_and_passes_nothing_over() -> None:
    votes = {
        0: {"v0": "for", "v1": "for", "v2": "against"},
        1: {"v0": "for", "v1": "for"},
        2: {"v0": "for"},
    }
    both = polled(FOUR, votes)
    alike = replace(both, vectors=np.ones_like(both.vectors))
    assert most_votes(alike, 5).columns == (1, 2, 0)  # equal ones by their words
    assert most_votes(alike, 1).columns == (1,)
    assert most_votes(replace(both, poll=None), 5).columns == ()


def test_too_few_people_who_say_it_never_enter_whatever_the_poll() -> None:
    both = polled(FOUR, {0: dict.fromkeys(FOUR, "for")}, times=1)
    assert chosen_by(both, 3, CONFIG) == [0]
    assert chosen_by(both, 3, RatifyConfig(min_people=5)) == []


def test_outcomes_are_counted_apart() -> None:
    names = ("for", "against", "both", "neither", "abstain", "invalid")
    people = {f"v{n}": f"p{n}" for n in range(12)}
    votes = {0: {f"v{n}": names[0 if n > 5 else n] for n in range(12)}}
    both = polled(people, votes, times=1)
    [found] = chosen_principles(both, Selection((0,)), evidence(both.ids[0]), CONFIG, seed=0)
    assert found.prediction is not None
    assert found.prediction.outcomes == dict.fromkeys(VoteOutcome, 1) | {VoteOutcome.FOR: 7}
    assert found.prediction.num_pairs == 12
    assert found.prediction.voice.share == pytest.approx(0.5)
    assert found.prediction.voice.low < 0.5 < found.prediction.voice.high
    # Support is of what people said, not of what a model voted.
    assert (found.support.num_people, found.support.voice.share) == (12, 1.0)


def test_without_votes_there_is_no_prediction() -> None:
    one = contest([("r1", "ann", "")], [("r1", 0)], 1)
    [found] = chosen_principles(one, Selection((0,)), evidence(one.ids[0]), CONFIG, seed=0)
    assert found.prediction is None
    assert chosen_principles(polled(FOUR, {}), Selection(()), {}, CONFIG, seed=0) == []
