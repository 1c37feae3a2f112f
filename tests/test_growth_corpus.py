"""The corpus of the growth benchmark: every row is a question of its own."""

from __future__ import annotations

import csv
import sys
from pathlib import Path

import pytest
from places import ROOT

sys.path.append(str(ROOT))

from tests.benchmarks.growth_corpus import HEAD, MOST_ROWS, ROWS_PER_FILE, reason, write_files


def test_no_two_reasons_are_the_same() -> None:
    rows = [*range(20_000), *range(MOST_ROWS - 20_000, MOST_ROWS)]
    assert len({reason(row) for row in rows}) == len(rows)


def test_the_reason_praises_the_answer_that_is_preferred(tmp_path: Path) -> None:
    [file] = write_files(tmp_path, 200)
    with file.open(newline="", encoding="utf-8") as text:
        for row in csv.DictReader(text):
            assert row["reason"].startswith(f"{row['preferred']} ")


def test_files_hold_all_rows_once(tmp_path: Path) -> None:
    files = list(write_files(tmp_path, ROWS_PER_FILE + 1))
    assert len(files) == 2
    ids = []
    for file in files:
        with file.open(newline="", encoding="utf-8") as text:
            reader = csv.DictReader(text)
            assert reader.fieldnames == HEAD
            ids += [int(row["id"]) for row in reader]
    assert ids == list(range(ROWS_PER_FILE + 1))


def test_more_rows_than_reasons_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="different reasons"):
        next(write_files(tmp_path, MOST_ROWS + 1))
