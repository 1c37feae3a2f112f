"""The commands `gcai adapters …`: arguments → a change of a registry, or what it says."""

from __future__ import annotations

import json
from collections.abc import Callable
from itertools import islice
from typing import TYPE_CHECKING, Annotated

import typer

from gcai_ray.cli_errors import explained

if TYPE_CHECKING:
    from gcai_ray.registry import Index
    from gcai_ray.storage import Storage

Registry = Annotated[
    str,
    typer.Argument(metavar="REGISTRY", help="Folder or s3:// folder of the registry."),
]
Name = Annotated[
    str, typer.Argument(metavar="NAME", help="What the adapter is called in requests: BASE:NAME.")
]
Number = Annotated[int, typer.Argument(metavar="VERSION", min=1, help="Number of the version.")]

adapters_app = typer.Typer(
    name="adapters",
    help="Say which adapter versions a served model answers with: add, try, promote, roll back.",
    no_args_is_help=True,
)


@adapters_app.command("add")
@explained
def add_command(
    registry: Registry,
    name: Name,
    adapter: Annotated[
        str,
        typer.Argument(
            metavar="ADAPTER",
            help="Folder or s3:// folder of a LoRA adapter, or the root of a run that tuned one.",
        ),
    ],
    evaluation: Annotated[
        str | None,
        typer.Option("--evaluation", metavar="FILE", help="JSON file or URL of its figures."),
    ] = None,
    live: Annotated[
        bool,
        typer.Option(
            "--live/--no-live", help="Whether it answers at once where no version is live yet."
        ),
    ] = True,
) -> None:
    """Add an adapter as the next version of a name. A first one is live at once."""
    from gcai_ray.registry import added, read_figures, read_version
    from gcai_ray.registry.text import version_text

    storage = _storage(registry)
    figures = None if evaluation is None else read_figures(evaluation)
    version = read_version(adapter, evaluation=figures)
    after = _change(storage, lambda index: added(index, name, version, live))
    typer.echo(version_text(after.entries[name].versions[-1]))
    if not storage.is_local and "://" not in version.adapter:
        typer.echo(
            f"note: {version.adapter} is a folder of this machine; other nodes of the cluster must "
            "find it under the same path",
            err=True,
        )


@adapters_app.command("list")
@explained
def list_command(
    registry: Registry,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON document for scripts.")
    ] = False,
) -> None:
    """List every adapter with its versions, and whom each answers."""
    from gcai_ray.registry import read_index
    from gcai_ray.registry.text import index_text

    index = read_index(_storage(registry))
    if as_json:
        typer.echo(json.dumps(index.model_dump(mode="json"), indent=2, ensure_ascii=False))
    else:
        typer.echo(index_text(index))


@adapters_app.command("canary")
@explained
def canary_command(
    registry: Registry,
    name: Name,
    version: Number,
    share: Annotated[
        float,
        typer.Option("--share", help="Share of the callers it answers, above 0 and at most 1."),
    ],
) -> None:
    """Let a version answer a share of the callers; each caller keeps the version it got."""
    from gcai_ray.registry import with_canary

    _change(_storage(registry), lambda index: with_canary(index, name, version, share))


@adapters_app.command("promote")
@explained
def promote_command(registry: Registry, name: Name) -> None:
    """Make the canary live for every caller."""
    from gcai_ray.registry import promoted

    _change(_storage(registry), lambda index: promoted(index, name))


@adapters_app.command("rollback")
@explained
def rollback_command(registry: Registry, name: Name) -> None:
    """Drop the canary; where there is none, make the version live that was before."""
    from gcai_ray.registry import rolled_back

    _change(_storage(registry), lambda index: rolled_back(index, name))


@adapters_app.command("withdraw")
@explained
def withdraw_command(registry: Registry, name: Name, version: Number) -> None:
    """Take a version that answers nobody out of service for good."""
    from gcai_ray.registry import withdrawn

    _change(_storage(registry), lambda index: withdrawn(index, name, version))


@adapters_app.command("history")
@explained
def history_command(
    registry: Registry,
    num_rows: Annotated[int, typer.Option("--rows", "-n", min=1, help="Changes to show.")] = 20,
) -> None:
    """List the changes, the newest first: when, what, by whom."""
    from gcai_ray.registry import history
    from gcai_ray.registry.text import history_text

    typer.echo(history_text(islice(history(_storage(registry)), num_rows)))


def _storage(registry: str) -> Storage:
    from gcai_ray.storage import Storage

    storage = Storage(registry)
    storage.greet()
    return storage


def _change(storage: Storage, make: Callable[[Index], Index]) -> Index:
    """Do it, and say what is now true."""
    from gcai_ray.registry import change
    from gcai_ray.report.terminal import printable

    after = change(storage, make)
    typer.echo(printable(after.action))
    return after
