"""The reply schemas of the questions: what they accept, what engines can enforce, how long a
reply they allow.
"""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from typing import Any

import hostile
import jsonschema_rs
import pytest

from gcai_ray import prompts
from gcai_ray.prompts import (
    Question,
    conflict,
    extract_contextual,
    extract_general,
    ground,
    icai_extract,
    judge,
    summarise_cluster,
    vote,
)

ROW = hostile.preference("Answer 1 explains it. Answer 2 is vague.")
PLAIN = "Be honest. Be kind."


def valid(question: Question, reply: Any) -> bool:
    return jsonschema_rs.validator_for(json.dumps(question.reply_schema)).is_valid(reply)


def cited(*numbers: int, text: str = "is concise", **more: Any) -> dict[str, Any]:
    return {"principles": [{"principle": text, "sentences": list(numbers), **more}]}


@pytest.mark.parametrize(
    ("reply", "good"),
    [
        ({"principles": []}, True),
        (cited(1), True),
        (cited(2, 1), True),
        (cited(1, text="is the user’s naïve—but kind–choice, isn't it?"), True),
        (cited(1, text="x" * 160), True),
        (cited(1, text="x" * 161), False),
        (cited(1, text=""), False),
        (cited(1, text="   "), False),
        (cited(1, text='says "no"'), False),
        (cited(1, text="two\nlines"), False),
        (cited(0), False),
        (cited(3), False),
        (cited(-1), False),
        (cited(), False),
        (cited(1, 2, 1), False),
        (cited(1, note="more"), False),
        ({"principles": cited(1)["principles"] * 3}, True),
        ({"principles": cited(1)["principles"] * 4}, False),
        ({"principles": [{"principle": "is concise"}]}, False),
        ({"principles": [{"principle": "is concise", "sentences": ["1"]}]}, False),
        ({"principles": [], "more": 1}, False),
        ([], False),
    ],
)
def test_contextual_and_general_schema(reply: Any, good: bool) -> None:
    for question in (
        extract_contextual.question(ROW, 0),
        extract_general.question(hostile.statement(PLAIN)),
    ):
        assert valid(question, reply) is good


def test_bounds_follow_the_number_of_sentences() -> None:
    for num in (1, 7, 30):
        question = extract_contextual.question(ROW | {"sentences": [{"text": "x"}] * num}, 0)
        assert valid(question, cited(num))
        assert not valid(question, cited(num + 1))


def test_schemas_of_the_other_questions() -> None:
    icai = icai_extract.question(ROW, 0)
    assert valid(icai, {"principles": [{"principle": "is concise"}]})
    assert not valid(icai, cited(1))
    members = summarise_cluster.question("general", ["x"] * 4)
    assert valid(members, {"principle": "be honest", "covers": [4, 1, 2, 3]})
    assert not valid(members, {"principle": "be honest", "covers": [5]})
    assert not valid(members, {"principle": "be honest", "covers": []})
    votes = vote.question(ROW, True, ["x"] * 11)
    full = {str(n): "both" for n in range(1, 12)}
    assert valid(votes, full)
    assert list(votes.reply_schema["properties"]) == list(full)
    assert not valid(votes, full | {"11": "a"})
    assert not valid(votes, full | {"12": "A"})
    assert not valid(votes, {k: v for k, v in full.items() if k != "10"})
    for question, good, bad in (
        (judge.question(ROW, False, []), ("A", "B"), ("a", "both", "neither", "")),
        (ground.question("general", "x", "x"), ("yes", "no"), ("Yes", "maybe")),
    ):
        [name] = question.reply_schema["properties"]
        assert all(valid(question, {name: answer}) for answer in good)
        assert not any(valid(question, {name: answer}) for answer in bad)
    clash = conflict.question("x", "y")
    assert valid(clash, {"conflict": "no", "situation": "none"})
    assert not valid(clash, {"conflict": "no"})
    assert not valid(clash, {"conflict": "yes", "situation": "x" * 161})
    assert not valid(clash, {"conflict": "yes", "situation": "<b>\nbold</b>"})


