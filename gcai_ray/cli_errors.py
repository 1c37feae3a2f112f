"""An error a person can mend → one line on standard error and its exit code."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import typer

from gcai_ray.errors import GcaiError


def explained(command: Callable[..., None]) -> Callable[..., None]:
    """Turn an error a person can mend into one line on standard error and its exit code."""

    @functools.wraps(command)
    def wrapped(*args: Any, **kwargs: Any) -> None:
        try:
            command(*args, **kwargs)
        except GcaiError as error:
            typer.echo(f"gcai: {' '.join(str(error).split())}", err=True)
            raise typer.Exit(error.exit_code) from error
        except KeyboardInterrupt as error:
            typer.echo(
                "gcai: interrupted; finished stages are kept, the same command goes on", err=True
            )
            raise typer.Exit(130) from error

    return wrapped
