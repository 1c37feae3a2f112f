"""What `gcai clean` finds and deletes, and above all what it never deletes."""

from __future__ import annotations

import ast
import json
import os
import shlex
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from places import ROOT
from reject_example import ROW
from typer.testing import CliRunner

from gcai_ray.artifact_writer import ArtifactWriter
from gcai_ray.artifacts import Artifact, check_artifact, open_artifact
from gcai_ray.clean import Findings, Removed, find_leftovers, remove_leftovers
from gcai_ray.clean_text import size_text
from gcai_ray.cli import app
from gcai_ray.errors import ArtifactError
from gcai_ray.leftovers import DOCUMENTS, attempt_of
from gcai_ray.pipeline import NAMES
from gcai_ray.progress.schema import Progress, RunState, StageProgress, StageState
from gcai_ray.storage import Storage
from gcai_ray.stored_files import remove

KEY, OTHER_KEY = "0123456789abcdef" * 2, "f" * 32
HEX = "ab" * 16  # what ends a side file's name


def started(root: Path, stage: str = "ingest", key: str = KEY) -> ArtifactWriter:
    """An attempt that has written two parts and holds a document, if its stage writes one."""
    writer = ArtifactWriter(Storage(str(root)), (stage, key))
    writer.write_rows("rejects", [ROW, ROW])
    writer.write_rows("rejects", [ROW])
    for name in DOCUMENTS.get(stage, ()):
        writer.write_document(name, b"{}")
    return writer


def committed(root: Path, stage: str = "ingest", key: str = KEY) -> Artifact:
    return started(root, stage, key).commit(inputs={}, config={}, seconds=1.0)


def put(root: Path, *names: str) -> Path:
    path = root.joinpath(*names)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"x")
    return path


def aged(root: Path, hours: float) -> None:
    """As if everything below had been written so long ago."""
    for path in root.rglob("*"):
        date_back(path, hours)


def date_back(path: Path, hours: float) -> None:
    then = time.time() - 3600 * hours
    os.utime(path, (then, then), follow_symlinks=False)


def files(root: Path) -> set[str]:
    return {str(path.relative_to(root)) for path in root.rglob("*") if not path.is_dir()}


def swept(root: Path, older_than_h: float = 1.0) -> tuple[Findings, Removed]:
    findings = find_leftovers(Storage(str(root)), older_than_h)
    return findings, remove_leftovers(Storage(str(root)), findings)


def found(root: Path) -> set[str]:
    findings = find_leftovers(Storage(str(root)))
    return {"/".join(file.names) for one in findings.leftovers for file in one.files}


@pytest.mark.parametrize("stage", NAMES)
def test_a_killed_attempt_is_found_and_nothing_is_deleted_before_it_is_asked(
    tmp_path: Path, stage: str
) -> None:
    started(tmp_path, stage)
    aged(tmp_path, 3)
    before = files(tmp_path)
    assert found(tmp_path) == before == files(tmp_path)
    size = sum((tmp_path / name).stat().st_size for name in before)
    _, removed = swept(tmp_path)
    assert removed == Removed(len(before), size, 0)
    assert files(tmp_path) == set()


@pytest.mark.parametrize("stage", NAMES)
def test_a_finished_artifact_stays_whole_beside_attempts_that_lost(
    tmp_path: Path, stage: str
) -> None:
    artifact = committed(tmp_path, stage)
    before = files(tmp_path)
    killed, second = started(tmp_path, stage), started(tmp_path, stage)
    aged(tmp_path, 3)
    findings, _ = swept(tmp_path)
    assert {one.attempt for one in findings.leftovers} == {killed.attempt, second.attempt}
    assert files(tmp_path) == before
    assert check_artifact(artifact) == []


def test_parts_replaced_before_the_commit_go(tmp_path: Path) -> None:
    writer = started(tmp_path)
    [replaced] = [part for part in writer.parts if part.num_rows == 1]
    writer.parts.remove(replaced)
    artifact = writer.commit(inputs={}, config={}, seconds=1.0)
    aged(tmp_path, 3)
    assert found(tmp_path) == {f"ingest/{KEY}/{replaced.name}"}
    swept(tmp_path)
    assert check_artifact(artifact) == []


def test_an_attempt_is_as_old_as_its_newest_file(tmp_path: Path) -> None:
    started(tmp_path)
    aged(tmp_path, 30)
    at_work = started(tmp_path)
    date_back(tmp_path / "ingest" / KEY / at_work.parts[0].name, 30)
    findings, _ = swept(tmp_path)
    assert [one.attempt for one in findings.kept] == [at_work.attempt]
    assert {Path(name).name for name in files(tmp_path)} == {part.name for part in at_work.parts}


