"""The commands `gcai keys …` → a file of API keys, longer or shorter. A key is shown once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from gcai_ray.cli_errors import explained
from gcai_ray.errors import InputError

if TYPE_CHECKING:
    from gcai_ray.serve.keys import ApiKey, Keyring

keys_app = typer.Typer(
    name="keys",
    help="Make, list and revoke the API keys of a served model.",
    no_args_is_help=True,
)

File = Annotated[
    str, typer.Argument(metavar="FILE", help="YAML file of keys, local or s3://, as in `keys:`.")
]
Name = Annotated[str, typer.Argument(metavar="NAME", help="Who the key is for.")]


@keys_app.command("new")
@explained
def new_command(
    file: File,
    name: Name,
    models: Annotated[
        list[str] | None,
        typer.Option(
            "--models",
            metavar="GLOB",
            help="Models it may ask for, such as tiny or 'tiny:*'; again for more. All, if left "
            "out.",
        ),
    ] = None,
    requests_per_minute: Annotated[
        float | None, typer.Option(help="Requests a minute, through all doors.")
    ] = None,
    tokens_per_minute: Annotated[
        float | None, typer.Option(help="Tokens a minute, of prompts and replies.")
    ] = None,
    expires: Annotated[
        str | None,
        typer.Option(metavar="DATE", help="First day (UTC) it is no longer good: 2030-01-31."),
    ] = None,
) -> None:
    """Add a key to a file, or begin one, and print the key: it is kept nowhere else."""
    from gcai_ray.serve.keys import Keyring, api_key, new_key, save_keys, sha256_of

    ring, key = _ring_or_none(file), new_key()
    if any(one.name == name for one in ring.keys):
        raise InputError(
            f"{file}: there is a key called '{name}' already; choose another name, or revoke it: "
            f"gcai keys revoke {file} {name}"
        )
    given = {
        "models": tuple(models) if models else None,
        "requests_per_minute": requests_per_minute,
        "tokens_per_minute": tokens_per_minute,
        "expires": expires,
    }
    told = {field: value for field, value in given.items() if value is not None}
    entry = api_key(f"key '{name}'", name=name, sha256=sha256_of(key), **told)
    save_keys(file, Keyring(keys=(*ring.keys, entry)))
    typer.echo(key)
    typer.echo(
        f"{file}: key '{name}' added; it is shown this once, the file holds its SHA-256. Send it "
        "as Authorization: Bearer KEY",
        err=True,
    )


@keys_app.command("list")
@explained
def list_command(file: File) -> None:
    """Show names, rights and the first digits of the hashes."""
    from gcai_ray.serve.keys import load_keys

    for line in _table(load_keys(file)):
        typer.echo(line)


@keys_app.command("revoke")
@explained
def revoke_command(file: File, name: Name) -> None:
    """Remove a key; servers that read the file refuse it within seconds."""
    from gcai_ray.serve.keys import Keyring, load_keys, save_keys

    ring = load_keys(file)
    left = tuple(key for key in ring.keys if key.name != name)
    if len(left) == len(ring.keys):
        known = ", ".join(key.name for key in ring.keys) or "none"
        raise InputError(f"{file}: there is no key called '{name}'; there are: {known}")
    save_keys(file, Keyring(keys=left))
    typer.echo(f"{file}: key '{name}' revoked, {len(left)} left", err=True)


def _ring_or_none(file: str) -> Keyring:
    from gcai_ray.serve.keys import Keyring, load_keys
    from gcai_ray.storage import Storage

    return load_keys(file) if Storage(file).exists() else Keyring(keys=())


def _table(ring: Keyring) -> list[str]:
    head = ("name", "sha256", "models", "requests/min", "tokens/min", "expires")
    rows = [head, *(_row(key) for key in ring.keys)]
    widths = [max(len(row[i]) for row in rows) for i in range(len(head))]
    return [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    ]


def _row(key: ApiKey) -> tuple[str, ...]:
    from gcai_ray.serve.keys import utc_today

    expires = "-" if key.expires is None else key.expires.isoformat()
    return (
        key.name,
        f"{key.sha256[:8]}…",
        ",".join(key.models),
        _rate(key.requests_per_minute),
        _rate(key.tokens_per_minute),
        f"{expires} (expired)" if key.is_expired(utc_today()) else expires,
    )


def _rate(per_minute: float | None) -> str:
    return "-" if per_minute is None else f"{per_minute:g}"
