"""Held-out prompts → questions to every model → responses → questions to a judge → contests."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pyarrow as pa
import pytest
from asking_rows import asking, key
from revision_runs import prompt, table

from gcai_ray.asking.lookup import Lookup
from gcai_ray.prompts import judge
from gcai_ray.stages.answer import Inquiry, answered, drawn_prompts, questions
from gcai_ray.stages.assess import Tournament, opponents_of, outcome
from gcai_ray.stages.assess import answered as judged
from gcai_ray.stages.assess import questions as put
from gcai_ray.table_sink import split_rejects

MODELS = (("base", "m"), ("tuned", "m+a"))
INQUIRY = Inquiry(frozenset(map(key, (1, 2))), MODELS, 64)
JUDGE = asking(stage="assess")
PRINCIPLES = ((key(8), "The AI should be brief."), (key(9), "The AI should be kind."))
SAID = {key(1): {"base": "Yes.", "tuned": "No, thanks."}, key(2): {"base": "So.", "tuned": "so. "}}
TOURNAMENT = Tournament((("tuned", "base"),), PRINCIPLES, SAID)
TURNS = [
    {"role": "user", "content": "Hello?"},
    {"role": "assistant", "content": "Hi."},
    {"role": "user", "content": "Why?"},
]
PROMPTS = table(prompt(1), prompt(2) | {"messages": TURNS}, prompt(3))


def rows_of(found: pa.Table) -> list[dict[str, Any]]:
    return split_rejects(found)[0].to_pylist()


def rejects_of(found: pa.Table) -> list[dict[str, Any]]:
    return split_rejects(found)[1].to_pylist()


def looked_up(requests: list[dict[str, Any]], texts: dict[tuple[str, int], Any]) -> Lookup:
    """Replies by source and part; a None is no usable reply, a missing one was never asked."""
    import numpy as np

    found = sorted(
        (request["source_id"], request["prompt"], request["part"])
        for request in requests
        if (request["source_id"], request["part"]) in texts
    )
    rows = [
        {
            "prompt": name,
            "part": part,
            "text": texts[source, part] or "",
            "parsed": texts[source, part] is not None,
            "finish_reason": "stop",
            "error": None if texts[source, part] is not None else "empty reply",
        }
        for source, name, part in found
    ]
    ids = np.asarray([source for source, _, _ in found], dtype="S32")
    return Lookup(ids, pa.Table.from_pylist(rows))


def asked_models() -> list[dict[str, Any]]:
    identities = [identity for _, identity in MODELS]
    return [
        row
        for place, identity in enumerate(identities)
        for row in rows_of(questions(PROMPTS, INQUIRY, place, asking(model=identity)))
    ]


def test_every_model_is_asked_the_same_words_and_is_told_apart_by_its_identity() -> None:
    requests = asked_models()
    assert [(row["source_id"], row["part"]) for row in requests] == [
        (key(n), part) for part in (0, 1) for n in (1, 2)
    ]
    first, _, second, _ = requests
    assert first["messages"] == second["messages"] == prompt(1)["messages"]
    assert first["id"] != second["id"]
    assert first["reply_schema"] == ""


def test_a_larger_draw_holds_the_smaller_one() -> None:
    ids = [key(n) for n in range(200)]
    few, many = (set(drawn_prompts(ids, num, 0)) for num in (20, 50))
    assert few < many
    assert drawn_prompts(ids[::-1], 20, 0) == drawn_prompts(ids, 20, 0)
    assert set(drawn_prompts(ids, 20, 1)) != few


def test_responses_are_kept_as_they_are_with_what_can_be_counted() -> None:
    texts = {(key(1), 0): " I'm sorry, but I can't help with that. ", (key(1), 1): "Sure."}
    texts |= {(key(2), 0): "Hm.", (key(2), 1): None}
    found = answered(PROMPTS, INQUIRY, looked_up(asked_models(), texts))
    rows = {(row["prompt_id"], row["model"]): row for row in rows_of(found)}
    assert set(rows) == {(key(1), "base"), (key(1), "tuned"), (key(2), "base")}
    first = rows[key(1), "base"]
    assert (first["refuses"], first["num_chars"], first["num_turns"]) == (True, 38, 1)
    assert rows[key(1), "tuned"]["identity"] == "m+a"
    assert rows[key(2), "base"]["num_turns"] == 2
    [reject] = rejects_of(found)
    assert "no usable response of tuned: empty reply" in reject["reason"]


def test_a_conversation_that_does_not_fit_is_a_reject() -> None:
    short = asking(context_tokens=70)
    long = table(prompt(1, "Why? " * 200))
    found = questions(long, INQUIRY, 0, short)
    assert rows_of(found) == []
    assert "the context has 70" in rejects_of(found)[0]["reason"]


def test_who_is_held_against_whom() -> None:
    assert opponents_of(["base", "tuned"]) == (("tuned", "base"),)
    assert opponents_of(["base", "tuned", "icai", "old"]) == (
        ("tuned", "base"),
        ("icai", "base"),
        ("old", "base"),
        ("tuned", "icai"),
        ("tuned", "old"),
    )


def test_each_principle_is_asked_by_itself_in_both_orders() -> None:
    requests = rows_of(put(PROMPTS, TOURNAMENT, JUDGE))
    assert [(row["source_id"], row["part"]) for row in requests] == [(key(1), n) for n in range(4)]
    for number, (_, text) in enumerate(PRINCIPLES):
        pair = {"prompt": prompt(1)["messages"][0]["content"]}
        pair |= {"response_a": "No, thanks.", "response_b": "Yes."}
        for order, flipped in enumerate((False, True)):
            wanted = judge.question(pair, flipped, [text]).messages
            assert requests[2 * number + order]["messages"] == list(wanted)


def test_equal_responses_are_a_tie_that_nobody_is_asked_about() -> None:
    requests = rows_of(put(PROMPTS, TOURNAMENT, JUDGE))
    texts = {(key(1), part): '{"choice": "A"}' for part in range(4)}
    rows = rows_of(judged(PROMPTS, TOURNAMENT, looked_up(requests, texts)))
    own = [row for row in rows if row["prompt_id"] == key(2)]
    assert [(row["outcome"], row["a_first"], row["num_turns"]) for row in own] == [
        ("same", None, 2)
    ] * 2


def test_choices_become_outcomes_in_the_models_own_terms() -> None:
    requests = rows_of(put(PROMPTS, TOURNAMENT, JUDGE))
    # by the first principle A, then B: the tuned model's both times; by the second A and A
    said = ('{"choice": "A"}', '{"choice": "B"}', '{"choice": "A"}', '{"choice": "A"}')
    texts = {(key(1), part): text for part, text in enumerate(said)}
    rows = rows_of(judged(PROMPTS, TOURNAMENT, looked_up(requests, texts)))[:2]
    assert [row["outcome"] for row in rows] == ["win", "flip"]
    assert [row["principle_id"] for row in rows] == [key(8), key(9)]
    assert (rows[0]["num_chars"], rows[0]["num_chars_against"]) == (11, 4)


def test_a_reply_that_cannot_be_used_leaves_its_contest_invalid() -> None:
    requests = rows_of(put(PROMPTS, TOURNAMENT, JUDGE))
    texts: dict[tuple[str, int], Any] = {(key(1), n): '{"choice": "A"}' for n in range(4)}
    texts[key(1), 1] = None
    found = judged(PROMPTS, TOURNAMENT, looked_up(requests, texts))
    assert [row["outcome"] for row in rows_of(found)][:2] == ["invalid", "flip"]
    assert len(rejects_of(found)) == 1


def test_a_pair_too_long_for_the_judge_is_judged_by_no_principle() -> None:
    long = Tournament(TOURNAMENT.opponents, PRINCIPLES, {key(1): {"base": "a", "tuned": "b"}})
    found = put(table(prompt(1, "Why? " * 3000)), long, replace(JUDGE, context_tokens=900))
    assert rows_of(found) == []
    assert len(rejects_of(found)) == 1
    assert rows_of(judged(PROMPTS, long, looked_up([], {}))) == []


def test_a_model_without_a_response_is_in_no_contest() -> None:
    said = {key(1): {"base": "Yes."}}
    assert rows_of(put(PROMPTS, replace(TOURNAMENT, said=said), JUDGE)) == []


@pytest.mark.parametrize(
    ("choices", "wanted"),
    [(("a", "a"), "win"), (("b", "b"), "loss"), (("a", "b"), "flip"), ((None, "a"), "invalid")],
)
def test_outcomes(choices: tuple[str | None, str | None], wanted: str) -> None:
    assert str(outcome(*choices)) == wanted
