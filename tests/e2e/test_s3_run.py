"""The demo with its sources and its root on S3: one code path, the same bytes as on a disk."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path

import pytest
import yaml
from asking_runs import gcai, ran
from places import ROOT
from s3_gateway import Gateway, use_s3

from gcai_ray.runs import open_run
from gcai_ray.schemas import Constitution
from gcai_ray.storage import Storage

DEMO = ROOT / "jobs" / "demo.yaml"
SAMPLES = ("preferences.csv", "statements.csv")
pytestmark = [pytest.mark.ray, pytest.mark.slow]


def config_on_s3(bucket: str, path: Path) -> Path:
    """The demo's configuration, its sample files in the bucket."""
    raw = yaml.safe_load(DEMO.read_text(encoding="utf-8"))
    for source in raw["sources"]:
        name = source["path"].removeprefix("sample:")
        source["path"] = f"s3://{bucket}/in/{name}"
        data = files("gcai_ray").joinpath("sample", name).read_bytes()
        Storage(f"s3://{bucket}/in").write(data, name)
    raw["sources"][1]["path"] = f"s3://{bucket}/in/statem*.csv"
    raw["root"] = f"s3://{bucket}/runs/demo"
    path.write_text(yaml.safe_dump(raw), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def on_s3(s3: Gateway, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The root of a finished run; its workers, of a Ray of their own, know S3 from the environment
    alone.
    """
    bucket = s3.create_bucket()
    with use_s3(s3.environment()):
        config = config_on_s3(bucket, tmp_path_factory.mktemp("s3") / "demo.yaml")
        done = subprocess.run(
            [sys.executable, "-m", "gcai_ray.cli", "run", str(config)],
            env={name: value for name, value in os.environ.items() if name != "RAY_ADDRESS"},
            capture_output=True,
            text=True,
            timeout=600,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        yield f"s3://{bucket}/runs/demo"


def constitution_bytes(root: str | Path) -> bytes:
    return open_run(str(root))["ratify"].document("constitution.json")


def test_the_constitution_is_that_of_a_local_run(on_s3: str, demo: Path) -> None:
    assert constitution_bytes(on_s3) == constitution_bytes(demo)
    here, there = open_run(str(demo)), open_run(on_s3)
    for stage, table in (("extract", "candidates"), ("distill", "principles")):
        ids = [sorted(run[stage].read(table, ["id"])["id"].to_pylist()) for run in (here, there)]
        assert ids[0] == ids[1]


def test_the_samples_command_on_that_root_finds_everything_done(on_s3: str, s3: Gateway) -> None:
    """Sources are known by their content: it needs no Ray and writes nothing."""
    bucket = on_s3.removeprefix("s3://").split("/")[0]
    before = s3.keys(bucket)
    facts = json.loads(ran("run", DEMO, "--set", f"root={on_s3}", "--json"))
    assert all(stage["skipped"] for stage in facts["stages"])
    assert s3.keys(bucket) == before


def test_check_finds_nothing_wrong(on_s3: str) -> None:
    assert " 0 problems" in ran("check", on_s3)


@pytest.mark.parametrize("table", [None, "preferences", "candidates", "principles", "evaluation"])
def test_show_says_what_it_says_of_a_local_run(on_s3: str, demo: Path, table: str | None) -> None:
    args = [*([table] if table else []), "--rows", "2"]
    shown = ran("show", on_s3, *args)
    assert len(shown) > 100
    local = json.loads(ran("show", demo, *args, "--json"))
    assert type(json.loads(ran("show", on_s3, *args, "--json"))) is type(local)


def test_show_of_one_artifact_and_of_a_part(on_s3: str) -> None:
    artifact = open_run(on_s3)["distill"]
    assert artifact.url.startswith(on_s3)
    assert "principles" in ran("show", artifact.url)
    part = next(part.name for part in artifact.manifest.parts if part.table == "principles")
    assert "num_members" in ran("show", f"{artifact.url}/{part}")
    code, output = gcai("show", on_s3 + "/nothing")
    assert (code, "neither a run" in output) == (2, True)


def test_trace_ends_at_the_same_words(on_s3: str, demo: Path) -> None:
    principle = Constitution.model_validate_json(constitution_bytes(on_s3)).principles[0]
    args = ("--json", "--rows", "100")
    there = json.loads(ran("trace", principle.id[:12], on_s3, *args))
    here = json.loads(ran("trace", principle.id[:12], demo, *args))
    assert there["members"] == here["members"]
    assert {member["source_file"] for member in there["members"]} <= set(SAMPLES)


@pytest.mark.parametrize("kind", ["annotated-pairs", "dpo"])
def test_export_is_that_of_a_local_run(on_s3: str, demo: Path, tmp_path: Path, kind: str) -> None:
    ran("export", on_s3, "--to", kind, "--out", f"{on_s3}-export/{kind}")
    ran("export", demo, "--to", kind, "--out", tmp_path / kind)
    assert Storage(f"{on_s3}-export").read(kind) == (tmp_path / kind).read_bytes()
    assert "export/" in ran("export", on_s3, "--to", kind)  # beside the run


def test_compare_and_ballot(on_s3: str, demo: Path, tmp_path: Path) -> None:
    found = json.loads(ran("compare", on_s3, demo, "--page", tmp_path / "page.html", "--json"))
    assert found
    paths = json.loads(ran("ballot", on_s3, "--out", f"{on_s3}-ballot", "--json"))["files"]
    assert paths
    for path in paths:
        folder, _, name = path.rpartition("/")
        assert len(Storage(folder).read(name)) > 100


def test_diff_tells_what_changed_on_s3_and_across(on_s3: str, demo: Path) -> None:
    code, output = gcai("diff", demo, on_s3)
    assert (code, len(output.strip().splitlines())) == (2, 1)  # both hold the same constitution
    ran("ratify", DEMO, "--set", f"root={on_s3}", "--set", "ratify.num_general=3")
    try:
        own = json.loads(ran("diff", on_s3, "--json"))
        across = json.loads(ran("diff", demo, on_s3, "--json"))
    finally:
        ran("run", DEMO, "--set", f"root={on_s3}")
    for found in (own, across):
        assert len(found["dropped"]) == 2
        assert not found["added"]


def test_no_key_of_the_run_stands_in_what_it_wrote(on_s3: str, s3: Gateway) -> None:
    bucket = on_s3.removeprefix("s3://").split("/")[0]
    secret = s3.environment()["AWS_SECRET_ACCESS_KEY"].encode()
    for key in s3.keys(bucket, "runs/"):
        assert secret not in s3.client().get_object(Bucket=bucket, Key=key)["Body"].read()
