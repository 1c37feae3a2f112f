"""The demo's whole road on one Ray: run, skip, kill, trace, check, show. The sample corpus stands
in for a user's files.
"""

from __future__ import annotations

import csv
import html
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from importlib.resources import files
from pathlib import Path

import pytest
from typer.testing import CliRunner

from gcai_ray.cli import app
from gcai_ray.config import load_config
from gcai_ray.pipeline import plan
from gcai_ray.runs import open_run
from gcai_ray.schemas import Constitution, Kind

DEMO = Path(__file__).parent.parent.parent / "jobs" / "demo.yaml"
GCAI = [sys.executable, "-m", "gcai_ray.cli"]
NAMES = [item.name for item in plan(load_config(str(DEMO)))]  # it tunes no model


def cli(*args: str) -> tuple[int, str]:
    result = CliRunner().invoke(app, list(args))
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result.exit_code, result.output


def constitution_bytes(root: Path) -> bytes:
    return open_run(str(root))["ratify"].document("constitution.json")


def source_cells(name: str, column: str) -> dict[int, str]:
    text = files("gcai_ray").joinpath("sample", name).read_text(encoding="utf-8")
    return {
        i: row[column]
        for i, row in enumerate(csv.DictReader(text.splitlines(keepends=True)), start=1)
    }


def test_the_demo_gives_a_constitution_of_both_kinds_with_evidence(demo: Path) -> None:
    constitution = Constitution.model_validate_json(constitution_bytes(demo))
    assert [p.kind for p in constitution.principles].count(Kind.CONTEXTUAL) == 5
    assert [p.kind for p in constitution.principles].count(Kind.GENERAL) == 5
    for principle in constitution.principles:
        people = {e.annotator_id for e in principle.evidence}
        assert len(people) == len(principle.evidence) >= 3
        assert principle.support.num_people >= 3


def test_the_constitution_that_ships_is_the_demos(demo: Path) -> None:
    shipped = files("gcai_ray").joinpath("sample", "constitution.json").read_bytes()
    wanted, found = (
        Constitution.model_validate_json(d) for d in (constitution_bytes(demo), shipped)
    )
    assert [p.text for p in found.principles] == [p.text for p in wanted.principles]
    assert [p.support for p in found.principles] == [p.support for p in wanted.principles]


def test_every_quote_stands_verbatim_in_the_row_it_names(demo: Path) -> None:
    cells = {
        "preferences.csv": source_cells("preferences.csv", "reason"),
        "statements.csv": source_cells("statements.csv", "statement"),
    }
    constitution = Constitution.model_validate_json(constitution_bytes(demo))
    for evidence in [e for p in constitution.principles for e in p.evidence]:
        for piece in evidence.quote.split(" […] "):
            assert piece in cells[evidence.source_file][evidence.source_row]


def test_trace_ends_at_verbatim_words(demo: Path) -> None:
    cells = {
        "preferences.csv": source_cells("preferences.csv", "reason"),
        "statements.csv": source_cells("statements.csv", "statement"),
    }
    for principle in Constitution.model_validate_json(constitution_bytes(demo)).principles:
        code, output = cli("trace", principle.id[:12], str(demo), "--json", "--rows", "100")
        assert code == 0, output
        found = json.loads(output)
        assert found["num_members"] == len(found["members"]) > 0
        for member in found["members"]:
            assert member["words"] == cells[member["source_file"]][member["source_row"]]
            assert all(piece in member["words"] for piece in member["quote"].split(" […] "))


def test_trace_reads_well_and_says_what_it_does_not_know(demo: Path) -> None:
    code, output = cli("trace", "0" * 32, str(demo))
    assert (code, "no principle with the id" in output) == (2, True)
    assert cli("trace", "", str(demo))[0] == 2
    key = Constitution.model_validate_json(constitution_bytes(demo)).principles[0].id
    code, output = cli("trace", key, str(demo))
    assert code == 0
    assert "sentence" in output
    assert max(map(len, output.splitlines())) <= 100


def test_running_again_skips_everything_and_changes_no_byte(demo: Path) -> None:
    before = {path: path.stat().st_mtime_ns for path in demo.rglob("*") if path.is_file()}
    code, output = cli("run", str(DEMO), "--set", f"root={demo}", "--json")
    assert code == 0
    facts = json.loads(output)
    assert [stage["stage"] for stage in facts["stages"]] == NAMES
    assert all(stage["skipped"] for stage in facts["stages"])
    assert {path: path.stat().st_mtime_ns for path in demo.rglob("*") if path.is_file()} == before


def test_another_setting_runs_what_depends_on_it_into_a_new_directory(demo: Path) -> None:
    before = constitution_bytes(demo)
    old = open_run(str(demo))["ratify"]
    code, output = cli(
        "run", str(DEMO), "--set", f"root={demo}", "--set", "ratify.num_general=3", "--json"
    )
    assert code == 0
    skipped = {stage["stage"]: stage["skipped"] for stage in json.loads(output)["stages"]}
    assert [name for name, kept in skipped.items() if not kept] == ["ratify", "evaluate", "report"]
    assert old.document("constitution.json") == before
    assert cli("run", str(DEMO), "--set", f"root={demo}")[0] == 0
    assert constitution_bytes(demo) == before


