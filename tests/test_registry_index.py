"""The files of a registry, on this machine: what is read, and that racing changes are all there."""

from __future__ import annotations

import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from pathlib import Path
from threading import Barrier

import pytest
from registry_example import version

from gcai_ray.errors import ArtifactError, InputError
from gcai_ray.registry import Index, added, change, history, promoted, read_index, with_canary
from gcai_ray.registry.index import FOLDER
from gcai_ray.storage import Storage

NUM_RACERS, NUM_EACH = 8, 5
RACES = """
import sys
from registry_example import version
from gcai_ray.registry import added, change
from gcai_ray.storage import Storage
storage, first = Storage(sys.argv[1]), int(sys.argv[2])
print("ready", flush=True)
sys.stdin.readline()
for seed in range(first, first + int(sys.argv[3])):
    change(storage, lambda index: added(index, "tone", version(seed)))
"""


def add(storage: Storage, seed: int, name: str = "tone") -> Index:
    return change(storage, lambda index: added(index, name, version(seed)))


def file_of(root: Path, number: int) -> Path:
    return root.joinpath(*FOLDER, f"{number:08d}.json")


def check_all_there(storage: Storage, num_changes: int) -> None:
    """Every change is in the last state, and each state has one more than the state before."""
    states = list(history(storage))
    assert [state.number for state in states] == list(range(num_changes, 0, -1))
    assert read_index(storage) == states[0]
    for after, before in pairwise(states):
        assert after.entries["tone"].versions[:-1] == before.entries["tone"].versions
    files = [of.digest for of in states[0].entries["tone"].versions]
    assert sorted(files) == sorted(version(seed).digest for seed in range(num_changes))


def test_where_nothing_was_added_there_is_nothing(tmp_path: Path) -> None:
    storage = Storage(str(tmp_path / "none"))
    assert read_index(storage) == Index()
    assert list(history(storage)) == []
    assert not (tmp_path / "none").exists()


def test_a_change_is_read_back_with_who_and_when(tmp_path: Path) -> None:
    storage = Storage(str(tmp_path))
    done = add(storage, 1)
    assert read_index(storage) == done
    assert (done.number, done.action) == (1, "tone: version 1 added; version 1 is live")
    assert "@" in done.by
    assert done.at.endswith("+00:00")
    assert [path.name for path in file_of(tmp_path, 1).parent.iterdir()] == ["00000001.json"]


def test_what_was_refused_leaves_nothing(tmp_path: Path) -> None:
    storage = Storage(str(tmp_path))
    with pytest.raises(InputError):
        change(storage, lambda index: promoted(index, "tone"))
    assert list(tmp_path.iterdir()) == []


def test_who_knows_an_earlier_state_is_told_what_came_after(tmp_path: Path) -> None:
    storage = Storage(str(tmp_path))
    first = add(storage, 0)
    assert read_index(storage, first) == first
    for seed in (1, 2):
        add(storage, seed)
    last = change(storage, lambda index: with_canary(index, "tone", 2, 0.5))
    assert read_index(storage, first) == read_index(storage) == last
    assert read_index(storage, Index()) == last


def test_files_of_others_in_its_folder_are_not_its_own(tmp_path: Path) -> None:
    storage = Storage(str(tmp_path))
    done = add(storage, 1)
    for name in ("99999999.json.bak", ".00000009.json.0f", "x.json", "٠٠٠٠٠٠٠٩.json", "9.json"):
        (file_of(tmp_path, 1).parent / name).write_text("{}")
    assert read_index(storage) == done


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "damaged index"),
        ('{"number": 2, "entr', "damaged index"),
        ("[]", "damaged index"),
        ("\x00\x01", "damaged index"),
        ('{"number": 2, "unknown": 1}', r"unknown: Extra inputs"),
        ('{"number": 3}', "it says it is number 3"),
        ('{"format": 2, "number": 2}', r"of format 2, gcai-ray \S+ knows 1; use the version that"),
    ],
)
def test_a_damaged_index_is_named_and_the_one_before_can_be_had(
    tmp_path: Path, text: str, said: str
) -> None:
    storage = Storage(str(tmp_path))
    done = add(storage, 1)
    file_of(tmp_path, 2).write_text(text)
    for known in (None, done):
        with pytest.raises(ArtifactError, match=said) as damaged:
            read_index(storage, known)
        assert str(file_of(tmp_path, 2)) in str(damaged.value)
        assert "\n" not in str(damaged.value)
    with pytest.raises(ArtifactError):  # nothing is built on it
        add(storage, 2)
    file_of(tmp_path, 2).unlink()
    assert read_index(storage) == done


def test_an_index_with_a_file_name_that_leads_elsewhere_is_refused(tmp_path: Path) -> None:
    storage = Storage(str(tmp_path))
    add(storage, 1)
    raw = json.loads(file_of(tmp_path, 1).read_text())
    files = raw["entries"]["tone"]["versions"][0]["files"]
    files["../../../root/.bashrc"] = files.pop("adapter_config.json")
    file_of(tmp_path, 1).write_text(json.dumps(raw))
    with pytest.raises(ArtifactError, match=r"entries\.tone\.versions\.0\.files"):
        read_index(storage)


def test_of_racing_threads_no_change_is_lost(tmp_path: Path) -> None:
    storage, start = Storage(str(tmp_path)), Barrier(NUM_RACERS)

    def race(racer: int) -> None:
        start.wait()
        for seed in range(racer * NUM_EACH, (racer + 1) * NUM_EACH):
            add(storage, seed)

    with ThreadPoolExecutor(NUM_RACERS) as pool:
        list(pool.map(race, range(NUM_RACERS)))
    check_all_there(storage, NUM_RACERS * NUM_EACH)
    assert len(list(file_of(tmp_path, 1).parent.iterdir())) == NUM_RACERS * NUM_EACH


def test_of_racing_processes_no_change_is_lost(tmp_path: Path) -> None:
    racers = [
        subprocess.Popen(
            [sys.executable, "-c", RACES, str(tmp_path), str(first), str(NUM_EACH)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for first in range(0, 3 * NUM_EACH, NUM_EACH)
    ]
    for racer in racers:
        assert racer.stdout is not None
        assert racer.stdout.readline() == "ready\n"
    for racer in racers:
        assert racer.stdin is not None
        racer.stdin.write("go\n")
        racer.stdin.flush()
    for racer in racers:
        racer.communicate(timeout=60)
    assert [racer.returncode for racer in racers] == [0, 0, 0]
    check_all_there(Storage(str(tmp_path)), 3 * NUM_EACH)
