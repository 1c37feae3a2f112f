"""What may become a version, and what is said of it."""

from __future__ import annotations

import hashlib
import json
import pickle
from pathlib import Path
from typing import Any

import pytest
from registry_example import SETTINGS, WEIGHTS, tuned_run, write_adapter, write_constitution

from gcai_ray.errors import ArtifactError, GcaiError, InputError, StorageError
from gcai_ray.registry import read_figures, read_version


def refusal(place: Path | str) -> str:
    with pytest.raises(GcaiError) as refused:
        read_version(str(place))
    assert isinstance(refused.value, InputError | ArtifactError)
    assert "\n" not in str(refused.value)
    return str(refused.value)


def test_a_folder_becomes_a_version(tmp_path: Path) -> None:
    folder = write_constitution(write_adapter(tmp_path / "a"), title="Of Kenya")
    found = read_version(f"{folder}/", number=4, evaluation={"from": "x"})
    assert (found.number, found.adapter, found.base_model, found.rank) == (
        4,
        str(folder),
        "tiny",
        8,
    )
    for name in (SETTINGS, WEIGHTS):
        data = (folder / name).read_bytes()
        assert found.files[name].size_bytes == len(data)
        assert found.files[name].sha256 == hashlib.sha256(data).hexdigest()
    assert found.constitution is not None
    told = found.constitution.model_dump()
    file = (folder / "constitution.json").read_bytes()
    assert told.pop("sha256") == hashlib.sha256(file).hexdigest()
    assert told == {
        "title": "Of Kenya",
        "mode": "gcai",
        "status": "candidate",
        "model": None,
        "num_principles": 5,
        "num_people": 100,
        "num_preferences": 120,
        "num_reasons": 110,
        "num_statements": 80,
    }
    assert (found.evaluation, found.withdrawn) == ({"from": "x"}, False)


def test_a_path_means_where_the_command_was_started(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_adapter(tmp_path / "a")
    monkeypatch.chdir(tmp_path)
    assert read_version("a").adapter == read_version("./a/").adapter == str(tmp_path / "a")


def test_the_same_weights_elsewhere_are_the_same_and_others_are_not(tmp_path: Path) -> None:
    one = read_version(str(write_adapter(tmp_path / "a", 1)))
    assert read_version(str(write_adapter(tmp_path / "b", 1))).digest == one.digest
    assert read_version(str(write_adapter(tmp_path / "c", 2))).digest != one.digest
    assert read_version(str(write_adapter(tmp_path / "d", 1, lora_alpha=3))).digest != one.digest
    assert one.constitution is None


def test_a_run_gives_the_adapter_it_tuned(tmp_path: Path) -> None:
    folder = tuned_run(tmp_path)
    assert read_version(str(tmp_path)).adapter == str(folder)
    assert read_version(str(tmp_path)).digest == read_version(str(folder)).digest


def test_a_tuning_that_is_not_finished_is_refused(tmp_path: Path) -> None:
    folder = tuned_run(tmp_path, is_finished=False)
    assert "no manifest.json: the run that tunes it has not finished" in refusal(folder)
    assert "this run has tuned nothing yet" in refusal(tmp_path)


@pytest.mark.parametrize("name", [SETTINGS, "constitution.json"])
def test_what_changed_since_it_was_tuned_is_refused(tmp_path: Path, name: str) -> None:
    path = tuned_run(tmp_path) / name
    path.write_text(path.read_text() + " ")
    said = refusal(tmp_path)
    assert f"{path}: damaged, its checksum is" in said


def test_weights_that_changed_since_they_were_tuned_are_refused(tmp_path: Path) -> None:
    path = tuned_run(tmp_path) / WEIGHTS
    path.write_bytes(path.read_bytes()[:-1] + b"\x7f")
    assert "damaged, its checksum is" in refusal(tmp_path)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"r": 0}, "r: "),
        ({"r": "8"}, "r: "),
        ({"r": True}, "r: "),
        ({"r": None}, "r: "),
        ({"base_model_name_or_path": None}, "base_model_name_or_path: "),
        ({"base_model_name_or_path": ""}, "base_model_name_or_path: "),
        ({"peft_type": "IA3"}, "peft_type: Input should be 'LORA' (found 'IA3')"),
        ({"use_dora": True}, "use_dora: "),
        ({"bias": "all"}, "bias: "),
        ({"modules_to_save": ["lm_head"]}, "modules_to_save: "),
        ({"alpha_pattern": {"q_proj": 1}}, "alpha_pattern: "),
        ({"rank_pattern": {"q_proj": 1}}, "rank_pattern: "),
    ],
)
def test_what_would_be_served_otherwise_than_trained_is_refused(
    tmp_path: Path, changes: dict[str, Any], said: str
) -> None:
    folder = write_adapter(tmp_path / "a", **changes)
    found = refusal(folder)
    assert found.startswith(f"{folder}/{SETTINGS}: {said}")
    assert "only a plain LoRA adapter" in found


