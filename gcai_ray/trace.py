"""A principle → its member candidates → their verbatim sentences → the rows of the source files
they were written in.
"""

from __future__ import annotations

import json
import textwrap
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from gcai_ray.artifacts import Artifact
from gcai_ray.errors import ArtifactError
from gcai_ray.report.terminal import WIDTH, printable
from gcai_ray.runs import open_run
from gcai_ray.steps.lookup import rows_by_id

RUNS = "runs"


def trace(principle: str, run: str | None, num_rows: int, as_json: bool) -> str:
    """The whole way of one principle, as text or JSON.

    Raises:
        ArtifactError: no such run or principle, or several principles begin so.
    """
    found = traced(open_run(run or _only_run()), principle, num_rows)
    return json.dumps(found, indent=2, ensure_ascii=False) if as_json else _text(found)


def traced(artifacts: Mapping[str, Artifact], key: str, num_rows: int) -> dict[str, Any]:
    """A principle with its nearest members, each with its quote, its row and the person's whole
    text.
    """
    for stage in ("ingest", "extract", "distill"):
        if stage not in artifacts:
            raise ArtifactError(f"the run has no finished stage '{stage}' yet; run it first")
    principle = _find(artifacts["distill"], key)
    members = [
        row
        for row in artifacts["distill"].read("members").to_pylist()
        if row["principle_id"] == principle["id"]
    ]
    members.sort(key=lambda row: (-row["similarity"], row["candidate_id"]))
    shown = members[:num_rows]
    candidates = rows_by_id(
        artifacts["extract"], "candidates", "id", {row["candidate_id"] for row in shown}
    )
    table, column = (
        ("preferences", "reason") if principle["kind"] == "contextual" else ("statements", "text")
    )
    rows = rows_by_id(artifacts["ingest"], table, "id", {c["row_id"] for c in candidates.values()})
    facts = {name: principle[name] for name in ("id", "kind", "text", "num_members", "num_people")}
    return facts | {
        "members": [_member(m, candidates[m["candidate_id"]], rows, column) for m in shown]
    }


def _member(
    member: dict[str, Any], candidate: dict[str, Any], rows: dict[str, dict[str, Any]], column: str
) -> dict[str, Any]:
    names = (
        "text",
        "quote",
        "sentence_numbers",
        "rule",
        "source",
        "source_file",
        "source_row",
        "annotator_id",
        "groups",
    )
    row = rows[candidate["row_id"]]
    return (
        {"candidate_id": candidate["id"], "similarity": member["similarity"]}
        | {n: candidate[n] for n in names}
        | {"words": row[column]}
    )


def _find(distilled: Artifact, key: str) -> dict[str, Any]:
    principles = distilled.read("principles").to_pylist()
    found = [row for row in principles if row["id"].startswith(key.lower())]
    if not found:
        raise ArtifactError(
            f"no principle with the id {key} in this run; `gcai show RUN principles` lists all "
            f"{len(principles)}"
        )
    if len(found) > 1:
        raise ArtifactError(
            f"{len(found)} principles have ids that begin with {key}; give more characters"
        )
    return found[0]


def _only_run() -> str:
    runs = sorted(str(path.parent) for path in Path(RUNS).glob("*/run.json"))
    if len(runs) != 1:
        raise ArtifactError(
            f"{len(runs)} runs below {RUNS}/{': ' + ', '.join(runs) if runs else ''}; name one: "
            f"gcai trace ID RUN"
        )
    return runs[0]


def _text(found: dict[str, Any]) -> str:
    lines = textwrap.wrap(f"{found['text']} [{found['kind']}]", WIDTH)
    lines.append(
        f"{found['num_members']} members from {found['num_people']} people; nearest first:"
    )
    for member in found["members"]:
        lines += ["", *_wrapped(f"· {member['text']}", "  ")]
        if member["quote"]:  # a guess from the choice alone (ICAI mode) rests on no words
            lines += _wrapped(f"“{' '.join(member['quote'].split())}”", "    ")
        lines += _wrapped(_where(member), "    ")
    return "\n".join(lines)


def _wrapped(text: str, indent: str) -> list[str]:
    after = indent if indent == "    " else f"{indent}  "
    return textwrap.wrap(printable(text), WIDTH, initial_indent=indent, subsequent_indent=after)


def _where(member: dict[str, Any]) -> str:
    numbers = ", ".join(map(str, member["sentence_numbers"]))
    sentence = f", sentence {numbers}" if numbers else ""
    groups = "".join(f", {group['name']}: {group['value']}" for group in member["groups"])
    return (
        f"{member['source_file']} row {member['source_row']}{sentence}, person "
        f"{member['annotator_id'][:8]}{groups}"
    )
