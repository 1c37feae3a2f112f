from pathlib import Path

import pytest

from gcai_ray.config import Config, load_config
from gcai_ray.engine_config import VllmEngine
from gcai_ray.errors import ConfigError
from gcai_ray.serving_config import load_serve_config

GOOD = """
name: t
root: /tmp/t
sources:
  - name: one
    format: tabular
    path: a.csv
    statements: {text: words}
"""


def write(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "c.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def refusal(tmp_path: Path, text: str, *overrides: str) -> str:
    with pytest.raises(ConfigError) as caught:
        load_config(write(tmp_path, text), overrides)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_a_good_config_has_defaults_and_is_frozen(tmp_path: Path) -> None:
    config = load_config(write(tmp_path, GOOD))
    assert config.ratify.num_contextual == 5
    with pytest.raises(ValueError, match="frozen"):
        config.seed = 3  # type: ignore[misc]


@pytest.mark.parametrize(
    ("wrong", "hint"),
    [
        (GOOD + "ratfy: {}\n", "did you mean 'ratify'"),
        (
            GOOD + "ratify: {num_genral: 3}\n",
            "ratify: unknown key 'num_genral': did you mean 'num_general'",
        ),
        (GOOD.replace("text: words", "txt: words"), "did you mean 'text'"),
        (GOOD.replace("tabular", "tabular2"), "tabular2"),
        (GOOD + "seed: many\n", "seed"),
        (GOOD + "ingest: {test_share: 1.5}\n", "ingest.test_share"),
        ("- 1\n- 2\n", "found a list"),
        ("name: [unclosed\n", "not valid YAML"),
        (
            GOOD.replace("    statements: {text: words}\n", ""),
            "needs `preferences:` or `statements:`",
        ),
    ],
)
def test_a_wrong_config_says_what_to_mend(tmp_path: Path, wrong: str, hint: str) -> None:
    assert hint in refusal(tmp_path, wrong)


ENGINES = "engine: {%s}\n"
VLLM = "name: vllm, model: m, "


@pytest.mark.parametrize(
    ("engine", "hint"),
    [
        ("", "engine: `name` is missing; it is one of extractive, vllm, openai, batch_file"),
        ("model: m", "engine: `name` is missing"),
        ("name: ollama", "'ollama'"),
        ("name: openai", "engine.openai.model: Field required"),
        ("name: openai, model: ''", "engine.openai.model"),
        ("name: openai, modle: m", "engine.openai: unknown key 'modle': did you mean 'model'"),
        ("name: openai, model: m, num_replicas: 2", "unknown key 'num_replicas'"),
        ("name: openai, model: m, base_url: localhost", "engine.openai.base_url"),
        ("name: openai, model: m, api_key_env: sk-123", "engine.openai.api_key_env"),
        ("name: openai, model: m, price: {prompt: 1}", "engine.openai.price.completion"),
        ("name: openai, model: m, max_attempts: 0", "engine.openai.max_attempts"),
        ("name: openai, model: m, stall_timeout_s: 0", "engine.openai.stall_timeout_s"),
        ("name: batch_file, model: m, max_lines: 60000", "engine.batch_file.max_lines"),
        ("name: extractive, model: m", "engine.extractive: unknown key 'model'"),
        (VLLM + "adapter: b, adapters: {a: /p}", "adapter 'b' is not among `adapters` (a)"),
        (VLLM + "adapter: b", "adapter 'b' is not among `adapters` (none)"),
        (VLLM + "engine_args: {trust_remote_code: true}", "trust_remote_code stays off"),
        (VLLM + "num_replicas: [4, 2]", "num_replicas [4, 2]: the smaller number comes first"),
        (VLLM + "num_replicas: 0", "engine.vllm.num_replicas"),
    ],
)
def test_a_wrong_engine_says_what_to_mend(tmp_path: Path, engine: str, hint: str) -> None:
    assert hint in refusal(tmp_path, GOOD + ENGINES % engine)


@pytest.mark.parametrize("name", ["vllm", "openai", "batch_file"])
def test_an_engine_needs_its_name_and_a_model_alone(tmp_path: Path, name: str) -> None:
    config = load_config(write(tmp_path, GOOD + ENGINES % f"name: {name}, model: m"))
    assert config.engine.name == name
    assert load_config(write(tmp_path, GOOD)).engine.name == "extractive"


def test_a_pool_may_grow_and_an_adapter_answer(tmp_path: Path) -> None:
    some = VLLM + "num_replicas: [2, 4], adapters: {a: /p}, adapter: a"
    engine = load_config(write(tmp_path, GOOD + ENGINES % some)).engine
    assert isinstance(engine, VllmEngine)
    assert engine.num_replicas == (2, 4)
    off = VLLM + "engine_args: {trust_remote_code: false}"
    assert load_config(write(tmp_path, GOOD + ENGINES % off))


def test_the_baseline_needs_a_model(tmp_path: Path) -> None:
    baseline = GOOD + "mode: icai\n"
    assert "mode 'icai' reads no reasons" in refusal(tmp_path, baseline)
    engine = ENGINES % "name: openai, model: m"
    assert load_config(write(tmp_path, baseline + engine)).mode == "icai"


def test_a_source_without_format_is_told_which_there_are(tmp_path: Path) -> None:
    said = refusal(tmp_path, GOOD.replace("    format: tabular\n", ""))
    assert "sources.0: `format` is missing; it is one of tabular," in said
    assert "prism" in said


def test_two_sources_of_one_name_are_refused(tmp_path: Path) -> None:
    source = GOOD[GOOD.index("  - name") :]
    assert "two sources are named 'one'" in refusal(tmp_path, GOOD + source)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"no\.yaml.*No such file"):
        load_config(tmp_path / "no.yaml")


def test_overrides_reach_into_lists_and_new_sections(tmp_path: Path) -> None:
    path = write(tmp_path, GOOD)
    config = load_config(path, ("ratify.num_general=3", "sources.0.path=b.csv", "seed=7"))
    assert (config.ratify.num_general, config.sources[0].path, config.seed) == (3, "b.csv", 7)  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("override", "hint"),
    [
        ("seed", "expected key=value"),
        ("sources.5.path=x", "no index of a list of 1"),
        ("name.x=1", "has no place in text"),
    ],
)
def test_a_wrong_override_says_what_to_mend(tmp_path: Path, override: str, hint: str) -> None:
    assert hint in refusal(tmp_path, GOOD, override)


def test_the_configs_that_ship_are_valid() -> None:
    for path in sorted((Path(__file__).parent.parent / "jobs").glob("*.yaml")):
        if path.name.startswith("serve_"):
            assert load_serve_config(path).models
        else:
            assert isinstance(load_config(path), Config)
