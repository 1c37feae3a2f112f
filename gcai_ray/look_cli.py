"""Commands that look at finished runs, compare them and hand them on. Imports nothing heavy."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from gcai_ray.cli_errors import explained

AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON document for scripts.")]
RunPath = Annotated[
    str,
    typer.Argument(metavar="RUN", help="The `root` of a run: a directory or s3://bucket/prefix."),
]
LOOK, HAND_ON = "Look", "Hand on"

look_app = typer.Typer()


@look_app.command("show", rich_help_panel=LOOK)
@explained
def show_command(
    path: Annotated[
        str,
        typer.Argument(
            metavar="PATH", help="A run's root, an artifact's directory, or a part file."
        ),
    ],
    table: Annotated[
        str | None,
        typer.Argument(metavar="[TABLE]", help="Which table: preferences, candidates, rejects, …"),
    ] = None,
    num_rows: Annotated[int, typer.Option("--rows", "-n", min=1, help="Rows to show.")] = 10,
    as_json: AsJson = False,
) -> None:
    """Show any artifact: a run's overview and constitution, or the rows of a table."""
    from gcai_ray.show import show

    typer.echo(show(path, table, num_rows, as_json))


@look_app.command("merge", rich_help_panel=HAND_ON)
@explained
def merge_command(
    adapter: Annotated[
        str, typer.Argument(metavar="ADAPTER", help="Folder, s3:// folder or hub id of an adapter.")
    ],
    into: Annotated[str, typer.Argument(metavar="FOLDER", help="New folder for the weights.")],
    base: Annotated[
        str | None,
        typer.Option("--base", metavar="MODEL", help="The base model, if not as the adapter says."),
    ] = None,
    dtype: Annotated[
        str | None, typer.Option("--dtype", help="Of the weights written, such as bfloat16.")
    ] = None,
) -> None:
    """Merge an adapter into its base model: plain weights, for engines without adapters."""
    from gcai_ray.train.merge import merge

    typer.echo(merge(adapter, into, base, dtype))


@look_app.command("status", rich_help_panel=LOOK)
@explained
def status_command(
    run: RunPath,
    as_json: AsJson = False,
    watching: Annotated[
        bool, typer.Option("--watch", help="Again every 2 s, until the run has ended.")
    ] = False,
) -> None:
    """Say how far a run is, while it runs: stages, rows, questions, tokens, rate, time left."""
    from gcai_ray.progress.status import status, watch

    for text in watch(run, as_json) if watching else [status(run, as_json)]:
        typer.echo(text)


@look_app.command("trace", rich_help_panel=LOOK)
@explained
def trace_command(
    principle: Annotated[
        str,
        typer.Argument(metavar="PRINCIPLE_ID", help="Id of a principle, or its first characters."),
    ],
    run: Annotated[
        str | None,
        typer.Argument(metavar="[RUN]", help="The run's root; left out, the only run below runs/."),
    ] = None,
    num_rows: Annotated[
        int, typer.Option("--rows", "-n", min=1, help="Members to show, nearest first.")
    ] = 10,
    as_json: AsJson = False,
) -> None:
    """Follow a principle to its members, their verbatim sentences and the source rows."""
    from gcai_ray.trace import trace

    typer.echo(trace(principle, run, num_rows, as_json))


@look_app.command("check", rich_help_panel=LOOK)
@explained
def check_command(
    path: Annotated[
        str, typer.Argument(metavar="PATH", help="A run's root or an artifact's directory.")
    ],
    as_json: AsJson = False,
) -> None:
    """Check every artifact below a path: checksums, schemas, counts. Exit 2: something is wrong."""
    from gcai_ray.show import check

    num_artifacts, problems = check(path)
    if as_json:
        typer.echo(json.dumps({"num_artifacts": num_artifacts, "problems": problems}, indent=2))
    else:
        for problem in problems:
            typer.echo(problem, err=True)
        typer.echo(f"{num_artifacts} artifacts, {len(problems)} problems")
    if problems:
        raise typer.Exit(2)


