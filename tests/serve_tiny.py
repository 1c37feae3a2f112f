"""A folder → a tuned adapter on S3, `gcai serve jobs/serve_tiny.yaml` with it, and what the
official `openai` client gets: `python -m tests.serve_tiny FOLDER`.

Tunes by `jobs/tune_tiny.yaml` with its root on a real S3 server (a folder where none is installed),
puts the adapter into a registry there, makes keys, serves, and asks as a person would. Ends with an
error where an answer is not what it should be.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))  # as the tests themselves find one another

import jsonschema
import openai
from places import ROOT
from s3_gateway import Gateway, missing, use_s3
from served import Served, chat
from tune_tiny import engine, job_changes, made_model
from tune_tiny import run as tune
from typer.testing import CliRunner

JOB = ROOT / "jobs" / "serve_tiny.yaml"
NAME = "aligned"
SCHEMA = {
    "type": "object",
    "properties": {"answer": {"enum": ["yes", "no"]}, "sure": {"type": "boolean"}},
    "required": ["answer", "sure"],
    "additionalProperties": False,
}


def main() -> None:
    """Tune, register, serve, ask."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("folder", type=Path)
    folder: Path = parser.parse_args().folder.resolve()
    model = made_model(folder / "model", speaks=False)
    with store(folder) as root:
        with engine(model, with_vllm=False) as told:
            tune(job_changes(f"{root}/tuned", model, told))
        gcai("adapters", "add", f"{root}/registry", NAME, f"{root}/tuned")
        keys = folder / "keys.yaml"
        keys.unlink(missing_ok=True)
        ann, slow = (
            gcai("keys", "new", str(keys), name, *options).split()[0]
            for name, options in (("ann", ()), ("slow", ("--requests-per-minute", "1")))
        )
        settings = (f"models.0.model={model}", f"registry={root}/registry", f"keys={keys}")
        with Served.of(JOB, "port=0", *settings) as app:
            sys.stdout.write(f"{root}\n{asked(app, ann, slow)}")


@contextmanager
def store(folder: Path) -> Iterator[str]:
    """A place on a real S3 server, or a folder."""
    if missing():
        yield str(folder / "store")
        return
    with Gateway() as s3, use_s3(s3.environment()):
        yield f"s3://{s3.create_bucket()}/tiny"


def gcai(*args: str) -> str:
    """Run a command in this process; what it printed to standard output."""
    from gcai_ray.cli import app

    done = CliRunner().invoke(app, list(args))
    if done.exit_code:
        raise SystemExit(f"gcai {' '.join(args)} ended with {done.exit_code}:\n{done.output}")
    return done.stdout


def asked(app: Served, ann: str, slow: str) -> str:
    """Ask everything; a line each."""
    client = app.client(ann)
    base, tuned = chat(client, "tiny"), chat(client, f"tiny:{NAME}")
    words = [reply.choices[0].message.content for reply in (base, tuned)]
    stream = chat(client, "tiny", stream=True)
    pieces = "".join(piece.choices[0].delta.content or "" for piece in stream if piece.choices)
    shape = {"type": "json_schema", "json_schema": {"name": "a", "schema": SCHEMA}}
    told = chat(client, "tiny", response_format=shape, max_tokens=64).choices[0].message.content
    jsonschema.validate(json.loads(told), SCHEMA)
    wanted = {
        "the adapter says something else than its base": words[0] != words[1],
        "the stream says what the whole reply says": pieces == words[0],
        "a wrong key is 401": refused(app.client("gcai-wrong"), openai.AuthenticationError),
        "over the limit is 429": not refused(app.client(slow), openai.RateLimitError)
        and refused(app.client(slow), openai.RateLimitError),
    }
    failed = [what for what, holds in wanted.items() if not holds]
    if failed:
        raise SystemExit(f"not so: {'; '.join(failed)}")
    lines = [f"tiny: {words[0]!r}", f"{tuned.model}: {words[1]!r}", f"JSON: {told}", *wanted]
    return "".join(f"{line}\n" for line in lines)


def refused(client: openai.OpenAI, kind: type[openai.APIStatusError]) -> bool:
    """Whether a request is turned away in this way."""
    try:
        chat(client, "tiny", max_tokens=1)
    except kind:
        return True
    return False


if __name__ == "__main__":
    main()
