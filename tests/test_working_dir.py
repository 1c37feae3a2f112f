"""What `ray job submit --working-dir .` sends to a cluster, packed by Ray's own function: the code
and the configurations, no data, no secret.
"""

from __future__ import annotations

import logging
import shutil
import zipfile
from pathlib import Path

import pytest
from places import ROOT
from ray._private.runtime_env.packaging import create_package

PLANTED = "planted-secret-7f3a"
LEFT_BEHIND = (
    ".env",
    ".env.production",
    "jobs/.env",
    "gcai.pem",
    ".venv/bin/python",
    ".git/config",
    "runs/mine/ingest/part.parquet",
    "runs/mine/run.json",
    "data/people.csv",
    "data/people.txt",
    "ratings.csv",
    "jobs/ratings.jsonl",
    "model/weights.safetensors",
    "tests/test_x.py",
)
SENT = (
    "jobs/constitution.py",
    "jobs/stage.py",
    "jobs/tune.py",
    "jobs/demo.yaml",
    "mine.yaml",
    "gcai_ray/__init__.py",
    "gcai_ray/sample/preferences.csv",
    "gcai_ray/sample/prompts.jsonl",
    "gcai_ray/sample/constitution.json",
    "gcai_ray/report/page.html.j2",
)


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of what a checkout holds, with secrets and data planted where people leave them."""
    place = tmp_path_factory.mktemp("checkout")
    for name in (".gitignore", ".rayignore", "pyproject.toml", "README.md"):
        shutil.copy(ROOT / name, place / name)
    for name in ("gcai_ray", "jobs", "cluster"):
        shutil.copytree(ROOT / name, place / name, ignore=shutil.ignore_patterns("__pycache__"))
    (place / "mine.yaml").write_text("name: mine\n")
    for name in LEFT_BEHIND:
        (place / name).parent.mkdir(parents=True, exist_ok=True)
        (place / name).write_text(PLANTED)
    return place


@pytest.fixture(scope="module", params=[True, False], ids=["with .gitignore", "without"])
def package(
    request: pytest.FixtureRequest, checkout: Path, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    target = tmp_path_factory.mktemp("package") / "package.zip"
    create_package(
        str(checkout), target, include_gitignore=request.param, logger=logging.getLogger()
    )
    return target


def test_code_and_configurations_are_sent(package: Path):
    names = set(zipfile.ZipFile(package).namelist())
    assert {name for name in SENT if name not in names} == set()


def test_data_and_secrets_are_left_behind(package: Path):
    archive = zipfile.ZipFile(package)
    assert set(LEFT_BEHIND) & set(archive.namelist()) == set()
    holders = [n for n in archive.namelist() if PLANTED.encode() in archive.read(n)]
    assert holders == []


def test_whole_package_is_as_large_as_its_code(package: Path):
    assert package.stat().st_size < 2 * 2**20


def test_this_checkout_sends_its_code_alone(tmp_path: Path):
    """The real tree, with its .venv, runs and caches."""
    target = tmp_path / "package.zip"
    create_package(str(ROOT), target, include_gitignore=False, logger=logging.getLogger())
    names = zipfile.ZipFile(target).namelist()
    assert target.stat().st_size < 4 * 2**20
    assert "jobs/constitution.py" in names
    assert {name.split("/")[0] for name in names} & {".git", ".venv", "runs", "tests"} == set()
