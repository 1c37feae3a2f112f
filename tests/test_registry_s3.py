"""The registry on a real S3 server: racing changes, adapters that are fetched, lost answers."""

from __future__ import annotations

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import pytest
from fault_proxy import FaultProxy
from registry_example import (
    SETTINGS,
    WEIGHTS,
    put_folder,
    version,
    write_adapter,
    write_constitution,
)
from test_registry_index import RACES, check_all_there

from gcai_ray.errors import ArtifactError, InputError, StorageError
from gcai_ray.registry import added, change, fetch, history, read_index, read_version, with_canary
from gcai_ray.storage import Storage

MIB = 2**20


def test_of_eight_racing_changes_none_is_lost(s3_root: str) -> None:
    storage, start = Storage(s3_root), Barrier(8)

    def race(seed: int) -> int:
        start.wait()
        return change(storage, lambda index: added(index, "tone", version(seed))).number

    with ThreadPoolExecutor(8) as pool:
        numbers = list(pool.map(race, range(8)))
    assert sorted(numbers) == list(range(1, 9))
    check_all_there(storage, 8)


def test_of_racing_processes_none_is_lost(s3_root: str) -> None:
    racers = [
        subprocess.Popen(
            [sys.executable, "-c", RACES, s3_root, str(first), "3"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for first in (0, 3)
    ]
    for racer in racers:
        assert racer.stdout is not None
        assert racer.stdout.readline() == "ready\n"
    for racer in racers:
        assert racer.stdin is not None
        racer.stdin.write("go\n")
        racer.stdin.flush()
    for racer in racers:
        racer.communicate(timeout=90)
    assert [racer.returncode for racer in racers] == [0, 0]
    check_all_there(Storage(s3_root), 6)


def test_a_refresh_where_nothing_came_is_one_request(s3_root: str, proxy: FaultProxy) -> None:
    storage = Storage(s3_root)
    known = change(storage, lambda index: added(index, "tone", version(1)))
    before = proxy.traffic.requests.total()
    assert read_index(storage, known) == known
    assert proxy.traffic.requests.total() == before + 1
    later = change(storage, lambda index: added(index, "tone", version(2)))
    assert read_index(storage, known) == later
    assert [state.number for state in history(storage)] == [2, 1]


def test_an_adapter_is_read_and_fetched(s3_root: str, tmp_path: Path) -> None:
    folder = write_constitution(write_adapter(tmp_path / "a", num_values=6 * MIB))
    url = put_folder(folder, f"{s3_root}/adapter")
    found = read_version(f"{url}/")
    local = read_version(str(folder))
    assert found.adapter == url
    assert (found.files, found.constitution) == (local.files, local.constitution)
    target = Path(fetch(found, str(tmp_path / "cache")))
    for name in (SETTINGS, WEIGHTS):
        assert (target / name).read_bytes() == (folder / name).read_bytes()


def test_a_damaged_adapter_is_never_given(s3_root: str, tmp_path: Path) -> None:
    url = put_folder(write_adapter(tmp_path / "a"), f"{s3_root}/adapter")
    found, storage = read_version(url), Storage(url)
    whole = storage.read(WEIGHTS)
    for damaged in (whole[:-9], whole[:-1] + b"\x55", whole + b"\0", b""):
        storage.replace(damaged, WEIGHTS)
        with pytest.raises(ArtifactError, match=f"{url}/{WEIGHTS}: .*registered with"):
            fetch(found, str(tmp_path / "cache"))
    storage.remove(WEIGHTS)
    with pytest.raises(ArtifactError, match=f"{url}/{WEIGHTS}: missing"):
        fetch(found, str(tmp_path / "cache"))
    assert [path for path in (tmp_path / "cache").iterdir() if path.is_dir()] == []
    storage.replace(whole, WEIGHTS)
    assert Path(fetch(found, str(tmp_path / "cache")), WEIGHTS).read_bytes() == whole


def test_a_folder_that_is_not_there_is_told(s3_root: str) -> None:
    with pytest.raises(InputError, match=f"there is no folder {s3_root}/none"):
        read_version(f"{s3_root}/none")


def test_a_bucket_that_is_not_there_is_told(s3_root: str, tmp_path: Path) -> None:
    nowhere = "s3://no-such-bucket-of-ours/registry"
    with pytest.raises(StorageError, match="NoSuchBucket"):
        read_index(Storage(nowhere))
    with pytest.raises(StorageError, match="NoSuchBucket"):
        read_version(nowhere)
    gone = version(1, adapter=nowhere)
    with pytest.raises((StorageError, ArtifactError)):
        fetch(gone, str(tmp_path))


def test_of_a_lost_answer_the_change_is_made_once(s3_root: str, proxy: FaultProxy) -> None:
    """The put is made again, finds its own file, and the writer knows it for its own."""
    storage = Storage(s3_root)
    change(storage, lambda index: added(index, "tone", version(1)))
    fault = proxy.fail("lose_answer", method="PUT", times=1)
    done = change(storage, lambda index: added(index, "tone", version(2)))
    assert fault.met == 1
    assert done.number == 2
    assert len(read_index(storage).entries["tone"].versions) == 2
    done = change(storage, lambda index: with_canary(index, "tone", 2, 0.5))
    assert [state.number for state in history(storage)] == [3, 2, 1]
