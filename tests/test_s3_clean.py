"""What `gcai clean` does on a real S3 server: long listings, open uploads, neighbours."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from reject_example import ROW
from s3_gateway import Gateway, use_s3
from typer.testing import CliRunner

from gcai_ray.artifact_writer import ArtifactWriter
from gcai_ray.artifacts import Artifact, check_artifact
from gcai_ray.clean import find_leftovers, remove_leftovers
from gcai_ray.cli import app
from gcai_ray.errors import StorageError
from gcai_ray.storage import Storage
from gcai_ray.stored_files import open_uploads, stored_files

KEY, HEX = "0123456789abcdef" * 2, "ab" * 16
PART = "rejects-abababababab-m00000.parquet"


def started(root: str) -> ArtifactWriter:
    """An attempt with a part and a document: killed now, it is one killed within its commit."""
    writer = ArtifactWriter(Storage(root), ("vote", KEY))
    writer.write_rows("rejects", [ROW])
    writer.write_document("thresholds.json", b"{}")
    writer.storage.replace(b"{}", "vote", KEY, "thresholds.json")
    return writer


def committed(root: str) -> Artifact:
    return started(root).commit(inputs={}, config={}, seconds=1.0)


def parted(url: str) -> tuple[str, str]:
    bucket, _, key = url.removeprefix("s3://").partition("/")
    return bucket, key


def begin_upload(client: Any, url: str, data: bytes = b"") -> str:
    """An upload as a killed process leaves it: begun, perhaps with a piece, never completed."""
    bucket, key = parted(url)
    upload = client.create_multipart_upload(Bucket=bucket, Key=key)["UploadId"]
    if data:
        client.upload_part(Bucket=bucket, Key=key, UploadId=upload, PartNumber=1, Body=data)
    return upload


def uploads_of(client: Any, root: str) -> set[str]:
    bucket, prefix = parted(root)
    listed = client.list_multipart_uploads(Bucket=bucket, Prefix=prefix)
    return {upload["Key"].removeprefix(prefix) for upload in listed.get("Uploads", [])}


def later() -> float:
    return time.time() + 3 * 3600


def sweep(root: str) -> int:
    """As three hours from now."""
    storage = Storage(root)
    return remove_leftovers(storage, find_leftovers(storage, now=later())).num_files


def test_leftovers_go_and_the_artifact_stays(s3_root: str) -> None:
    artifact = committed(s3_root)
    before = stored_files(Storage(s3_root))
    killed = started(s3_root)
    assert find_leftovers(Storage(s3_root)).leftovers == ()
    [leftover] = find_leftovers(Storage(s3_root), now=later()).leftovers
    assert leftover.attempt == killed.attempt
    assert sweep(s3_root) == 1
    after = stored_files(Storage(s3_root))
    assert [file.names for file in after] == [file.names for file in before]
    assert check_artifact(artifact) == []


def test_more_files_than_one_listing_holds(s3: Gateway, s3_root: str) -> None:
    bucket, prefix = parted(s3_root)
    client = s3.client()
    names = [f"rejects-{number:012x}-m00000.parquet" for number in range(1005)]
    with ThreadPoolExecutor(8) as pool:
        for name in names:
            pool.submit(
                client.put_object, Bucket=bucket, Key=f"{prefix}/ingest/{KEY}/{name}", Body=b"x"
            )
    found = stored_files(Storage(s3_root), "ingest")
    assert [file.names for file in found] == [("ingest", KEY, name) for name in names]
    assert {file.size_bytes for file in found} == {1}
    assert len(find_leftovers(Storage(s3_root), now=later()).leftovers) == 1005


def test_open_uploads_are_aborted_and_finished_objects_of_their_name_stay(
    s3: Gateway, s3_root: str
) -> None:
    artifact, client = committed(s3_root), s3.client()
    part = artifact.manifest.parts[0].name
    batch = f"batch/extract-0001-{HEX}.jsonl"
    replies = f"replies/vote/replies-{HEX}.parquet"
    for name in (f"vote/{KEY}/{part}", f"ingest/{KEY}/{PART}", batch, replies):
        begin_upload(client, f"{s3_root}/{name}", b"x" * 100)
    begin_upload(client, f"{s3_root}/mine/film.mp4")
    begin_upload(client, f"{s3_root}/ingest/{KEY}/film.mp4")
    assert find_leftovers(Storage(s3_root)).leftovers == ()
    findings = find_leftovers(Storage(s3_root), now=later())
    assert sum(one.size_bytes for one in findings.leftovers) == 400
    assert sweep(s3_root) == 4
    assert uploads_of(client, s3_root) == {"/mine/film.mp4", f"/ingest/{KEY}/film.mp4"}
    assert len(findings.unknown) == 2
    assert check_artifact(artifact) == []


def test_a_neighbours_files_and_uploads_stay(s3: Gateway, s3_root: str) -> None:
    client, name = s3.client(), f"ingest/{KEY}/{PART}"
    neighbours = [f"{s3_root}2", f"{s3_root}-old", s3_root[:-1], f"{s3_root}/deeper/run"]
    for root in (s3_root, *neighbours):
        started(root)
        begin_upload(client, f"{root}/{name}")
    seen = ["/".join(upload.names) for upload in open_uploads(Storage(s3_root))]
    assert seen == [f"deeper/run/{name}", name]
    assert sweep(s3_root) == 3
    for root in neighbours:
        assert len(stored_files(Storage(root), "vote")) == 2
        assert f"/{name}" in uploads_of(client, root)
    assert f"/{name}" not in uploads_of(client, s3_root)
    assert stored_files(Storage(s3_root), "vote") == []


def test_an_upload_alone_is_found_and_a_bucket_can_be_the_root(s3: Gateway) -> None:
    root = f"s3://{s3.create_bucket()}"
    begin_upload(s3.client(), f"{root}/ingest/{KEY}/{PART}", b"x" * 7)
    with use_s3(s3.environment()):
        [upload] = open_uploads(Storage(root))
        assert (upload.names, upload.size_bytes) == (("ingest", KEY, PART), 7)
        assert sweep(root) == 1
        assert open_uploads(Storage(root)) == []


def test_an_upload_that_still_grows_is_kept(s3: Gateway, s3_root: str) -> None:
    url = f"{s3_root}/ingest/{KEY}/{PART}"
    bucket, key = parted(url)
    upload = begin_upload(s3.client(), url, b"x")
    begun = open_uploads(Storage(s3_root))[0].modified
    time.sleep(1.1)
    s3.client().upload_part(Bucket=bucket, Key=key, UploadId=upload, PartNumber=2, Body=b"x")
    assert open_uploads(Storage(s3_root))[0].modified > begun
    findings = find_leftovers(Storage(s3_root), now=begun + 3600.5)
    assert findings.leftovers == ()
    assert len(findings.kept) == 1


def test_more_uploads_and_pieces_than_one_listing_holds(
    s3: Gateway, s3_root: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    bucket, prefix = parted(s3_root)
    keys = [f"ingest/{KEY}/rejects-{number:012x}-m00000.parquet" for number in range(3)]
    for key in [*keys, keys[1]]:
        begun = begin_upload(s3.client(), f"{s3_root}/{key}", b"x")
        for number in (2, 3):
            s3.client().upload_part(
                Bucket=bucket, Key=f"{prefix}/{key}", UploadId=begun, PartNumber=number, Body=b"x"
            )
    asked = Storage(s3_root).filesystem.s3_additional_kwargs  # of every request that knows these
    monkeypatch.setitem(asked, "MaxUploads", 1)
    monkeypatch.setitem(asked, "MaxParts", 2)
    found = open_uploads(Storage(s3_root))
    assert ["/".join(upload.names) for upload in found] == sorted([*keys, keys[1]])
    assert [upload.size_bytes for upload in found] == [3] * 4


def test_the_command_on_s3(s3_root: str) -> None:
    started(s3_root)
    run = CliRunner()
    assert run.invoke(app, ["clean", s3_root, "--yes"]).exit_code == 0
    assert len(stored_files(Storage(s3_root))) == 2
    assert run.invoke(app, ["clean", s3_root, "--older-than", "0", "--yes"]).exit_code == 0
    assert stored_files(Storage(s3_root)) == []


def test_a_stranger_is_told_in_one_line(s3: Gateway, s3_root: str) -> None:
    started(s3_root)
    stranger = s3.environment(keys=s3.create_stranger())
    with use_s3(stranger), pytest.raises(StorageError, match="no permission"):
        find_leftovers(Storage(s3_root))
