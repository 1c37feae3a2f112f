"""Text of people and rows of cells → Markdown on one line each. Knows no report.

Text of people is set on one line with Markdown's own characters escaped.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from gcai_ray.report.phrases import printable

NONE = "–"  # an empty cell
MARKUP = re.compile(r"([\\`*_\[\]<>|~$]|&(?=#?\w+;))")
BIDI = re.compile("[\u0590-\u08ff\u200e\u200f\u202a-\u202e\u2066-\u2069\ufb1d-\ufdff\ufe70-\ufeff]")
ISOLATE, RELEASE = "\u2068", "\u2069"


def plain(text: str) -> str:
    """A person's text on one line: Markdown's characters escaped, right-to-left text isolated."""
    line = MARKUP.sub(r"\\\1", " ".join(printable(text).split()))
    return f"{ISOLATE}{line}{RELEASE}" if BIDI.search(line) else line


def table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table of cells that are Markdown already."""
    lines = [columns, ["---"] * len(columns), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def bullets(lines: Sequence[str]) -> str:
    """A list of lines that are Markdown already."""
    return "\n".join(f"- {line}" for line in lines)
