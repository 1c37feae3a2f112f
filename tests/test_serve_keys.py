"""Files of API keys: what is kept, who is found, what is said of a file that cannot be used."""

from __future__ import annotations

import hashlib
from datetime import date
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from gcai_ray.errors import ConfigError
from gcai_ray.serve.keys import (
    ApiKey,
    KeysInForce,
    load_keys,
    new_key,
    presented_key,
    save_keys,
    sha256_of,
)


def _entry(name: str, key: str, **more: object) -> dict[str, object]:
    return {"name": name, "sha256": hashlib.sha256(key.encode()).hexdigest(), **more}


def _file(folder: Path, *entries: object) -> str:
    path = folder / "keys.yaml"
    path.write_text(yaml.safe_dump({"keys": list(entries)}), encoding="utf-8")
    return str(path)


def test_a_key_is_found_by_what_is_presented_and_no_other(tmp_path: Path) -> None:
    first, second = new_key(), new_key()
    ring = load_keys(_file(tmp_path, _entry("ann", first), _entry("bob", second)))
    assert [key.name for key in map(ring.find, (first, second)) if key] == ["ann", "bob"]
    for wrong in ("", "gcai-", first[:-1], first + "x", second.upper(), sha256_of(first), "\ud800"):
        assert ring.find(wrong) is None, wrong


def test_new_keys_differ_and_carry_256_bits() -> None:
    keys = {new_key() for _ in range(100)}
    assert len(keys) == 100
    assert all(key.startswith("gcai-") and len(key) == len("gcai-") + 43 for key in keys)
    assert all(presented_key([(b"authorization", f"Bearer {k}".encode())]) == k for k in keys)


def test_a_key_is_good_until_the_day_it_expires(tmp_path: Path) -> None:
    ring = load_keys(_file(tmp_path, _entry("ann", "k", expires=date(2030, 1, 31))))
    assert ring.find("k", date(2030, 1, 30)) is not None
    assert ring.find("k", date(2030, 1, 31)) is None
    assert ring.find("k", date(2030, 2, 1)) is None


@pytest.mark.parametrize(
    ("globs", "model", "may"),
    [
        (["*"], "any/thing:at@all", True),
        (["tiny"], "tiny", True),
        (["tiny"], "tiny:kind", False),
        (["tiny"], "Tiny", False),
        (["tiny:*"], "tiny:kind@3", True),
        (["tiny:*"], "tiny", False),
        (["a", "b?"], "b1", True),
        (["a", "b?"], "c", False),
    ],
)
def test_which_models_a_key_is_good_for(globs: list[str], model: str, may: bool) -> None:
    key = ApiKey.model_validate(_entry("ann", "k", models=globs))
    assert key.may_use(model) is may


@pytest.mark.parametrize(
    ("entries", "said"),
    [
        ([_entry("ann", "a"), _entry("ann", "b")], "two keys are called 'ann'"),
        ([_entry("ann", "a"), _entry("bob", "a")], "'ann' and 'bob' have the same sha256"),
        ([_entry("ann", "a"), _entry("bob", "b", model=["x"])], "did you mean 'models'?"),
        ([_entry("ann", "a"), _entry("bob", "b", model=["x"])], "entry 2 ('bob')"),
        ([_entry("ann", "a", requests_per_minute=0)], "entry 1 ('ann').requests_per_minute"),
        ([_entry("ann", "a", tokens_per_minute=float("inf"))], "entry 1 ('ann').tokens_per_minute"),
        ([_entry("ann", "a", expires="soon")], "entry 1 ('ann').expires"),
        ([_entry("ann", "a", models=[])], "entry 1 ('ann').models"),
        ([_entry("a\nb", "a")], "entry 1.name"),
        ([{"name": "ann"}], "entry 1 ('ann').sha256"),
        (["gcai-secret"], "entry 1"),
        ([_entry("ann", "a") | {"sha256": "AB" * 32}], "64 hexadecimal digits"),
    ],
)
def test_a_file_that_cannot_be_used_is_named_with_the_entry(
    entries: list[object], said: str, tmp_path: Path
) -> None:
    with pytest.raises(ConfigError) as failed:
        load_keys(_file(tmp_path, *entries))
    assert said in str(failed.value)
    assert str(tmp_path) in str(failed.value)


@pytest.mark.parametrize(
    "text",
    [
        "keys:\n- name: ann\n  sha256: gcai-secret\n",
        "keys:\n- name: ann\n  key: gcai-secret\n",
        "keys: [gcai-secret\n",
        "gcai-secret",
        "keys:\n- gcai-secret\n",
        "",
        "keys: 3",
        "keys:\n",
        "\x00",
        "[" * 3000,
    ],
)
def test_an_error_never_repeats_what_may_be_a_key(text: str, tmp_path: Path) -> None:
    path = tmp_path / "keys.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError) as failed:
        load_keys(str(path))
    assert "secret" not in str(failed.value)
    assert str(path) in str(failed.value)