def test_a_document_may_be_of_any_attempt_and_stays_with_the_newest(tmp_path: Path) -> None:
    started(tmp_path, "vote")
    put(tmp_path, "vote", KEY, "thresholds.json")  # killed just before its manifest
    aged(tmp_path, 30)
    writer = ArtifactWriter(Storage(str(tmp_path)), ("vote", KEY))
    writer.write_rows("rejects", [ROW])
    swept(tmp_path)
    assert files(tmp_path) == {
        f"vote/{KEY}/thresholds.json",
        f"vote/{KEY}/{writer.parts[0].name}",
    }


def test_how_old_is_old_enough_is_for_the_user_to_say(tmp_path: Path) -> None:
    started(tmp_path)
    aged(tmp_path, 3)
    assert swept(tmp_path, older_than_h=4)[1].num_files == 0
    assert swept(tmp_path, older_than_h=2)[1].num_files == 2
    started(tmp_path)
    aged(tmp_path, -1)  # by a clock ahead of ours
    assert swept(tmp_path)[1].num_files == 0
    assert swept(tmp_path, older_than_h=0)[1].num_files == 2


def test_a_stage_that_still_gets_replies_is_at_work(tmp_path: Path) -> None:
    started(tmp_path, "extract")
    started(tmp_path, "vote")
    aged(tmp_path, 3)
    put(tmp_path, "replies", "extract", f"replies-{HEX}.parquet")
    findings, _ = swept(tmp_path)
    assert {one.directory[0] for one in findings.kept} == {"extract"}
    assert {one.directory[0] for one in findings.leftovers} == {"vote"}


