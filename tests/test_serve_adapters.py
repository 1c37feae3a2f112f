"""Names of adapters in requests → versions of the configuration or the registry, for a base."""

from __future__ import annotations

from pathlib import Path

import pytest
from registry_example import write_adapter

from gcai_ray.errors import InputError
from gcai_ray.registry import added, change, read_version, with_canary
from gcai_ray.serve.adapters import Adapters
from gcai_ray.serving_config import ServedModel
from gcai_ray.storage import Storage


@pytest.fixture
def registry(tmp_path: Path) -> str:
    """`aligned`, with two versions, the first live; tuned on `tiny`."""
    root = str(tmp_path / "registry")
    for seed in (1, 2):
        found = read_version(str(write_adapter(tmp_path / f"a{seed}", seed)))
        change(Storage(root), lambda index, of=found: added(index, "aligned", of))
    return root


def adapters(registry: str | None, alone: bool = True, **changes: object) -> Adapters:
    usual = {"id": "tiny", "model": "models/tiny"}
    found = Adapters(ServedModel.model_validate(usual | changes), registry, alone)
    found.refresh()
    return found


def test_a_name_means_the_live_version_and_a_number_any(registry: str) -> None:
    known = adapters(registry)
    for text, id in (("aligned", "tiny:aligned@1"), ("aligned@2", "tiny:aligned@2")):
        named = known.find(text, "ann")
        assert named is not None
        assert named.id == id
    for text in ("aligned@3", "aligned@", "aligned@01", "other", "", "../aligned", "aligned@2 "):
        assert known.find(text, "ann") is None
    assert [(name, of.number, live) for name, of, live in known] == [
        ("aligned", 1, True),
        ("aligned", 2, False),
    ]


def test_a_change_is_seen_at_the_next_look_and_by_a_replica_at_once(registry: str) -> None:
    known, replica = adapters(registry), adapters(registry)
    change(Storage(registry), lambda index: with_canary(index, "aligned", 2, 1.0))
    before = known.find("aligned", "ann")
    known.refresh()
    after = known.find("aligned", "ann")
    assert before is not None
    assert after is not None
    assert (before.id, after.id) == ("tiny:aligned@1", "tiny:aligned@2")
    third = read_version(str(write_adapter(Path(registry).parent / "a3", 3)))
    change(Storage(registry), lambda index: added(index, "aligned", third))
    assert replica.version("tiny:aligned@3").files == third.files
    with pytest.raises(InputError, match="there is no adapter aligned@9"):
        replica.version("tiny:aligned@9")


def test_an_adapter_of_the_settings_comes_before_one_of_the_registry(
    registry: str, tmp_path: Path
) -> None:
    own = str(write_adapter(tmp_path / "own", 9))
    known = adapters(registry, adapters={"aligned": own})
    named = known.find("aligned", "ann")
    assert named is not None
    assert named.version.adapter == own
    assert known.find("aligned@2", "ann") is None
    assert [(name, of.number) for name, of, _ in known] == [("aligned", 1)]


def test_of_several_bases_each_is_offered_its_own_adapters(registry: str) -> None:
    assert adapters(registry, alone=False).find("aligned", "") is not None
    for other in ({"id": "other", "model": "models/other"}, {"id": "o", "model": "Qwen/Qwen3"}):
        assert adapters(registry, alone=False, **other).find("aligned", "") is None
        assert list(adapters(registry, alone=False, **other)) == []
        assert adapters(registry, **other).find("aligned", "") is not None  # whose else?


def test_an_adapter_of_another_hub_model_is_never_offered(tmp_path: Path) -> None:
    root = str(tmp_path / "registry")
    folder = write_adapter(tmp_path / "a", base_model_name_or_path="Qwen/Qwen2.5-7B-Instruct")
    found = read_version(str(folder))
    change(Storage(root), lambda index: added(index, "aligned", found))
    assert adapters(root, model="meta-llama/Llama-3.1-8B-Instruct").find("aligned", "") is None
    assert adapters(root, model="Qwen/Qwen2.5-7B-Instruct").find("aligned", "") is not None
