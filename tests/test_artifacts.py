import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from reject_example import ROW

from gcai_ray.artifact_writer import ArtifactWriter
from gcai_ray.artifacts import Artifact, check_artifact, conform, fingerprint, open_artifact
from gcai_ray.errors import ArtifactError, StorageError
from gcai_ray.schemas import SCHEMA_VERSION, Reject, arrow_schema
from gcai_ray.storage import Storage


def written(root: Path, key: str = "f" * 32) -> Artifact:
    writer = ArtifactWriter(Storage(str(root)), ("ingest", key))
    writer.write_rows("rejects", [ROW, ROW])
    writer.write_document("note.json", b"{}")
    return writer.commit(inputs={}, config={"a": 1}, seconds=1.0)


def part_of(artifact: Artifact, table: str | None) -> Path:
    name = next(part.name for part in artifact.manifest.parts if part.table == table)
    return Path(artifact.url, name)


def test_what_is_written_is_read_back(tmp_path: Path) -> None:
    artifact = written(tmp_path)
    assert artifact.read("rejects").to_pylist() == [ROW.model_dump()] * 2
    assert artifact.document("note.json") == b"{}"
    assert check_artifact(artifact) == []


def test_without_a_manifest_there_is_no_artifact(tmp_path: Path) -> None:
    artifact = written(tmp_path)
    Path(artifact.url, "manifest.json").unlink()
    assert open_artifact(artifact.storage, artifact.directory) is None


def test_the_second_of_two_commits_stops_and_leaves_nothing(tmp_path: Path) -> None:
    first = written(tmp_path)
    before = sorted(Path(first.url).iterdir())
    with pytest.raises(StorageError, match="another run has committed"):
        written(tmp_path)
    assert sorted(Path(first.url).iterdir()) == before
    assert check_artifact(first) == []


def test_a_document_of_a_run_that_comes_too_late_does_not_stand_under_the_others_manifest(
    tmp_path: Path,
) -> None:
    first, late = (ArtifactWriter(Storage(str(tmp_path)), ("report", "f" * 32)) for _ in range(2))
    first.write_document("report.md", b"first")
    artifact = first.commit(inputs={}, config={}, seconds=1.0)
    late.write_document("report.md", b"late")
    with pytest.raises(StorageError, match="another run has committed"):
        late.commit(inputs={}, config={}, seconds=1.0)
    assert artifact.document("report.md") == b"first"
    assert check_artifact(artifact) == []


def test_a_damaged_part_is_found_and_never_read_as_data(tmp_path: Path) -> None:
    artifact = written(tmp_path)
    path = part_of(artifact, "rejects")
    path.write_bytes(path.read_bytes()[:-40])
    assert "checksum" in check_artifact(artifact)[0]
    with pytest.raises(ArtifactError, match=r"damaged part file.*run again"):
        artifact.read("rejects")


def test_a_missing_part_is_named(tmp_path: Path) -> None:
    artifact = written(tmp_path)
    part_of(artifact, "rejects").unlink()
    assert check_artifact(artifact)[0].endswith("missing")
    with pytest.raises(ArtifactError, match="missing"):
        artifact.read("rejects")


def test_an_artifact_of_another_version_is_refused_not_misread(tmp_path: Path) -> None:
    artifact = written(tmp_path)
    manifest = Path(artifact.url, "manifest.json")
    manifest.write_text(json.dumps(json.loads(manifest.read_text()) | {"schema_version": 99}))
    with pytest.raises(ArtifactError, match="schema version 99"):
        open_artifact(artifact.storage, artifact.directory)


@pytest.mark.parametrize("text", ["{", "[]", f'{{"schema_version": {SCHEMA_VERSION}}}'])
def test_a_damaged_manifest_is_one_clear_error(tmp_path: Path, text: str) -> None:
    artifact = written(tmp_path)
    Path(artifact.url, "manifest.json").write_text(text)
    with pytest.raises(ArtifactError, match=r"manifest\.json"):
        open_artifact(artifact.storage, artifact.directory)


def test_a_part_with_other_types_is_refused_not_cast(tmp_path: Path) -> None:
    artifact = written(tmp_path)
    path = part_of(artifact, "rejects")
    table = pq.read_table(path)
    position = table.schema.get_field_index("source_row")
    pq.write_table(table.set_column(position, "source_row", pa.array(["3", "3"])), path)
    with pytest.raises(ArtifactError, match="'source_row' is string, expected int64"):
        artifact.read("rejects")


def test_nulls_where_none_may_be_are_refused() -> None:
    schema = arrow_schema(Reject)
    loose = pa.schema([field.with_nullable(True) for field in schema])
    table = pa.Table.from_pylist([ROW.model_dump() | {"reason": None}], schema=loose)
    with pytest.raises(ArtifactError, match="'reason' holds nulls"):
        conform(table, schema, "x")


def test_a_fingerprint_knows_settings_and_inputs() -> None:
    base = fingerprint("vote", {"a": 1}, {"embed": "x"})
    assert base == fingerprint("vote", {"a": 1}, {"embed": "x"})
    others = [
        ("vote", {"a": 2}, {"embed": "x"}),
        ("vote", {"a": 1}, {"embed": "y"}),
        ("distill", {"a": 1}, {"embed": "x"}),
    ]
    assert base not in [fingerprint(*other) for other in others]
