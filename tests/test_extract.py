import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from asking_rows import asking, key, lookup_of, preference, reply, request, statement
from hypothesis import given
from hypothesis import strategies as st

from gcai_ray.asking.questions import ICAI, RULES
from gcai_ray.schemas import Candidate, Kind, Preference, Request, Statement, arrow_schema
from gcai_ray.stages.extract import answered, questions, quote, row_candidates
from gcai_ray.table_sink import split_rejects
from gcai_ray.wording import MAX_WORDS

WORDS = "It is clear. It is  short!\nI like it. Very kind."
ROW = preference(1, WORDS)


def said(*principles: tuple[str, list[int]]) -> str:
    found = [{"principle": text, "sentences": numbers} for text, numbers in principles]
    return json.dumps({"principles": found})


def texts(found: list[dict[str, Any]]) -> list[str]:
    return [row["text"] for row in found]


def test_a_principle_rests_on_the_words_it_cites() -> None:
    [found], rejects = row_candidates(ROW, Kind.CONTEXTUAL, said(("Is clear and short", [2, 1])))
    assert not rejects
    assert found["text"] == "Choose the response that is clear and short."
    assert found["sentence_numbers"] == [1, 2]
    assert found["quote"] == "It is clear. It is  short!"
    assert (found["kind"], found["split"], found["rule"]) == ("contextual", "train", "model")
    assert (found["row_id"], found["source_row"], found["annotator_id"]) == (key(1), 2, key("a"))
    assert Candidate.model_validate(found)


def test_a_principle_given_twice_is_one_with_the_sentences_of_both() -> None:
    reply_ = said(("is clear", [1]), ("Is clear.", [4, 1]), ("is kind", [4]))
    found, _ = row_candidates(ROW, Kind.CONTEXTUAL, reply_)
    assert [row["sentence_numbers"] for row in found] == [[1, 4], [4]]
    assert len({row["id"] for row in found}) == 2


def test_a_candidate_is_named_by_row_and_words() -> None:
    [one], _ = row_candidates(ROW, Kind.CONTEXTUAL, said(("is clear", [1])))
    [same], _ = row_candidates(ROW, Kind.CONTEXTUAL, said(("is clear", [2])))
    [other], _ = row_candidates(ROW | {"id": key(2)}, Kind.CONTEXTUAL, said(("is clear", [1])))
    assert one["id"] == same["id"] != other["id"]


@pytest.mark.parametrize(
    ("principle", "numbers", "reason"),
    [
        ("...", [1], "says nothing"),
        ("is clear", [5], "not among the 4"),
        ("is clear", [0], "not among the 4"),
        ("is clear", [], "without evidence"),
        ("is " + "very " * (MAX_WORDS - 1) + "clear", [1], f"longer than {MAX_WORDS} words"),
    ],
)
def test_what_cannot_stand_is_set_aside_and_the_rest_kept(
    principle: str, numbers: list[int], reason: str
) -> None:
    reply_ = said((principle, numbers), ("is kind", [4]))
    found, [reject] = row_candidates(ROW, Kind.CONTEXTUAL, reply_)
    assert texts(found) == ["Choose the response that is kind."]
    assert reason in reject["reason"]
    assert (reject["stage"], reject["value"], reject["source_row"]) == (
        "extract",
        principle[:300],
        2,
    )


def test_fifteen_words_are_not_too_many() -> None:
    words = "is " + "very " * (MAX_WORDS - 2) + "clear"
    found, rejects = row_candidates(ROW, Kind.CONTEXTUAL, said((words, [1])))
    assert len(found) == 1
    assert not rejects


def test_what_rules_word_is_left_as_it_is() -> None:
    proposed = {"principle": "The AI should be kind and " + "so " * 20, "sentences": [1]}
    reply_ = json.dumps({"principles": [proposed | {"rule": "duty"}]})
    [found], rejects = row_candidates(statement(1, "Be kind."), Kind.GENERAL, reply_)
    assert (found["text"], found["rule"], found["split"]) == (
        proposed["principle"],
        "duty",
        "train",
    )
    assert not rejects


def test_without_reasons_a_principle_quotes_nothing() -> None:
    reply_ = json.dumps({"principles": [{"principle": "is clear"}]})
    [found], _ = row_candidates(preference(1, None), Kind.CONTEXTUAL, reply_)
    assert (found["quote"], found["sentence_numbers"]) == ("", [])


@pytest.mark.parametrize(
    ("numbers", "words"),
    [
        ([1], "It is clear."),
        ([2, 3], "It is  short!\nI like it."),
        ([1, 3, 4], "It is clear. […] I like it. Very kind."),
        ([1, 2, 3, 4], WORDS),
        ([], ""),
    ],
)
def test_a_quote_is_verbatim_and_marks_its_gaps(numbers: list[int], words: str) -> None:
    assert quote(WORDS, ROW["sentences"], numbers) == words


