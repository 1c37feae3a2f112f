"""A folder → `jobs/full_tiny.yaml` run in it whole, from planted annotations to the report on a
tuned and served model: `python -m tests.full_tiny FOLDER`.

Makes the annotations, a toy model that speaks (two minutes) and the scripted endpoint, runs the job
twice, and prints how long each stage took and what was found. Ends with an error if a second run
does anything again.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))  # as the tests themselves find one another

from places import ROOT
from servers.launch import Scripted
from servers.planted import write_corpus
from tune_tiny import DATA, OURS, made_model

JOB = ROOT / "jobs" / "full_tiny.yaml"
NUM_ANNOTATIONS, NOISE = 300, 0.1


def main() -> None:
    """Make what the job needs, run it twice, and look."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("folder", type=Path)
    folder: Path = parser.parse_args().folder.resolve()
    model = made_model(folder / "model", speaks=True)
    write_corpus(folder, NUM_ANNOTATIONS, NOISE, seed=1)
    with Scripted() as server:
        began = time.monotonic()
        first = run(folder, model, server)
        took = time.monotonic() - began
        again = run(folder, model, server)
    num_stages = first.count(" s   ")
    if again.count("kept from before") != num_stages:
        raise SystemExit(f"a second run did something again:\n{again}")
    sys.stdout.write(f"{first}\n{num_stages} stages in {took:.0f} s\n{found(folder)}")


def changes(folder: Path, model: Path, server: Scripted) -> list[str]:
    """What a person would add to `gcai run jobs/full_tiny.yaml`."""
    told = [
        f"root={folder / 'run'}",
        f"sources.0.path={folder / 'preferences.csv'}",
        f"sources.1.path={folder / 'statements.csv'}",
        f"engine.base_url={server.base_url}",
        f"tune.model={model}",
    ]
    told += [f"prompts.sources.0.path={DATA}"] if DATA.is_file() else [f"prompts.sources={OURS}"]
    return [part for change in told for part in ("--set", change)]


def command(folder: Path, model: Path, server: Scripted) -> list[str]:
    """The whole command."""
    own = [sys.executable, "-m", "gcai_ray.cli", "run", str(JOB)]
    return own + changes(folder, model, server)


def run(folder: Path, model: Path, server: Scripted) -> str:
    """Run it to its good end; what it printed."""
    kept = {name: value for name, value in os.environ.items() if name != "RAY_ADDRESS"}
    done = subprocess.run(
        command(folder, model, server),
        cwd=ROOT,
        env=kept,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    if done.returncode:
        raise SystemExit(f"the run ended with {done.returncode}:\n{done.stdout}")
    return done.stdout


def found(folder: Path) -> str:
    """The figures of the tuned models, as the run has them."""
    from gcai_ray.runs import open_run

    rows = open_run(str(folder / "run"))["assess"].read("assessment").to_pylist()
    kept = [row for row in rows if row["scope"] == "all" and row["value"] is not None]
    names = ("family", "model", "against", "prompts", "value", "low", "high")
    return "".join(json.dumps({name: row[name] for name in names}) + "\n" for row in kept)


if __name__ == "__main__":
    main()
