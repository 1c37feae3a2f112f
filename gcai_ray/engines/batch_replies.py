"""Files a batch came back in → rows of the reply store. Knows no provider and no configuration.

Any order, any part of the files, any number of times: a reply that the store holds is dropped.
"""

from __future__ import annotations

import io
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from gcai_ray.asking.check import fault
from gcai_ray.asking.store import store_replies, stored_parts
from gcai_ray.engines.batch_file import BATCH, Asked, asked_attempt, read_asked
from gcai_ray.engines.batch_line import MAX_ID_CHARS, BadLine, BatchLine, batch_line
from gcai_ray.errors import InputError
from gcai_ray.schemas import Reply, arrow_schema
from gcai_ray.sources.files import open_binary
from gcai_ray.storage import Storage

ENGINE = "batch_file"
ROWS_PER_PART = 5_000
MAX_LINE_BYTES = 64 * 2**20  # thousands of times a long reply; keeps a file without line ends out
HEAD_LINES = 1_000
BUFFER_BYTES = 2**16
MAX_TOKENS = 2**31
BOM = b"\xef\xbb\xbf"
TOO_LONG = f"longer than {MAX_LINE_BYTES // 2**20} MiB"


@dataclass(frozen=True)
class ImportReport:
    """Lines read, and what became of each: lines = replies + duplicates + unknown + malformed;
    replies, all of them stored = parsed + unparsed + errors.

    `first_…`: the first such line: file, line number, custom_id, what is wrong.
    """

    num_lines: int = 0
    num_replies: int = 0
    num_parsed: int = 0
    num_unparsed: int = 0
    num_errors: int = 0
    num_duplicates: int = 0
    num_unknown: int = 0
    num_malformed: int = 0
    first_unparsed: str | None = None
    first_error: str | None = None
    first_unknown: str | None = None
    first_malformed: str | None = None


@dataclass
class _Import:
    """One import as it goes: what was asked, what the store holds, what is still to be written."""

    storage: Storage
    asked: dict[str, Asked]
    held: dict[str, dict[str, tuple[int, bool]]] = field(default_factory=dict)
    rows: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    counts: Counter[str] = field(default_factory=Counter)
    firsts: dict[str, str] = field(default_factory=dict)

    def take(self, where: str, line: bytes | None) -> None:
        """Judge one line (None: too long to be read), and keep its reply if it is new."""
        kind, words = self._judge(line)
        self.counts[kind] += 1
        if words:
            self.firsts.setdefault(kind, f"{where}: {words}")

    def write(self, at_least: int = 1) -> None:
        """Write the replies of every stage that has so many of them."""
        import pyarrow as pa

        for stage, rows in self.rows.items():
            if len(rows) >= at_least:
                table = pa.Table.from_pylist(rows, schema=arrow_schema(Reply))
                store_replies(self.storage, stage, table)
                rows.clear()

    def _judge(self, line: bytes | None) -> tuple[str, str]:
        try:
            found = batch_line(line) if line is not None else None
        except BadLine as error:
            return "malformed", str(error)
        if found is None:
            return "malformed", TOO_LONG
        asked = self.asked.get(found.custom_id)
        if asked is None:
            return "unknown", f"custom_id {found.custom_id[:MAX_ID_CHARS]!r}"
        row = _reply(found, asked)
        if not self._keep(row):
            return "duplicates", ""
        if row["parsed"]:
            return "parsed", ""
        return (
            "errors" if found.error else "unparsed",
            f"custom_id {found.custom_id}: {row['error']}",
        )

    def _keep(self, row: dict[str, Any]) -> bool:
        """Whether the reply is new. A usable reply to an attempt that is held as failed comes from
        a batch run again, and counts as one attempt more.
        """
        held, key = self._held(row["stage"]), row["request_id"]
        last, is_parsed = held.get(key, (0, False))
        if is_parsed or (last >= row["attempt"] and not row["parsed"]):
            return False
        row["attempt"] = max(row["attempt"], last + 1)
        held[key] = (row["attempt"], row["parsed"])
        self.rows.setdefault(row["stage"], []).append(row)
        return True

    def _held(self, stage: str) -> dict[str, tuple[int, bool]]:
        """Last attempt at each question, and whether any has a usable reply."""
        if stage not in self.held:
            self.held[stage] = held = {}
            for part in stored_parts(self.storage, stage, ["request_id", "attempt", "parsed"]):
                for key, attempt, parsed in zip(*part.to_pydict().values(), strict=True):
                    last, was_parsed = held.get(key, (0, False))
                    held[key] = (max(last, attempt), was_parsed or parsed)
        return self.held[stage]


