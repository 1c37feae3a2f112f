from pathlib import Path

import pytest
from constitution_example import constitution

from gcai_ray.config import Config, parse_config
from gcai_ray.errors import ConfigError, InputError
from gcai_ray.pipeline import ICAI, NAMES, Planned, needed, plan


def config(folder: Path, **changes: object) -> Config:
    path = folder / "rows.csv"
    path.write_text("p,a,b,c,r\nq,one,two,a,it is short\n", encoding="utf-8")
    columns = {"prompt": "p", "response_a": "a", "response_b": "b", "preferred": "c", "reason": "r"}
    source = {"name": "s", "format": "tabular", "path": str(path), "preferences": columns}
    engine = {"name": "openai", "model": "m", "base_url": "http://127.0.0.1:9/v1"}
    raw = {"name": "n", "root": str(folder / "run"), "sources": [source], "engine": engine}
    return parse_config(raw | changes, "test")


TUNES, ASSESSES = ("prompts", "revise", "tune"), ("answer", "assess")
MAKES = [name for name in NAMES if name not in (*TUNES, *ASSESSES)]  # a constitution


def by_name(planned: list[Planned]) -> dict[str, Planned]:
    return {item.name: item for item in planned}


def test_the_baseline_is_run_before_evaluate_and_reads_nothing_again(tmp_path: Path) -> None:
    names = [item.name for item in plan(config(tmp_path))]
    branch = [f"{ICAI}.{name}" for name in ("extract", "embed", "distill", "vote", "ratify")]
    assert names == [*MAKES[:6], *branch, *MAKES[6:]]
    found = by_name(plan(config(tmp_path)))
    assert found["icai.extract"].inputs["ingest"] == found["ingest"].fingerprint
    assert found["icai.vote"].inputs["distill"] == found["icai.distill"].fingerprint
    assert found["evaluate"].inputs["icai.ratify"] == found["icai.ratify"].fingerprint


def test_the_baseline_has_as_many_principles_in_all(tmp_path: Path) -> None:
    of = config(tmp_path, ratify={"num_contextual": 3, "num_general": 4, "floor": 1})
    baseline = by_name(plan(of))["icai.ratify"].config
    assert (baseline.mode, baseline.ratify.num_contextual, baseline.ratify.floor) == ("icai", 7, 0)


def test_the_baseline_is_the_very_run_that_icai_mode_makes(tmp_path: Path) -> None:
    wanted = {"num_contextual": 10, "num_general": 0}
    alone = by_name(plan(config(tmp_path, mode="icai", ratify=wanted)))
    beside = by_name(plan(config(tmp_path)))
    for name in ("extract", "embed", "distill", "vote", "ratify"):
        assert beside[f"{ICAI}.{name}"].directory == alone[name].directory


@pytest.mark.parametrize(
    "changes", [{"evaluate": {"icai": False}}, {"engine": {"name": "extractive"}}, {"mode": "icai"}]
)
def test_without_a_baseline_the_steps_are_those_of_the_method(
    tmp_path: Path, changes: dict[str, object]
) -> None:
    planned = plan(config(tmp_path, **changes))
    assert [item.name for item in planned] == MAKES
    assert not any(key.startswith(ICAI) for item in planned for key in item.inputs)


def test_whether_a_baseline_stands_beside_decides_what_evaluate_finds(tmp_path: Path) -> None:
    with_, without = (
        by_name(plan(config(tmp_path, evaluate={"icai": icai}))) for icai in (True, False)
    )
    assert with_["ratify"].fingerprint == without["ratify"].fingerprint
    assert with_["evaluate"].fingerprint != without["evaluate"].fingerprint


def tuning(folder: Path, **changes: object) -> Config:
    """The same with prompts and a model to tune."""
    path = folder / "prompts.jsonl"
    path.write_text('{"messages": [{"role": "user", "content": "How?"}]}\n', encoding="utf-8")
    source = {"name": "p", "format": "messages", "path": str(path)}
    return config(
        folder, **{"prompts": {"sources": [source]}, "tune": {"model": "some/model"}} | changes
    )


def test_a_run_that_tunes_has_all_steps_and_changes_none_before_them(tmp_path: Path) -> None:
    found, before = by_name(plan(tuning(tmp_path))), by_name(plan(config(tmp_path)))
    wanted = [name for name in NAMES if name not in ASSESSES]
    assert [name for name in found if not name.startswith(ICAI)] == wanted
    for name in before:
        assert (found[name].fingerprint == before[name].fingerprint) == (name != "report")
    assert found["revise"].inputs == {
        name: found[name].fingerprint for name in ("prompts", "ratify")
    }


def test_a_run_with_a_given_constitution_only_tunes(tmp_path: Path) -> None:
    path = tmp_path / "constitution.json"
    path.write_text(constitution().model_dump_json(), encoding="utf-8")
    of = tuning(tmp_path, sources=[], constitution=str(path))
    found = by_name(plan(of))
    assert list(found) == ["prompts", "revise", "tune"]
    path.write_text(constitution(title="Another").model_dump_json(), encoding="utf-8")
    other = by_name(plan(of))
    assert other["prompts"].fingerprint == found["prompts"].fingerprint
    assert other["revise"].fingerprint != found["revise"].fingerprint
    assert other["tune"].fingerprint != found["tune"].fingerprint


@pytest.mark.parametrize("text", ["", "{}", '{"principles": []}', "[1]"])
def test_a_file_that_is_no_constitution_is_refused_by_name(tmp_path: Path, text: str) -> None:
    path = tmp_path / "constitution.json"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match=r"constitution\.json is no constitution\.json"):
        plan(tuning(tmp_path, sources=[], constitution=str(path)))


