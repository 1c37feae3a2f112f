"""Whole files that cannot be used: exit code 2, one readable line, no traceback. Rows that cannot:
set aside, and the run goes on.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from gcai_ray.cli import app

CONFIG = """
name: t
root: {root}
sources:
  - name: mine
    format: tabular
    path: {path}
    preferences:
      {{prompt: q, response_a: a, response_b: b, preferred: p,
       reason: why, annotator: who, id: id, groups: [g]}}
"""
HEADER = "id,who,g,q,a,b,p,why\n"
ROW = "{i},u{i},x,question {i},one,two,a,It is clear and gives an example.\n"


def ingest(
    tmp_path: Path, content: bytes | None, name: str = "data.csv", *options: str
) -> tuple[int, str]:
    path = tmp_path / name
    if content is not None:
        path.write_bytes(content)
    config = tmp_path / "c.yaml"
    config.write_text(CONFIG.format(root=tmp_path / "run", path=path))
    result = CliRunner().invoke(app, ["ingest", str(config), *options])
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result.exit_code, result.output


@pytest.mark.parametrize(
    ("content", "hint"),
    [
        (None, "no file at"),
        (b"", "is empty"),
        (HEADER.encode(), "holds a header and no rows"),
        ((HEADER + ROW.format(i=1)).replace(",", ";").encode(), 'set `delimiter: ";"`'),
        (
            (HEADER.replace("why", "reasons") + ROW.format(i=1)).encode(),
            "no column 'why'; it has: id, who, g, q, a, b, p, reasons",
        ),
        (
            (HEADER + ROW.format(i=1).replace(",a,", ",first,")).encode(),
            "1 of 1 rows of preferences cannot be used",
        ),
    ],
)
def test_a_whole_file_fault_is_exit_2_and_one_line(
    ray_address: str, tmp_path: Path, content: bytes | None, hint: str
) -> None:
    code, output = ingest(tmp_path, content)
    assert code == 2
    assert hint in output
    assert "Traceback" not in output
    assert len(output.strip().splitlines()) == 1


def test_a_parquet_that_is_none_is_refused(ray_address: str, tmp_path: Path) -> None:
    code, output = ingest(tmp_path, b"PAR1 nothing of the kind", "data.parquet")
    assert code == 2
    assert "not a readable Parquet file" in output


def test_faulty_rows_are_set_aside_and_the_rest_goes_on(ray_address: str, tmp_path: Path) -> None:
    good = "".join(ROW.format(i=i) for i in range(1, 9))
    faulty = [
        ROW.format(i=9).replace(",a,", ",neither,").encode(),
        ROW.format(i=10).replace("two", "one").encode(),
        ROW.format(i=11).encode().replace(b"clear", b"cl\xe9ar"),
        ROW.format(i=12).replace("clear", "c\0lear").encode(),
        b"13,u13,x,q,one,two,a,too,many,cells\n",
        ROW.format(i=14).replace("clear", "z" * 2**21).encode(),
        ROW.format(i=1).replace("clear", "another").encode(),
    ]
    repeated = ROW.format(i=2).encode()
    empty_reason = ROW.format(i=15).replace("It is clear and gives an example.", "").encode()
    content = HEADER.encode() + good.encode() + b"".join(faulty) + repeated + empty_reason
    code, output = ingest(tmp_path, content, "data.csv", "--json")
    assert code == 0, output
    stage = json.loads(output)["stages"][0]
    assert stage["num_rows"]["preferences"] == 9
    assert stage["num_rejects"] == 7
    assert stage["counts"]["num_duplicate_preferences"] == 1
    assert stage["counts"]["num_with_reason"] == 8
    shown = (
        CliRunner()
        .invoke(app, ["show", str(tmp_path / "run"), "rejects", "--json", "--rows", "20"])
        .output
    )
    rejects = {(row["source_row"], row["field"]) for row in json.loads(shown)}
    fields = ["preferred", "response_b", "reason", "reason", "(record)", "reason", "id"]
    assert rejects == set(zip(range(9, 16), fields, strict=True))


def test_a_run_directory_of_another_version_is_refused(ray_address: str, tmp_path: Path) -> None:
    content = (HEADER + "".join(ROW.format(i=i) for i in range(5))).encode()
    assert ingest(tmp_path, content)[0] == 0
    manifest = next((tmp_path / "run").glob("ingest/*/manifest.json"))
    other = re.sub(r'"schema_version": \d+', '"schema_version": 7', manifest.read_text())
    manifest.write_text(other)
    code, output = ingest(tmp_path, content)
    assert code == 2
    assert "written under schema version 7" in output


def test_a_root_that_cannot_be_written_is_exit_1_and_one_line(
    ray_address: str, tmp_path: Path
) -> None:
    content = (HEADER + ROW.format(i=1)).encode()
    (tmp_path / "file").write_text("in the way")
    code, output = ingest(
        tmp_path, content, "data.csv", "--set", f"root={tmp_path / 'file' / 'run'}"
    )
    assert code == 1
    assert "choose another `root`" in output
    assert len(output.strip().splitlines()) == 1


def test_a_full_disk_is_one_line_and_the_same_command_goes_on(
    ray_address: str, tmp_path: Path
) -> None:
    if os.getuid() != 0:
        pytest.skip("a small filesystem needs root to mount")
    small = tmp_path / "small"
    small.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(small)], capture_output=True
    )
    if mounted.returncode:
        pytest.skip(f"cannot mount a tmpfs: {mounted.stderr.decode().strip()}")
    rows = "".join(
        f"{i},u{i},x,question {i},{os.urandom(200).hex()},two,a,It is clear.\n" for i in range(2000)
    )
    try:
        code, output = ingest(
            tmp_path, (HEADER + rows).encode(), "data.csv", "--set", f"root={small}/run"
        )
        assert code == 1
        assert "free some space" in output
        assert "Traceback" not in output
        subprocess.run(["mount", "-o", "remount,size=64m", str(small)], check=True)
        assert (
            ingest(tmp_path, (HEADER + rows).encode(), "data.csv", "--set", f"root={small}/run")[0]
            == 0
        )
    finally:
        subprocess.run(["umount", str(small)], check=True)


def test_a_config_typo_is_exit_2_with_the_nearest_name(tmp_path: Path) -> None:
    config = tmp_path / "c.yaml"
    config.write_text(CONFIG.format(root="r", path="p") + "ratfy: {}\n")
    done = subprocess.run(
        [sys.executable, "-m", "gcai_ray.cli", "run", str(config)], capture_output=True, text=True
    )
    assert done.returncode == 2
    assert "did you mean 'ratify'?" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.slow
@pytest.mark.usefixtures("ray_address")
@pytest.mark.parametrize(
    ("engine", "hint"),
    [
        ("{name: vllm, model: Qwen/Qwen2.5-7B-Instruct, num_replicas: 9}", "9 GPUs are needed"),
        ("{name: openai, model: m, tokenizer: ./nowhere}", "./nowhere: no such directory"),
    ],
)
def test_an_engine_that_cannot_answer_is_refused_before_a_question_is_worded(
    tmp_path: Path, engine: str, hint: str
) -> None:
    code, _ = ingest(tmp_path, (HEADER + ROW.format(i=1)).encode())
    assert code == 0
    arguments = ["extract", str(tmp_path / "c.yaml"), "--set", f"engine={engine}"]
    result = CliRunner().invoke(app, arguments)
    last = result.output.strip().splitlines()[-1]
    assert result.exit_code in (1, 2)
    assert last.startswith("gcai: ")
    assert hint in last
    assert "Traceback" not in result.output


@pytest.mark.usefixtures("ray_address")
def test_a_table_that_a_run_has_no_rows_of_is_empty_and_an_unknown_one_is_refused(
    tmp_path: Path,
) -> None:
    assert ingest(tmp_path, (HEADER + ROW.format(i=1)).encode())[0] == 0
    shown = CliRunner().invoke(app, ["show", str(tmp_path / "run"), "rejects"])
    assert (shown.exit_code, "no rows" in shown.output) == (0, True)
    unknown = CliRunner().invoke(app, ["show", str(tmp_path / "run"), "rejected"])
    assert unknown.exit_code == 2
    assert "no table 'rejected'" in unknown.output
