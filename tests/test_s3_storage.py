"""What `storage` and the commit of an artifact promise, on a real S3 server."""

from __future__ import annotations

import random
import subprocess
import sys
import uuid
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from fault_proxy import FaultProxy
from s3_gateway import Gateway

from gcai_ray.artifact_writer import ArtifactWriter
from gcai_ray.artifacts import MANIFEST, check_artifact, open_artifact
from gcai_ray.errors import ArtifactError, GcaiError
from gcai_ray.schemas import Reject
from gcai_ray.storage import Storage

MIB = 2**20
DIRECTORY = ("ingest", "f" * 32)
CREATES = """
import sys
from gcai_ray.storage import Storage
storage = Storage(sys.argv[1])
storage.exists("nothing")
print("ready", flush=True)
sys.stdin.readline()
print(storage.create(sys.argv[2].encode() * 500, "race", "manifest.json"), flush=True)
"""


def reject(row: int) -> Reject:
    return Reject(
        stage="ingest",
        source="s",
        source_file="f.csv",
        source_row=row,
        field="reason",
        value="x",
        reason="is empty",
    )


def begun(root: str, *rows: int) -> ArtifactWriter:
    """An attempt at one artifact, all written but its manifest."""
    writer = ArtifactWriter(Storage(root), DIRECTORY)
    writer.write_rows("rejects", [reject(row) for row in rows])
    return writer


def commit(writer: ArtifactWriter) -> GcaiError | None:
    try:
        writer.commit(inputs={}, config={}, seconds=1.0)
    except GcaiError as error:
        return error
    return None


def test_what_is_written_is_read_back_and_removed(s3_root: str) -> None:
    storage = Storage(s3_root)
    assert (storage.names(), storage.exists()) == ([], False)
    storage.write(b"one", "a", "x.bin")
    storage.write(b"", "a", "empty")
    assert (storage.read("a", "x.bin"), storage.read("a", "empty")) == (b"one", b"")
    assert (storage.names(), storage.names("a")) == (["a"], ["empty", "x.bin"])
    assert storage.exists("a", "x.bin")
    assert storage.exists("a")
    storage.remove("a", "x.bin")
    storage.remove("a", "empty")
    assert not storage.exists("a", "x.bin")
    assert not storage.exists("a")
    assert storage.names("a") == []


def test_what_is_missing_is_missing(s3_root: str) -> None:
    storage = Storage(s3_root)
    storage.greet()
    assert storage.names("nothing") == []
    with pytest.raises(FileNotFoundError):
        storage.read("nothing")
    with pytest.raises(FileNotFoundError), storage.open("nothing") as file:
        file.read()
    assert open_artifact(storage, DIRECTORY) is None


def test_what_another_process_writes_is_seen_at_once(s3_root: str, s3: Gateway) -> None:
    storage = Storage(s3_root)
    assert storage.names("d") == []
    assert not storage.exists("d", "x")
    bucket, _, prefix = s3_root.removeprefix("s3://").partition("/")
    s3.client().put_object(Bucket=bucket, Key=f"{prefix}/d/x", Body=b"1")
    assert storage.exists("d", "x")
    assert storage.names("d") == ["x"]
    s3.client().put_object(Bucket=bucket, Key=f"{prefix}/d/x", Body=b"22")
    assert storage.read("d", "x") == b"22"
    s3.client().delete_object(Bucket=bucket, Key=f"{prefix}/d/x")
    assert not storage.exists("d", "x")
    assert storage.names("d") == []


def test_replace_leaves_the_new_bytes_and_nothing_else(s3_root: str) -> None:
    storage = Storage(s3_root)
    storage.replace(b"old and longer", "run.json")
    storage.replace(b"new", "run.json")
    assert storage.read("run.json") == b"new"
    assert storage.names() == ["run.json"]


def test_create_never_overwrites(s3_root: str) -> None:
    storage = Storage(s3_root)
    assert storage.create(b"first", "d", "x")
    assert not storage.create(b"second", "d", "x")
    assert storage.read("d", "x") == b"first"
    storage.remove("d", "x")
    assert storage.create(b"third", "d", "x")


@pytest.mark.parametrize("prefix", ["", "/", "/ä b+c%20d/é=1&x", "/deep/er/", "/a.b_c~(1)'"])
def test_any_prefix_does_and_none(s3: Gateway, s3_root: str, prefix: str) -> None:
    root = f"s3://{s3.create_bucket()}{prefix}"
    storage = Storage(root)
    storage.greet()
    storage.write(b"1", "ingest", "k ä+%41", "x")
    assert storage.create(b"2", "top")
    assert storage.names() == ["ingest", "top"]
    assert storage.names("ingest") == ["k ä+%41"]
    assert storage.read("ingest", "k ä+%41", "x") == b"1"
    keys = s3.keys(root.removeprefix("s3://").split("/")[0])
    assert f"{prefix.strip('/')}/top".lstrip("/") in keys


def test_a_neighbour_whose_name_begins_the_same_is_another(s3_root: str) -> None:
    Storage(s3_root + "-2").write(b"1", "d", "x")
    assert Storage(s3_root).names() == []
    assert not Storage(s3_root).exists("d")
    assert not Storage(s3_root).exists()


@pytest.mark.slow
def test_a_listing_of_more_than_a_thousand_is_whole(s3_root: str) -> None:
    storage = Storage(s3_root)
    storage.write(b"x", "other", "y")
    names = [f"part-{i:05d}" for i in range(2500)]
    storage.filesystem.pipe({storage.path("many", name): b"x" for name in names})
    assert storage.names("many") == names
    assert storage.names() == ["many", "other"]


