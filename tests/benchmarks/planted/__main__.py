"""Planted annotators → precision, recall and rank correlation of what comes back, in both modes, as
a table over setting, size and noise.

Run: .venv/bin/python -m tests.benchmarks.planted [--long] [--json FILE]

The short form (300 annotations without noise, in each setting) is part of `make bench`. `--long`:
100, 300 and 1,000 annotations with noise 0, 0.1, 0.2 and 0.4, in each. Every crowd has a minority
of 10 % with a demand of its own, and a flooder who adds half as many preferences again; in a tenth
of the others a person takes the first response. The model names the first response in a tenth of
its answers and follows its own taste in a fifth.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path

from tests.benchmarks.measure import print_table
from tests.benchmarks.planted.cells import Cell, Found, grid, measured
from tests.benchmarks.planted.settings import SETTINGS

SIZES, NOISES = (100, 300, 1000), (0.0, 0.1, 0.2, 0.4)
HEAD = ["setting", "rows", "noise", "mode", "chosen", "precision", "recall", "tau", "twice"]
HEAD += ["demand", "flooder", "general", "tau g.", "demand g.", "judge", "weighted", "no const."]


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description="Print the table.")
    parser.add_argument("--long", action="store_true")
    parser.add_argument("--settings", nargs="+", default=[], choices=tuple(SETTINGS))
    parser.add_argument("--sizes", nargs="+", type=int, default=[])
    parser.add_argument("--noises", nargs="+", type=float, default=[])
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", type=Path, help="write the figures here too, cell by cell")
    options = parser.parse_args()
    rows: list[list[str]] = []
    seconds, num_cells = 0.0, 0
    for cell in _cells(options):
        found = _in_own_folder(cell)
        seconds, num_cells = seconds + found.seconds, num_cells + 1
        rows += _rows(cell, found)
        if options.json:
            with options.json.open("a", encoding="utf-8") as out:
                out.write(json.dumps({"cell": asdict(cell), "found": asdict(found)}) + "\n")
    print_table("what comes back of the planted principles", HEAD, rows)
    print(f"{num_cells} cells in {seconds:.0f} s")


def _cells(options: argparse.Namespace) -> Iterable[Cell]:
    if options.long or options.settings or options.sizes or options.noises:
        return grid(
            options.settings or tuple(SETTINGS),
            options.sizes or SIZES,
            options.noises or NOISES,
            options.seed,
        )
    return grid(tuple(SETTINGS), (300,), (0.0,), options.seed)


def _in_own_folder(cell: Cell) -> Found:
    with tempfile.TemporaryDirectory() as folder:
        return measured(cell, Path(folder))


def _rows(cell: Cell, found: Found) -> list[list[str]]:
    """One row a mode, or one that nothing stood."""
    shown = []
    if not found.modes:
        head = [cell.setting, f"{cell.crowd.num_annotations:,}", f"{cell.crowd.noise:g}"]
        return [[*head, "none stood", *[""] * (len(HEAD) - 4)]]
    for mode, back in found.modes.items():
        contextual, general = back.contextual, back.general
        head = [cell.setting, f"{cell.crowd.num_annotations:,}", f"{cell.crowd.noise:g}", mode]
        own = [f"{contextual.num_chosen}", f"{contextual.precision:.2f}"]
        own += [f"{contextual.recall:.2f}", _figure(contextual.tau), f"{contextual.num_twice}"]
        own += [contextual.demand, "CHOSEN" if contextual.flooded else "out"]
        other = [f"{general.recall:.2f}", _figure(general.tau), general.demand] if general else []
        accuracies = [_figure(back.accuracy.get(name)) for name in ("judge", "weighted")]
        shown.append(
            [*head, *own, *(other or ["", "", ""]), *accuracies, _figure(found.unread_judge)]
        )
    return shown


def _figure(value: float | None) -> str:
    return "-" if value is None else f"{value:.2f}"


if __name__ == "__main__":
    main()
