"""Votes, reasons and a model's judgements → pairs of principles that contradict each other."""

from __future__ import annotations

import itertools
import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from asking_rows import asking, key, lookup_of, preference, reply
from hypothesis import given
from hypothesis import strategies as st
from test_grounding import principle

from gcai_ray.evaluate.conflicts import (
    Duo,
    Judgement,
    answered,
    by_model,
    conflict_measure,
    duos,
    questions,
)
from gcai_ray.evaluate.contradictions import Backing, backing, by_reasons, by_votes, pairs_of
from gcai_ray.schemas import Contradiction, Kind

P, Q, R = key(1), key(2), key(3)
CHOSEN = (P, Q, R)
EVERYBODY = frozenset(f"person {n}" for n in range(20))


def backed(**supporters: int) -> Backing:
    """P, Q and R supported by the first so many of twenty people."""
    people = {
        of: frozenset(f"person {n}" for n in range(supporters.get(name, 0)))
        for name, of in zip("PQR", CHOSEN, strict=True)
    }
    return Backing(people, dict.fromkeys(CHOSEN, EVERYBODY))


NONE_BEHIND = backed()


# ---- what makes two preferences one pair


def pair_rows(*rows: tuple[int, str, str, str]) -> pa.Table:
    names = ("id", "prompt", "response_a", "response_b")
    return pa.table(
        {name: [key(r[0]) if i == 0 else r[i] for r in rows] for i, name in enumerate(names)}
    )


def test_a_pair_is_its_prompt_and_two_responses_in_whichever_order() -> None:
    table = pair_rows(
        (1, "p", "x", "y"),
        (2, "p", "y", "x"),
        (3, "other prompt", "x", "y"),
        (4, "p", "x", "x"),
        (5, "px", "", "y"),
        (6, "p", "x", "z"),
    )
    found = pairs_of([table.slice(0, 2), table.slice(2)]).to_pylist()
    assert [row["row_id"] for row in found] == [key(n) for n in (1, 2, 3, 5, 6)]
    assert found[0]["pair"] == found[1]["pair"]
    assert len({row["pair"] for row in found}) == 4
    assert [row["swapped"] for row in found[:3]] == [False, True, False]
    assert pairs_of([]).num_rows == 0


# ---- votes


def votes_of(*cast: tuple[str, int, str | None, str | None]) -> pa.Table:
    return pa.table(
        {
            "principle_id": pa.array([c[0] for c in cast], pa.string()),
            "row_id": pa.array([key(c[1]) for c in cast], pa.string()),
            "a_first": pa.array([c[2] for c in cast], pa.string()),
            "b_first": pa.array([c[3] for c in cast], pa.string()),
        }
    )


def plain_pairs(num: int) -> pa.Table:
    return pairs_of([pair_rows(*((n, f"prompt {n}", "x", "y") for n in range(num)))])


def sided(principle_id: str, sides: str) -> list[tuple[str, int, str | None, str | None]]:
    """A vote on each pair: `a`, `b`, `2` both, `0` neither, `f` flipped, `.` no usable reply."""
    spoken = {
        "a": ("a", "a"),
        "b": ("b", "b"),
        "2": ("both", "both"),
        "0": ("neither", "neither"),
        "f": ("a", "b"),
        ".": (None, "a"),
    }
    return [(principle_id, n, *spoken[side]) for n, side in enumerate(sides)]


def voted(*sides: str, pairs: pa.Table | None = None) -> list[Contradiction]:
    """What P, Q and R say of each pair."""
    cast = [vote for of, said in zip(CHOSEN, sides, strict=False) for vote in sided(of, said)]
    known = plain_pairs(max(map(len, sides))) if pairs is None else pairs
    return by_votes(votes_of(*cast), known, CHOSEN, NONE_BEHIND).contradictions


def test_votes_by_hand() -> None:
    # P and Q: both speak on pairs 0 to 5, opposed on all; R agrees with P.
    found = voted("aaabbb2a", "bbbaaa0f", "aaabbb.a")
    assert [(c.principle_id, c.other_id) for c in found] == [(P, Q), (Q, R)]
    [first, second] = found
    assert (first.found_by, first.num_both_speak, first.num_opposed) == ("votes", 6, 6)
    assert first.row_ids == second.row_ids == [key(n) for n in range(6)]
    assert (first.num_people, first.num_people_other, first.proposed_id) == (0, 0, None)


