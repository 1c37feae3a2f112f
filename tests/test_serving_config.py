"""Settings of a served application: what they may be, and who may be let in."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import ValidationError

from gcai_ray.errors import ConfigError
from gcai_ray.serving_config import ServeConfig, load_serve_config

MODEL = {"id": "tiny", "model": "runs/tiny"}


def config(**changes: object) -> ServeConfig:
    return ServeConfig.model_validate({"models": [MODEL]} | changes)


@pytest.mark.parametrize("host", ["127.0.0.1", "::1", "localhost", "127.8.9.1"])
def test_a_door_to_this_machine_alone_needs_no_key(host: str) -> None:
    config(host=host).refuse_open_door(insecure=False)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "10.0.0.7", "gateway.example.com"])
def test_a_door_to_others_needs_keys_or_a_word(host: str) -> None:
    with pytest.raises(ConfigError, match="gcai keys new"):
        config(host=host).refuse_open_door(insecure=False)
    config(host=host).refuse_open_door(insecure=True)
    config(host=host, keys="keys.yaml").refuse_open_door(insecure=False)


@pytest.mark.parametrize(
    "id", ["../x", "a:b", "a@2", "", "a b", "x" * 65, "a/b/c", "/a", "é", "a\n"]
)
def test_names_that_would_mean_something_else_in_a_request_are_refused(id: str) -> None:
    with pytest.raises(ValidationError, match="models"):
        config(models=[MODEL | {"id": id}])


def test_hub_names_are_names() -> None:
    assert config(models=[MODEL | {"id": "Qwen/Qwen2.5-7B-Instruct"}]).models[0].replica_range == (
        1,
        1,
    )


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"models": [MODEL, MODEL]}, "two models are called 'tiny'"),
        ({"models": [MODEL | {"replicas": [3, 2]}]}, "the smaller number comes first"),
        ({"models": [MODEL | {"engine_args": {"trust_remote_code": True}}]}, "trust_remote_code"),
        ({"models": [MODEL | {"adapters": {"../up": "x"}}]}, "adapters"),
        ({"limit": {}}, "did you mean 'limits'"),
        ({"port": 70000}, "port"),
    ],
)
def test_faults_are_named(changes: dict[str, object], words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        config(**changes)


def test_a_file_is_read_with_overrides_and_its_faults_name_it(tmp_path: Path) -> None:
    path = tmp_path / "serve.yaml"
    path.write_text("models: [{id: tiny, model: m}]\nport: 8000\n", encoding="utf-8")
    found = load_serve_config(path, ("port=8123", "limits.max_in_flight=3"))
    assert (found.port, found.limits.max_in_flight) == (8123, 3)
    path.write_text("models: []\n", encoding="utf-8")
    with pytest.raises(ConfigError, match=r"serve\.yaml: models: .*at least 1"):
        load_serve_config(path)
    with pytest.raises(ConfigError, match="cannot read the configuration"):
        load_serve_config(tmp_path / "none.yaml")
