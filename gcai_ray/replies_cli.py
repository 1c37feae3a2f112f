"""The commands `gcai replies …`: files that come back → the reply store of a run."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gcai_ray.cli_errors import explained
from gcai_ray.errors import InputError

if TYPE_CHECKING:
    from gcai_ray.engines.batch_replies import ImportReport

RUNS = "runs"
BATCH = "batch"

replies_app = typer.Typer(
    name="replies",
    help="Bring back the replies to questions that were written to batch files.",
    no_args_is_help=True,
)


@replies_app.callback()
def _replies() -> None:
    """Keeps `import` a command of its own; typer would fold a single one into the app."""


@replies_app.command("import")
@explained
def import_command(
    files: Annotated[
        list[str],
        typer.Argument(
            metavar="FILE...", help="Output and error files of the provider's batches; .gz too."
        ),
    ],
    run: Annotated[
        str | None,
        typer.Option(
            "--run", metavar="RUN", help="The run's root; left out, the only one that waits."
        ),
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON document for scripts.")
    ] = False,
) -> None:
    """Store the replies of batch files; the same run command then goes on with them."""
    from gcai_ray.engines.batch_replies import import_replies

    root = run or _only_waiting_run()
    report = import_replies(root, files)
    typer.echo(json.dumps(asdict(report), indent=2) if as_json else _text(report, root))
    if report.num_replies + report.num_duplicates == 0:
        raise InputError(
            f"{', '.join(files)}: no line answers a question of {root}; is it the output of "
            f"another run? First: {report.first_unknown or report.first_malformed}"
        )


def _only_waiting_run() -> str:
    """A run may wait for replies before any of its stages is finished, so it has no run.json."""
    found = sorted(str(path.parent) for path in Path(RUNS).glob(f"*/{BATCH}") if path.is_dir())
    if len(found) != 1:
        listed = f": {', '.join(found)}" if found else ""
        raise InputError(
            f"{len(found)} runs below {RUNS}/ have batch files{listed}; name one: "
            "gcai replies import FILE... --run RUN"
        )
    return found[0]


def _text(report: ImportReport, root: str) -> str:
    lines = [
        f"{root}: {report.num_lines:,} lines, {report.num_replies:,} replies stored: "
        f"{report.num_parsed:,} usable, {report.num_unparsed:,} not as asked for, "
        f"{report.num_errors:,} errors",
        f"not stored: {report.num_duplicates:,} duplicates, {report.num_unknown:,} unknown "
        f"custom_ids, {report.num_malformed:,} malformed lines",
    ]
    for name, first in (
        ("not as asked for", report.first_unparsed),
        ("error", report.first_error),
        ("unknown", report.first_unknown),
        ("malformed", report.first_malformed),
    ):
        if first is not None:
            lines.append(f"  first {name}: {first}")
    return "\n".join([*lines, "the same run command now goes on with these replies"])
