"""The command `gcai serve`: settings → an application that answers until it is told to stop."""

from __future__ import annotations

import signal
from queue import SimpleQueue
from typing import TYPE_CHECKING, Annotated

import typer

from gcai_ray.cli_errors import explained

if TYPE_CHECKING:
    from gcai_ray.serving_config import ServeConfig

ServePath = Annotated[
    str, typer.Argument(metavar="CONFIG", help="YAML file, such as jobs/serve_tiny.yaml.")
]


@explained
def serve_command(
    config: ServePath,
    overrides: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="Override one setting, such as port=8080."),
    ] = None,
    insecure: Annotated[
        bool,
        typer.Option("--insecure", help="Listen to other machines without keys. Not advised."),
    ] = False,
) -> None:
    """Serve models and their adapters behind an OpenAI-compatible API, until Ctrl-C or SIGTERM.

    SIGUSR1 reads the settings anew and puts them into force, replica by replica, while it answers.
    """
    from gcai_ray.serve.run import logs_folder, served
    from gcai_ray.serving_config import load_serve_config

    loaded = load_serve_config(config, tuple(overrides or ()))
    signals: SimpleQueue[int] = SimpleQueue()
    typer.echo(f"starting {', '.join(model.id for model in loaded.models)}", err=True)
    with served(loaded, insecure) as url:
        for of in (signal.SIGINT, signal.SIGTERM, signal.SIGUSR1):  # Ray has set its own meanwhile
            signal.signal(of, lambda number, _: signals.put(number))
        keys = "API keys are asked for" if loaded.keys else "no API key is asked for"
        typer.echo(f"{url}\n{keys}; logs: {logs_folder()}; Ctrl-C ends it", err=True)
        while signals.get() == signal.SIGUSR1:
            loaded = _renewed(config, tuple(overrides or ()), loaded, insecure)
        typer.echo(f"ending: what is being answered has {loaded.drain_s:g} s", err=True)


def _renewed(
    path: str, overrides: tuple[str, ...], running: ServeConfig, insecure: bool
) -> ServeConfig:
    """The settings in force after another look at their file; a fault is told and ends nothing."""
    from gcai_ray.errors import GcaiError
    from gcai_ray.serve.run import renew
    from gcai_ray.serving_config import load_serve_config

    try:
        config = load_serve_config(path, overrides)
        renew(config, running, insecure)
    except GcaiError as error:
        typer.echo(f"the settings were not put into force: {error}", err=True)
        return running
    typer.echo(f"the settings of {path} are in force", err=True)
    return config
