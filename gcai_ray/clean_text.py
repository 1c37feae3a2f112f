"""What was found below a root, and what was removed → text for a terminal, or JSON."""

from __future__ import annotations

import json
import shlex
import textwrap
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

from gcai_ray.leftovers import Findings, Leftover, Place, Removed
from gcai_ray.report.phrases import count
from gcai_ray.report.terminal import WIDTH, printable
from gcai_ray.stored_files import StoredFile

SHORT_KEY = 8  # characters
NUM_SHOWN = 10
KEPT = "Kept, perhaps of a run at work (`--older-than HOURS` says what is a short while):"
UNITS = ("B", "kB", "MB", "GB", "TB")


def clean_text(root: str, findings: Findings, removed: Removed | None, older_than_h: float) -> str:
    """A short table of what was found, with its sum; then what was done, or how to do it."""
    blocks = []
    if findings.leftovers:
        head = f"Left behind below {root}, needed by no finished artifact:"
        blocks.append([head, "", *_table(findings.leftovers)])
    if findings.kept:
        rows = _table(findings.kept, because=True)
        blocks.append([KEPT, "", *rows])
    if findings.untouched:
        blocks.append(["Not touched, since the manifest cannot be used:", *_untouched(findings)])
    if findings.unknown:
        blocks.append(_wrapped([f"Left alone, not of this tool: {_some(findings.unknown)}"]))
    blocks.append(_wrapped([_ending(root, findings, removed, older_than_h)]))
    return printable("\n\n".join("\n".join(block) for block in blocks))


def clean_json(root: str, findings: Findings, removed: Removed | None, older_than_h: float) -> str:
    """The same for scripts, every file by its path below the root."""
    document = {
        "root": root,
        "older_than_hours": older_than_h,
        "leftovers": [_facts(one) for one in findings.leftovers],
        "kept": [_facts(one) | {"because": one.kept} for one in findings.kept],
        "not_touched": [
            {"directory": "/".join(one.directory), "why": one.why} for one in findings.untouched
        ],
        "unknown": list(findings.unknown),
        "removed": None
        if removed is None
        else {
            "num_files": removed.num_files,
            "size_bytes": removed.size_bytes,
            "num_left": removed.num_left,
        },
    }
    return json.dumps(document, indent=2, ensure_ascii=False)


def _facts(one: Leftover) -> dict[str, Any]:
    return {
        "directory": "/".join(one.directory),
        "attempt": one.attempt or None,
        "why": one.why,
        "num_files": len(one.files),
        "num_open_uploads": len(_uploads(one.files)),
        "size_bytes": one.size_bytes,
        "written_at": datetime.fromtimestamp(one.written, UTC).isoformat(timespec="seconds"),
        "files": ["/".join(file.names) for file in one.files],
    }


def _table(leftovers: Sequence[Leftover], because: bool = False) -> list[str]:
    head = ("what", "files", "size", "last written", "kept because" if because else "why")
    rows = [_row(one, one.kept if because else one.why) for one in leftovers]
    files = [file for one in leftovers for file in one.files]
    size = size_text(sum(one.size_bytes for one in leftovers))
    rows.append(("together", f"{len(files):,}", size, "", ""))
    widths = [max(len(row[i]) for row in (head, *rows)) for i in range(len(head))]
    return ["  " + _line(row, widths) for row in (head, *rows)]


def _line(row: tuple[str, ...], widths: Sequence[int]) -> str:
    cells = [
        cell.rjust(width) if 0 < i < 4 else cell.ljust(width)
        for i, (cell, width) in enumerate(zip(row, widths, strict=True))
    ]
    return "  ".join(cells).rstrip()


def _row(one: Leftover, why: str) -> tuple[str, ...]:
    uploads = len(_uploads(one.files))
    number = f"{len(one.files):,}" + (f" ({uploads:,} open uploads)" if uploads else "")
    attempt = f" attempt {one.attempt}" if one.attempt else ""
    return (
        _short(one.directory) + attempt,
        number,
        size_text(one.size_bytes),
        _age(one.written),
        why,
    )


def _untouched(findings: Findings) -> list[str]:
    reasons: dict[str, list[str]] = {}
    for one in findings.untouched:
        reasons.setdefault(one.why, []).append(_short(one.directory))
    return _wrapped(f"  {_some(places)}: {why}" for why, places in reasons.items())


def _short(directory: Place) -> str:
    """The path of a directory, with as much of a fingerprint as a shell needs to complete it."""
    stage, *key = directory or (".",)
    return "/".join((stage, *(name[:SHORT_KEY] for name in key)))


def _uploads(files: Iterable[StoredFile]) -> list[StoredFile]:
    return [file for file in files if file.upload_id]


def _age(written: float) -> str:
    seconds = max(0.0, datetime.now(UTC).timestamp() - written)
    for name, length in (("days", 86400), ("h", 3600), ("min", 60)):
        if seconds >= 2 * length:
            return f"{seconds / length:,.0f} {name} ago"
    return f"{seconds:.0f} s ago"


def size_text(size_bytes: float) -> str:
    """Bytes in the largest unit of which there is one, to three digits."""
    power = 0
    while size_bytes >= 999.5 and power + 1 < len(UNITS):
        size_bytes, power = size_bytes / 1000, power + 1
    return f"{size_bytes:.3g} {UNITS[power]}"


def _some(names: Sequence[str]) -> str:
    more = len(names) - NUM_SHOWN
    return ", ".join(names[:NUM_SHOWN]) + (f" and {more:,} more" if more > 0 else "")


def _ending(root: str, findings: Findings, removed: Removed | None, older_than_h: float) -> str:
    if removed is not None:
        done = f"Removed {count(removed.num_files, 'file')}, {size_text(removed.size_bytes)}."
        if removed.num_left:
            done += (
                f" {removed.num_left:,} were gone, changed or needed when their turn came; run "
                "the same command again to look anew."
            )
        return done
    if not findings.leftovers:
        return "Nothing to remove."
    older = "" if older_than_h == 1 else f" --older-than {older_than_h:g}"
    return f"Nothing was removed. To remove: gcai clean {shlex.quote(root)}{older} --yes"


def _wrapped(lines: Iterable[str]) -> list[str]:
    return [
        textwrap.fill(
            line, WIDTH, subsequent_indent="    ", break_long_words=False, break_on_hyphens=False
        )
        for line in lines
    ]