def test_a_constitution_that_is_not_there_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"there is no file .*/none\.json"):
        plan(tuning(tmp_path, sources=[], constitution=str(tmp_path / "none.json")))


def test_what_only_decides_where_training_runs_changes_no_fingerprint(tmp_path: Path) -> None:
    def key(tune: dict[str, object]) -> str:
        return by_name(plan(tuning(tmp_path, tune={"model": "a/b"} | tune)))["tune"].fingerprint

    usual = key({})
    assert key({"where": {"num_workers": 4, "device": "cpu", "strategy": "fsdp"}}) == usual
    for changed in ({"dtype": "float32"}, {"lora": {"rank": 8}}, {"dpo": {"beta": 0.2}}):
        assert key(changed) != usual
    assert key({"model": "a/c"}) != usual


def names_needed(of: Config, until: str) -> list[str]:
    return [item.name for item in needed(of, plan(of), until)]


def test_a_step_is_run_with_those_it_needs_and_no_other(tmp_path: Path) -> None:
    of = tuning(tmp_path)
    assert names_needed(of, "prompts") == ["prompts"]
    assert names_needed(of, "ratify") == MAKES[:6]
    assert names_needed(of, "revise") == [*MAKES[:6], "prompts", "revise"]
    assert names_needed(of, "report") == [item.name for item in plan(of)]
    with pytest.raises(ConfigError, match="`tune` needs `tune`"):
        names_needed(tuning(tmp_path, tune=None), "tune")


def assessing(folder: Path, **changes: object) -> Config:
    """The same with models to assess."""
    return tuning(folder, **{"assess": {"num_prompts": 8}} | changes)


def test_a_run_that_assesses_tunes_to_the_baseline_too_and_changes_nothing_before(
    tmp_path: Path,
) -> None:
    planned = plan(assessing(tmp_path))
    found, before = by_name(planned), by_name(plan(tuning(tmp_path)))
    names = [item.name for item in planned]
    assert [name for name in names if not name.startswith(ICAI)] == list(NAMES)
    start = names.index("tune") + 1
    assert names[start : start + 4] == ["icai.revise", "icai.tune", "answer", "assess"]
    for name in before:
        assert (found[name].fingerprint == before[name].fingerprint) == (name != "report")
    assert found["answer"].inputs["icai.tune"] == found["icai.tune"].fingerprint
    assert "icai.tune" not in found["assess"].inputs


def test_the_baselines_model_is_the_very_one_that_icai_mode_tunes(tmp_path: Path) -> None:
    wanted = {"num_contextual": 10, "num_general": 0}
    alone = by_name(plan(tuning(tmp_path, mode="icai", ratify=wanted)))
    beside = by_name(plan(assessing(tmp_path)))
    for name in ("ratify", "revise", "tune"):
        assert beside[f"{ICAI}.{name}"].directory == alone[name].directory


@pytest.mark.parametrize(
    "changes", [{"assess": {"icai": False}}, {"evaluate": {"icai": False}}, {"mode": "icai"}]
)
def test_no_model_is_tuned_to_a_baseline_nobody_wants(
    tmp_path: Path, changes: dict[str, object]
) -> None:
    found = by_name(plan(assessing(tmp_path, **changes)))
    assert "icai.tune" not in found
    assert set(found["answer"].inputs) == {"tune", "prompts"}


def test_where_models_are_served_changes_no_fingerprint(tmp_path: Path) -> None:
    def key(**assess: object) -> str:
        return by_name(plan(assessing(tmp_path, assess=assess)))["answer"].fingerprint

    usual = key()
    here: dict[str, object]
    for here in ({"base_url": "http://127.0.0.1:1/v1"}, {"serve": {"device": "cpu"}}):
        assert key(**here) == usual
    assert key(names={"tuned": "mine"}, concurrency=3) == usual
    for changed in ({"num_prompts": 9}, {"temperature": 0.5}, {"max_response_tokens": 64}):
        assert key(**changed) != usual


def test_another_adapter_is_known_by_its_files_not_by_its_path(tmp_path: Path) -> None:
    def key(name: str, content: str) -> str:
        (tmp_path / name).mkdir(exist_ok=True)
        (tmp_path / name / "adapter_config.json").write_text(content, encoding="utf-8")
        others = {"old": str(tmp_path / name)}
        return by_name(plan(assessing(tmp_path, assess={"others": others})))["answer"].fingerprint

    assert key("here", "{}") == key("there", "{}")
    assert key("here", "{}") != key("here", '{"r": 8}')
    with pytest.raises(ConfigError, match=r"assess\.others: .*no model directory"):
        plan(assessing(tmp_path, assess={"others": {"old": str(tmp_path / "nowhere")}}))


def test_a_given_constitution_is_reported_on_only_where_a_model_is_assessed(
    tmp_path: Path,
) -> None:
    path = tmp_path / "constitution.json"
    path.write_text(constitution().model_dump_json(), encoding="utf-8")
    of = assessing(tmp_path, sources=[], constitution=str(path))
    assert list(by_name(plan(of))) == [*TUNES, *ASSESSES, "report"]
    assert names_needed(of, "answer") == [*TUNES, "answer"]


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"tune": None}, "`assess` needs `tune`"),
        ({"assess": {"harmless": ["q"]}}, "no source of prompts 'q'"),
        ({"assess": {"others": {"icai": "x"}}}, "'icai' is a model of the run itself"),
        ({"assess": {"names": {"tunde": "x"}}}, "`names` has 'tunde'"),
        ({"assess": {"num_prompt": 3}}, "did you mean 'num_prompts'"),
    ],
)
def test_settings_that_cannot_be_meant_are_refused(
    tmp_path: Path, changes: dict[str, object], why: str
) -> None:
    with pytest.raises(ConfigError, match=why):
        assessing(tmp_path, **changes)
