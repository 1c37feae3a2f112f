"""Who is assessed: known by base and adapter, whatever serves them; and what serves them here."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from asking_rows import key
from constitution_example import constitution

from gcai_ray.artifact_writer import ArtifactWriter
from gcai_ray.artifacts import Artifact
from gcai_ray.config import Config, parse_config
from gcai_ray.engines import identity
from gcai_ray.steps.answering import asking_model
from gcai_ray.steps.served import Application, models_of, serve_config, served_name
from gcai_ray.storage import Storage


def adapter(folder: Path, weights: bytes = b"w", rank: int = 8) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "adapter_config.json").write_text(json.dumps({"r": rank}))
    (folder / "adapter_model.safetensors").write_bytes(weights)
    return folder


def tuned(root: Path, weights: bytes = b"w", rank: int = 8) -> Artifact:
    files = adapter(root / "files", weights, rank)
    writer = ArtifactWriter(Storage(str(root)), ("tune", key(1)))
    for path in files.iterdir():
        writer.write_file(path.name, str(path))
    return writer.commit(inputs={}, config={}, seconds=0.0)


def config(folder: Path, tune: dict[str, Any] | None = None, **assess: Any) -> Config:
    folder.mkdir(exist_ok=True)
    (folder / "given.json").write_text(constitution().model_dump_json())
    (folder / "p.jsonl").write_text('{"messages": [{"role": "user", "content": "How?"}]}\n')
    source = {"name": "p", "format": "messages", "path": str(folder / "p.jsonl")}
    raw = {
        "name": "n",
        "root": str(folder / "run"),
        "constitution": str(folder / "given.json"),
        "engine": {"name": "openai", "model": "judge"},
        "prompts": {"sources": [source]},
        "tune": {"model": "owner/base"} | (tune or {}),
        "assess": assess,
    }
    return parse_config(raw, "test")


def test_a_model_is_its_base_and_what_its_adapter_holds(tmp_path: Path) -> None:
    of = config(tmp_path)
    base, own = models_of(of, {"tune": tuned(tmp_path / "a")})
    assert (base.name, base.identity) == ("base", "owner/base")
    assert own.identity.startswith("owner/base+sha256:")
    assert str(tmp_path) not in own.identity
    [_, same] = models_of(of, {"tune": tuned(tmp_path / "b")})
    [_, other] = models_of(of, {"tune": tuned(tmp_path / "c", weights=b"v")})
    assert same.identity == own.identity != other.identity


def test_the_baselines_model_and_other_adapters_come_after(tmp_path: Path) -> None:
    old = adapter(tmp_path / "old", b"o")
    of = config(tmp_path, others={"old": str(old)})
    inputs = {"tune": tuned(tmp_path / "a"), "icai.tune": tuned(tmp_path / "b", b"i")}
    models = models_of(of, inputs)
    assert [model.name for model in models] == ["base", "tuned", "icai", "old"]
    assert len({model.identity for model in models}) == 4


def test_a_question_is_known_by_the_model_not_by_where_it_is_asked(tmp_path: Path) -> None:
    asked = []
    for port in (1, 2):
        url = f"http://127.0.0.1:{port}/v1"
        of = config(tmp_path, base_url=url, names={"tuned": f"mine-{port}"})
        models = models_of(of, {"tune": tuned(tmp_path / f"a{port}")})
        with Application(of, models) as application:
            engine = application.engine(models[1])
            assert (engine.base_url, engine.model) == (url, f"mine-{port}")
            assert application.start() == url
            asked.append((identity(engine), asking_model(of, engine).settings()))
    assert asked[0] == asked[1]
    assert asked[0][0] == models[1].identity


def test_nothing_is_started_before_it_is_needed(tmp_path: Path) -> None:
    of = config(tmp_path)
    models = models_of(of, {"tune": tuned(tmp_path / "a")})
    with Application(of, models) as application:
        assert application.url is None
        assert application.engine(models[0]).model == "base"


def test_the_application_serves_the_base_with_all_adapters(tmp_path: Path) -> None:
    old = adapter(tmp_path / "old", b"o", rank=32)
    of = config(tmp_path, others={"old": str(old)}, serve={"device": "cpu", "dtype": "float32"})
    models = models_of(of, {"tune": tuned(tmp_path / "a")})
    assert of.assess is not None
    assert [served_name(model, of.assess) for model in models] == ["base", "base:tuned", "base:old"]
    [served] = serve_config(of, models).models
    assert (served.id, served.model, served.device) == ("base", "owner/base", "cpu")
    assert served.adapters == {"tuned": models[1].place, "old": str(old)}
    assert (served.max_adapters, served.max_lora_rank) == (2, 32)
    assert served.context_tokens == of.assess.context_tokens


def test_weights_tuned_whole_are_a_model_of_their_own(tmp_path: Path) -> None:
    of = config(tmp_path, tune={"method": "full"})
    models = models_of(of, {"tune": tuned(tmp_path / "a")})
    assert of.assess is not None
    assert [served_name(model, of.assess) for model in models] == ["base", "tuned"]
    assert models[1].identity.startswith("sha256:")
    assert [one.id for one in serve_config(of, models).models] == ["base", "tuned"]


def test_code_of_a_model_is_never_run(tmp_path: Path) -> None:
    from gcai_ray.errors import ConfigError

    with pytest.raises(ConfigError, match="trust_remote_code stays off"):
        config(tmp_path, serve={"engine_args": {"trust_remote_code": True}})