def import_replies(root: str, files: Sequence[str]) -> ImportReport:
    """Store the replies in a batch's output and error files (`.gz` too), of any stage.

    Raises:
        InputError: no question of this root was written to a batch file; a file cannot be read,
            or holds no batch output. What was read before it is stored.
        ArtifactError: a batch file below the root was changed by hand.
    """
    storage = Storage(root)
    asked = read_asked(storage)
    if not asked:
        raise InputError(
            f"{storage.url(BATCH)}: no batch file there, so nothing was asked from this root; "
            "name the root of the run that wrote them (--run)"
        )
    num_first_lines = [_refuse_other_file(path) for path in files]
    if not any(num_first_lines):
        raise InputError(f"{', '.join(files)}: empty; download the batch's output again")
    return _import_all(_Import(storage, asked), files)


def _import_all(work: _Import, files: Sequence[str]) -> ImportReport:
    try:
        for path in files:
            for number, line in _lines(path):
                work.take(f"{path} line {number}", line)
                work.write(at_least=ROWS_PER_PART)
    finally:
        work.write()
    return _report(work.counts, work.firsts)


def _report(counts: Counter[str], firsts: dict[str, str]) -> ImportReport:
    return ImportReport(
        num_lines=counts.total(),
        num_replies=counts["parsed"] + counts["unparsed"] + counts["errors"],
        num_parsed=counts["parsed"],
        num_unparsed=counts["unparsed"],
        num_errors=counts["errors"],
        num_duplicates=counts["duplicates"],
        num_unknown=counts["unknown"],
        num_malformed=counts["malformed"],
        first_unparsed=firsts.get("unparsed"),
        first_error=firsts.get("errors"),
        first_unknown=firsts.get("unknown"),
        first_malformed=firsts.get("malformed"),
    )


def _reply(found: BatchLine, asked: Asked) -> dict[str, Any]:
    """The row of `replies`. A batch says nothing of the time one question took."""
    said = found.completion
    error = found.error or fault(said.text, asked.reply_schema, said.finish_reason)
    if error and said.refusal:
        error = f"refused: {said.refusal[:200]}"
    request_id, attempt = asked_attempt(found.custom_id)
    return {
        "request_id": request_id,
        "stage": asked.stage,
        "attempt": attempt,
        "engine": ENGINE,
        "text": said.text,
        "parsed": error is None,
        "finish_reason": said.finish_reason,
        "num_prompt_tokens": _tokens(said.num_prompt_tokens),
        "num_cached_tokens": _tokens(said.num_cached_tokens),
        "num_completion_tokens": _tokens(said.num_completion_tokens),
        "seconds": 0.0,
        "error": error,
    }


def _tokens(stated: int) -> int:
    """A file may state any number, or `true`; a column of 64 bits may not hold it."""
    return min(int(stated), MAX_TOKENS)


def _refuse_other_file(path: str) -> int:
    """How many lines stand at the beginning of a file, up to 1,000; an error file may be empty.

    Raises:
        InputError: none of them is batch output.
    """
    reasons = []
    for number, line in islice(_lines(path), HEAD_LINES):
        try:
            if line is None:
                raise BadLine(TOO_LONG)
            batch_line(line)
        except BadLine as error:
            reasons.append(f"line {number}: {error}")
        else:
            return number
    if reasons:
        raise InputError(
            f"{path}: not the output of a batch ({reasons[0]}); give the output and error files "
            "that the provider made"
        )
    return 0


def _lines(path: str) -> Iterator[tuple[int, bytes | None]]:
    """Lines that are not blank and their 1-based numbers; None for one that is too long."""
    with open_binary(path) as opened, io.BufferedReader(opened, BUFFER_BYTES) as file:  # pyright: ignore[reportArgumentType]  every opened file is raw enough
        number = 0
        while line := file.readline(MAX_LINE_BYTES):
            number += 1
            if len(line) == MAX_LINE_BYTES and not line.endswith(b"\n"):
                _skip_line(file)
                yield number, None
            elif line := line.removeprefix(BOM).strip():
                yield number, line


def _skip_line(file: io.BufferedReader) -> None:
    while (rest := file.readline(MAX_LINE_BYTES)) and not rest.endswith(b"\n"):
        pass
