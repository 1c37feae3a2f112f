"""UKPConvArg1's XML → one row per vote, as JSON Lines that gcai_ray reads as a table.

84,445 votes of crowd workers on 16,927 pairs of arguments, each with the reason in the worker's own
words (Habernal and Gurevych 2016; CC BY 4.0). Worker ids are hashed by gcai_ray itself.
"""

from __future__ import annotations

import json
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

ARCHIVE = "ukpconvarg1/UKPConvArg1-full-XML.tar.gz"
CHOICES = {"a1": "a", "a2": "b", "equal": "tie"}
COLUMNS = {
    "prompt": "prompt",
    "response_a": "argument_1",
    "response_b": "argument_2",
    "preferred": "vote",
    "reason": "reason",
    "annotator": "worker",
    "values": CHOICES,
    "groups": ["topic"],
}


def write_votes(shared_data: Path, folder: Path) -> dict[str, Any]:
    """Write `ukp.jsonl` into a folder; its entry among the `sources` of a configuration."""
    path = folder / "ukp.jsonl"
    with path.open("w", encoding="utf-8") as out:
        for row in votes(shared_data / ARCHIVE):
            out.write(json.dumps(row, ensure_ascii=False) + "\n")
    return {"name": "ukp", "format": "tabular", "path": str(path), "preferences": COLUMNS}


def votes(archive: Path) -> Iterator[dict[str, Any]]:
    """One row per vote, in the order of the archive's names."""
    with tarfile.open(archive) as opened:
        for member in sorted(opened.getmembers(), key=lambda entry: entry.name):
            file = opened.extractfile(member) if member.name.endswith(".xml") else None
            if file is not None:
                yield from _votes(ElementTree.parse(file).getroot())


def _votes(debate: ElementTree.Element) -> Iterator[dict[str, Any]]:
    for pair in debate.iter("annotatedArgumentPair"):
        title = pair.findtext("debateMetaData/title") or ""
        shared = {
            "prompt": f"Which argument is more convincing? {title}",
            "topic": title,
            "argument_1": pair.findtext("arg1/text") or "",
            "argument_2": pair.findtext("arg2/text") or "",
        }
        for vote in pair.iter("mTurkAssignment"):
            yield shared | {
                "worker": vote.findtext("turkID"),
                "vote": vote.findtext("value"),
                "reason": vote.findtext("reason"),
            }
