"""A CSV of votes → its header and records, and what cannot be read of it → one error. Knows no form
of ballot.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass, field

from gcai_ray.errors import ConfigError, InputError, StorageError
from gcai_ray.report.phrases import count, shorten
from gcai_ray.report.terminal import printable
from gcai_ray.storage import Storage

NUM_SHOWN = 5
VALUE_CHARS = 60
_DELIMITERS = ",;\t|"


@dataclass(frozen=True)
class Record:
    """One row: its number as a spreadsheet shows it (the header is row 1), and its cells."""

    number: int
    cells: dict[str, str]


@dataclass
class Problems:
    """What cannot be read of a file. Gathered, since a person mends them all at once."""

    path: str
    shown: list[str] = field(default_factory=list)
    num: int = 0

    def add(self, row: int, column: str, value: str, fix: str) -> None:
        """Note one; only the first 5 are told, the others are counted."""
        self.num += 1
        if len(self.shown) < NUM_SHOWN:
            self.shown.append(f"row {row}, column '{_shown(column)}': '{_shown(value)}' {fix}")

    def refuse(self) -> None:
        """Raise InputError where anything was noted."""
        if self.num:
            more = f"; and {self.num - NUM_SHOWN} more" if self.num > NUM_SHOWN else ""
            head = f"{self.path}: {count(self.num, 'problem')}, no vote was counted: "
            raise InputError(head + "; ".join(self.shown) + more)


@dataclass(frozen=True)
class VoteTable:
    """A file of votes."""

    path: str
    columns: list[str]
    records: list[Record]


def read_table(path: str, data: bytes) -> VoteTable:
    """The records of a CSV with commas, semicolons, tabs or bars; blank ones are left out, short
    ones are filled with blanks (Excel leaves blank cells at the end of a row out).

    Raises:
        InputError: empty, not UTF-8, no CSV, two columns of one name, a row longer than the header.
    """
    text = _decoded(path, data)
    delimiter = max(_DELIMITERS, key=text.split("\n", 1)[0].count)
    rows = _rows(path, text, delimiter)
    _, columns = next(rows, (1, []))
    columns = [name.strip() for name in columns]
    if not any(columns):
        raise InputError(f"{path}: empty, or its first row is; the first row names the columns")
    doubled = [name for name in columns if name and columns.count(name) > 1]
    if doubled:
        raise InputError(f"{path}: row 1: two columns are named '{_shown(doubled[0])}'; rename one")
    problems, records = Problems(path), []
    for number, row in rows:
        cells = [cell.strip() for cell in row]
        for cell in _unnamed(cells, columns):
            problems.add(number, "(none)", cell, "stands in a column without a name; remove it")
        filled = cells + [""] * (len(columns) - len(cells))
        if any(filled):
            records.append(Record(number, dict(zip(columns, filled, strict=False))))
    problems.refuse()
    return VoteTable(path, columns, records)


def _unnamed(cells: list[str], columns: list[str]) -> list[str]:
    return [c for i, c in enumerate(cells) if c and (i >= len(columns) or not columns[i])]


def _decoded(path: str, data: bytes) -> str:
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        row = data.count(b"\n", 0, error.start) + 1
        raise InputError(
            f"{path}: row {row}: not valid UTF-8; save the file as CSV in UTF-8 (Excel: "
            "'CSV UTF-8')"
        ) from error


def _rows(path: str, text: str, delimiter: str) -> Iterator[tuple[int, list[str]]]:
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    try:
        yield from enumerate(reader, 1)
    except csv.Error as error:
        raise InputError(
            f"{path}: line {reader.line_num}: not CSV ({error}); look for a lone double quote"
        ) from error


def read_bytes(path: str) -> bytes:
    """A file's bytes, local or s3://.

    Raises:
        ConfigError: it is not there or cannot be read.
    """
    folder, name = parted(path)
    try:
        return Storage(folder).read(name)
    except FileNotFoundError as error:
        raise ConfigError(f"{path}: no such file of ballots; check the path") from error
    except StorageError as error:
        raise ConfigError(f"ballots: {error}") from error


def parted(path: str) -> tuple[str, str]:
    """A path as its folder and its name."""
    folder, slash, name = path.rpartition("/")
    return folder or ("/" if slash else "."), name


def _shown(text: str) -> str:
    return printable(shorten(text, VALUE_CHARS))