@pytest.mark.parametrize("text", ["", "[]", "{", "{}", '{"r": 8}', "\x00"])
def test_settings_that_are_none_are_refused(tmp_path: Path, text: str) -> None:
    folder = write_adapter(tmp_path / "a")
    (folder / SETTINGS).write_text(text)
    assert SETTINGS in refusal(folder)


def test_a_pickle_is_refused_unread(tmp_path: Path) -> None:
    class Bomb:
        def __reduce__(self) -> tuple[Any, ...]:
            return (Path.touch, (tmp_path / "exploded",))

    folder = write_adapter(tmp_path / "a")
    (folder / "adapter_model.bin").write_bytes(pickle.dumps(Bomb()))
    whole = (folder / WEIGHTS).read_bytes()
    (folder / WEIGHTS).unlink()
    assert "the weights are a pickle" in refusal(folder)
    (folder / WEIGHTS).write_bytes(pickle.dumps(Bomb()))
    assert "no whole safetensors file" in refusal(folder)
    (folder / WEIGHTS).write_bytes(whole)  # beside safetensors it is neither read nor served
    assert set(read_version(str(folder)).files) == {SETTINGS, WEIGHTS}
    assert not (tmp_path / "exploded").exists()


@pytest.mark.parametrize("how", ["short", "long", "empty", "pointer", "length", "header", "none"])
def test_weights_that_are_not_whole_are_refused(tmp_path: Path, how: str) -> None:
    folder = write_adapter(tmp_path / "a")
    whole = (folder / WEIGHTS).read_bytes()
    damaged = {
        "short": whole[:-1],
        "long": whole + b"\0",
        "empty": b"",
        "pointer": b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n",
        "length": b"\xff" * 8 + whole[8:],
        "header": whole[:8] + b"\0" * (len(whole) - 8),
        "none": (2).to_bytes(8, "little") + b"{}",
    }
    (folder / WEIGHTS).write_bytes(damaged[how])
    assert "no whole safetensors file" in refusal(folder)


def test_a_folder_without_an_adapter_is_told_by_what_it_is(tmp_path: Path) -> None:
    assert "there is no folder" in refusal(tmp_path / "none")
    assert "there is no folder owner/name" in refusal("owner/name")
    (tmp_path / "config.json").write_text("{}")
    assert "a whole model and no adapter" in refusal(tmp_path)
    (tmp_path / "config.json").unlink()
    (tmp_path / "x").write_text("")
    assert f"{tmp_path}/{SETTINGS}: missing" in refusal(tmp_path)
    with pytest.raises(StorageError, match="Not a directory"):
        read_version(str(tmp_path / "x"))
    write_adapter(tmp_path)
    (tmp_path / WEIGHTS).unlink()
    assert f"{tmp_path}/{WEIGHTS}: missing" in refusal(tmp_path)


def test_a_constitution_that_is_none_is_refused(tmp_path: Path) -> None:
    folder = write_adapter(tmp_path / "a")
    (folder / "constitution.json").write_text('{"title": 1}')
    assert "constitution.json: no constitution of this version: title: " in refusal(folder)


def test_figures_are_kept_with_where_they_come_from(tmp_path: Path) -> None:
    path = tmp_path / "figures.json"
    path.write_text('{"adherence": 0.8}')
    assert read_figures(str(path)) == {"from": str(path), "figures": {"adherence": 0.8}}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[1]", "no JSON object"),
        ("{", "is no JSON"),
        ("", "is no JSON"),
        (json.dumps({"x": "y" * 70_000}), "more than 65,536 bytes"),
    ],
)
def test_figures_that_are_none_are_refused(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "f.json").write_text(text)
    with pytest.raises(InputError, match=said):
        read_figures(str(tmp_path / "f.json"))


def test_figures_that_are_not_there_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="is no file"):
        read_figures(str(tmp_path / "none.json"))
    with pytest.raises(StorageError, match=r"evaluation: cannot read .*Is a directory"):
        read_figures(str(tmp_path))
