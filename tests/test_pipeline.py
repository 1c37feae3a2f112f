from pathlib import Path

import pytest

from gcai_ray.config import Config, parse_config
from gcai_ray.pipeline import ICAI, NAMES, Planned, plan


def config(folder: Path, **changes: object) -> Config:
    path = folder / "rows.csv"
    path.write_text("p,a,b,c,r\nq,one,two,a,it is short\n", encoding="utf-8")
    columns = {"prompt": "p", "response_a": "a", "response_b": "b", "preferred": "c", "reason": "r"}
    source = {"name": "s", "format": "tabular", "path": str(path), "preferences": columns}
    engine = {"name": "openai", "model": "m", "base_url": "http://127.0.0.1:9/v1"}
    raw = {"name": "n", "root": str(folder / "run"), "sources": [source], "engine": engine}
    return parse_config(raw | changes, "test")


def by_name(planned: list[Planned]) -> dict[str, Planned]:
    return {item.name: item for item in planned}


def test_the_baseline_is_run_before_evaluate_and_reads_nothing_again(tmp_path: Path) -> None:
    names = [item.name for item in plan(config(tmp_path))]
    branch = [f"{ICAI}.{name}" for name in ("extract", "embed", "distill", "vote", "ratify")]
    assert names == [*NAMES[:6], *branch, *NAMES[6:]]
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
    assert [item.name for item in planned] == list(NAMES)
    assert not any(key.startswith(ICAI) for item in planned for key in item.inputs)


def test_whether_a_baseline_stands_beside_decides_what_evaluate_finds(tmp_path: Path) -> None:
    with_, without = (
        by_name(plan(config(tmp_path, evaluate={"icai": icai}))) for icai in (True, False)
    )
    assert with_["ratify"].fingerprint == without["ratify"].fingerprint
    assert with_["evaluate"].fingerprint != without["evaluate"].fingerprint
