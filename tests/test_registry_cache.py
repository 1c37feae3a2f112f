"""What a node is given to load: exactly the files that were registered, or an error."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from filelock import FileLock
from registry_example import SETTINGS, WEIGHTS, write_adapter

from gcai_ray.errors import ArtifactError, StorageError
from gcai_ray.registry import Version, cache, fetch, read_version

FETCHES = """
import sys
from gcai_ray.registry import Version, fetch
version = Version.model_validate_json(sys.argv[1])
print("ready", flush=True)
sys.stdin.readline()
print(fetch(version, sys.argv[2]), flush=True)
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_adapter(tmp_path / "adapter")


@pytest.fixture
def root(tmp_path: Path) -> str:
    return str(tmp_path / "cache")


def same(one: Path, other: str) -> bool:
    names = (SETTINGS, WEIGHTS)
    assert sorted(os.listdir(other)) == sorted(names)
    return all((one / name).read_bytes() == Path(other, name).read_bytes() for name in names)


def folders(root: str) -> list[str]:
    return [path.name for path in Path(root).iterdir() if path.is_dir()]


def test_a_version_is_copied_once_and_under_no_name_of_a_user(folder: Path, root: str) -> None:
    (folder / "extra.py").write_text("boom")
    version = read_version(str(folder))
    target = fetch(version, root)
    assert target == os.path.join(root, version.digest)
    assert same(folder, target)
    before = os.stat(os.path.join(target, WEIGHTS)).st_ino
    other_name = version.model_copy(update={"number": 7})
    assert fetch(other_name, root) == target
    assert os.stat(os.path.join(target, WEIGHTS)).st_ino == before
    assert folders(root) == [version.digest]


def test_a_later_change_of_the_folder_does_not_get_in(folder: Path, root: str) -> None:
    version = read_version(str(folder))
    target = fetch(version, root)
    kept = Path(target, WEIGHTS).read_bytes()
    write_adapter(folder, seed=9)
    assert Path(fetch(version, root), WEIGHTS).read_bytes() == kept


def other_bytes(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1] + b"\x55")


def shorter(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-7])


def longer(path: Path) -> None:
    path.write_bytes(path.read_bytes() + b"\0")


@pytest.mark.parametrize("name", [SETTINGS, WEIGHTS])
@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (other_bytes, "SHA-256 "),
        (shorter, "bytes, but it was registered with"),
        (longer, "more than "),
        (Path.unlink, "missing; it was registered with"),
    ],
)
def test_a_damaged_adapter_is_never_given(
    folder: Path, root: str, name: str, damage: Callable[[Path], None], said: str
) -> None:
    version = read_version(str(folder))
    damage(folder / name)
    with pytest.raises(ArtifactError) as refused:
        fetch(version, root)
    text = str(refused.value)
    assert text.startswith(f"{folder / name}: {said}") or said in text
    assert "\n" not in text
    facts = version.files[name]
    assert facts.sha256 in text or f"{facts.size_bytes:,}" in text
    assert folders(root) == []
    write_adapter(folder)  # put back
    assert same(folder, fetch(version, root))


@pytest.mark.parametrize("damage", [other_bytes, shorter, longer, Path.unlink])
def test_a_damaged_copy_is_fetched_anew(
    folder: Path, root: str, damage: Callable[[Path], None]
) -> None:
    version = read_version(str(folder))
    damage(Path(fetch(version, root), WEIGHTS))
    assert same(folder, fetch(version, root))
    Path(root, version.digest, "stranger.py").write_text("")
    assert same(folder, fetch(version, root))
    assert folders(root) == [version.digest]


def test_what_a_killed_process_left_is_no_copy(folder: Path, root: str) -> None:
    version = read_version(str(folder))
    left = Path(root, f"{version.digest}.part")
    left.mkdir(parents=True)
    (left / WEIGHTS).write_text("half")
    assert same(folder, fetch(version, root))
    assert folders(root) == [version.digest]


def test_weights_of_several_pieces_are_put_together(
    folder: Path, root: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gcai_ray.registry.pieces.PIECE_BYTES", 100)
    assert same(folder, fetch(read_version(str(folder)), root))


def test_threads_of_a_node_share_one_copy(folder: Path, root: str) -> None:
    version = read_version(str(folder))
    with ThreadPoolExecutor(8) as pool:
        found = set(pool.map(lambda _: fetch(version, root), range(16)))
    assert found == {os.path.join(root, version.digest)}
    assert same(folder, found.pop())


def test_processes_of_a_node_share_one_copy(folder: Path, root: str) -> None:
    version = read_version(str(folder))
    arguments = [sys.executable, "-c", FETCHES, version.model_dump_json(), root]
    racers = [
        subprocess.Popen(arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        for _ in range(3)
    ]
    for racer in racers:
        assert racer.stdout is not None
        assert racer.stdout.readline() == "ready\n"
    found = {racer.communicate("go\n", timeout=60)[0].strip() for racer in racers}
    assert found == {os.path.join(root, version.digest)}
    assert same(folder, found.pop())


def test_who_waits_too_long_for_another_process_is_told(folder: Path, root: str) -> None:
    version = read_version(str(folder))
    os.makedirs(root)
    with (
        FileLock(os.path.join(root, f"{version.digest}.lock")),
        pytest.raises(StorageError, match="another process has been fetching"),
    ):
        fetch(version, root, timeout_s=0.1)


def test_a_store_that_is_too_slow_is_told(folder: Path, root: str) -> None:
    with pytest.raises(StorageError, match="did not come in time"):
        fetch(read_version(str(folder)), root, timeout_s=0)
    assert folders(root) == []


def test_a_place_that_cannot_be_written_is_told(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError, match=r"cannot keep .*a part of the path is a file|exists"):
        fetch(read_version(str(folder)), str(tmp_path / "file" / "cache"))


def test_the_digest_follows_from_the_files_alone(folder: Path) -> None:
    version = read_version(str(folder))
    moved: Version = version.model_copy(update={"adapter": "../../etc", "base_model": "/"})
    assert moved.digest == version.digest
    assert len(bytes.fromhex(version.digest)) == 16
    assert cache.TIMEOUT_S > 0
