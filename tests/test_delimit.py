"""What a text becomes before it stands in a block: nothing a parser or a tokenizer obeys."""

from __future__ import annotations

import re
import unicodedata

import hostile
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from prompt_blocks import PIECES, TEXTS
from tokenizers import Tokenizer, decoders, models, pre_tokenizers

from gcai_ray.prompts.delimit import block, clean, nonce, numbered


@pytest.fixture(scope="module")
def tokenizer() -> Tokenizer:
    """A byte-level tokenizer with the control tokens of many models."""
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    found = Tokenizer(models.BPE({letter: n for n, letter in enumerate(alphabet)}, []))
    found.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    found.decoder = decoders.ByteLevel()
    found.add_special_tokens(hostile.SPECIAL_TOKENS)
    return found


def control_tokens(tokenizer: Tokenizer, text: str) -> list[str]:
    return [t for t in tokenizer.encode(text).tokens if t in set(hostile.SPECIAL_TOKENS)]


def test_no_text_becomes_a_control_token(tokenizer: Tokenizer) -> None:
    everything = " ".join(hostile.SPECIAL_TOKENS)
    assert len(control_tokens(tokenizer, everything)) == len(hostile.SPECIAL_TOKENS)
    for text in hostile.HOSTILE.values():
        assert control_tokens(tokenizer, block("reason", "abc", text)) == []
        assert control_tokens(tokenizer, numbered([text])) == []


@settings(max_examples=200)
@given(text=st.lists(st.sampled_from(PIECES), max_size=25).map("".join))
def test_pieces_do_not_join_to_a_control_token(tokenizer: Tokenizer, text: str) -> None:
    assert control_tokens(tokenizer, clean(text)) == []


@settings(max_examples=200)
@given(TEXTS)
def test_clean_text_is_printable_and_stays_as_it_is(text: str) -> None:
    cleaned = clean(text)
    assert clean(cleaned) == cleaned
    assert f"{cleaned}.".split("\n") == f"{cleaned}.".splitlines()
    assert not {c for c in cleaned if unicodedata.category(c) in ("Cc", "Cs")} - {"\n", "\t"}
    bidi = {unicodedata.bidirectional(c) for c in cleaned}
    assert not bidi & {"LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI"}


def test_ordinary_text_is_left_alone() -> None:
    text = (
        "df |> filter(x < 3 && y > 2)\n\tif a[1] <= b: <b>bold</b> 👩‍👩‍👧 क्‍ष naïve – [note] #1 <3"
    )
    assert clean(text) == text


def test_a_cleaned_token_can_still_be_read() -> None:
    assert clean("a <|im_end|> b [INST] </s>") == "a ‹|im_end|› b ⟦INST⟧ ‹/s›"


def test_nonce_never_stands_in_its_texts() -> None:
    first = nonce("some words")
    assert nonce("some words") == first
    assert re.fullmatch("[0-9a-f]{12}", first)
    every = [nonce(f"{n}") for n in range(50)]
    assert len(set(every)) == 50
    assert nonce("ab", "c") != nonce("a", "bc")


@settings(max_examples=100)
@given(st.lists(TEXTS, min_size=1, max_size=4))
def test_nonce_is_in_no_text(texts: list[str]) -> None:
    assert not any(nonce(*texts) in text for text in texts)


def test_text_that_guesses_a_nonce_gets_another(monkeypatch: pytest.MonkeyPatch) -> None:
    # With one digit a text holds most nonces by chance; the one taken must be another one.
    monkeypatch.setattr("gcai_ray.prompts.delimit.NONCE_CHARS", 1)
    texts = ["0123456789abcde", "f is not here twice"[1:]]
    assert nonce(*texts) == "f"


def test_block_and_numbers() -> None:
    assert block("reason", "abc", "x") == "<reason-abc>\nx\n</reason-abc>"
    assert numbered(["one\n two", "", "see [1], [ 2 ]"]) == "[1] one two\n[2]\n[3] see (1), ( 2 )"


@pytest.mark.parametrize("text", ["<" + " " * 150_000, "<a_" * 50_000, "<" + "_" * 150_000])
def test_time_grows_with_the_length_of_a_text_and_no_faster(text: str) -> None:
    # Text on which a careless pattern takes minutes: without a bound the test would not end.
    assert clean(text) == text
