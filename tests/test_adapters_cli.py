"""`gcai adapters …` as a person meets it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from registry_example import put_folder, tuned_run, write_adapter, write_constitution
from typer.testing import CliRunner, Result

from gcai_ray.adapters_cli import adapters_app


def gcai(*arguments: str | Path) -> Result:
    return CliRunner().invoke(adapters_app, [str(of) for of in arguments])


def done(*arguments: str | Path) -> list[str]:
    result = gcai(*arguments)
    assert result.exit_code == 0, result.output
    return result.stdout.splitlines()


def refused(*arguments: str | Path) -> str:
    result = gcai(*arguments)
    assert result.exit_code == 2, result.output
    assert len(result.stderr.splitlines()) == 1
    assert result.stderr.startswith("gcai: ")
    assert result.stdout == ""
    return result.stderr


@pytest.fixture
def registry(tmp_path: Path) -> Path:
    return tmp_path / "registry"


def adapter(tmp_path: Path, seed: int) -> Path:
    return write_adapter(tmp_path / f"adapter-{seed}", seed)


def rows(registry: Path | str) -> list[list[str]]:
    """Cells of the table, without its head."""
    lines = done("list", registry)
    cells = [[cell for cell in line.split("  ") if cell] for line in lines[1 : lines.index("")]]
    return [[cell.strip() for cell in row] for row in cells]


def test_a_rollout_from_the_first_version_to_the_way_back(tmp_path: Path, registry: Path) -> None:
    first = write_constitution(adapter(tmp_path, 1), title="Of Kenya")
    said = done("add", registry, "tone", first)
    assert said[0] == "tone: version 1 added; version 1 is live"
    assert "rank 8" in said[1]
    assert "of tiny: Of Kenya (5 principles, 100 people, candidate)" in said[1]
    said = done("add", registry, "tone", adapter(tmp_path, 2))
    assert said[0] == "tone: version 2 added; version 1 is live"
    assert done("canary", registry, "tone", "2", "--share", "0.1") == [
        "tone: version 2 answers 10 % of the callers, version 1 the rest"
    ]
    assert [row[:3] for row in rows(registry)] == [
        ["tone", "1", "live, 90 %"],
        ["tone", "2", "canary, 10 %"],
    ]
    assert rows(registry)[0][4] == "Of Kenya (5 principles, 100 people, candidate)"
    said = done("promote", registry, "tone")
    assert said == ["tone: version 2 is live, in place of version 1"]
    assert [row[2] for row in rows(registry)] == ["was live", "live"]
    said = done("rollback", registry, "tone")
    assert said == ["tone: version 1 is live again, in place of version 2"]
    assert done("withdraw", registry, "tone", "2") == ["tone: version 2 is withdrawn"]
    assert [row[2] for row in rows(registry)] == ["live", "withdrawn"]
    told = done("history", registry)
    assert [line.split()[0] for line in told] == ["6", "5", "4", "3", "2", "1"]
    assert "tone: version 2 answers 10 % of the callers" in told[3]
    assert len(done("history", registry, "-n", "2")) == 2


def test_a_list_for_scripts_says_all(tmp_path: Path, registry: Path) -> None:
    assert done("list", registry)[0].startswith("no adapters yet; add one with")
    assert json.loads("\n".join(done("list", registry, "--json")))["entries"] == {}
    (tmp_path / "figures.json").write_text('{"adherence": 0.8}')
    done(
        *("add", registry, "tone", adapter(tmp_path, 1)),
        *("--evaluation", tmp_path / "figures.json", "--no-live"),
    )
    found = json.loads("\n".join(done("list", registry, "--json")))
    tone = found["entries"]["tone"]
    assert tone["live"] is None
    assert tone["versions"][0]["evaluation"] == {
        "from": str(tmp_path / "figures.json"),
        "figures": {"adherence": 0.8},
    }
    assert tone["versions"][0]["adapter"] == str(tmp_path / "adapter-1")


def test_the_root_of_a_run_is_enough(tmp_path: Path, registry: Path) -> None:
    folder = tuned_run(tmp_path / "run")
    done("add", registry, "tone", tmp_path / "run")
    found = json.loads("\n".join(done("list", registry, "--json")))
    assert found["entries"]["tone"]["versions"][0]["adapter"] == str(folder)


def test_what_cannot_be_is_one_line(tmp_path: Path, registry: Path) -> None:
    first = adapter(tmp_path, 1)
    assert "there is no folder" in refused("add", registry, "tone", tmp_path / "none")
    assert "cannot be used" in refused("add", registry, "../tone", first)
    assert "begin with `gcai adapters add`" in refused("promote", registry, "tone")
    done("add", registry, "tone", first)
    assert "are version 1 already" in refused("add", registry, "tone", first)
    assert "version 2 is not there" in refused("canary", registry, "tone", "2", "--share", "0.1")
    assert "there are: tone" in refused("rollback", registry, "tome")
    assert "no canary and no earlier" in refused("rollback", registry, "tone")
    assert "version 1 is live" in refused("withdraw", registry, "tone", "1")
    assert len(done("history", registry)) == 1
    (registry / "adapters" / "index" / "00000002.json").write_text("{")
    assert "00000002.json: damaged index" in refused("list", registry)


def test_a_title_does_not_steer_the_terminal(tmp_path: Path, registry: Path) -> None:
    hostile = write_constitution(adapter(tmp_path, 1), title="\x1b[2J\x1b]0;x\x07 a\nb\r\x9b1m")
    said = "\n".join(done("add", registry, "tone", hostile) + done("list", registry))
    assert all(c.isprintable() or c == "\n" for c in said)
    assert len(done("list", registry)) == 4


@pytest.mark.parametrize("command", ["add", "list", "canary", "promote", "rollback", "withdraw"])
def test_every_command_has_help(command: str) -> None:
    assert "REGISTRY" in gcai(command, "--help").stdout


def test_a_registry_on_s3(s3_root: str, tmp_path: Path) -> None:
    registry, first = f"{s3_root}/registry/", adapter(tmp_path, 1)
    result = gcai("add", registry, "tone", first)
    assert result.exit_code == 0
    assert "other nodes of the cluster must find it" in result.stderr
    result = gcai("add", registry, "pitch", put_folder(first, f"{s3_root}/adapter"))
    assert (result.exit_code, result.stderr) == (0, "")
    assert [row[:3] for row in rows(registry)] == [["pitch", "1", "live"], ["tone", "1", "live"]]
    result = gcai("list", "s3://no-such-bucket-of-ours/registry")
    assert result.exit_code == 1
    assert "NoSuchBucket" in result.stderr
