import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gcai_ray.asking.check import MAX_ERROR_CHARS, BadReply, checked, fault, reply_json
from gcai_ray.prompts.shapes import cited_principles

SCHEMA = json.dumps(cited_principles(3)[0])
GOOD = '{"principles": [{"principle": "is short", "sentences": [2]}]}'
VALUE = {"principles": [{"principle": "is short", "sentences": [2]}]}
JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=10,
)


@pytest.mark.parametrize(
    "text",
    [
        GOOD,
        f"\n {GOOD}\n",
        f"```json\n{GOOD}\n```",
        f"Here it is:\n```\n{GOOD}```\nI hope it helps {{or not}}.",
        f"Sure! {GOOD} Anything else?",
    ],
)
def test_the_json_is_found_bare_fenced_or_among_words(text: str) -> None:
    assert checked(text, SCHEMA) == VALUE


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "empty"),
        (" \n\t", "empty"),
        ("I cannot help with that.", "no JSON"),
        (GOOD[:-5], "no JSON"),
        ("```json\n```", "no JSON"),
        (GOOD.replace("2", "NaN"), "no JSON"),
        ("[1]", "the whole reply"),
        (json.dumps(["long"] * 1000), "the whole reply"),
        (GOOD.replace("[2]", "[4]"), "principles.0.sentences.0"),
        (GOOD.replace("[2]", "[]"), "principles.0.sentences"),
        (GOOD.replace("[2]", "[2.5]"), "principles.0.sentences.0"),
        (GOOD.replace('"sentences": [2]', '"grounds": []'), "principles.0"),
        (GOOD.replace("is short", "is \\ud83d"), "surrogate"),
        ('{"\\ud83d": 1}', "surrogate"),
        ('{"principles": ' + "[" * 600 + "]" * 600 + "}", "imit"),
        ("[" * 100_000, "no JSON"),
        ("9" * 10_000, "no JSON"),
    ],
)
def test_a_reply_that_cannot_be_used_says_why_and_raises_nothing_else(
    text: str, reason: str
) -> None:
    found = fault(text, SCHEMA)
    assert found is not None
    assert reason in found
    assert len(found) <= MAX_ERROR_CHARS
    with pytest.raises(BadReply):
        checked(text, SCHEMA)


def test_a_reply_cut_at_the_limit_is_refused_even_when_it_reads_well() -> None:
    assert fault(GOOD, SCHEMA, "length") == "cut at the token limit"
    assert fault(GOOD, SCHEMA, "stop") is None
    assert fault(GOOD, SCHEMA, None) is None


def test_a_whole_number_written_as_a_float_is_an_integer() -> None:
    [found] = checked(GOOD.replace("[2]", "[2.0]"), SCHEMA)["principles"]
    assert found["sentences"] == [2]
    assert "abc"[found["sentences"][0]] == "c"


def test_a_fence_full_of_blanks_is_read_in_passing() -> None:
    """A pattern that also matches blanks around the fenced text takes hours for this one."""
    assert fault("```json" + " \n" * 50_000 + "x", SCHEMA) == "no JSON in the reply"


def test_where_words_are_asked_for_any_will_do_but_none() -> None:
    assert checked("Take it off.", "") == "Take it off."
    assert checked("Take it", "", "length") == "Take it"  # whoever asked looks at its end
    with pytest.raises(BadReply, match="empty reply"):
        checked(" \n", "")
    assert fault("no JSON at all", "") is None


@given(JSON)
def test_whatever_json_was_written_is_read_back(value: object) -> None:
    assert reply_json(json.dumps(value)) == value


@given(st.text() | JSON.map(json.dumps))
def test_any_text_has_a_fault_or_the_right_shape(text: str) -> None:
    found = fault(text, SCHEMA)
    assert isinstance(found, str) or set(checked(text, SCHEMA)) == {"principles"}
