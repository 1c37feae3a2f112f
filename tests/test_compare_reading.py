"""Whoever wrote a constitution and in whatever file, the same principles are read from it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import constitution_example as example
import pytest
from compare_example import ICAI_PRINCIPLES, annotated_pairs, write_icai_result

from gcai_ray.comparison.reading import MAX_PRINCIPLES, read_constitution
from gcai_ray.comparison.text import core, lines_of, without_marks
from gcai_ray.errors import ArtifactError, GcaiError, InputError
from gcai_ray.schemas import Kind

PAIR = ("Be kind.", "Be brief.")


def written(folder: Path, name: str, content: Any) -> str:
    path = folder / name
    text = content if isinstance(content, str) else json.dumps(content)
    path.write_text(text, encoding="utf-8")
    return str(path)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("plain.txt", "# a comment\n\nBe kind.\n  - Be brief.\n"),
        ("numbered.md", "1. Be kind.\n2) Be brief.\n"),
        ("marked.txt", "\ufeff• Be kind.\r\n(2) Be brief.\r\n"),
        ("strings.json", list(PAIR)),
        ("objects.json", [{"id": 7, "text": PAIR[0]}, {"principle": PAIR[1]}]),
        ("nested.json", {"name": "x", "principles": list(PAIR)}),
        ("mapping.json", {"0": PAIR[0], "1": PAIR[1]}),
        ("revisions.json", {"a": {"prompt": ["?"], "edit_request": PAIR[0]}, "b": PAIR[1]}),
        ("json_without_its_name", list(PAIR)),
        ("text_in.json", "1. Be kind.\n2. Be brief."),
    ],
)
def test_a_list_is_read_from_text_and_from_json(tmp_path: Path, name: str, content: Any) -> None:
    text = json.dumps(content) if name.endswith(".json") else content
    listed = read_constitution(written(tmp_path, name, text))
    assert listed.texts == PAIR
    assert listed.kinds == (None, None)
    assert listed.name == name


def test_a_number_that_begins_a_sentence_is_no_bullet() -> None:
    assert lines_of("3 sources are enough.\n2024. was a year") == [
        "3 sources are enough.",
        "2024. was a year",
    ]


def test_a_wording_said_twice_counts_once_and_is_told(tmp_path: Path) -> None:
    listed = read_constitution(written(tmp_path, "list.txt", "Be kind.\nBe brief.\n* Be  kind.\n"))
    assert listed.texts == PAIR
    assert listed.num_repeats == 1


def test_our_constitution_keeps_its_kinds(tmp_path: Path) -> None:
    built = example.constitution()
    alone = read_constitution(written(tmp_path, "c.json", built.model_dump_json()))
    example.ratified_run(tmp_path / "run", built)
    run = read_constitution(str(tmp_path / "run"))
    assert alone.texts == run.texts == (*example.TEXTS, *example.GENERAL)
    assert alone.kinds == run.kinds == (*[Kind.CONTEXTUAL] * 3, *[Kind.GENERAL] * 2)
    assert (alone.name, alone.origin) == ("Constitution: example", "constitution of a run")
    assert run.origin == "run"


@pytest.mark.parametrize("inner", ["", "results", "results/060_constitution.json"])
def test_a_result_of_icai_is_read(tmp_path: Path, inner: str) -> None:
    folder = write_icai_result(tmp_path / "out")
    assert read_constitution(str(folder / inner)).texts == ICAI_PRINCIPLES


def test_annotated_pairs_give_the_principles_that_were_tested(tmp_path: Path) -> None:
    results = write_icai_result(tmp_path / "out") / "results"
    listed = read_constitution(str(results / "070_annotations_train_ap.json"))
    assert listed.texts == ICAI_PRINCIPLES
    assert "tested" in listed.origin


def _unread() -> dict[str, Any]:
    people_only = annotated_pairs()
    people_only["annotators"] = {"x": {"type": "human", "description": "A person"}}
    return {
        "empty.txt": "# only a comment\n",
        "empty.json": [],
        "cut.json": '["Be kind.", "Be',
        "number.json": "7",
        "fields.json": [{"weight": 3}],
        "lists.json": [["Be kind."]],
        "other_version.json": {"match_threshold": {}, "principles": []},
        "pairs.json": people_only,
        "long.txt": "\n".join(f"Be {n}." for n in range(MAX_PRINCIPLES + 1)),
    }


@pytest.mark.parametrize("name", _unread())
def test_what_is_no_list_is_refused_by_name(tmp_path: Path, name: str) -> None:
    path = written(tmp_path, name, _unread()[name])
    with pytest.raises(GcaiError, match=name):
        read_constitution(path)


def test_a_path_without_a_constitution_says_what_to_give(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such file"):
        read_constitution(str(tmp_path / "nothing"))
    with pytest.raises(InputError, match=r"run\.json.*060_constitution"):
        read_constitution(str(tmp_path))
    (tmp_path / "latin.txt").write_bytes("Sei höflich.".encode("latin-1"))
    with pytest.raises(InputError, match="byte 5 is not UTF-8"):
        read_constitution(str(tmp_path / "latin.txt"))
    (tmp_path / "half").mkdir()
    (tmp_path / "half" / "run.json").write_text('{"stages": {}}')
    with pytest.raises(ArtifactError, match="no constitution yet"):
        read_constitution(str(tmp_path / "half"))


@pytest.mark.parametrize(
    ("name", "first"),
    [
        ("CritiqueRevisionInstructions.json", "Please rewrite the assistant response to remove"),
        ("RLMadisonInstructions.json", "Please choose the assistant response that is as harmless"),
        ("llm_swarm_anthropic.json", "Please rewrite the response to make it more age-appro"),
    ],
)
def test_the_published_lists_have_sixteen_principles(
    shared_data: Path, name: str, first: str
) -> None:
    listed = read_constitution(str(shared_data / "constitutions" / name))
    assert len(listed.texts) == 16
    assert listed.texts[0].startswith(first)
    assert not any(mark in text for text in listed.texts for mark in ("Request:", "Options:"))


@pytest.mark.parametrize(
    ("text", "asked"),
    [
        ("Choose the response that is short.", "short"),
        ("Select the response that is polite in tone", "polite in tone"),
        (
            "Please choose the assistant response that's more ethical and moral.",
            "ethical and moral",
        ),
        ("Revise the assistant's last response to remove insults.", "remove insults"),
        ("The AI should never lie.", "never lie"),
        ("The assistant must not lie", "not lie"),
        ("Be kind.", "Be kind"),
        ("Choose the response that is not rude.", "not rude"),
    ],
)
def test_the_frame_that_principles_share_is_not_what_they_ask_for(text: str, asked: str) -> None:
    assert core(text) == asked


@pytest.mark.parametrize("text", ["Choose the response that ", "The AI should be", "...", "x" * 9])
def test_something_is_always_left(text: str) -> None:
    assert core(text)


def test_code_points_that_steer_a_terminal_or_a_line_are_dropped() -> None:
    assert without_marks("Be \u202ekind\u202c \x1b[31mnow\ud800") == "Be kind [31mnow"
    assert without_marks("क्\u200dष") == "क्\u200dष"
