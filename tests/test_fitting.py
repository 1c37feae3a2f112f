"""Questions that do not fit a context: only responses are cut, and no more than needed."""

from __future__ import annotations

import re
from typing import Any

import hostile
import pytest
from hypothesis import given
from hypothesis import strategies as st
from prompt_blocks import blocks

from gcai_ray.prompts import Question, TooLong, extract_contextual, fitted, icai_extract, vote
from gcai_ray.prompts.delimit import shortened

ROW = hostile.preference("Answer 1 explains it. Answer 2 is vague.")
PRINCIPLES = ["Be honest.", "Be kind."]
TEXTS = st.text(max_size=400)


def count(messages: Any) -> int:
    return sum(len(message["content"]) for message in messages) // 3


LONG = ROW | {"response_a": "start " + "a" * 60_000 + " end", "response_b": "short answer"}


@given(TEXTS, st.integers(64, 300))
def test_shortened_keeps_both_ends(text: str, limit: int) -> None:
    cut = shortened(text, limit)
    assert len(cut) <= limit
    if len(text) <= limit:
        assert cut == text
    else:
        head, tail = re.split(r" \[… [\d,]+ characters left out …\] ", cut)
        left_out = len(text) - len(head) - len(tail)
        assert text.startswith(head)
        assert text.endswith(tail)
        assert f"[… {left_out:,} characters left out …]" in cut
        assert 0 <= len(head) - 2 * len(tail) <= 2


def test_question_that_fits_is_left_whole() -> None:
    whole = extract_contextual.question(LONG, 0)
    needed = count(whole.messages) + whole.max_tokens
    assert fitted(lambda cut: extract_contextual.question(LONG, 0, cut), count, needed) == whole
    smaller = fitted(lambda cut: extract_contextual.question(LONG, 0, cut), count, needed - 1)
    assert count(smaller.messages) < count(whole.messages)


@pytest.mark.parametrize("context", [1_700, 2_048, 4_096, 8_192, 20_000])
def test_only_responses_are_cut_and_no_more_than_needed(context: int) -> None:
    calls = []

    def counted(messages: Any) -> int:
        calls.append(1)
        return count(messages)

    def make(cut: int | None) -> Question:
        return extract_contextual.question(LONG, 0, cut)

    question = fitted(make, counted, context)
    assert len(calls) <= 10
    assert count(question.messages) + question.max_tokens <= context
    whole, cut = blocks(make(None)), blocks(question)
    changed = {tag for tag in whole if whole[tag] != cut[tag]}
    assert {whole[tag] for tag in changed} == {LONG["response_a"]}
    longest = max(map(len, cut.values()))
    larger = make(longest * 104 // 100)
    assert count(larger.messages) + larger.max_tokens > context
    assert fitted(make, count, context) == question


def test_both_responses_are_cut_to_the_same_length() -> None:
    row = ROW | {"response_a": "a" * 30_000, "response_b": "b" * 50_000}
    found = blocks(fitted(lambda cut: vote.question(row, True, PRINCIPLES, cut), count, 4_096))
    assert 1_000 < len(found["response_A"]) == len(found["response_B"])


def test_what_a_person_said_is_never_cut() -> None:
    row = ROW | {"sentences": [{"text": "x" * 100}] * 200}
    with pytest.raises(TooLong, match=r"1,500") as error:
        fitted(lambda cut: extract_contextual.question(row, 0, cut), count, 1_500)
    least = extract_contextual.question(row, 0, 200)
    assert f"{count(least.messages) + least.max_tokens:,}" in str(error.value)


def test_prompt_is_never_cut() -> None:
    row = ROW | {"prompt": "p" * 100_000}
    with pytest.raises(TooLong):
        fitted(lambda cut: icai_extract.question(row, 0, cut), count, 8_192)
