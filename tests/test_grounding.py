"""Evidence and random quotes → questions, answers and the two measures of grounding."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import hostile
import pytest
from asking_rows import asking, key, lookup_of, reply
from hypothesis import given
from hypothesis import strategies as st

from gcai_ray.evaluate.grounding import (
    Pairing,
    answered,
    grounding_measures,
    pairings,
    questions,
)
from gcai_ray.schemas import ChosenPrinciple, Evidence, Grounding, Interval, Kind, Support

ASK = asking(stage="evaluate")
NOBODY = Interval(share=0, low=0, high=0)
SUPPORT = Support(
    num_people=0,
    num_people_total=0,
    interval=NOBODY,
    voice=NOBODY,
    num_rows=0,
    groups=[],
    consensus=None,
)


def evidence(number: int, quote: str | None = None) -> Evidence:
    """By the person `number`."""
    return Evidence(
        quote=quote or f"Quote {number}.",
        sentence_numbers=[1],
        candidate_id=key(100 + number),
        row_id=key(200 + number),
        annotator_id=key(number),
        source="s",
        source_file="f.csv",
        source_row=1,
        groups=[],
        similarity=1.0,
    )


def principle(number: int, *quotes: Evidence, kind: Kind = Kind.CONTEXTUAL) -> ChosenPrinciple:
    return ChosenPrinciple(
        id=key(number),
        kind=kind,
        rank=1,
        text=f"Choose the response that is number {number}.",
        support=SUPPORT,
        prediction=None,
        approval=None,
        ratification=None,
        reserved_for=None,
        num_people_added=0,
        tied_with=[],
        evidence=list(quotes),
    )


def drawn(found: list[Pairing], number: int) -> list[str]:
    return [p.quote for p in found if p.is_random and p.principle_id == key(number)]


CONSTITUTION = [
    principle(1, evidence(1), evidence(2)),
    principle(2, evidence(3), evidence(4), evidence(5)),
    principle(3, evidence(6), kind=Kind.GENERAL),
]


def test_all_evidence_is_paired_and_as_many_quotes_of_others() -> None:
    found = pairings(CONSTITUTION, seed=0)
    own = [(p.principle_id, p.candidate_id) for p in found if not p.is_random]
    assert own == [(p.id, quote.candidate_id) for p in CONSTITUTION for quote in p.evidence]
    assert set(drawn(found, 1)) < {"Quote 3.", "Quote 4.", "Quote 5."}
    assert len(drawn(found, 1)) == 2
    # Of its own kind there are two; the third comes from the other.
    assert drawn(found, 2)[2:] == ["Quote 6."]
    assert set(drawn(found, 2)[:2]) == {"Quote 1.", "Quote 2."}
    # Alone of its kind: from the other kind, and said to be a reason.
    [lone] = [p for p in found if p.is_random and p.principle_id == key(3)]
    assert lone.kind is Kind.CONTEXTUAL
    assert lone.annotator_id != key(6)
    assert len({p.id for p in found}) == len(found) == 12


def test_what_is_evidence_of_both_or_reads_the_same_is_never_drawn() -> None:
    shared, same = evidence(2), evidence(7, "quote  1.")
    found = pairings([principle(1, evidence(1), shared), principle(2, shared, same)], 0)
    assert drawn(found, 1) == []
    assert drawn(found, 2) == []
    twice = [principle(1, evidence(1)), principle(2, evidence(2, "Yes."), evidence(3, "yes."))]
    assert len(drawn(pairings([*twice, principle(3, evidence(4))], 0), 3)) == 1
    both = [principle(1, evidence(1), evidence(5)), *twice[1:]]
    assert len(drawn(pairings(both, 0), 1)) == 1


@given(st.integers(0, 50), st.permutations(CONSTITUTION))
def test_draws_depend_on_the_seed_and_not_on_the_order(
    seed: int, principles: list[ChosenPrinciple]
) -> None:
    def as_drawn(found: list[Pairing]) -> set[Pairing]:
        return {p for p in found if p.is_random}

    assert as_drawn(pairings(principles, seed)) == as_drawn(pairings(CONSTITUTION, seed))


def test_other_seeds_draw_other_quotes() -> None:
    many = [principle(1, evidence(1)), principle(2, *(evidence(n) for n in range(2, 12)))]
    assert len({drawn(pairings(many, seed), 1)[0] for seed in range(30)}) > 5


def test_nothing_to_draw_from_and_no_evidence_at_all() -> None:
    assert [p.is_random for p in pairings([principle(1, evidence(1))], 0)] == [False]
    assert pairings([principle(1), principle(2)], 0) == []
    assert pairings([], 0) == []


# ---- questions and answers


def test_a_question_shows_the_quote_and_the_principle_and_not_whether_it_was_drawn() -> None:
    found = pairings(CONSTITUTION, 0)
    rows = questions(found, ASK)
    assert [row["source_id"] for row in rows] == [p.id for p in found]
    assert {(row["prompt"], row["part"], row["stage"]) for row in rows} == {
        ("ground", 0, "evaluate")
    }
    for row, pairing in zip(rows, found, strict=True):
        message = row["messages"][1]["content"]
        assert pairing.quote in message
        assert pairing.principle in message
        assert ("preferring one response" in message) == (pairing.kind is Kind.CONTEXTUAL)
        assert "random" not in message


@pytest.mark.parametrize("name", hostile.HOSTILE)
def test_hostile_quotes_are_asked_about(name: str) -> None:
    quote = hostile.HOSTILE[name].encode("utf-8", "replace").decode()
    found = pairings([principle(1, evidence(1, quote)), principle(2, evidence(2))], 0)
    rows = questions(found, asking(context_tokens=1_000_000))
    assert len(rows) == len(found) == 4


def test_a_quote_too_long_to_ask_about_is_unanswered_not_lost(tmp_path: Path) -> None:
    found = pairings([principle(1, evidence(1, "word " * 3000), evidence(2))], 0)
    rows = questions(found, asking(context_tokens=2500))
    assert [row["source_id"] for row in rows] == [found[1].id]
    lookup = lookup_of(tmp_path, rows, [said(rows[0], "yes")])
    assert [row.confirmed for row in answered(found, lookup)] == [None, True]


def said(row: dict[str, Any], answer: str | None) -> dict[str, Any]:
    """A reply to a question; None: one that cannot be used."""
    fault = {} if answer else {"parsed": False, "error": "no JSON"}
    text = json.dumps({"answer": answer}) if answer else "yes"
    return reply(0, text=text) | {"request_id": row["id"]} | fault


def test_answers_find_their_pairing(tmp_path: Path) -> None:
    found = pairings(CONSTITUTION, 0)[:4]
    rows = questions(found, ASK)
    replies = [
        said(row, answer) for row, answer in zip(rows, ["yes", "no", None, "yes"], strict=True)
    ]
    groundings = answered(found, lookup_of(tmp_path, rows, replies))
    assert [row.confirmed for row in groundings] == [True, False, None, True]
    assert [row.is_random for row in groundings] == [False, False, True, True]
    assert [row.candidate_id for row in groundings] == [p.candidate_id for p in found]


# ---- measures


def row(principle_id: int, person: int, confirmed: bool | None, is_random: bool) -> Grounding:
    return Grounding(
        principle_id=key(principle_id),
        candidate_id=key(100 + person),
        annotator_id=key(person),
        is_random=is_random,
        confirmed=confirmed,
    )


ROWS = [
    # Principle 1: 2 of 2 confirmed, both person 1. Principle 2: 1 of 2. Principle 3: 0 of 1.
    row(1, 1, True, False),
    row(1, 1, True, False),
    row(2, 2, True, False),
    row(2, 3, False, False),
    row(2, 3, None, False),
    row(3, 4, False, False),
    # Random: persons 1 and 3 say no, person 2 yes for principle 3; nobody's quote for 2 answered.
    row(1, 3, False, True),
    row(1, 2, None, True),
    row(2, 1, None, True),
    row(3, 1, False, True),
    row(3, 2, True, True),
]


def test_measures_by_hand() -> None:
    of_evidence, of_principles = grounding_measures(ROWS, seed=0)
    # People: 1 → 1, 2 → 1, 3 → 0, 4 → 0. By rows it would be 3 of 5.
    assert (of_evidence.value, of_evidence.num_people) == (0.5, 4)
    # Random: people 1 → 0, 2 → 1, 3 → 0.
    assert of_evidence.baseline == pytest.approx(1 / 3, abs=1e-6)
    # Who has both: 1: 1 - 0, 2: 1 - 1, 3: 0 - 0.
    assert of_evidence.difference == pytest.approx(1 / 3, abs=1e-6)
    assert (of_evidence.low or 0) <= 0.5 <= (of_evidence.high or 0)
    assert of_evidence.family == "grounding"
    assert "3 of 11 questions got no usable reply" in of_evidence.note
    # Principles 1 and 2 (one half) of 3; random: principle 3 (one half) of 1 and 3.
    assert of_principles.value == pytest.approx(2 / 3, abs=1e-6)
    assert of_principles.baseline == 0.5
    assert (of_principles.low, of_principles.high) == pytest.approx((0.207660, 0.938510), abs=1e-4)
    assert of_principles.num_people is None


def test_one_person_with_many_quotes_is_one_voice() -> None:
    flood = [row(1, 1, True, False)] * 1000
    others = [row(1, person, False, False) for person in (2, 3, 4)]
    assert grounding_measures(flood + others, 0)[0].value == 0.25


def test_without_answers_there_is_no_figure_but_a_reason() -> None:
    for rows, why in (([], "no evidence"), ([row(1, 1, None, False)] * 3, "3 questions")):
        measures = grounding_measures(rows, 0)
        assert [m.value for m in measures] == [None, None]
        assert all(why in m.note for m in measures)
    alone = grounding_measures([row(1, 1, True, False), row(1, 2, None, True)], 0)
    assert [(m.value, m.baseline, m.difference) for m in alone] == [(1.0, None, None)] * 2


def test_all_confirmed_is_not_certainty() -> None:
    rows = [row(1, person, True, False) for person in range(3)]
    [_, of_principles] = grounding_measures(rows, 0)
    assert of_principles.value == 1
    assert (of_principles.low or 0) < 0.5
