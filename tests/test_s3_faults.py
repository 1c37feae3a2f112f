"""Requests to S3 that fail, stall and go unanswered."""

from __future__ import annotations

import random
import threading

import pytest
from fault_proxy import FaultProxy, How
from s3_gateway import Gateway
from s3_operations import EXPECTED, OPERATIONS, one_line
from test_s3_storage import DIRECTORY, begun, commit, reject

from gcai_ray import object_store
from gcai_ray.artifacts import check_artifact, open_artifact
from gcai_ray.errors import InputError, StorageError
from gcai_ray.sources.files import content_hash, matching_files, open_binary
from gcai_ray.storage import Storage

MIB = 2**20
# Two libraries make requests again, one around the other: s3fs may go through the attempts of
# botocore so many times. Eight attempts take half a minute.
MOST_TIMES = 3
HOWS: tuple[How, ...] = ("error", "slow_down", "reset", "lose_answer")


@pytest.fixture
def storage(s3: Gateway, s3_root: str, proxy: FaultProxy) -> Storage:
    """A root that holds the object `old`; put there past the proxy."""
    bucket, _, prefix = s3_root.removeprefix("s3://").partition("/")
    s3.client().put_object(Bucket=bucket, Key=f"{prefix}/old", Body=b"old")
    return Storage(s3_root)


@pytest.fixture
def few_attempts(monkeypatch: pytest.MonkeyPatch, proxy: FaultProxy) -> None:
    """Asked for after `proxy`, which sets the environment anew."""
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "2")


@pytest.fixture
def short_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    """A stall is over in one second, not in eight."""
    monkeypatch.setattr(object_store, "READ_TIMEOUT_S", 1)


# Requests that fail for a while


@pytest.mark.parametrize(
    ("operation", "how"),
    [
        *[(operation, how) for operation in ("read", "names", "create") for how in HOWS],
        *[(operation, "slow_down") for operation in ("exists", "write", "replace", "remove")],
    ],
)
def test_an_operation_outlives_two_failed_requests(
    storage: Storage, proxy: FaultProxy, operation: str, how: How
) -> None:
    fault = proxy.fail(how, times=2)
    assert OPERATIONS[operation](storage) == EXPECTED.get(operation)
    assert fault.met == 2
    if operation == "remove":
        assert storage.names() == []
    if operation in {"create", "write", "replace"}:
        assert storage.read("old" if operation == "replace" else "new") == b"new"


@pytest.mark.parametrize("operation", ["read", "names", "create"])
def test_an_operation_outlives_two_stalled_requests(
    short_waits: None, storage: Storage, proxy: FaultProxy, operation: str
) -> None:
    fault = proxy.fail("stall", times=2, seconds=3)
    assert OPERATIONS[operation](storage) == EXPECTED.get(operation)
    assert fault.met == 2


def test_an_upload_that_stalls_half_way_is_sent_again(
    short_waits: None, storage: Storage, proxy: FaultProxy
) -> None:
    """More than the buffers of both ends hold: the client waits for room, not for an answer."""
    data = random.Random(3).randbytes(MIB) * 40
    fault = proxy.fail("stall", method="PUT", times=2, seconds=8)
    storage.write(data, "large")
    assert fault.met == 2
    assert storage.read("large") == data


@pytest.mark.slow
def test_a_stall_of_ten_seconds_is_outlived(storage: Storage, proxy: FaultProxy) -> None:
    proxy.fail("stall", times=1, seconds=10)
    assert storage.create(b"new", "new")
    assert storage.read("new") == b"new"


def test_an_answer_cut_off_half_way_is_asked_for_again(storage: Storage, proxy: FaultProxy) -> None:
    data = random.Random(1).randbytes(3 * MIB)
    storage.write(data, "big")
    fault = proxy.fail("cut", method="GET", key="big", times=2)
    assert storage.read("big") == data
    assert fault.met == 2
    fault = proxy.fail("cut", method="GET", key="big", times=2)
    with storage.open("big") as file:
        file.seek(MIB)
        assert file.read(MIB) == data[MIB : 2 * MIB]
    assert fault.met == 2


@pytest.mark.parametrize("how", HOWS)
def test_a_source_is_read_past_failing_requests(
    storage: Storage, proxy: FaultProxy, how: How
) -> None:
    storage.write(b"a,b\n1,2\n" * 1000, "in", "f.csv")
    url = storage.url("in", "f.csv")
    proxy.fail(how, times=2)
    assert matching_files(url, "s") == [url]
    proxy.fail(how, times=2)
    with open_binary(url) as file:
        assert file.read() == b"a,b\n1,2\n" * 1000
    proxy.fail(how, times=2)
    assert len(content_hash(url)) == 64


@pytest.mark.slow
def test_one_failed_piece_of_an_upload_is_sent_again(storage: Storage, proxy: FaultProxy) -> None:
    data = random.Random(2).randbytes(MIB) * 115
    faults = [proxy.fail("slow_down", method="PUT", key="partNumber=2", times=2)]
    faults.append(proxy.fail("reset", method="POST", key="uploadId", times=1))
    storage.write(data, "large")
    assert [fault.met for fault in faults] == [2, 1]
    assert storage.read("large") == data


# The commit


