"""Places on S3 that cannot be used: one line with the likely fix, and no secret in it. Where
credentials and endpoint may stand.
"""

from __future__ import annotations

import os
import socket
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from s3_gateway import OWNER, STRANGER, Gateway, use_s3
from s3_operations import OPERATIONS, one_line
from typer.testing import CliRunner

from gcai_ray.cli import app
from gcai_ray.errors import StorageError
from gcai_ray.storage import Storage

MIB = 2**20
CONFIG = """
name: t
root: {root}
sources: [{{name: s, format: tabular, path: "sample:statements.csv",
  statements: {{text: statement, annotator: participant, id: id}}}}]
"""


def wrong(s3: Gateway, root: str, case: str) -> tuple[str, dict[str, str]]:
    """A root and an environment that cannot be used."""
    env = s3.environment()
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        nobody = closed.getsockname()[1]
    changes: dict[str, dict[str, str]] = {
        "wrong secret": {"AWS_SECRET_ACCESS_KEY": "planted-secret-1f0a"},
        "unknown key": {"AWS_ACCESS_KEY_ID": "nobodyaccesskey000"},
        "stranger": {"AWS_ACCESS_KEY_ID": STRANGER[0], "AWS_SECRET_ACCESS_KEY": STRANGER[1]},
        "refused": {"AWS_ENDPOINT_URL": f"http://127.0.0.1:{nobody}"},
        "no scheme": {"AWS_ENDPOINT_URL": f"127.0.0.1:{s3.port}"},
        "no host": {"AWS_ENDPOINT_URL": "http://"},
        "unknown profile": {"AWS_PROFILE": "nobody"},
    }
    env |= changes.get(case, {})
    if case == "no credentials":
        env = {name: value for name, value in env.items() if "_KEY" not in name}
    if case == "half credentials":
        del env["AWS_SECRET_ACCESS_KEY"]
    roots = {"no bucket": f"s3://no-{uuid.uuid4().hex[:8]}/p", "bad name": "s3://No_Bucket!/p"}
    return roots.get(case, root), env


CASES = {
    "wrong secret": "AWS_SECRET_ACCESS_KEY",
    "unknown key": "AWS_ACCESS_KEY_ID",
    "stranger": "permission",
    "no credentials": "AWS_ACCESS_KEY_ID",
    "half credentials": "credentials",
    "unknown profile": "AWS_PROFILE",
    "refused": "AWS_ENDPOINT_URL",
    "no scheme": "AWS_ENDPOINT_URL",
    "no host": "AWS_ENDPOINT_URL",
    "no bucket": "bucket",
    "bad name": "bucket",
}


@pytest.fixture(scope="session")
def stranger(s3: Gateway) -> tuple[str, str]:
    return s3.create_stranger()


@contextmanager
def unusable(s3: Gateway, s3_root: str, case: str, **env: str) -> Iterator[str]:
    root, environment = wrong(s3, s3_root, case)
    with use_s3(environment | env):
        yield root


@pytest.mark.parametrize("case", CASES)
def test_a_place_that_cannot_be_used_is_one_line_with_the_fix(
    s3: Gateway, s3_root: str, stranger: tuple[str, str], case: str
) -> None:
    with unusable(s3, s3_root, case) as root:
        with pytest.raises(StorageError) as caught:
            Storage(root).greet()
        one_line(caught.value, root, CASES[case])
        assert "planted-secret" not in str(caught.value)


@pytest.mark.parametrize(
    ("case", "operation"),
    [
        (case, operation)
        for case in CASES
        for operation in ("read", "names", "exists", "create")
        if (case, operation) != ("no bucket", "exists")  # the answer to HEAD does not tell
    ],
)
def test_no_operation_takes_an_unusable_place_for_an_empty_one(
    s3: Gateway, s3_root: str, stranger: tuple[str, str], case: str, operation: str
) -> None:
    """A bucket that vanished, or keys that expired, during a run."""
    with unusable(s3, s3_root, case, AWS_MAX_ATTEMPTS="1") as root:
        with pytest.raises(StorageError) as caught:
            OPERATIONS[operation](Storage(root))
        one_line(caught.value, root, CASES[case])


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("command", ["run", "show", "check", "trace"])
def test_every_command_says_so_in_one_line(
    s3: Gateway, s3_root: str, stranger: tuple[str, str], tmp_path: Path, case: str, command: str
) -> None:
    with unusable(s3, s3_root, case) as root:
        config = tmp_path / "c.yaml"
        config.write_text(CONFIG.format(root=root))
        place = {"run": [str(config)], "trace": ["abc", root]}.get(command, [root])
        result = CliRunner().invoke(app, [command, *place])
    assert result.exit_code in {1, 2}
    assert isinstance(result.exception, SystemExit)
    said = result.output.strip()
    assert said.startswith("gcai: ")
    assert len(said.splitlines()) == 1
    assert CASES[case].lower() in said.lower(), said
    for secret in (OWNER[1], STRANGER[1], "planted-secret"):
        assert secret not in said


def test_credentials_and_endpoint_are_taken_from_the_usual_files(
    s3: Gateway, s3_root: str, tmp_path: Path
) -> None:
    config, keys = tmp_path / "config", tmp_path / "credentials"
    config.write_text(f"[profile lab]\nregion = us-east-1\nendpoint_url = {s3.endpoint}\n")
    keys.write_text(f"[lab]\naws_access_key_id = {OWNER[0]}\naws_secret_access_key = {OWNER[1]}\n")
    files = {"AWS_CONFIG_FILE": str(config), "AWS_SHARED_CREDENTIALS_FILE": str(keys)}
    with use_s3(files | {"AWS_PROFILE": "lab"}):
        storage = Storage(s3_root)
        storage.greet()
        assert storage.create(b"1", "x")
        storage.write(b"2" * 6 * MIB, "y")
        assert storage.names() == ["x", "y"]
    assert os.environ["AWS_ACCESS_KEY_ID"] == OWNER[0]


def test_no_setting_but_endpoint_and_keys_is_needed(s3: Gateway, s3_root: str) -> None:
    """Checksums and region are ours to know."""
    env = s3.environment()
    kept = ("AWS_ENDPOINT_URL", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")
    with use_s3({name: env[name] for name in kept}):
        storage = Storage(s3_root)
        storage.greet()
        assert storage.create(b"1", "x")
        storage.write(b"2" * 115 * MIB, "y")
        assert storage.names() == ["x", "y"]
