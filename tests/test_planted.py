"""The planted corpus and the annotator by rule: what they say of the 12 principles, and that the
project's own prompts and ingest understand each other.
"""

from __future__ import annotations

import csv
import json
import random
import re
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from pydantic import TypeAdapter
from servers import planted as corpus
from servers.annotator import of_schema, reply
from servers.planted import (
    CONTEXTUAL,
    GENERAL,
    PLANTED,
    Planted,
    recognised,
    shows,
    spoken_of,
    write_corpus,
)
from source_rows import rows

from gcai_ray.asking.check import checked
from gcai_ray.config import Source
from gcai_ray.prompts import (
    Question,
    extract_contextual,
    extract_general,
    icai_extract,
    summarise_cluster,
    vote,
)
from gcai_ray.prompts.shapes import PRINCIPLE
from gcai_ray.text import sentence_spans

BY_KEY = {planted.key: planted for planted in PLANTED}
EXAMPLE, POLITE, CONCISE = (BY_KEY[k] for k in ("concrete_example", "polite", "concise"))


def answered(question: Question, seed: int = 0) -> Any:
    """The annotator's reply, checked against the question's own schema."""
    text = reply(list(question.messages), question.reply_schema, seed)
    assert reply(list(question.messages), None, seed) == text
    return checked(text, json.dumps(question.reply_schema), "stop")


def sentences(text: str) -> list[dict[str, Any]]:
    return [{"start": s, "end": e, "text": text[s:e]} for s, e in sentence_spans(text)]


def preference(reason: str = "", id_: str = "0" * 32) -> dict[str, Any]:
    """The chosen response, `a`, gives an example politely; `b` is concise and polite."""
    return {
        "id": id_,
        "prompt": "How do I bake bread?",
        "response_a": f"Use flour. {EXAMPLE.markers[0]} {POLITE.markers[0]}",
        "response_b": f"Use flour. {CONCISE.markers[1]} {POLITE.markers[1]}",
        "preferred": "a",
        "reason": reason,
        "sentences": sentences(reason),
    }


@pytest.mark.parametrize("planted", PLANTED, ids=lambda planted: planted.key)
def test_all_words_for_a_principle_mean_it_alone(planted: Planted) -> None:
    wordings = (planted.canonical, *planted.paraphrases)
    for text in (*wordings, *planted.reasons):
        assert spoken_of(text) == (planted,)
    for marker in planted.markers:
        assert [other for other in PLANTED if shows(marker, other)] == [planted]
    assert all(re.match(PRINCIPLE["pattern"], text) for text in wordings)
    assert max(len(text.split()) for text in wordings) <= 15


def test_words_around_the_principles_mean_none() -> None:
    drawn = random.Random(0)
    odd = {corpus._odd(drawn, corpus._ODD_REASONS) for _ in range(1000)}
    odd |= {corpus._odd(drawn, corpus._ODD_STATEMENTS) for _ in range(1000)}
    around = (*corpus._FILLERS, *corpus._LEAD_INS, *corpus._WISHES, *corpus._BODY)
    assert [text for text in (*odd, *around) if spoken_of(text)] == []


@pytest.mark.parametrize("planted", CONTEXTUAL, ids=lambda planted: planted.key)
def test_a_reason_gives_its_principle_and_its_sentence(planted: Planted) -> None:
    for reason in planted.reasons:
        row = preference(f"I read both twice. {reason}")
        found = answered(extract_contextual.question(row, 0))["principles"]
        assert [recognised(p["principle"]) for p in found if p["sentences"] == [2]] == [planted]


@pytest.mark.parametrize("planted", GENERAL, ids=lambda planted: planted.key)
def test_a_statement_gives_its_principle_and_its_sentence(planted: Planted) -> None:
    for reason in planted.reasons:
        row = {"question": "What do you want from AI?", "sentences": sentences(reason)}
        found = answered(extract_general.question(row))["principles"]
        assert [(recognised(p["principle"]), p["sentences"]) for p in found] == [(planted, [1])]


def test_a_reason_with_two_grounds_gives_two_principles() -> None:
    row = preference(f"{EXAMPLE.reasons[1]} {POLITE.reasons[0]}")
    found = answered(extract_contextual.question(row, 0))["principles"]
    assert [(recognised(p["principle"]), p["sentences"]) for p in found] == [
        (EXAMPLE, [1]),
        (POLITE, [2]),
    ]


def test_wordings_vary_with_the_seed() -> None:
    question = extract_general.question({"question": None, "sentences": sentences("Never lie.")})
    said = {answered(question, seed)["principles"][0]["principle"] for seed in range(40)}
    truth = BY_KEY["tell_truth"]
    assert said == {truth.canonical, *truth.paraphrases}


