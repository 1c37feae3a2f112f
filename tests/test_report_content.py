"""Artifacts → what the report says was set aside, written and asked."""

from __future__ import annotations

from pathlib import Path

import report_example_findings as findings

from gcai_ray.artifact_writer import ArtifactWriter
from gcai_ray.artifacts import Artifact
from gcai_ray.report_content import (
    FURTHER,
    REASONS_PER_STAGE,
    asked_of,
    conflicts_of,
    reject_counts,
    stage_facts,
)
from gcai_ray.schemas import Choice, Preference, Reject, Row, Split
from gcai_ray.storage import Storage

SPENT = {
    "num_questions": 3,
    "num_repeated_questions": 1,
    "num_attempts": 4,
    "num_prompt_tokens": 50,
    "num_cached_tokens": 20,
    "num_completion_tokens": 9,
    "num_unusable_replies": 1,
}


def reject(number: int, field: str, reason: str) -> Reject:
    return Reject(
        stage="extract",
        source="s",
        source_file="s.csv",
        source_row=number + 1,
        field=field,
        value="<b>",
        reason=reason,
    )


def artifact(folder: Path, rejects: list[Reject], counts: dict[str, int]) -> Artifact:
    writer = ArtifactWriter(Storage(str(folder)), ("extract", "0" * 32))
    writer.write_rows("rejects", rejects)
    writer.write_rows("candidates", [])
    writer.counts.update(counts)
    return writer.commit(inputs={}, config={}, seconds=0.0)


def test_replies_with_one_fault_are_one_reason(tmp_path: Path) -> None:
    faults = ['1: "yes" is not one of ["A","B"]', '2: "a \\"no\\"" is not one of ["A","B"]']
    rows = [reject(n, "reply", fault) for n, fault in enumerate(faults)]
    rows += [reject(2, "principle", f"is longer than {n} words") for n in (15, 16)]
    rows += [reject(3, "preferred", f'"{n}" is not mapped') for n in (1, 2)]
    found = reject_counts({"extract": artifact(tmp_path, rows, {})})
    assert {r.reason: r.count for r in found} == {
        "…: … is not one of […,…]": 2,
        "is longer than … words": 2,
        '"1" is not mapped': 1,
        '"2" is not mapped': 1,
    }
    assert next(r for r in found if r.reason.startswith("…")).example == rows[0]


def test_a_thousand_reasons_do_not_make_a_thousand_lines(tmp_path: Path) -> None:
    rows = [reject(n, "reply", f"refused: {'no ' * n}") for n in range(60)]
    found = reject_counts({"extract": artifact(tmp_path, rows, {})})
    assert len(found) == REASONS_PER_STAGE + 1
    assert found[-1].reason == FURTHER
    assert sum(r.count for r in found) == 60


def test_no_figure_of_a_stage_differs_between_a_run_and_its_resumption(tmp_path: Path) -> None:
    first = artifact(tmp_path / "a", [], SPENT | {"num_attempts_now": 4, "num_general": 2})
    resumed = artifact(tmp_path / "b", [], SPENT | {"num_attempts_now": 0, "num_general": 2})
    assert stage_facts("extract", first) == stage_facts("extract", resumed)
    assert stage_facts("extract", first).counts == {"num_candidates": 0, "num_general": 2}


def test_what_was_asked_stands_in_the_order_of_the_stages(tmp_path: Path) -> None:
    # The report's inputs come last stage first.
    inputs = {
        "vote": artifact(tmp_path / "a", [], SPENT),
        "embed": artifact(tmp_path / "b", [], {}),
        "extract": artifact(tmp_path / "c", [], SPENT | {"num_questions": 7}),
    }
    found = list(asked_of(inputs))
    assert [(asked.stage, asked.num_questions) for asked in found] == [("extract", 7), ("vote", 3)]
    assert found[0].num_cached_tokens == 20


def preference(number: int, prompt: str, answers: tuple[str, str]) -> Preference:
    return Preference(
        id=findings.identity(number),
        source="s",
        source_file="s.csv",
        source_row=number,
        source_id=None,
        annotator_id=findings.identity("person", number),
        annotator_known=True,
        groups=[],
        prompt=prompt,
        response_a=answers[0],
        response_b=answers[1],
        preferred=Choice.A,
        reason=None,
        sentences=[],
        split=Split.TRAIN,
    )


def tables(folder: Path, **rows: list[Row]) -> Artifact:
    writer = ArtifactWriter(Storage(str(folder)), ("some", "0" * 32))
    for name, own in rows.items():
        writer.write_rows(name, own)
    return writer.commit(inputs={}, config={}, seconds=0.0)


def test_a_contradiction_shows_three_pairs_each_with_all_its_rows(tmp_path: Path) -> None:
    asked = [
        preference(1, "one", ("x", "y")),
        preference(2, "one", ("y", "x")),  # the same pair, in the other order
        preference(3, "one", ("x", "z")),  # the same prompt, another pair
        preference(4, "two", ("x", "y")),
        preference(5, "three", ("x", "y")),
        preference(6, "not cited", ("x", "y")),
    ]
    found = findings.contradiction([findings.identity(n) for n in "ab"], (0, 1), "reasons")
    cited = found.model_copy(update={"row_ids": [row.id for row in asked[:5]]})
    inputs = {
        "ingest": tables(tmp_path / "a", preferences=asked),
        "evaluate": tables(tmp_path / "b", contradictions=[cited]),
    }
    (conflict,) = conflicts_of(inputs)
    assert conflict.found == cited
    shown = [(pair.prompt, [place.source_row for place in pair.places]) for pair in conflict.pairs]
    assert shown == [("one", [1, 2]), ("one", [3]), ("two", [4])]


def test_an_evaluation_without_contradictions_has_none(tmp_path: Path) -> None:
    inputs = {
        "ingest": tables(tmp_path / "a", preferences=[]),
        "evaluate": tables(tmp_path / "b", evaluation=[]),
    }
    assert list(conflicts_of(inputs)) == []