@look_app.command("clean", rich_help_panel=LOOK)
@explained
def clean_command(
    root: Annotated[
        str,
        typer.Argument(
            metavar="ROOT", help="The `root` of a run: a directory or s3://bucket/prefix."
        ),
    ],
    yes: Annotated[bool, typer.Option("--yes", help="Delete what is listed.")] = False,
    older_than: Annotated[
        float,
        typer.Option(
            "--older-than",
            metavar="HOURS",
            min=0,
            help="Keep an attempt whose newest file is younger: a run may be at work.",
        ),
    ] = 1,
    as_json: AsJson = False,
) -> None:
    """List what killed and losing runs left; delete it with --yes. Never a finished artifact."""
    from gcai_ray.clean import clean

    typer.echo(clean(root, yes, older_than, as_json))


@look_app.command("schemas", rich_help_panel=LOOK)
@explained
def schemas_command(
    directory: Annotated[str, typer.Argument(help="Where the JSON Schemas stand.")] = "schemas",
    check: Annotated[
        bool,
        typer.Option("--check", help="Write nothing; exit 2 when a file differs from the code."),
    ] = False,
) -> None:
    """Write the JSON Schema of every artifact, or check that the files are up to date."""
    from gcai_ray.schema_files import outdated_schemas, write_schemas

    if check:
        outdated = outdated_schemas(directory)
        for name in outdated:
            typer.echo(
                f"gcai: {directory}/{name} is not what the code says; run `gcai schemas "
                f"{directory}`",
                err=True,
            )
        if outdated:
            raise typer.Exit(2)
        typer.echo(f"{directory}: up to date")
    else:
        typer.echo(f"{directory}: {len(write_schemas(directory))} schemas written")


@look_app.command("diff", rich_help_panel=LOOK)
@explained
def diff_command(
    old: Annotated[
        str,
        typer.Argument(
            metavar="OLD", help="A run's root, its ratify/FINGERPRINT, or a constitution.json."
        ),
    ],
    new: Annotated[
        str | None,
        typer.Argument(metavar="[NEW]", help="Left out: OLD's own latest two constitutions."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Print what changed from one constitution to another, and who is behind each change."""
    from gcai_ray.changes import diff

    typer.echo(diff(old, new, as_json))


@look_app.command("compare", rich_help_panel=LOOK)
@explained
def compare_command(
    paths: Annotated[
        list[str],
        typer.Argument(
            metavar="A B...",
            help="Runs, constitution.json files, lists of principles (text or JSON), ICAI results.",
        ),
    ],
    page: Annotated[
        str | None, typer.Option("--page", metavar="FILE", help="Also write an HTML page.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Compare constitutions: what they share, what only one has, themes, whom they cover."""
    from gcai_ray.comparison import compare

    typer.echo(compare(paths, page, as_json))


@look_app.command("ballot", rich_help_panel=HAND_ON)
@explained
def ballot_command(
    run: RunPath,
    out: Annotated[
        str | None, typer.Option("--out", metavar="DIR", help="Where the ballot goes.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Write a ballot of the constitution for people: a CSV for Polis, a sheet, a page to print."""
    from gcai_ray.ballots import write_ballot

    paths = write_ballot(run, out)
    typer.echo(json.dumps({"files": paths}, indent=2) if as_json else "\n".join(paths))


@look_app.command("export", rich_help_panel=HAND_ON)
@explained
def export_command(
    run: RunPath,
    to: Annotated[
        str,
        typer.Option(
            "--to",
            metavar="FORMAT",
            help="annotated-pairs (Feedback Forensics) or dpo (JSON Lines).",
        ),
    ] = "annotated-pairs",
    out: Annotated[
        str | None, typer.Option("--out", metavar="FILE", help="Left out: beside the run.")
    ] = None,
) -> None:
    """Write a run's pairs and votes for other programs."""
    from gcai_ray.export import export

    typer.echo(export(run, to, out))
