import itertools
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from asking_rows import asking, key, lookup_of, preference, reply, request

from gcai_ray.cells import known_cells, no_cells
from gcai_ray.schemas import Preference, Split, Vote, VoteOutcome, arrow_schema
from gcai_ray.stages.vote import (
    Motion,
    answered,
    count_outcomes,
    outcome,
    pair_votes,
    questions,
    votable,
)
from gcai_ray.table_sink import split_rejects

TEXTS = ("is clear", "is short", "is kind")
MOTION = Motion(
    principle_ids=tuple(map(key, "abc")),
    texts=tuple(f"Choose the response that {text}." for text in TEXTS),
    per_question=2,
    row_ids=frozenset(map(key, (1, 5))),
    known=no_cells(),
)
ANSWERS = (None, "a", "b", "both", "neither")
# Rows: response_a shown first; columns: response_b shown first; both as in ANSWERS. A chosen.
TABLE = """
invalid invalid invalid invalid invalid
invalid for     abstain abstain abstain
invalid abstain against abstain abstain
invalid abstain abstain both    abstain
invalid abstain abstain abstain neither
"""


def test_every_pair_of_answers_has_its_outcome() -> None:
    cells = itertools.product(ANSWERS, ANSWERS)
    for (one, other), wanted in zip(cells, TABLE.split(), strict=True):
        assert outcome(one, other, "a") == wanted
        swapped = {"for": "against", "against": "for"}.get(wanted, wanted)
        assert outcome(one, other, "b") == swapped


def replies(*texts: str | None) -> dict[int, dict[str, Any]]:
    """By part, as they come: orders after each other, in each its chunks of principles."""
    return {
        part: {"part": part, "text": text or "no", "parsed": text is not None, "error": "no JSON"}
        for part, text in enumerate(texts)
        if text != "missing"
    }


def outcomes(row: dict[str, Any], *texts: str | None) -> list[str]:
    found = pair_votes(row, MOTION, replies(*texts))
    assert [vote["principle_id"] for vote in found] == list(MOTION.principle_ids)
    return [vote["outcome"] for vote in found]


def test_labels_follow_the_order_and_numbers_the_chunk() -> None:
    said = ('{"1": "A", "2": "B"}', '{"1": "A"}', '{"1": "B", "2": "A"}', '{"1": "A"}')
    assert outcomes(preference(1), *said) == ["for", "against", "abstain"]
    assert outcomes(preference(1, preferred="b"), *said) == ["against", "for", "abstain"]
    [first, _, third] = pair_votes(preference(1), MOTION, replies(*said))
    assert (first["a_first"], first["b_first"]) == ("a", "a")
    assert (third["a_first"], third["b_first"]) == ("a", "b")
    assert Vote.model_validate(first)


@pytest.mark.parametrize("lost", [None, "missing"])
def test_without_a_usable_reply_only_its_own_principles_are_invalid(lost: str | None) -> None:
    both = ('{"1": "both", "2": "neither"}', '{"1": "both"}')
    assert outcomes(preference(1), *both, lost, both[1]) == ["invalid", "invalid", "both"]
    assert outcomes(preference(1), both[0], lost, *both) == ["both", "neither", "invalid"]
    [vote, *_] = pair_votes(preference(1), MOTION, replies(*both, lost, both[1]))
    assert (vote["a_first"], vote["b_first"]) == ("both", None)


def preferences(*rows: dict[str, Any]) -> pa.Table:
    return pa.Table.from_pylist(list(rows), schema=arrow_schema(Preference))


ROWS = preferences(
    preference(1),
    preference(2, preferred="tie"),
    preference(3, split="test"),
    preference(4, None),
    preference(5, preferred="b"),
)


def voted_on(motion: Motion, rows: pa.Table = ROWS) -> list[tuple[str, int]]:
    found, rejects = split_rejects(questions(rows, motion, asking(stage="vote")))
    assert rejects.num_rows == 0
    return [(row["source_id"], row["part"]) for row in found.to_pylist()]


def test_only_pairs_of_one_half_that_somebody_chose_from_can_be_voted_on() -> None:
    def ids(split: Split, needs_reason: bool) -> list[str]:
        return votable(ROWS, split, needs_reason)["id"].to_pylist()

    assert ids(Split.TRAIN, True) == [key(1), key(5)]
    assert ids(Split.TRAIN, False) == [key(1), key(4), key(5)]
    assert ids(Split.TEST, False) == [key(3)]


def test_only_the_drawn_pairs_are_asked_about_and_counted(tmp_path: Path) -> None:
    assert voted_on(MOTION) == [(key(n), part) for n in (1, 5) for part in range(4)]
    asked = [request(10 * n + part, n, part) for n in range(1, 6) for part in range(4)]
    yes = json.dumps({"1": "A", "2": "A"})
    lookup = lookup_of(tmp_path, asked, [reply(int(row["id"], 16), text=yes) for row in asked])
    found, _ = split_rejects(answered(ROWS, MOTION, lookup))
    assert set(found["row_id"].to_pylist()) == {key(1), key(5)}


def principles_shown(message: str) -> list[str]:
    return [text for text in TEXTS if text in message]


def test_a_pair_is_shown_in_both_orders_with_all_principles_and_one_prefix() -> None:
    found, _ = split_rejects(questions(ROWS.slice(0, 1), MOTION, asking(stage="vote")))
    messages = [row[1]["content"] for row in found["messages"].to_pylist()]
    assert [principles_shown(m) for m in messages] == [list(TEXTS[:2]), [TEXTS[2]]] * 2
    first = [message.index("first answer") < message.index("second answer") for message in messages]
    assert first == [True, True, False, False]
    heads = [message[: message.index("<principles")] for message in messages]
    assert heads[0] == heads[1] != heads[2] == heads[3]
    assert json.loads(found["reply_schema"][1].as_py())["required"] == ["1"]


