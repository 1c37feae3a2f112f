"""Pairs and constitutions → questions to the judge; its replies → verdicts."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import hostile
import pyarrow as pa
import pytest
from asking_rows import asking, key, lookup_of, preference, reply, request

from gcai_ray.asking.lookup import Lookup
from gcai_ray.asking.questions import Asking
from gcai_ray.schemas import Preference, Verdict, arrow_schema
from gcai_ray.stages.judge import Trial, answered, outcome, pair_verdicts, questions
from gcai_ray.table_sink import split_rejects

OURS = ("Choose the response that is clear.", "The AI should be honest.")
TRIAL = Trial(
    constitutions=(("gcai", OURS), ("icai", ("Choose the response that is short.",)), ("none", ())),
    row_ids=frozenset(map(key, (1, 2, 3, 5))),
)
JUDGE = asking(stage="evaluate")
BROAD = asking(stage="evaluate", context_tokens=1_000_000)


def preferences(*rows: dict[str, Any]) -> pa.Table:
    return pa.Table.from_pylist(list(rows), schema=arrow_schema(Preference))


ROWS = preferences(
    preference(1, split="test"),
    preference(2, split="test", preferred="tie"),
    preference(3, None, split="test", preferred="b"),
    preference(4, split="test"),
)


def asked_about(rows: pa.Table, **changes: Any) -> list[dict[str, Any]]:
    found, rejects = split_rejects(questions(rows, TRIAL, replace(JUDGE, **changes)))
    assert rejects.num_rows == 0
    return found.to_pylist()


def test_every_pair_of_choices_has_its_outcome() -> None:
    table = {
        ("a", "a"): "for",
        ("b", "b"): "against",
        ("a", "b"): "abstain",
        ("b", "a"): "abstain",
        ("a", None): "invalid",
        (None, "b"): "invalid",
        (None, None): "invalid",
    }
    for (one, other), wanted in table.items():
        assert outcome(one, other, "a") == wanted
        swapped = {"for": "against", "against": "for"}.get(wanted, wanted)
        assert outcome(one, other, "b") == swapped


def test_each_pair_is_judged_by_each_constitution_in_both_orders() -> None:
    rows = asked_about(ROWS)
    assert [(row["source_id"], row["part"]) for row in rows] == [
        (key(n), part) for n in (1, 3) for part in range(6)
    ]
    assert {(row["prompt"], row["stage"]) for row in rows} == {("judge", "evaluate")}
    messages = [row["messages"][1]["content"] for row in rows[:6]]
    texts = [[text for text in (*OURS, "is short") if text in message] for message in messages]
    assert texts == [list(OURS)] * 2 + [["is short"]] * 2 + [[]] * 2
    first = [message.index("first answer") < message.index("second answer") for message in messages]
    assert first == [True, False] * 3


def test_questions_do_not_know_what_the_person_chose() -> None:
    one, other = (asked_about(preferences(preference(1, preferred=p))) for p in "ab")
    assert [row["id"] for row in one] == [row["id"] for row in other]
    assert len({row["id"] for row in one}) == 6


def long_response(letter: str) -> str:
    return f"{letter}{'o' * 5}. " * 4000


def test_responses_are_cut_alike_by_every_constitution() -> None:
    """The judge without principles has more room, and must see no more for it."""
    long = preference(1, response_a=long_response("n"), response_b=long_response("m"))
    rows = asked_about(preferences(long), context_tokens=3000)
    pairs = [row["messages"][1]["content"].partition("<prompt-")[2] for row in rows]
    shown = [pair.partition("Which response")[0] for pair in pairs]
    assert shown[0] == shown[2] == shown[4] != shown[1] == shown[3] == shown[5]
    assert "characters left out" in shown[0]
    assert max(row["num_prompt_tokens"] for row in rows) > 2800


def test_a_pair_that_fits_without_a_constitution_only_is_set_aside_whole() -> None:
    tight = preference(1, prompt="word " * 2000)
    bare = replace(TRIAL, constitutions=(("none", ()),))
    many = tuple(f"Choose the response that is {n}." for n in range(80))
    wide = replace(TRIAL, constitutions=(("none", ()), ("gcai", many)))
    narrow = replace(JUDGE, context_tokens=3000)
    rows = preferences(tight, preference(3))
    assert set(judged_pairs(rows, bare, narrow)) == {(key(1), 2), (key(3), 2)}
    assert set(judged_pairs(rows, wide, narrow)) == {(key(3), 4)}
    _, rejects = split_rejects(questions(rows, wide, narrow))
    assert rejects["source_row"].to_pylist() == [2]
    assert rejects["stage"].to_pylist() == ["evaluate"]


def judged_pairs(rows: pa.Table, trial: Trial, narrow: Asking) -> list[tuple[str, int]]:
    found = split_rejects(questions(rows, trial, narrow))[0]["source_id"].to_pylist()
    return list(Counter(found).items())


@pytest.mark.parametrize("name", hostile.HOSTILE)
def test_hostile_pairs_are_asked_about_like_others(name: str) -> None:
    row = hostile.preference(hostile.HOSTILE[name].encode("utf-8", "replace").decode())
    trial = replace(TRIAL, row_ids=frozenset([row["id"]]))
    found, rejects = split_rejects(questions(preferences(row), trial, BROAD))
    assert (found.num_rows, rejects.num_rows) == (6, 0)


# ---- replies


def judged_by(tmp_path: Path, said: Mapping[int, str | None], prompt: str = "judge") -> Lookup:
    """Replies about pair 1, by part; None: an empty reply."""
    asked = [request(10 + part, 1, part) | {"prompt": prompt} for part in said]
    replies = [
        reply(10 + part, text=json.dumps({"choice": choice}))
        if choice
        else reply(10 + part, 3, "empty reply", text="")
        for part, choice in said.items()
    ]
    return lookup_of(tmp_path, asked, replies)


def test_choices_follow_the_order_and_the_constitution(tmp_path: Path) -> None:
    said = dict(enumerate(["A", "B", "B", "A", "A", "A"]))
    found, rejects = split_rejects(answered(ROWS, TRIAL, judged_by(tmp_path, said)))
    verdicts = found.to_pylist()
    assert [
        (row["constitution"], row["a_first"], row["b_first"], row["outcome"]) for row in verdicts
    ] == [("gcai", "a", "a", "for"), ("icai", "b", "b", "against"), ("none", "a", "b", "abstain")]
    assert {row["row_id"] for row in verdicts} == {key(1)}
    assert rejects.num_rows == 0
    for row in verdicts:
        assert Verdict.model_validate(row)


def test_missing_and_unusable_replies_are_invalid_and_kept_apart(tmp_path: Path) -> None:
    said = {0: "A", 2: "A", 3: None, 4: "B", 5: "A"}
    found, rejects = split_rejects(answered(ROWS, TRIAL, judged_by(tmp_path, said)))
    assert found["outcome"].to_pylist() == ["invalid", "invalid", "against"]
    assert found["a_first"].to_pylist() == ["a", "a", "b"]
    assert found["b_first"].to_pylist() == [None, None, "b"]
    assert rejects["reason"].to_pylist() == ["empty reply"]


def test_votes_on_the_same_pair_are_no_judgements(tmp_path: Path) -> None:
    lookup = judged_by(tmp_path, dict.fromkeys(range(6), "A"), prompt="vote")
    found, rejects = split_rejects(answered(ROWS, TRIAL, lookup))
    assert (found.num_rows, rejects.num_rows) == (0, 0)


def test_ties_have_no_verdict_even_if_replies_lie_about(tmp_path: Path) -> None:
    lookup = judged_by(tmp_path, dict.fromkeys(range(6), "A"))
    tie = preferences(preference(1, preferred="tie"))
    assert split_rejects(answered(tie, TRIAL, lookup))[0].num_rows == 0
    [first, *_] = pair_verdicts(preference(1, preferred="b"), TRIAL, {})
    assert first["outcome"] == "invalid"