@pytest.mark.parametrize(
    ("one", "other", "is_reported"),
    [
        ("aaaa", "bbbb", False),  # four pairs: too few
        ("aaaaa", "bbbbb", True),
        ("aaaaaaaaaa", "bbbbbbbbba", True),  # 9 of 10: from 0.596
        ("aaaaaaaaaa", "bbbbbbbbaa", False),  # 8 of 10: from 0.490
        ("aaaaaaaaaa", "bbbbbaaaaa", False),  # what chance would do
        ("a" * 300, "b" * 200 + "a" * 100, True),
        ("a" * 300, "b" * 199 + "a" * 101, False),  # beyond chance, but a third agrees
        ("aaaaaaaaaa", "aaaaaaaaaa", False),
        ("aaaaa22222", "bbbbb00000", True),
        ("2222222222", "0000000000", False),
        ("aaaaaaaaaa", "22222fffff", False),
        ("aaaaaaaaaa", "..........", False),
    ],
)
def test_two_thirds_of_the_pairs_are_opposed_and_that_beyond_chance(
    one: str, other: str, is_reported: bool
) -> None:
    assert bool(voted(one, other)) is is_reported
    assert bool(voted(other, one)) is is_reported


def test_five_people_on_one_pair_are_one_pair() -> None:
    same = pairs_of([pair_rows(*((n, "prompt", "x", "y") for n in range(9)))])
    assert voted("a" * 9, "b" * 9, pairs=same) == []
    # Shown in the other order, the same opinion has the other letter.
    rows = [(n, f"prompt {n // 2}", *(("x", "y") if n % 2 else ("y", "x"))) for n in range(10)]
    [found] = voted("ab" * 5, "ba" * 5, pairs=pairs_of([pair_rows(*rows)]))
    assert (found.num_both_speak, found.num_opposed) == (5, 5)
    assert found.row_ids == [key(n) for n in range(0, 10, 2)]


def test_two_prompts_with_the_same_responses_are_two_pairs() -> None:
    assert len(voted("aaaaa", "bbbbb")) == 1
    one_prompt = pairs_of([pair_rows(*((n, "prompt", "x", "y") for n in range(5)))])
    assert voted("aaaaa", "bbbbb", pairs=one_prompt) == []


def test_a_model_that_contradicts_itself_on_one_pair_says_nothing_of_it() -> None:
    rows = [(n, f"prompt {n // 2}", "x", "y") for n in range(10)]
    assert voted("ab" * 5, "bb" * 5, pairs=pairs_of([pair_rows(*rows)])) == []


def test_votes_of_others_and_on_unknown_rows_are_left_out() -> None:
    cast = [*sided(P, "aaaaa"), *sided(key(9), "bbbbb"), (Q, 77, "b", "b")]
    for votes, pairs, chosen in (
        (votes_of(*cast), plain_pairs(5), CHOSEN),
        (votes_of(), plain_pairs(0), CHOSEN),
        (votes_of(*cast), plain_pairs(5), ()),
    ):
        looked = by_votes(votes, pairs, chosen, NONE_BEHIND)
        assert looked.contradictions == []
        assert looked.measure.value is None  # nothing could be told: no reassurance


def test_of_how_many_twosomes_votes_can_tell() -> None:
    # P and Q speak together on five pairs, P and R on four, Q and R on four.
    cast = [*sided(P, "aaaaa"), *sided(Q, "aaaaa"), *sided(R, "aaaa.")]
    told = by_votes(votes_of(*cast), plain_pairs(5), CHOSEN, NONE_BEHIND).measure
    assert (told.family, told.name) == ("contradictions", "told_by_votes")
    assert told.value == pytest.approx(1 / 3)
    assert told.low is None
    assert "1 of 3 pairs of chosen principles" in told.note


def test_at_most_fifty_pairs_are_shown() -> None:
    [found] = voted("a" * 80, "b" * 80)
    assert (found.num_opposed, len(found.row_ids)) == (80, 50)


@given(st.lists(st.tuples(*[st.sampled_from("ab20f.")] * 3), max_size=14))
def test_counts_agree_with_counting_one_by_one(cells: list[tuple[str, str, str]]) -> None:
    found = {
        (c.principle_id, c.other_id): (c.num_both_speak, c.num_opposed, len(c.row_ids))
        for c in (voted(*map("".join, zip(*cells, strict=True))) if cells else [])
    }
    for one, other in itertools.combinations(range(3), 2):
        both = [(c[one], c[other]) for c in cells if c[one] in "ab" and c[other] in "ab"]
        opposed = sum(x != y for x, y in both)
        if (CHOSEN[one], CHOSEN[other]) in found:
            wanted = (len(both), opposed, opposed)
            assert found[CHOSEN[one], CHOSEN[other]] == wanted
            assert opposed > len(both) / 2
        else:
            assert len(both) < 5 or opposed < len(both) * 0.95


