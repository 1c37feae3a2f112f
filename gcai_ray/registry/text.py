"""What the registry says → text for a terminal."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from gcai_ray.registry.entries import Entry, Index, Version
from gcai_ray.registry.rollout import percent
from gcai_ray.report.phrases import count, people, shorten
from gcai_ray.report.terminal import printable

HEAD = ("name", "version", "answers", "base model", "constitution", "added")
TITLE_CHARS = 48
MEGABYTE = 1e6


def index_text(index: Index) -> str:
    """One line a version, and what the last change was."""
    rows = [
        (entry.name, str(version.number), answers(entry, version), *_facts(version))
        for entry in index.entries.values()
        for version in entry.versions
    ]
    if not rows:
        return "no adapters yet; add one with `gcai adapters add REGISTRY NAME ADAPTER`"
    last = f"last change, number {index.number}: {_line(index)}"
    return "\n".join([*_table([HEAD, *rows]), "", last])


def history_text(states: Iterable[Index]) -> str:
    """One line a change, in the order given."""
    lines = [f"{state.number:>6}  {_line(state)}" for state in states]
    return "\n".join(lines) if lines else "no changes yet"


def answers(entry: Entry, version: Version) -> str:
    """Whom a version answers who asks for the adapter by its plain name."""
    canary, number = entry.canary, version.number
    if version.withdrawn:
        return "withdrawn"
    if canary is not None and canary.version == number:
        return f"canary, {percent(canary.share)}"
    if entry.live == number:
        return "live" if canary is None else f"live, {percent(1 - canary.share)}"
    return "was live" if number in entry.previous else "-"


def version_text(version: Version) -> str:
    """What a version is, on one line."""
    size_mb = sum(of.size_bytes for of in version.files.values()) / MEGABYTE
    base, constitution, _ = _facts(version)
    told = "no constitution" if constitution == "-" else constitution
    figures = "" if version.evaluation is None else ", with figures of an evaluation"
    return printable(f"rank {version.rank}, {size_mb:,.1f} MB, of {base}: {told}{figures}")


def _facts(version: Version) -> tuple[str, str, str]:
    of, told = version.constitution, "-"
    if of is not None:
        behind = f"{count(of.num_principles, 'principle')}, {people(of.num_people)}, {of.status}"
        told = f"{shorten(' '.join(of.title.split()), TITLE_CHARS)} ({behind})"
    return version.base_model, told, version.added_at


def _line(state: Index) -> str:
    return printable(" ".join(f"{state.at}  {state.action}  ({state.by})".split("\n")))


def _table(rows: Sequence[Sequence[str]]) -> list[str]:
    shown = [[printable(" ".join(cell.split("\n"))) for cell in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(*shown, strict=True)]
    return [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in shown
    ]