DAMAGES = {
    "half": lambda text: text[: len(text) // 2],
    "no bytes": lambda text: "",
    "no manifest": lambda text: "[]",
    "another version": lambda text: json.dumps(json.loads(text) | {"schema_version": 99}),
    "another place's": lambda text: json.dumps(json.loads(text) | {"fingerprint": OTHER_KEY}),
    "another stage's": lambda text: json.dumps(json.loads(text) | {"artifact": "vote"}),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_nothing_is_touched_where_the_manifest_cannot_be_used(tmp_path: Path, damage: str) -> None:
    committed(tmp_path)
    started(tmp_path)
    manifest = tmp_path / "ingest" / KEY / "manifest.json"
    manifest.write_text(DAMAGES[damage](manifest.read_text()))
    put(tmp_path, "ingest", KEY, f".manifest.json.{HEX}")
    started(tmp_path, key=OTHER_KEY)
    aged(tmp_path, 3)
    inside = {name for name in files(tmp_path) if KEY in name}
    findings, _ = swept(tmp_path)
    assert [one.directory for one in findings.untouched] == [("ingest", KEY)]
    assert findings.untouched[0].why
    assert files(tmp_path) == inside


def test_nothing_is_touched_where_the_manifest_is_a_link(tmp_path: Path) -> None:
    writer = started(tmp_path)
    link = tmp_path / "ingest" / KEY / "manifest.json"
    link.symlink_to(tmp_path / "gone.json")
    aged(tmp_path, 3)
    findings, removed = swept(tmp_path)
    assert removed.num_files == 0
    assert [one.directory for one in findings.untouched] == [("ingest", KEY)]
    assert len(files(tmp_path)) == len(writer.parts) + 1


FOREIGN = (
    ("notes.txt",),
    ("data", "mine.parquet"),
    ("ingest", "notes.md"),
    ("ingest", "2026", f"rejects-{HEX[:12]}-m00000.parquet"),
    ("ingest", KEY, "notes.md"),
    ("ingest", KEY, "report.html"),  # of another stage
    ("ingest", KEY, "preferences.parquet"),
    ("ingest", KEY, "old", f"rejects-{HEX[:12]}-m00000.parquet"),
    ("ingest", KEY, f".notes.md.{HEX}"),
    ("ingest", KEY[:31], f"rejects-{HEX[:12]}-m00000.parquet"),
    ("ingest", KEY.upper(), f"rejects-{HEX[:12]}-m00000.parquet"),
    (".notes.md." + HEX,),
)


@pytest.mark.parametrize("names", FOREIGN, ids="/".join)
@pytest.mark.parametrize("finished", [True, False])
def test_what_the_tool_did_not_write_stays_and_is_named(
    tmp_path: Path, names: tuple[str, ...], finished: bool
) -> None:
    committed(tmp_path) if finished else started(tmp_path)
    mine = put(tmp_path, *names)
    aged(tmp_path, 3)
    findings, _ = swept(tmp_path)
    assert mine.exists()
    assert any(
        "/".join(names) == path or "/".join(names).startswith(f"{path}/")
        for path in findings.unknown
    )


KNOWN = (
    ("run.json",),
    ("replies", "vote", f"replies-{HEX}.parquet"),
    ("replies", "vote", "mine.txt"),
    ("batch", f"extract-0001-{HEX}.jsonl"),
    ("batch", "notes.txt"),
    ("progress", "run.json"),
    ("export", "pairs.json"),
    ("ballot-01234567", "ballot.csv"),
)


def test_replies_batch_files_and_what_was_handed_on_stay(tmp_path: Path) -> None:
    for names in KNOWN:
        put(tmp_path, *names)
    aged(tmp_path, 300)
    findings, removed = swept(tmp_path, older_than_h=0)
    assert removed == Removed(0, 0, 0)
    assert files(tmp_path) == {"/".join(names) for names in KNOWN}
    assert findings.unknown == ()


SIDES = (
    (f".run.json.{HEX}",),
    ("replies", "vote", f".replies-{HEX}.parquet.{HEX}"),
    ("progress", f".one.json.{HEX}"),
    ("ingest", KEY, f".manifest.json.{HEX}"),
    ("ingest", KEY, f".rejects-{HEX[:12]}-m00000.parquet.{HEX}"),
    ("report", KEY, f".report.html.{HEX}"),
)


@pytest.mark.parametrize("names", SIDES, ids="/".join)
def test_a_write_that_was_broken_off_leaves_a_side_file_which_goes_when_old(
    tmp_path: Path, names: tuple[str, ...]
) -> None:
    artifact = committed(tmp_path)
    side = put(tmp_path, *names)
    findings, _ = swept(tmp_path)
    assert side.exists()
    assert len(findings.kept) == 1
    aged(tmp_path, 3)
    findings, removed = swept(tmp_path)
    assert removed.num_files == 1
    assert not side.exists()
    assert findings.unknown == ()
    assert check_artifact(artifact) == []


def test_a_link_is_never_followed_nor_deleted(tmp_path: Path) -> None:
    outside, root = tmp_path / "outside", tmp_path / "run"
    started(outside, "ingest")
    started(outside, "vote", OTHER_KEY)
    started(root, "embed")
    (root / "ingest").symlink_to(outside / "ingest")
    (root / "vote").mkdir()
    (root / "vote" / OTHER_KEY).symlink_to(outside / "vote" / OTHER_KEY)
    [part, *_] = (outside / "ingest" / KEY).iterdir()
    (root / "embed" / KEY / part.name).symlink_to(part)
    (root / "embed" / KEY / "down").symlink_to(outside / "ingest" / KEY)
    (root / "replies").symlink_to(outside / "ingest")
    aged(tmp_path, 3)
    before = files(outside)
    findings, _ = swept(root)
    assert files(outside) == before
    assert set(findings.unknown) == {
        "ingest",
        f"vote/{OTHER_KEY}",
        f"embed/{KEY}/{part.name}",
        f"embed/{KEY}/down",
    }
    assert (root / "embed" / KEY / part.name).is_symlink()
    assert len(list((root / "embed" / KEY).iterdir())) == 2


def test_a_directory_that_becomes_a_link_before_the_removal_is_not_followed(tmp_path: Path) -> None:
    root, outside = tmp_path / "run", tmp_path / "outside"
    started(root)
    aged(root, 3)
    findings = find_leftovers(Storage(str(root)))
    (root / "ingest").rename(outside)
    (root / "ingest").symlink_to(outside)
    remove_leftovers(Storage(str(root)), findings)
    assert not any(remove(Storage(str(root)), f) for one in findings.leftovers for f in one.files)
    assert len(files(outside)) == 2


def test_a_commit_between_the_listing_and_the_removal_keeps_its_parts(tmp_path: Path) -> None:
    storage = Storage(str(tmp_path))
    late = ArtifactWriter(storage, ("vote", KEY))
    late.write_rows("rejects", [ROW])
    late.write_document("thresholds.json", b"{}")
    killed = started(tmp_path, "vote")
    put(tmp_path, "vote", KEY, "thresholds.json")
    aged(tmp_path, 3)
    findings = find_leftovers(storage)
    artifact = late.commit(inputs={}, config={}, seconds=1.0)
    assert remove_leftovers(storage, findings).num_left == 2
    assert check_artifact(artifact) == []
    assert not [name for name in files(tmp_path) if killed.attempt in name]


def test_a_file_written_anew_after_the_listing_stays(tmp_path: Path) -> None:
    started(tmp_path)
    aged(tmp_path, 3)
    findings = find_leftovers(Storage(str(tmp_path)))
    for path in (tmp_path / "ingest" / KEY).iterdir():
        path.touch()
    assert remove_leftovers(Storage(str(tmp_path)), findings) == Removed(0, 0, 2)
    assert len(files(tmp_path)) == 2


def test_what_appears_after_the_listing_is_not_removed_unseen(tmp_path: Path) -> None:
    started(tmp_path)
    aged(tmp_path, 3)
    findings = find_leftovers(Storage(str(tmp_path)))
    unseen = started(tmp_path)
    for part in unseen.parts:
        date_back(tmp_path / "ingest" / KEY / part.name, 3)
    remove_leftovers(Storage(str(tmp_path)), findings)
    assert {Path(name).name for name in files(tmp_path)} == {part.name for part in unseen.parts}


def told(root: Path, seconds_ago: float, state: RunState, stage: StageState) -> None:
    """A progress file as a run writes it."""
    then = datetime.now(UTC) - timedelta(seconds=seconds_ago)
    progress = Progress(
        run="r",
        name="n",
        state=state,
        stages=(
            StageProgress(name="ingest", state=StageState.DONE),
            StageProgress(name="icai.extract", state=stage),
        ),
        started_at=then,
        updated_at=then,
        host="h",
        pid=1,
        version="0",
    )
    path = put(root, "progress", "r.json")
    path.write_text(progress.model_dump_json())
    date_back(path, seconds_ago / 3600)


def test_a_run_that_gives_signs_of_life_keeps_what_it_has_not_finished(tmp_path: Path) -> None:
    for stage in ("ingest", "extract"):
        started(tmp_path, stage)
    aged(tmp_path, 30)
    told(tmp_path, 500, RunState.RUNNING, StageState.RUNNING)
    findings, _ = swept(tmp_path, older_than_h=0)
    assert [one.directory[0] for one in findings.kept] == ["extract"]
    assert [one.directory[0] for one in findings.leftovers] == ["ingest"]


@pytest.mark.parametrize(
    ("seconds_ago", "state", "stage"),
    [
        (700, RunState.RUNNING, StageState.RUNNING),
        (60, RunState.FAILED, StageState.FAILED),
        (60, RunState.WAITING, StageState.WAITING),
        (60, RunState.RUNNING, StageState.DONE),
    ],
)
def test_a_run_that_is_dead_or_has_ended_keeps_nothing(
    tmp_path: Path, seconds_ago: float, state: RunState, stage: StageState
) -> None:
    started(tmp_path, "extract")
    aged(tmp_path, 3)
    told(tmp_path, seconds_ago, state, stage)
    findings, _ = swept(tmp_path)
    assert findings.kept == ()
    assert files(tmp_path) == {"progress/r.json"}


def test_a_sign_of_life_that_cannot_be_read_counts_for_all_stages(tmp_path: Path) -> None:
    started(tmp_path, "extract")
    aged(tmp_path, 3)
    path = put(tmp_path, "progress", "r.json")
    assert swept(tmp_path)[1].num_files == 0
    date_back(path, 700 / 3600)
    assert swept(tmp_path)[1].num_files == 2


def test_a_run_that_begins_between_the_listing_and_the_removal_is_seen(tmp_path: Path) -> None:
    started(tmp_path, "extract")
    aged(tmp_path, 3)
    findings = find_leftovers(Storage(str(tmp_path)))
    told(tmp_path, 1, RunState.RUNNING, StageState.RUNNING)
    assert remove_leftovers(Storage(str(tmp_path)), findings).num_files == 0


def documents_of_steps() -> Iterator[str]:
    """Names of documents that steps write, read off their code."""
    for path in sorted((ROOT / "gcai_ray").rglob("*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        constants = {
            ast.unparse(node.targets[0]): node.value
            for node in tree.body
            if isinstance(node, ast.Assign)
        }
        for call in ast.walk(tree):
            if isinstance(call, ast.Call) and ast.unparse(call.func).endswith(".write_document"):
                name = call.args[0]
                yield ast.literal_eval(constants.get(ast.unparse(name), name))


def test_every_document_that_a_step_writes_is_known() -> None:
    written = set(documents_of_steps())
    assert written == {name for names in DOCUMENTS.values() for name in names}


@pytest.mark.parametrize(
    ("name", "is_ours"),
    [
        ("adapter_model.safetensors", True),
        ("model-00001-of-00004.safetensors", True),
        (f".adapter_model.safetensors.{HEX}", True),
        ("tokenizer.json", True),
        ("pytorch_model.bin", False),
        ("notes.txt", False),
    ],
)
def test_files_of_a_tuned_model_are_known_and_no_other(name: str, is_ours: bool) -> None:
    assert (attempt_of("tune", name) == "") == is_ours
    assert attempt_of("ingest", name) is None


def test_every_part_name_tells_its_attempt() -> None:
    assert set(DOCUMENTS) <= set(NAMES)
    for name in (
        "preferences-25572849dc18-00000-00000.parquet",
        "preferences-25572849dc18-00000-00000-unique.parquet",
        "preferences-25572849dc18-00000-empty.parquet",
        "preferences-25572849dc18-00000-00000-joined.parquet",
        "replies-25572849dc18-m00000.parquet",
        "rejects-preferences-25572849dc18-00000-00000.parquet",
        "rejects-preferences-25572849dc18-00000-00000-unique.parquet",
        f".preferences-25572849dc18-00000-00000.parquet.{HEX}",
    ):
        assert attempt_of("ingest", name) == "25572849dc18"


def gcai(*arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(app, list(arguments))
    return result.exit_code, result.output


def test_the_command_lists_then_deletes_with_the_command_it_prints(tmp_path: Path) -> None:
    root = tmp_path / "a run"
    artifact = committed(root, "vote")
    started(root, "ingest")
    aged(root, 0.75)
    before = files(root)
    code, listing = gcai("clean", str(root), "--older-than", "0.5")
    assert code == 0
    assert files(root) == before
    printed = shlex.split(listing[listing.index("gcai clean") :])
    assert printed[0] == "gcai"
    assert gcai(*printed[1:])[0] == 0
    assert files(root) == {name for name in before if name.startswith("vote/")}
    assert check_artifact(artifact) == []
    assert gcai("clean", str(root))[0] == 0


def test_json_names_every_file(tmp_path: Path) -> None:
    started(tmp_path)
    aged(tmp_path, 3)
    names = files(tmp_path)
    listed = json.loads(gcai("clean", str(tmp_path), "--json")[1])
    assert {name for one in listed["leftovers"] for name in one["files"]} == names
    assert listed["removed"] is None
    removed = json.loads(gcai("clean", str(tmp_path), "--json", "--yes")[1])
    assert removed["removed"]["num_files"] == len(names)


@pytest.mark.parametrize("name", ["nothing", "a-file", "a-folder"])
def test_a_place_without_a_run_is_refused(tmp_path: Path, name: str) -> None:
    put(tmp_path, "a-file")
    put(tmp_path, "a-folder", "thesis.tex")
    with pytest.raises(ArtifactError, match="no run here"):
        find_leftovers(Storage(str(tmp_path / name)))
    code, output = gcai("clean", str(tmp_path / name), "--yes")
    assert code == 2
    assert len(output.strip().splitlines()) == 1


def test_hours_that_are_no_number_delete_nothing(tmp_path: Path) -> None:
    started(tmp_path)
    aged(tmp_path, 300)
    for hours in ("nan", "-1", "soon"):
        assert gcai("clean", str(tmp_path), "--yes", "--older-than", hours)[0] == 2
    assert gcai("clean", str(tmp_path), "--yes", "--older-than", "inf")[0] == 0
    assert len(files(tmp_path)) == 2


def test_a_relative_root_is_where_the_command_was_started(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    started(tmp_path / "runs")
    aged(tmp_path, 3)
    monkeypatch.chdir(tmp_path)
    assert gcai("clean", "runs/", "--yes")[0] == 0
    assert files(tmp_path) == set()
    assert open_artifact(Storage("runs"), ("ingest", KEY)) is None


def test_sizes_are_told_in_the_largest_unit_of_which_there_is_one() -> None:
    assert [size_text(size) for size in (0, 999, 1000, 1_500_000, 2.5e12)] == [
        "0 B",
        "999 B",
        "1 kB",
        "1.5 MB",
        "2.5 TB",
    ]


def test_a_name_cannot_steer_the_terminal(tmp_path: Path) -> None:
    started(tmp_path)
    put(tmp_path, "ingest", KEY, "\x07.txt")
    assert "\x07" not in gcai("clean", str(tmp_path))[1]