# ---- reasons


def cited(*reasons: tuple[int, str, str, str]) -> list[Contradiction]:
    """Reasons as (pair, person, preferred response `x` or `y`, principles cited); every second is
    shown in the other order.
    """
    rows, matches = [], []
    for number, (pair, person, preferred, principles) in enumerate(reasons):
        texts = ("y", "x") if number % 2 else ("x", "y")
        rows.append(
            preference(
                number,
                person=person,
                prompt=f"prompt {pair}",
                response_a=texts[0],
                response_b=texts[1],
                preferred="tie" if preferred == "=" else "ab"[texts.index(preferred)],
            )
        )
        matches += [(CHOSEN["PQR".index(name)], key(number)) for name in principles]
    columns = ("id", "annotator_id", "prompt", "response_a", "response_b", "preferred")
    table = pa.table({name: [row[name] for row in rows] for name in columns})
    said = pa.table(
        {
            "principle_id": pa.array([m[0] for m in matches], pa.string()),
            "row_id": pa.array([m[1] for m in matches], pa.string()),
        }
    )
    return by_reasons(said, table, pairs_of([table]), CHOSEN, NONE_BEHIND).contradictions


def clashes(num: int, ours: str = "ab", theirs: str = "cd") -> list[tuple[int, str, str, str]]:
    """On each pair somebody cites P for x and somebody Q for y."""
    return [
        reason
        for n in range(num)
        for reason in (
            (n, ours[n % len(ours)], "x", "P"),
            (n, theirs[n % len(theirs)], "y", "Q"),
        )
    ]


def test_reasons_by_hand() -> None:
    [found] = cited(*clashes(9), (9, "a", "x", "PQ"))
    assert (found.found_by, found.principle_id, found.other_id) == ("reasons", P, Q)
    assert (found.num_both_speak, found.num_opposed) == (10, 9)
    assert found.row_ids == [key(n) for n in range(18)]  # both sides of every opposed pair


@pytest.mark.parametrize(
    ("reasons", "is_reported"),
    [
        (clashes(4), False),
        (clashes(5), True),
        ([(0, person, side, p) for _, person, side, p in clashes(6, "abe", "cdf")], False),
        (clashes(6, ours="a"), False),  # one person alone cites P
        (clashes(6, theirs="c"), False),
        ([(n, person, "x", p) for n, person, _, p in clashes(6)], False),  # for the same response
        ([*clashes(6), *((n, "e", "x", "Q") for n in range(6))], False),  # Q is cited for both
        ([*clashes(6), *((n, q, "y", "Q") for n in range(6) for q in "efgh")], True),
        ([(n, person, "=", p) for n, person, _, p in clashes(6)], False),  # ties
        ([*clashes(6), *((n, "a", "x", "PQ") for n in range(6, 11))], False),  # 6 of 11
    ],
)  # fmt: skip
def test_principles_cited_for_opposite_responses(
    reasons: list[tuple[int, str, str, str]], is_reported: bool
) -> None:
    assert bool(cited(*reasons)) is is_reported


def test_one_person_with_a_thousand_reasons_changes_no_side() -> None:
    flood = [(n % 6, "z", "y", "P") for n in range(1000)]
    two_more = [(n, person, "x", "P") for n in range(6) for person in "ef"]
    [found] = cited(*clashes(6), *two_more, *flood)
    assert (found.num_both_speak, found.num_opposed) == (6, 6)


def test_matches_in_statements_speak_for_no_response() -> None:
    table = pa.table({name: pa.array([], pa.string()) for name in ("id", "annotator_id",
                      "prompt", "response_a", "response_b", "preferred")})  # fmt: skip
    matches = pa.table({"principle_id": [P, Q] * 9, "row_id": [key(n) for n in range(18)]})
    assert by_reasons(matches, table, pairs_of([table]), CHOSEN, NONE_BEHIND).contradictions == []


# ---- who is behind them


@pytest.mark.parametrize(
    ("supporters", "proposed"),
    [
        ({"P": 10, "Q": 2}, P),  # 8 against 0
        ({"P": 10, "Q": 4}, P),  # 6 against 0; 10 of 14 would be within noise
        ({"P": 2, "Q": 10}, Q),
        ({"P": 3, "Q": 0}, None),  # three alike may be chance, four hardly
        ({"P": 4, "Q": 0}, P),
        ({"P": 10, "Q": 10}, None),
        ({}, None),
    ],
)
def test_proposed_is_who_has_more_people_beyond_noise(
    supporters: dict[str, int], proposed: str | None
) -> None:
    assert backed(**supporters).proposed(P, Q) == proposed
    assert backed(**supporters).proposed(Q, P) == proposed