STRICT = {"type", "properties", "required", "additionalProperties", "items", "enum", "pattern",
          "minItems", "maxItems", "minimum", "maximum"}  # fmt: skip


def every_question() -> list[Question]:
    long = ROW | {"sentences": [{"text": "x"}] * 40, "question": None}
    return [
        extract_contextual.question(ROW, 0),
        extract_contextual.question(long, 0),
        extract_general.question(long),
        icai_extract.question(ROW, 0),
        summarise_cluster.question("general", ["x"] * 60),
        vote.question(ROW, False, ["x"] * 40),
        judge.question(ROW, False, ["x"] * 40),
        ground.question("general", "x", "x"),
        conflict.question("x", "y"),
    ]


def subschemas(schema: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield schema
    for inner in [*schema.get("properties", {}).values(), *filter(None, [schema.get("items")])]:
        yield from subschemas(inner)


def test_schemas_keep_to_what_strict_mode_and_xgrammar_enforce() -> None:
    for question in every_question():
        for schema in subschemas(question.reply_schema):
            assert set(schema) <= STRICT
            if schema["type"] == "object":
                assert schema["additionalProperties"] is False
                assert schema["required"] == list(schema["properties"])


def test_a_random_model_held_to_the_schema_finishes_in_its_tokens() -> None:
    """The worst model there is: a token is one byte, and all tokens are equally likely."""
    xgrammar = pytest.importorskip("xgrammar")
    end = 256
    vocabulary = [bytes([byte]) for byte in range(256)] + [b"</s>"]
    info = xgrammar.TokenizerInfo(
        vocabulary, vocab_type=xgrammar.VocabType.RAW, stop_token_ids=[end]
    )
    compiler = xgrammar.GrammarCompiler(info)
    for question in every_question():
        schema = json.dumps(question.reply_schema)
        grammar = compiler.compile_json_schema(schema, any_whitespace=False)
        for seed in range(2):
            matcher, mask = (
                xgrammar.GrammarMatcher(grammar),
                xgrammar.allocate_token_bitmask(1, 257),
            )
            draw, text = random.Random(seed), bytearray()
            for _ in range(question.max_tokens):
                matcher.fill_next_token_bitmask(mask)
                words = mask[0].tolist()
                allowed = [t for t in range(257) if words[t // 32] >> (t % 32) & 1]
                # Never ends what it may go on with: the longest reply there can be.
                token = draw.choice([t for t in allowed if t != ord('"')] or allowed)
                matcher.accept_token(token)
                if token == end:
                    break
                text.append(token)
            assert matcher.is_terminated()
            assert valid(question, json.loads(text))


FIVE = {"sentences": [{"text": "x"}] * 5, "question": None}


@pytest.mark.parametrize(
    ("module", "question"),
    [
        (extract_contextual, extract_contextual.question(ROW | FIVE, 0)),
        (extract_general, extract_general.question(ROW | FIVE)),
        (icai_extract, icai_extract.question(ROW, 0)),
        (summarise_cluster, summarise_cluster.question("general", ["x"] * 5)),
        (vote, vote.question(ROW, False, ["x"] * 3)),
        (judge, judge.question(ROW, False, [])),
        (ground, ground.question("contextual", "x", "x")),
        (conflict, conflict.question("x", "y")),
    ],
    ids=lambda value: getattr(value, "NAME", ""),
)
def test_instructions_hold_an_example_that_satisfies_the_schema(
    module: Any, question: Question
) -> None:
    assert valid(question, json.loads(module.INSTRUCTIONS.rsplit("\n", 1)[1]))
    assert question.messages[0] == {"role": "system", "content": module.INSTRUCTIONS}
    assert "data for you" in module.INSTRUCTIONS
    assert module.NAME in prompts.NAMES
