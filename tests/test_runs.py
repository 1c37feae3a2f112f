import json
from pathlib import Path

import pytest

from gcai_ray.artifact_writer import ArtifactWriter
from gcai_ray.errors import ArtifactError
from gcai_ray.runs import RUN_FILE, open_run, remember
from gcai_ray.storage import Storage

Places = dict[str, tuple[str, str]]
FIRST: Places = {name: (name, name[0] * 32) for name in ("ingest", "ratify", "report")}


def finish(root: Path, directory: tuple[str, str], *made_from: str) -> None:
    writer = ArtifactWriter(Storage(str(root)), directory)
    writer.write_rows("statements", [])
    inputs = {f"input{number}": key for number, key in enumerate(made_from)}
    writer.commit(inputs=inputs, config={}, seconds=0.0)


def finished_run(root: Path) -> None:
    finish(root, FIRST["ingest"])
    finish(root, FIRST["ratify"], FIRST["ingest"][1])
    finish(root, FIRST["report"], FIRST["ratify"][1], FIRST["ingest"][1])
    remember("run", Storage(str(root)), FIRST)


def noted(root: Path) -> dict[str, str]:
    return {name: artifact.manifest.fingerprint for name, artifact in open_run(str(root)).items()}


def test_a_run_that_fails_half_way_does_not_hide_what_was_made_from_the_same(
    tmp_path: Path,
) -> None:
    finished_run(tmp_path)
    with_ballots = FIRST | {"ratify": ("ratify", "0" * 32), "report": ("report", "1" * 32)}
    remember("run", Storage(str(tmp_path)), with_ballots)
    assert noted(tmp_path) == {name: key for name, (_, key) in FIRST.items()}
    finish(tmp_path, with_ballots["ratify"], FIRST["ingest"][1])
    remember("run", Storage(str(tmp_path)), with_ballots)
    assert noted(tmp_path) == {"ingest": FIRST["ingest"][1], "ratify": "0" * 32}


def test_what_was_made_from_other_data_is_not_shown_beside_them(tmp_path: Path) -> None:
    finished_run(tmp_path)
    other = {name: (name, "2" * 32) for name in FIRST}
    finish(tmp_path, other["ingest"])
    remember("run", Storage(str(tmp_path)), other)
    assert noted(tmp_path) == {"ingest": "2" * 32}


def test_a_damaged_note_is_written_anew(tmp_path: Path) -> None:
    finished_run(tmp_path)
    (tmp_path / RUN_FILE).write_text(json.dumps([]))
    with pytest.raises(ArtifactError, match="damaged"):
        open_run(str(tmp_path))
    remember("run", Storage(str(tmp_path)), FIRST)
    assert set(noted(tmp_path)) == set(FIRST)


def test_what_is_noted_already_is_not_written_again(tmp_path: Path) -> None:
    finished_run(tmp_path)
    before = (tmp_path / RUN_FILE).stat()
    remember("run", Storage(str(tmp_path)), FIRST)
    assert (tmp_path / RUN_FILE).stat().st_ino == before.st_ino