@pytest.mark.parametrize("num_bytes", [40 * MIB + 7, 115 * MIB + 3])
def test_large_objects_are_read_back_equal(s3_root: str, proxy: FaultProxy, num_bytes: int) -> None:
    data = random.Random(num_bytes).randbytes(MIB) * (num_bytes // MIB) + b"the end"
    storage = Storage(s3_root)
    storage.replace(data, "large")
    in_parts = proxy.traffic.requests["PUT"] > 1
    assert in_parts or len(data) < 100 * MIB  # the larger one does prove an upload in parts
    assert storage.read("large") == data
    with storage.open("large") as file:
        file.seek(len(data) - 9)
        assert file.read() == data[-9:]
    storage.remove("large")


def test_of_racing_threads_exactly_one_creates(s3_root: str) -> None:
    storage, start = Storage(s3_root), Barrier(16)

    def create(number: int) -> bool:
        own = Storage(s3_root)
        own.exists("nothing")
        start.wait()
        return own.create(f"writer {number}".encode() * 1000, "d", "manifest.json")

    for _ in range(3):
        with ThreadPoolExecutor(16) as pool:
            won = list(pool.map(create, range(16)))
        assert won.count(True) == 1
        assert storage.read("d", "manifest.json") == f"writer {won.index(True)}".encode() * 1000
        assert storage.names("d") == ["manifest.json"]
        storage.remove("d", "manifest.json")


@pytest.mark.slow
def test_of_racing_processes_exactly_one_creates(s3_root: str) -> None:
    racers = [
        subprocess.Popen(
            [sys.executable, "-c", CREATES, s3_root, f"writer {i}"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for i in range(4)
    ]
    for racer in racers:
        assert racer.stdout is not None
        assert racer.stdout.readline() == "ready\n"
    for racer in racers:
        assert racer.stdin is not None
        racer.stdin.write("go\n")
        racer.stdin.flush()
    won = [racer.communicate(timeout=60)[0].strip() for racer in racers]
    assert sorted(won) == ["False"] * 3 + ["True"]
    data = Storage(s3_root).read("race", "manifest.json")
    assert data == f"writer {won.index('True')}".encode() * 500


def test_an_artifact_is_committed_read_and_checked(s3_root: str) -> None:
    writer = begun(s3_root, 1, 2)
    writer.write_document("note.json", b"{}")
    assert open_artifact(Storage(s3_root), DIRECTORY) is None  # without a manifest there is none
    assert commit(writer) is None
    artifact = open_artifact(Storage(s3_root), DIRECTORY)
    assert artifact is not None
    assert artifact.read("rejects").to_pylist() == [reject(i).model_dump() for i in (1, 2)]
    assert artifact.document("note.json") == b"{}"
    assert check_artifact(artifact) == []


@pytest.mark.parametrize("_", range(3))
def test_of_two_racing_commits_one_stands_whole_and_the_other_says_so(s3_root: str, _: int) -> None:
    writers, start = [begun(s3_root, 1), begun(s3_root, 2)], Barrier(2)

    def race(writer: ArtifactWriter) -> GcaiError | None:
        start.wait()
        return commit(writer)

    with ThreadPoolExecutor(2) as pool:
        errors = list(pool.map(race, writers))
    assert errors.count(None) == 1
    said = str(next(error for error in errors if error))
    assert "another run" in said
    assert f"{s3_root}/ingest/{'f' * 32}" in said
    assert len(said.splitlines()) == 1
    artifact = open_artifact(Storage(s3_root), DIRECTORY)
    assert artifact is not None
    winner = errors.index(None)
    assert artifact.manifest.parts == writers[winner].parts
    assert artifact.read("rejects").to_pylist() == [reject(winner + 1).model_dump()]
    assert check_artifact(artifact) == []


def test_the_loser_leaves_nothing_behind(s3_root: str) -> None:
    first, second = begun(s3_root, 1), begun(s3_root, 2)
    assert commit(first) is None
    assert commit(second) is not None
    stand = Storage(s3_root).names(*DIRECTORY)
    assert stand == sorted([MANIFEST, *(part.name for part in first.parts)])


def test_a_damaged_part_is_found_and_never_read_as_data(s3_root: str) -> None:
    writer = begun(s3_root, 1)
    assert commit(writer) is None
    storage, name = Storage(s3_root), writer.parts[0].name
    storage.replace(storage.read(*DIRECTORY, name)[:-40], *DIRECTORY, name)
    artifact = open_artifact(storage, DIRECTORY)
    assert artifact is not None
    assert "checksum" in check_artifact(artifact)[0]
    with pytest.raises(ArtifactError, match=r"damaged part file.*run again"):
        artifact.read("rejects")
    storage.remove(*DIRECTORY, name)
    assert check_artifact(artifact)[0].endswith("missing")
    with pytest.raises(ArtifactError, match="missing"):
        artifact.read("rejects")


def test_the_gateway_of_these_tests_is_strict(s3: Gateway, s3_root: str) -> None:
    """Else the tests of refused keys would show nothing."""
    from botocore.exceptions import ClientError

    bucket = s3.create_bucket(f"b-{uuid.uuid4().hex[:8]}")
    with pytest.raises(ClientError, match="SignatureDoesNotMatch"):
        s3.client((s3.environment()["AWS_ACCESS_KEY_ID"], "wrong")).list_objects_v2(Bucket=bucket)