def test_a_missing_file_says_how_to_make_it(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="gcai keys new"):
        load_keys(str(tmp_path / "none.yaml"))


@given(
    st.lists(
        st.builds(
            dict,
            name=st.from_regex(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,20}", fullmatch=True),
            sha256=st.from_regex(r"[0-9a-f]{64}", fullmatch=True),
            models=st.lists(st.text(min_size=1, max_size=9), min_size=1, max_size=3).map(tuple),
            requests_per_minute=st.none() | st.floats(0.01, 1e6),
            tokens_per_minute=st.none() | st.floats(0.01, 1e9),
            expires=st.none() | st.dates(),
        ),
        max_size=4,
        unique_by=(lambda key: key["name"], lambda key: key["sha256"]),
    )
)
def test_what_is_written_is_read_again(tmp_path_factory: pytest.TempPathFactory, rows) -> None:  # type: ignore[no-untyped-def]
    from gcai_ray.serve.keys import Keyring

    ring = Keyring.model_validate({"keys": rows})
    place = str(tmp_path_factory.mktemp("keys") / "keys.yaml")
    save_keys(place, ring)
    assert load_keys(place) == ring


def test_on_s3_a_file_is_written_and_read_again(s3_root: str) -> None:
    from gcai_ray.serve.keys import Keyring

    place, ring = f"{s3_root}/keys.yaml", Keyring.model_validate({"keys": [_entry("ann", "a")]})
    with pytest.raises(ConfigError, match="no such file"):
        load_keys(place)
    save_keys(place, ring)
    assert load_keys(place) == ring


@pytest.mark.parametrize(
    ("values", "found"),
    [
        ([b"Bearer abc"], "abc"),
        ([b"bearer abc"], "abc"),
        ([b"BEARER   abc "], "abc"),
        ([b"Bearer " + b"x" * 512], "x" * 512),
        ([b"Bearer " + b"x" * 513], None),
        ([b"Bearer a", b"Bearer a"], None),
        ([b"Bearer \xc3\xa9"], None),
        ([b"Bearer a b"], None),
        ([b"Bearer abc\n"], None),
        ([b"Bearer"], None),
        ([b"Bearer "], None),
        ([b"Basic abc"], None),
        ([b"abc"], None),
        ([], None),
    ],
)
def test_how_a_key_is_presented(values: list[bytes], found: str | None) -> None:
    assert presented_key([(b"authorization", value) for value in values]) == found


class _Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_a_changed_file_comes_into_force_when_it_is_due(tmp_path: Path) -> None:
    clock = _Clock()
    place = _file(tmp_path, _entry("ann", "a"))
    keys = KeysInForce(place, 5.0, clock)
    _file(tmp_path, _entry("bob", "b"))
    clock.now = 4.9
    assert not keys.refresh()
    assert keys.find("a")
    clock.now = 5.0
    assert keys.refresh()
    assert keys.find("a") is None
    assert keys.find("b")
    clock.now = 10.0
    assert not keys.refresh()  # nothing changed


def test_a_change_within_the_same_moment_and_of_the_same_size_is_seen(tmp_path: Path) -> None:
    import os

    clock = _Clock()
    place = _file(tmp_path, _entry("ann", "a"))
    keys = KeysInForce(place, 5.0, clock)
    times = os.stat(place)
    _file(tmp_path, _entry("ann", "b"))
    os.utime(place, ns=(times.st_atime_ns, times.st_mtime_ns))
    clock.now = 5.0
    assert keys.refresh()
    assert keys.find("b")


def test_a_file_that_turns_bad_leaves_the_last_good_keys(tmp_path: Path) -> None:
    clock = _Clock()
    place = _file(tmp_path, _entry("ann", "a"))
    keys = KeysInForce(place, 5.0, clock)
    for step, spoil in enumerate((lambda p: p.write_text("keys: ["), lambda p: p.unlink()), 1):
        spoil(Path(place))
        clock.now = 5.0 * step
        assert not keys.refresh()
        assert keys.find("a")
        assert keys.fault is not None
        assert keys.age_s == clock.now
    _file(tmp_path, _entry("bob", "b"))
    clock.now = 15.0
    assert keys.refresh()
    assert keys.find("a") is None
    assert (keys.fault, keys.age_s) == (None, 0.0)


def test_a_key_expires_while_the_server_runs(tmp_path: Path) -> None:
    days = [date(2030, 1, 30)]
    place = _file(tmp_path, _entry("ann", "a", expires="2030-01-31"))
    keys = KeysInForce(place, today=lambda: days[0])
    assert keys.find("a")
    days[0] = date(2030, 1, 31)
    assert keys.find("a") is None