def test_noise_gives_an_odd_principle_now_and_then() -> None:
    drawn = random.Random(0)
    found = []
    for _ in range(200):
        row = preference(corpus._odd(drawn, corpus._ODD_REASONS))
        found.append(answered(extract_contextual.question(row, 0))["principles"])
    assert {len(principles) for principles in found} == {0, 1}
    assert 0.3 < sum(map(len, found)) / 200 < 0.7
    assert not any(recognised(p["principle"]) for principles in found for p in principles)
    assert answered(extract_contextual.question(preference("It is so."), 0)) == {"principles": []}


def test_icai_sees_what_only_the_chosen_response_has() -> None:
    for n in range(6):  # both orders of the two responses
        found = answered(icai_extract.question(preference(id_=f"{n:032x}"), 0))["principles"]
        assert [recognised(p["principle"]) for p in found] == [EXAMPLE]


def test_a_cluster_is_named_after_what_most_members_say() -> None:
    members = [*EXAMPLE.paraphrases[:3], POLITE.paraphrases[0], "mentions the kite"]
    random.Random(0).shuffle(members)
    named = answered(summarise_cluster.question("contextual", members))
    assert named["principle"] == EXAMPLE.canonical
    assert [recognised(members[n - 1]) for n in named["covers"]] == [EXAMPLE] * 3


def test_a_cluster_of_odd_principles_is_named_after_its_shortest() -> None:
    members = ["mentions the donkey and the kite", "is about a kite", "mentions the lantern"]
    named = answered(summarise_cluster.question("contextual", members))
    assert named == {"principle": "is about a kite", "covers": [1, 2]}


def test_votes_follow_what_the_responses_show() -> None:
    principles = [p.paraphrases[1] for p in (EXAMPLE, CONCISE, POLITE, BY_KEY["step_by_step"])]
    principles.append("mentions the kite")
    for flipped in (False, True):
        answers = answered(vote.question(preference(), flipped, principles))
        told = vote.choices(answers, 5, flipped)
        assert told == ["a", "b", "both", "neither", "neither"]


def test_an_unknown_question_gets_something_of_its_shape() -> None:
    item = {"type": "object", "required": ["n"], "properties": {"n": {"type": "integer"}}}
    schema = {
        "type": "object",
        "required": ["a", "b", "c"],
        "properties": {
            "a": {"enum": ["x", "y"]},
            "b": {"type": "array", "minItems": 2, "items": item},
            "c": {"type": "string"},
        },
    }
    text = reply([{"role": "user", "content": "What?"}], schema, 0)
    assert checked(text, json.dumps(schema)) == of_schema(schema)
    assert reply([{"role": "user", "content": "What?"}], None, 0).endswith(".")  # words to words


def test_the_icai_package_gets_a_vote_on_every_rule() -> None:
    content = (
        "check for each rule below which:\n{0: 'is brief', 1: \"it's fair\"}\n\nAnswer in json"
    )
    text = reply(
        [{"role": "system", "content": "Vote."}, {"role": "user", "content": content}], None, 0
    )
    assert set(json.loads(text)) == {"0", "1"}


def read_csv(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_the_chosen_response_has_what_the_reason_names(tmp_path: Path) -> None:
    write_corpus(tmp_path)
    counted: Counter[Planted] = Counter()
    for row in read_csv(tmp_path / "preferences.csv"):
        chosen, rejected = row["answer_1"], row["answer_2"]
        if row["preferred"] == "Answer 2":
            chosen, rejected = rejected, chosen
        named = spoken_of(row["reason"])
        counted.update(named)
        assert named
        assert all(shows(chosen, p) and not shows(rejected, p) for p in named)
    assert set(counted) == set(CONTEXTUAL)
    assert min(counted.values()) >= 35


@pytest.mark.parametrize("noise", [0.0, 0.2])
def test_the_corpus_can_be_read(tmp_path: Path, noise: float) -> None:
    sources = write_corpus(tmp_path, noise=noise)["sources"]
    read = [TypeAdapter(Source).validate_python(source) for source in sources]
    preferences, statements = rows(read[0]), rows(read[1], "statements")
    assert (len(preferences), len(statements)) == (280, 120)
    odd = [not spoken_of(row["reason"]) for row in preferences]
    odd += [not spoken_of(row["text"]) for row in statements]
    assert sum(odd) == round(400 * noise)
    people = {row["annotator"] for row in (*preferences, *statements)}
    assert 70 <= len(people) <= 80
    assert len({row["prompt"] for row in preferences}) > 80


def test_the_same_seed_writes_the_same_corpus(tmp_path: Path) -> None:
    for name, seed in (("one", 3), ("same", 3), ("other", 4)):
        write_corpus(tmp_path / name, 50, noise=0.1, seed=seed)
    for file in ("preferences.csv", "statements.csv"):
        one, same, other = ((tmp_path / n / file).read_bytes() for n in ("one", "same", "other"))
        assert one == same != other