def test_check_finds_nothing_then_finds_the_damage(demo: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(demo, copy)
    code, output = cli("check", str(copy))
    assert (code, "0 problems" in output) == (0, True)
    part = next(copy.glob("extract/*/candidates-*.parquet"))
    part.write_bytes(part.read_bytes()[:-1] + b"x")
    code, output = cli("check", str(copy))
    assert code == 2
    assert part.name in output


@pytest.mark.parametrize(
    "table",
    [
        None,
        "preferences",
        "statements",
        "candidates",
        "embeddings",
        "principles",
        "members",
        "matches",
        "requests",
        "replies",
        "evaluation",
    ],
)
def test_show_reads_every_table(demo: Path, table: str | None) -> None:
    code, output = cli("show", str(demo), *([table] if table else []), "--rows", "2")
    assert code == 0, output
    assert len(output) > 100
    code, output = cli("show", str(demo), *([table] if table else []), "--rows", "2", "--json")
    assert json.loads(output)


def test_show_of_one_artifact_and_of_what_is_none(demo: Path, tmp_path: Path) -> None:
    artifact = open_run(str(demo))["distill"]
    assert "principles" in cli("show", artifact.url)[1]
    part = (
        artifact.url
        + "/"
        + next(p.name for p in artifact.manifest.parts if p.table == "principles")
    )
    assert "num_members" in cli("show", part)[1]
    code, output = cli("show", str(tmp_path))
    assert (code, "neither a run" in output) == (2, True)
    assert cli("show", str(demo), "nonsense")[0] == 2


def test_the_report_holds_the_constitution_and_calls_no_network(demo: Path) -> None:
    report = open_run(str(demo))["report"]
    page, text = report.document("report.html").decode(), report.document("report.md").decode()
    for principle in Constitution.model_validate_json(constitution_bytes(demo)).principles:
        assert principle.text in html.unescape(page)
        assert principle.text in text
    assert "http://" not in page.replace("http://www.w3.org/2000/svg", "")
    assert "src=" not in page


def test_no_annotator_id_of_the_source_is_kept(demo: Path) -> None:
    people = set(source_cells("preferences.csv", "annotator").values())
    for table, columns in (
        ("preferences", ["annotator_id", "source_id"]),
        ("statements", ["annotator_id", "source_id"]),
    ):
        found = open_run(str(demo))["ingest"].read(table, columns)
        assert not people & set(found["annotator_id"].to_pylist())


def killed_in(stage: str, root: Path, address: str) -> bool:
    """Start a run and SIGKILL it inside one stage; says whether that stage was still unfinished."""
    env = os.environ | {"RAY_ADDRESS": address}
    process = subprocess.Popen(
        [*GCAI, "run", str(DEMO), "--set", f"root={root}"],
        env=env,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    before = NAMES[NAMES.index(stage) - 1] if stage != NAMES[0] else None
    deadline = time.monotonic() + 120
    while (
        before and not list(root.glob(f"{before}/*/manifest.json")) and time.monotonic() < deadline
    ):
        time.sleep(0.005)
    time.sleep(8 if before is None else 0.02)
    process.send_signal(signal.SIGKILL)
    process.wait()
    return not list(root.glob(f"{stage}/*/manifest.json"))


@pytest.mark.slow
def test_killed_in_any_stage_and_run_again_gives_the_same_bytes(
    demo: Path, ray_address: str, tmp_path: Path
) -> None:
    interrupted = [stage for stage in NAMES[:-1] if killed_in(stage, tmp_path, ray_address)]
    assert {"extract", "embed", "distill", "vote"} <= set(interrupted)
    env = os.environ | {"RAY_ADDRESS": ray_address}
    subprocess.run(
        [*GCAI, "run", str(DEMO), "--set", f"root={tmp_path}"],
        env=env,
        check=True,
        capture_output=True,
    )
    assert constitution_bytes(tmp_path) == constitution_bytes(demo)
    assert cli("check", str(tmp_path))[0] == 0


@pytest.mark.slow
def test_another_number_of_cpus_gives_the_same_bytes(demo: Path, tmp_path: Path) -> None:
    env = {name: value for name, value in os.environ.items() if name != "RAY_ADDRESS"}
    command = [
        *GCAI,
        "ratify",
        str(DEMO),
        "--set",
        f"root={tmp_path}",
        "--set",
        "ray.num_cpus=1",
        "--set",
        "ray.object_store_memory_gb=0.3",
    ]
    subprocess.run(command, env=env, check=True, capture_output=True)
    assert constitution_bytes(tmp_path) == constitution_bytes(demo)