@pytest.mark.parametrize(("num", "sizes"), [(0, []), (1, [1]), (2, [2]), (3, [2, 1]), (4, [2, 2])])
def test_chunks_hold_every_principle_once_in_each_order(num: int, sizes: list[int]) -> None:
    chunks = list(replace(MOTION, principle_ids=tuple(map(key, range(num)))).chunks(key(1)))
    assert [len(chunk) for _, _, chunk in chunks] == sizes * 2
    assert [part for part, _, _ in chunks] == list(range(len(sizes) * 2))
    for order in (0, 1):
        places = [place for _, of, chunk in chunks if of == order for place in chunk]
        assert places == list(range(num))


def earlier(*votes: tuple[str, int, str | None, str | None]) -> pa.Table:
    names = ("principle_id", "row_id", "a_first", "b_first")
    rows = [(key(who), key(row), one, other) for who, row, one, other in votes]
    return pa.table(
        {
            name: pa.array(col, pa.string())
            for name, col in zip(names, zip(*rows, strict=True), strict=True)
        }
    )


def test_a_cell_voted_on_before_is_not_asked_about_again_and_its_answer_stands(
    tmp_path: Path,
) -> None:
    before = earlier(
        ("a", 1, "a", "a"), ("b", 1, "neither", None), ("x", 1, "a", "a"), ("c", 9, "b", "b")
    )
    known = known_cells([before], [key(1), key(5)], MOTION.principle_ids)
    assert known.num_known == 3
    motion = replace(MOTION, known=known)
    assert [chunk for _, _, chunk in motion.chunks(key(1))] == [[2], [1, 2]]
    assert len(list(motion.chunks(key(5)))) == 4
    asked = [request(10 + part, 1, part) for part in range(2)]
    said = [reply(10, text='{"1": "B"}'), reply(11, text='{"1": "neither", "2": "A"}')]
    found, _ = split_rejects(answered(ROWS, motion, lookup_of(tmp_path, asked, said)))
    told = [(v["a_first"], v["b_first"], v["outcome"]) for v in found.to_pylist()]
    assert told == [("a", "a", "for"), ("neither", "neither", "neither"), ("b", "b", "against")]


def test_a_pair_all_of_whose_cells_are_known_has_votes_without_a_question(tmp_path: Path) -> None:
    before = earlier(*((name, 1, "b", "b") for name in "abc"))
    known = known_cells([before], [key(1)], MOTION.principle_ids)
    motion = replace(MOTION, known=known, row_ids=frozenset([key(1)]))
    assert voted_on(motion) == []
    asked, said = [request(10, 5, 0)], [reply(10, text="{}")]
    found, _ = split_rejects(answered(ROWS, motion, lookup_of(tmp_path, asked, said)))
    assert found["outcome"].to_pylist() == ["against"] * 3


def test_of_two_earlier_answers_the_last_counts() -> None:
    tables = [earlier(("a", 1, "a", "b")), earlier(("a", 1, "b", None))]
    known = known_cells(tables, [key(1)], [key("a")])
    assert [known.of(key(1), order, 1) for order in (0, 1)] == [["b"], ["b"]]
    assert known.of(key(2), 0, 1) == [None]


def test_a_pair_that_does_not_fit_is_set_aside_whole() -> None:
    rows = preferences(preference(1, prompt="word " * 3000), preference(2))
    narrow = asking(stage="vote", context_tokens=2500)
    motion = replace(MOTION, row_ids=frozenset(map(key, (1, 2))))
    found, rejects = split_rejects(questions(rows, motion, narrow))
    assert set(found["source_id"].to_pylist()) == {key(2)}
    assert rejects["source_row"].to_pylist() == [2]


def test_unusable_replies_become_rejects_and_pairs_not_asked_no_votes(tmp_path: Path) -> None:
    asked = [request(10 + part, 1, part) for part in range(4)]
    said = [
        reply(10, text='{"1": "A", "2": "A"}'),
        reply(11, 3, "empty reply", text=""),
        reply(12, text='{"1": "B", "2": "A"}'),
        reply(13, text='{"1": "A"}'),
    ]
    found, rejects = split_rejects(answered(ROWS, MOTION, lookup_of(tmp_path, asked, said)))
    assert found["row_id"].to_pylist() == [key(1)] * 3
    assert found["outcome"].to_pylist() == ["for", "abstain", "invalid"]
    assert rejects["reason"].to_pylist() == ["empty reply"]
    counts = count_outcomes(found)
    assert {name: n for name, n in counts.items() if n} == {
        "num_for": 1,
        "num_abstain": 1,
        "num_invalid": 1,
        "num_flips_to_first": 1,
    }
    assert set(count_outcomes(found.slice(0, 0)).values()) == {0}
    assert {f"num_{name}" for name in VoteOutcome} <= set(counts)


def test_flips_are_told_apart_by_the_place_the_answer_named() -> None:
    table = pa.table(
        {"outcome": ["abstain"] * 3, "a_first": ["a", "b", "b"], "b_first": ["b", "a", "both"]}
    )
    counts = count_outcomes(table)
    assert (counts["num_flips_to_first"], counts["num_flips_to_second"]) == (1, 1)


def test_two_people_on_one_pair_ask_one_question() -> None:
    one, other = (
        questions(preferences(preference(n, prompt="same", preferred=p)), MOTION, asking())
        for n, p in ((1, "a"), (5, "b"))
    )
    assert one["id"].to_pylist() == other["id"].to_pylist()