def test_people_behind_both_decide_nothing() -> None:
    ours, theirs = frozenset("abcdefghij"), frozenset("fghijklmno")
    people = Backing({P: ours, Q: theirs}, dict.fromkeys((P, Q), ours | theirs))
    assert people.proposed(P, Q) is None  # 5 against 5, 5 for both


def test_only_people_who_could_support_both_are_compared() -> None:
    many = frozenset(f"person {n}" for n in range(100))
    few = frozenset(f"person {n}" for n in range(95, 105))
    people = Backing({P: many, Q: few}, {P: many, Q: few})
    assert people.proposed(P, Q) is None  # the five who were asked both support both
    apart = Backing({P: many, Q: frozenset("x")}, {P: many, Q: frozenset("x")})
    assert apart.proposed(P, Q) is None


def test_backing_counts_people_who_were_asked() -> None:
    principles = [principle(1), principle(2), principle(3, kind=Kind.GENERAL)]
    matches = pa.table(
        {"principle_id": [P, P, P, key(9), R], "annotator_id": ["a", "a", "b", "a", "s"]}
    )
    found = backing(principles, matches, {Kind.CONTEXTUAL: ["a", "c"], Kind.GENERAL: ["s"]})
    assert found.supporters == {P: {"a"}, Q: set(), R: {"s"}}
    assert found.asked == {P: {"a", "c"}, Q: {"a", "c"}, R: {"s"}}


# ---- a model's judgement

CHOSEN_PRINCIPLES = [principle(1), principle(2), principle(3, kind=Kind.GENERAL)]
ASK = asking(stage="evaluate")


def test_each_two_principles_are_asked_about_in_both_orders() -> None:
    found = duos(CHOSEN_PRINCIPLES)
    assert [duo.ids for duo in found] == [(P, Q), (P, R), (Q, R)]
    rows = questions(found, ASK)
    assert [(row["source_id"], row["part"]) for row in rows] == [
        (duo.id, part) for duo in found for part in (0, 1)
    ]
    assert {(row["prompt"], row["stage"]) for row in rows} == {("conflict", "evaluate")}
    first, second = (row["messages"][1]["content"] for row in rows[:2])
    assert first.index("number 1") < first.index("number 2")
    assert second.index("number 2") < second.index("number 1")


YES, NO = ({"conflict": said, "situation": f"{said} it does"} for said in ("yes", "no"))


def said(row: dict[str, Any], answer: dict[str, str] | None) -> dict[str, Any]:
    fault = {} if answer else {"parsed": False, "error": "empty reply"}
    return reply(0, text=json.dumps(answer)) | {"request_id": row["id"]} | fault


def test_two_conflict_when_both_orders_say_so(tmp_path: Path) -> None:
    found = duos(CHOSEN_PRINCIPLES)
    rows = questions(found, ASK)
    other = YES | {"situation": "another"}
    answers = [YES, other, NO, YES, YES, None]
    replies = [said(row, answer) for row, answer in zip(rows, answers, strict=True)]
    judgements = answered(found, lookup_of(tmp_path, rows, replies))
    assert [j.answers for j in judgements] == [(True, True), (False, True), (True, None)]
    [contradiction] = by_model(judgements, backed(P=10, Q=2))
    assert contradiction == Contradiction(
        principle_id=P,
        other_id=Q,
        found_by="model",
        num_both_speak=0,
        num_opposed=0,
        row_ids=[],
        num_people=10,
        num_people_other=2,
        proposed_id=P,
        note="yes it does",
    )
    measure = conflict_measure(judgements)
    assert measure.value == 0.5
    assert "1 answers flipped" in measure.note
    assert "1 of 3 pairs got no usable reply" in measure.note


def test_principles_too_long_to_ask_about_are_unanswered_not_lost(tmp_path: Path) -> None:
    long = Duo((P, key(9)), ("word " * 3000, "short"))
    rows = questions([long], asking(context_tokens=2000))
    assert rows == []
    asked = questions(duos(CHOSEN_PRINCIPLES), ASK)
    lookup = lookup_of(tmp_path, asked, [said(row, NO) for row in asked])
    assert answered([long], lookup) == [Judgement(long, (None, None), "")]


def test_without_judgements_there_is_no_figure_but_a_reason() -> None:
    assert conflict_measure([]).value is None
    lost = conflict_measure([Judgement(Duo((P, Q), ("x", "y")), (True, None), "")])
    assert (lost.value, "1 pairs" in lost.note) == (None, True)
    assert duos(CHOSEN_PRINCIPLES[:1]) == []