@pytest.mark.parametrize("times", [1, 2])
def test_a_commit_whose_answer_was_lost_is_ones_own(
    s3_root: str, proxy: FaultProxy, times: int
) -> None:
    writer = begun(s3_root, 1)
    fault = proxy.fail("lose_answer", method="PUT", key="manifest.json", times=times)
    assert commit(writer) is None
    assert fault.met == times
    artifact = open_artifact(Storage(s3_root), DIRECTORY)
    assert artifact is not None
    assert artifact.read("rejects").to_pylist() == [reject(1).model_dump()]
    assert check_artifact(artifact) == []


def test_a_commit_lost_to_another_stays_lost_when_its_answer_is(
    s3_root: str, proxy: FaultProxy
) -> None:
    first, second = begun(s3_root, 1), begun(s3_root, 2)
    assert commit(first) is None
    proxy.fail("lose_answer", method="PUT", key="manifest.json", times=1)
    error = commit(second)
    assert error is not None
    assert "another run" in str(error)
    artifact = open_artifact(Storage(s3_root), DIRECTORY)
    assert artifact is not None
    assert artifact.manifest.parts == first.parts
    assert check_artifact(artifact) == []


def test_a_commit_that_never_hears_keeps_what_it_committed(
    s3_root: str, proxy: FaultProxy, few_attempts: None
) -> None:
    writer = begun(s3_root, 1)
    proxy.fail("lose_answer", method="PUT", key="manifest.json")
    error = commit(writer)
    assert error is not None
    one_line(error, f"{s3_root}/ingest/", "manifest.json", "(")
    proxy.heal()
    artifact = open_artifact(Storage(s3_root), DIRECTORY)
    assert artifact is not None
    assert check_artifact(artifact) == []


def test_a_commit_whose_answer_and_look_back_fail_keeps_what_it_committed(
    s3_root: str, proxy: FaultProxy, few_attempts: None
) -> None:
    writer = begun(s3_root, 1)
    proxy.fail("lose_answer", method="PUT", key="manifest.json", times=1)
    proxy.fail("error", method="GET", key="manifest.json")
    assert isinstance(commit(writer), StorageError)
    proxy.heal()
    artifact = open_artifact(Storage(s3_root), DIRECTORY)
    assert artifact is not None
    assert check_artifact(artifact) == []


def test_a_conflict_with_a_request_under_way_is_no_lost_race(
    storage: Storage, proxy: FaultProxy
) -> None:
    """AWS, PutObject, If-None-Match: "On a 409 failure you should retry the upload"."""
    proxy.fail("conflict", method="PUT", times=2)
    assert storage.create(b"new", "new")
    assert storage.read("new") == b"new"


# Requests that fail for ever


@pytest.mark.parametrize("how", ["error", "slow_down", "reset"])
@pytest.mark.parametrize("operation", OPERATIONS)
def test_what_fails_for_ever_ends_in_one_line(
    storage: Storage, proxy: FaultProxy, few_attempts: None, operation: str, how: How
) -> None:
    fault = proxy.fail(how)
    with pytest.raises(StorageError) as caught:
        OPERATIONS[operation](storage)
    one_line(caught.value, storage.root, "(")
    assert fault.met <= MOST_TIMES * 2


def test_what_stalls_for_ever_ends_in_one_line(
    short_waits: None, storage: Storage, proxy: FaultProxy, few_attempts: None
) -> None:
    fault = proxy.fail("stall", seconds=30)
    for operation in ("read", "create"):
        with pytest.raises(StorageError) as caught:
            OPERATIONS[operation](storage)
        one_line(caught.value, storage.root, "(")
    assert fault.met <= 2 * MOST_TIMES * 2


def test_without_any_setting_the_attempts_have_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    """Eight attempts at a put that always fails took 68 s; that they end is seen with fewer."""
    monkeypatch.delenv("AWS_MAX_ATTEMPTS", raising=False)
    monkeypatch.delenv("AWS_RETRY_MODE", raising=False)
    retries = object_store.s3_options()["config_kwargs"]["retries"]
    assert retries == {"mode": "legacy", "total_max_attempts": object_store.MAX_ATTEMPTS}


def test_an_upload_that_fails_for_ever_leaves_no_object(
    storage: Storage, proxy: FaultProxy, few_attempts: None
) -> None:
    proxy.fail("error", method="PUT", key="partNumber=2")
    with pytest.raises(StorageError) as caught:
        storage.write(random.Random(2).randbytes(MIB) * 115, "large")
    one_line(caught.value, storage.url("large"))
    proxy.heal()
    assert storage.names() == ["old"]


def test_a_source_that_cannot_be_read_is_one_line(
    storage: Storage, proxy: FaultProxy, few_attempts: None
) -> None:
    proxy.fail("error")
    with pytest.raises((InputError, StorageError)) as caught:
        matching_files(storage.url("old"), "mine")
    one_line(caught.value, storage.url("old"), "mine")
    with pytest.raises((InputError, StorageError)) as caught:
        content_hash(storage.url("old"))
    one_line(caught.value, storage.url("old"))


@pytest.mark.slow
def test_a_gateway_killed_and_started_again_is_outlived(s3: Gateway, s3_root: str) -> None:
    storage = Storage(s3_root)
    storage.write(b"before", "before")
    s3.kill()
    timer = threading.Timer(3, s3.start_again)
    timer.start()
    try:
        assert storage.create(b"new", "new")
    finally:
        timer.join()
    assert (storage.read("before"), storage.read("new")) == (b"before", b"new")
