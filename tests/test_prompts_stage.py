"""Files of prompts → rows of `prompts`: what is taken of a talk, what is refused, the split."""

from __future__ import annotations

import gzip
import json
import re
from pathlib import Path
from typing import Any

import pytest

from gcai_ray.errors import InputError
from gcai_ray.rejects import marked
from gcai_ray.schemas import Prompt
from gcai_ray.sources.prompt_files import hh_turns, read_prompts
from gcai_ray.stages.prompts import PromptRules, canonical
from gcai_ray.table_sink import split_rejects
from gcai_ray.training_config import HhPrompts, MessagesPrompts, PromptSource, TabularPrompts

TALK = "\n\nHuman: Hello.\n\nAssistant: Hi.\n\nHuman: A list:\n\n1. one\n\n2. two\n\nAssistant:"
HH = {"chosen": f"{TALK} Yes.", "rejected": f"{TALK} No."}


def rules(**changes: Any) -> PromptRules:
    usual = {"take": "conversation", "seed": 0, "test_share": 0.2, "max_prompt_chars": 200}
    return PromptRules(source="s", source_file="f", **usual | changes)


def lines(path: Path, *records: Any) -> str:
    text = "\n".join(r if isinstance(r, str) else json.dumps(r) for r in records)
    path.write_bytes(gzip.compress(text.encode()) if path.suffix == ".gz" else text.encode())
    return str(path)


def read(source: PromptSource, **changes: Any) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    found = canonical(read_prompts(source, source.path), rules(**changes))
    rows, rejects = split_rejects(found)
    return rows.to_pylist(), rejects.to_pylist()


def messages(path: Path, *records: Any, **changes: Any) -> Any:
    return read(MessagesPrompts(name="m", format="messages", path=lines(path, *records)), **changes)


def user(*turns: str) -> dict[str, Any]:
    roles = ("user", "assistant")
    return {"messages": [{"role": roles[n % 2], "content": t} for n, t in enumerate(turns)]}


def test_a_transcript_gives_all_turns_up_to_the_last_of_a_person(tmp_path: Path) -> None:
    path = lines(tmp_path / "hh.jsonl.gz", HH)
    [row], _ = read(HhPrompts(name="hh", format="hh_rlhf", path=path))
    assert [turn["role"] for turn in row["messages"]] == ["user", "assistant", "user"]
    assert row["messages"][-1]["content"] == "A list:\n\n1. one\n\n2. two"
    [row], _ = read(HhPrompts(name="hh", format="hh_rlhf", path=path), take="first_turn")
    assert row["messages"] == [{"role": "user", "content": "Hello."}]


def test_a_line_of_a_turn_that_only_looks_like_a_name_stays_in_it() -> None:
    [turn] = hh_turns("Human: Note\n\nWarning: hot")
    assert turn["content"] == "Note\n\nWarning: hot"


def test_a_table_gives_one_turn_a_row(tmp_path: Path) -> None:
    path = tmp_path / "p.csv"
    path.write_text('q\nHow?\n"  "\n', encoding="utf-8")
    source = TabularPrompts(name="t", format="tabular", path=str(path), prompt="q")
    [row], [reject] = read(source)
    assert row["messages"] == [{"role": "user", "content": "How?"}]
    assert (reject["source_row"], reject["reason"]) == (2, "a turn (user) is empty")


def test_a_missing_column_is_named_with_those_there_are(tmp_path: Path) -> None:
    path = tmp_path / "p.csv"
    path.write_text("quest\nHow?\n", encoding="utf-8")
    source = TabularPrompts(name="t", format="tabular", path=str(path), prompt="question")
    with pytest.raises(InputError, match="quest"):
        read(source)


@pytest.mark.parametrize(
    ("record", "reason"),
    [
        ("{broken", "not valid JSON"),
        ({"messages": "Hello"}, "is not a list of objects"),
        ({"messages": [{"role": "user"}]}, "a message without `content`"),
        ({"messages": [{"role": "tool", "content": "x"}]}, "none of system, user, assistant"),
        ({"messages": [{"role": "assistant", "content": "Hi"}]}, "no turn of a person"),
        ({"messages": []}, "no turn of a person"),
        ({"messages": [{"role": "user", "content": " "}]}, r"a turn \(user\) is empty"),
        (user("a", "", "c"), r"a turn \(assistant\) is empty"),
        (user("x" * 201), r"longer than 200 characters \(prompts.max_prompt_chars\)"),
        (user("a\0b"), "NUL byte"),
        (
            {"messages": [{"role": "assistant", "content": "Hi"}, *user("Hello")["messages"]]},
            "begins",
        ),
    ],
)
def test_what_cannot_be_answered_is_rejected_with_its_row(
    tmp_path: Path, record: Any, reason: str
) -> None:
    rows, [reject] = messages(tmp_path / "m.jsonl", user("fine"), record)
    assert len(rows) == 1
    assert reject["source_row"] == 2
    assert re.search(reason, reject["reason"])


def test_turns_after_the_last_of_a_person_are_left_out_and_turns_in_a_row_joined(
    tmp_path: Path,
) -> None:
    talk = [("system", "Be kind."), ("user", "a"), ("user", "b"), ("assistant", "c")]
    record = {"messages": [{"role": role, "content": text} for role, text in talk]}
    [row], _ = messages(tmp_path / "m.jsonl", record)
    assert [(t["role"], t["content"]) for t in row["messages"]] == [
        ("system", "Be kind."),
        ("user", "a\n\nb"),
    ]


def test_conversations_that_begin_alike_are_on_one_side(tmp_path: Path) -> None:
    talks = [user(f"first {n}", "reply", f"then {m}") for n in range(60) for m in range(3)]
    rows, _ = messages(tmp_path / "m.jsonl", *talks)
    sides: dict[str, set[str]] = {}
    for row in rows:
        sides.setdefault(row["messages"][0]["content"], set()).add(row["split"])
    assert all(len(found) == 1 for found in sides.values())
    assert {side for found in sides.values() for side in found} == {"train", "test"}
    assert len({row["id"] for row in rows}) == len(rows)


def test_another_seed_holds_out_others(tmp_path: Path) -> None:
    talks = [user(f"first {n}") for n in range(50)]
    splits = [
        [row["split"] for row in messages(tmp_path / "m.jsonl", *talks, seed=seed)[0]]
        for seed in (0, 0, 1)
    ]
    assert splits[0] == splits[1] != splits[2]


def test_an_empty_batch_has_the_columns_of_the_table() -> None:
    assert canonical([], rules()).schema == marked(Prompt, [], []).schema
