"""The command `gcai serve`: settings → an application that answers until it is told to stop."""

from __future__ import annotations

import signal
import threading
from typing import Annotated

import typer

from gcai_ray.cli_errors import explained

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
    """Serve models and their adapters behind an OpenAI-compatible API, until Ctrl-C or SIGTERM."""
    from gcai_ray.serve.run import logs_folder, served
    from gcai_ray.serving_config import load_serve_config

    loaded = load_serve_config(config, tuple(overrides or ()))
    stop = threading.Event()
    for of in (signal.SIGINT, signal.SIGTERM):
        signal.signal(of, lambda *_: stop.set())
    typer.echo(f"starting {', '.join(model.id for model in loaded.models)}", err=True)
    with served(loaded, insecure) as url:
        keys = "API keys are asked for" if loaded.keys else "no API key is asked for"
        typer.echo(f"{url}\n{keys}; logs: {logs_folder()}; Ctrl-C ends it", err=True)
        stop.wait()
        typer.echo(f"ending: what is being answered has {loaded.drain_s:g} s", err=True)