@given(st.text(alphabet="aB. !?\n […]", min_size=1).filter(str.strip), st.data())
def test_every_piece_of_a_quote_stands_in_the_words(words: str, data: st.DataObject) -> None:
    sentences = statement(1, words)["sentences"]
    numbers = sorted(data.draw(st.sets(st.integers(1, len(sentences)), min_size=1)))
    pieces = [sentences[n - 1] for n in numbers]
    found = quote(words, sentences, numbers)
    assert found.startswith(words[pieces[0]["start"] : pieces[0]["end"]])
    assert found.endswith(words[pieces[-1]["start"] : pieces[-1]["end"]])
    if len(numbers) == len(sentences):
        assert found == words.strip()


def preferences(*rows: dict[str, Any]) -> pa.Table:
    return pa.Table.from_pylist(list(rows), schema=arrow_schema(Preference))


ROWS = preferences(
    preference(1),
    preference(2, None),
    preference(3, preferred="tie"),
    preference(4, preferred="b"),
    preference(5, split="test"),
)


def asked(table: pa.Table) -> list[tuple[str, str]]:
    found, rejects = split_rejects(table)
    assert rejects.num_rows == 0
    return [(row["source_id"], row["prompt"]) for row in found.to_pylist()]


def test_ties_and_choices_without_a_reason_are_not_asked_about() -> None:
    prompt = "extract_contextual"
    assert asked(questions(ROWS, Kind.CONTEXTUAL, asking())) == [
        (key(n), prompt) for n in (1, 4, 5)
    ]


def test_the_baseline_needs_no_reason_and_sees_none() -> None:
    found = questions(ROWS, Kind.CONTEXTUAL, asking(method=ICAI))
    assert asked(found) == [(key(n), "icai_extract") for n in (1, 2, 4, 5)]
    assert "clear" not in json.dumps(found["messages"].to_pylist()[0][1])


def test_rules_read_sentences_and_count_no_tokens() -> None:
    found = questions(ROWS, Kind.CONTEXTUAL, asking(method=RULES, context_tokens=1))
    assert asked(found)[0] == (key(1), "by_rule")
    assert json.loads(found["messages"][0].as_py()[0]["content"]) == {
        "kind": "contextual",
        "sentences": ["It is clear."],
    }
    assert found["num_prompt_tokens"].to_pylist() == [0, 0, 0]


def test_statements_are_all_asked_about() -> None:
    rows = pa.Table.from_pylist([statement(1, "Be kind.")], schema=arrow_schema(Statement))
    assert asked(questions(rows, Kind.GENERAL, asking())) == [(key(1), "extract_general")]


def test_a_question_is_named_by_all_that_decides_its_reply() -> None:
    rows = preferences(preference(1))

    def name(table: pa.Table = rows, **changes: Any) -> str:
        return questions(table, Kind.CONTEXTUAL, asking(**changes))["id"][0].as_py()

    assert name() == name(stage="other", context_tokens=8000)
    changes = ({"model": "b"}, {"temperature": 0.4}, {"top_p": 0.9}, {"seed": 1}, {"method": ICAI})
    names = {name(), name(preferences(preference(1, "It is dull.")))} | {name(**c) for c in changes}
    assert len(names) == 7
    # Another person with the same words about the same pair: the same question.
    twin = preferences(preference(1, person="b", source="other", source_row=9))
    assert name(twin) == name()


def test_what_does_not_fit_is_set_aside_and_the_others_asked() -> None:
    rows = preferences(preference(1), preference(2, "It is clear. " * 500), preference(3))
    found, rejects = split_rejects(questions(rows, Kind.CONTEXTUAL, asking(context_tokens=2500)))
    assert found["source_id"].to_pylist() == [key(1), key(3)]
    [reject] = rejects.to_pylist()
    assert (reject["field"], reject["source_row"]) == ("reason", 3)
    assert "2,500" in reject["reason"]
    assert found.num_rows == len(found.drop_null())


def test_batches_make_the_same_table_with_rejects_or_without() -> None:
    rows = preferences(preference(1), preference(2, "It is clear. " * 500), preference(3))
    narrow = asking(context_tokens=2500)
    parts = [questions(rows.slice(n, 1), Kind.CONTEXTUAL, narrow) for n in range(3)]
    whole = questions(rows, Kind.CONTEXTUAL, narrow)
    # Rejects of a batch come last.
    assert pa.concat_tables(parts).sort_by("source_id").equals(whole.sort_by("source_id"))
    empty = questions(rows.slice(0, 0), Kind.CONTEXTUAL, narrow)
    assert empty.schema == whole.schema
    assert set(arrow_schema(Request).names) <= set(empty.column_names)


def test_replies_become_candidates_and_what_is_unusable_a_reject(tmp_path: Path) -> None:
    lookup = lookup_of(
        tmp_path,
        [request(11, 1), request(14, 4), request(15, 5)],
        [
            reply(11, text=said(("is clear", [1]))),
            reply(14, 2, "no JSON in the reply", text="Sorry, " * 100),
            reply(15, text=said()),
        ],
    )
    found, rejects = split_rejects(answered(ROWS, Kind.CONTEXTUAL, lookup))
    assert found["text"].to_pylist() == ["Choose the response that is clear."]
    [reject] = rejects.to_pylist()
    assert (reject["source_row"], reject["reason"]) == (5, "no JSON in the reply")
    assert reject["value"].startswith("Sorry, Sorry")
    assert len(reject["value"]) == 301
