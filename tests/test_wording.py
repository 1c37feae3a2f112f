import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from gcai_ray.wording import (
    CONTEXTUAL_PREFIX,
    GENERAL_PREFIX,
    bare,
    content_stems,
    num_words,
    principle_text,
)


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("Choose the response that is more detailed.", "detailed"),
        ("Choose the response that gives an example.", "gives an example"),
        ("The AI should be honest.", "honest"),
        ("The AI should not lie.", "not lie"),
        ("Choose the response that is.", "is"),
        ("Something else", "Something else"),
    ],
)
def test_what_is_left_when_the_form_is_taken_away(text: str, left: str) -> None:
    assert bare(text) == left


def test_stems_join_forms_of_a_word_and_leave_common_words_out() -> None:
    accurate = content_stems("The AI should provide accurate information to the user.")
    assert accurate == content_stems("The AI should show accuracy.") == {"accur"}
    assert not accurate & content_stems("The AI should give information people need.")


@pytest.mark.parametrize(
    ("kind", "words", "text"),
    [
        ("contextual", "is  short\n", "Choose the response that is short."),
        ("contextual", "Is short...", "Choose the response that is short."),
        ("contextual", "choose The response that is short", "Choose the response that is short."),
        ("general", "The AI should be kind.", "The AI should be kind."),
        ("general", "“Be kind”", "The AI should be kind."),
        ("general", "GDPR-proof its answers", "The AI should GDPR-proof its answers."),
        ("general", "A", "The AI should a."),
        ("general", "be\u200bkind\u0000 now", "The AI should be kind now."),
        (
            "general",
            "choose the response that is short",
            "The AI should choose the response that is short.",
        ),
        ("general", ' …" ', ""),
        ("contextual", "Choose the response that ...", ""),
    ],
)
def test_a_models_words_take_the_form_of_a_principle(kind: str, words: str, text: str) -> None:
    assert principle_text(kind, words) == text


@given(st.sampled_from(["contextual", "general"]), st.text() | st.from_regex(r"[ A-Zab.\"…]{0,9}"))
@example("contextual", CONTEXTUAL_PREFIX * 2 + "is short")
@example("general", "I I")
def test_a_principle_is_its_own_text_on_one_line(kind: str, words: str) -> None:
    found = principle_text(kind, words)
    assert principle_text(kind, found) == found
    if found:
        prefix = CONTEXTUAL_PREFIX if kind == "contextual" else GENERAL_PREFIX
        assert found.startswith(prefix)
        assert found.endswith(".")
        assert not found.endswith("..")
        assert found.isprintable()
        assert "  " not in found


def test_words_are_counted_behind_the_prefix() -> None:
    assert num_words("Choose the response that is very short.") == 3
    assert num_words("The AI should be kind.") == 2
    assert num_words("be kind") == 2


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Choose the response that avoids jargon.", "Choose the response that avoids insults."),
        ("The AI should respect privacy.", "The AI should respect people's decisions."),
    ],
)
def test_a_verb_that_says_little_without_its_object_is_nothing_in_common(
    one: str, other: str
) -> None:
    assert content_stems(one)
    assert not content_stems(one) & content_stems(other)
