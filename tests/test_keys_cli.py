"""`gcai keys`: what is printed where, what is kept, what is refused."""

from __future__ import annotations

import stat
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from gcai_ray.keys_cli import keys_app
from gcai_ray.serve.keys import load_keys


def _run(*arguments: object) -> Any:
    return CliRunner().invoke(keys_app, [str(one) for one in arguments])


def test_a_new_key_is_printed_once_and_only_its_hash_is_kept(tmp_path: Path) -> None:
    file = tmp_path / "deep" / "keys.yaml"
    result = _run("new", file, "ann")
    assert result.exit_code == 0
    key = result.stdout.removesuffix("\n")
    assert key.startswith("gcai-")
    assert "\n" not in key
    assert key not in result.stderr
    assert key not in file.read_text()
    found = load_keys(str(file)).find(key)
    assert found is not None
    assert (found.name, found.models) == ("ann", ("*",))
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert [path.name for path in file.parent.iterdir()] == ["keys.yaml"]


def test_a_file_is_extended_with_rights_and_stays_private(tmp_path: Path) -> None:
    file = tmp_path / "keys.yaml"
    first = _run("new", file, "ann").stdout.strip()
    file.chmod(0o644)
    result = _run(
        *("new", file, "bob", "--models", "tiny", "--models", "tiny:*"),
        *("--requests-per-minute", "30", "--tokens-per-minute", "1e4", "--expires", "2999-12-31"),
    )
    ring = load_keys(str(file))
    assert ring.find(first) is not None
    bob = ring.find(result.stdout.strip())
    assert bob is not None
    assert bob.models == ("tiny", "tiny:*")
    assert (bob.requests_per_minute, bob.tokens_per_minute) == (30, 10_000)
    assert str(bob.expires) == "2999-12-31"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_a_link_to_the_file_stays_a_link(tmp_path: Path) -> None:
    file, link = tmp_path / "keys.yaml", tmp_path / "link.yaml"
    _run("new", file, "ann")
    link.symlink_to(file)
    assert _run("new", link, "bob").exit_code == 0
    assert link.is_symlink()
    assert [key.name for key in load_keys(str(file)).keys] == ["ann", "bob"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("ann",), "called 'ann' already"),
        (("a b",), "name"),
        (("bob", "--requests-per-minute", "0"), "requests_per_minute"),
        (("bob", "--tokens-per-minute", "nan"), "tokens_per_minute"),
        (("bob", "--expires", "soon"), "expires"),
        (("bob", "--models", ""), "models"),
    ],
)
def test_what_cannot_be_is_refused_and_changes_nothing(
    arguments: tuple[str, ...], said: str, tmp_path: Path
) -> None:
    file = tmp_path / "keys.yaml"
    _run("new", file, "ann")
    before = file.read_bytes()
    result = _run("new", file, *arguments)
    assert result.exit_code == 2
    assert result.stdout == ""
    assert said in result.stderr
    assert file.read_bytes() == before


def test_a_file_that_is_none_of_keys_is_not_overwritten(tmp_path: Path) -> None:
    file = tmp_path / "serve.yaml"
    file.write_text("models: []\n")
    assert _run("new", file, "ann").exit_code == 2
    assert file.read_text() == "models: []\n"


def test_the_list_shows_rights_and_no_whole_hash(tmp_path: Path) -> None:
    file = tmp_path / "keys.yaml"
    _run("new", file, "ann", "--models", "tiny:*")
    _run("new", file, "old", "--expires", "2001-01-01", "--requests-per-minute", "2.5")
    shown = _run("list", file).stdout
    assert shown.splitlines()[0].split() == [
        *("name", "sha256", "models", "requests/min", "tokens/min", "expires")
    ]
    for key in load_keys(str(file)).keys:
        assert key.name in shown
        assert key.sha256[:8] in shown
        assert key.sha256[:16] not in shown
    assert "2001-01-01 (expired)" in shown
    assert "2.5" in shown


def test_a_revoked_key_is_gone_and_the_others_stay(tmp_path: Path) -> None:
    file = tmp_path / "keys.yaml"
    ann, bob = (_run("new", file, name).stdout.strip() for name in ("ann", "bob"))
    assert _run("revoke", file, "ann").exit_code == 0
    ring = load_keys(str(file))
    assert ring.find(ann) is None
    assert ring.find(bob) is not None
    again = _run("revoke", file, "ann")
    assert again.exit_code == 2
    assert "bob" in again.stderr
    assert _run("revoke", file, "bob").exit_code == 0
    assert load_keys(str(file)).keys == ()
    assert _run("list", tmp_path / "none.yaml").exit_code == 2


def test_keys_on_s3(s3_root: str) -> None:
    place = f"{s3_root}/keys.yaml"
    key = _run("new", place, "ann").stdout.strip()
    assert _run("new", place, "ann").exit_code == 2
    assert load_keys(place).find(key) is not None
    assert _run("revoke", place, "ann").exit_code == 0
    assert load_keys(place).find(key) is None
