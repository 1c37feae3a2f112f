"""The command `gcai`: arguments → calls, results → text or JSON, errors → one line and an exit
code.

Nothing heavy is imported at the top: `gcai --help` must answer at once. Typer, because its help is
readable and it takes types from the signature; argparse would be a little faster and a lot longer.

Exit codes: 0 done, 2 bad input or configuration, 3 replies to a batch file are still to come, 1
anything else.
"""

from __future__ import annotations

import json
import logging
import sys
from typing import Annotated, Any

import typer

from gcai_ray.adapters_cli import adapters_app
from gcai_ray.cli_errors import explained
from gcai_ray.keys_cli import keys_app
from gcai_ray.look_cli import AsJson, look_app
from gcai_ray.replies_cli import replies_app
from gcai_ray.serve_cli import serve_command

app = typer.Typer(
    name="gcai",
    help="From what people prefer, and why, to a written constitution for a language model.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

app.add_typer(replies_app, name="replies")
app.command("serve", rich_help_panel="Serving")(serve_command)
app.add_typer(adapters_app, name="adapters", rich_help_panel="Serving")
app.add_typer(keys_app, name="keys", rich_help_panel="Serving")

REPORTS = {"report.html": "report:", "model.html": "model report:"}
ConfigPath = Annotated[
    str, typer.Argument(metavar="CONFIG", help="YAML file of the run, such as jobs/demo.yaml.")
]
Overrides = Annotated[
    list[str] | None,
    typer.Option(
        "--set", metavar="KEY=VALUE", help="Override one setting, for example ratify.num_general=3."
    ),
]


def _run_until(stage: str | None, config: str, overrides: list[str] | None, as_json: bool) -> None:
    from gcai_ray.config import load_config
    from gcai_ray.pipeline import run
    from gcai_ray.show import stage_line

    loaded = load_config(config, tuple(overrides or ()))
    _show_progress(as_json)
    outcomes = {}
    for planned, outcome in run(loaded, stage):
        if outcome is not None:
            outcomes[planned.name] = outcome
            if not as_json:
                typer.echo(stage_line(planned.name, outcome), err=True)
    _print_run(loaded.root, outcomes, as_json)


def _show_progress(as_json: bool) -> None:
    """What long stages say of their progress goes to standard error, beside the stages' lines."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(logging.Formatter("  %(message)s"))
    logger = logging.getLogger("gcai_ray")
    logger.handlers = [handler]
    logger.setLevel(logging.WARNING if as_json else logging.INFO)
    logger.propagate = False


def _print_run(root: str, outcomes: dict[str, Any], as_json: bool) -> None:
    from gcai_ray.show import constitution_text, run_facts

    if as_json:
        typer.echo(json.dumps(run_facts(root, outcomes), indent=2))
        return
    if "ratify" in outcomes:
        artifact = outcomes["ratify"].artifact
        typer.echo(
            f"\n{constitution_text(artifact)}\n\nconstitution: {artifact.url}/constitution.json"
        )
    if "tune" in outcomes:
        typer.echo(f"adapter:      {outcomes['tune'].artifact.url}")
    if "report" in outcomes:
        for name, title in REPORTS.items():
            if any(part.name == name for part in outcomes["report"].artifact.manifest.parts):
                typer.echo(f"{title:<13} {outcomes['report'].artifact.url}/{name}")


@app.command("run")
@explained
def run_command(config: ConfigPath, overrides: Overrides = None, as_json: AsJson = False) -> None:
    """Run every stage that has not been run yet, and print the constitution."""
    _run_until(None, config, overrides, as_json)


@app.command("plan")
@explained
def plan_command(config: ConfigPath, overrides: Overrides = None, as_json: AsJson = False) -> None:
    """Say what a run's questions to a model come to, before any is asked."""
    from gcai_ray.config import load_config
    from gcai_ray.plan_text import plan_text
    from gcai_ray.planning import question_plan

    loaded = load_config(config, tuple(overrides or ()))
    typer.echo(plan_text(loaded, question_plan(loaded), as_json))


def _stage_command(name: str, help_: str) -> None:
    @app.command(name, help=help_, rich_help_panel="One stage (and those it needs)")
    @explained
    def command(config: ConfigPath, overrides: Overrides = None, as_json: AsJson = False) -> None:
        _run_until(name, config, overrides, as_json)


_stage_command("ingest", "Read the sources into preferences, statements and rejects.")
_stage_command("extract", "Propose principles from every reason and statement.")
_stage_command("distill", "Merge proposals that say the same into principles.")
_stage_command("vote", "Find whose words support which principle; with a model, let them vote.")


@app.command("ratify", rich_help_panel="One stage (and those it needs)")
@explained
def ratify_command(
    config: ConfigPath,
    overrides: Overrides = None,
    ballots: Annotated[
        str | None,
        typer.Option(
            "--ballots", metavar="FILE", help="Votes of people on the constitution: ratifies it."
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Choose the constitution; with ballots, record what people said of it."""
    given = [f"ratify.ballots={json.dumps(ballots)}"] if ballots else []
    _run_until("ratify", config, [*(overrides or []), *given], as_json)


_stage_command("evaluate", "Measure the constitution on held-out data, beside baselines.")
_stage_command("prompts", "Read the prompts to tune on.")
_stage_command("revise", "Have a model answer, criticise and revise: pairs to train on.")
_stage_command("tune", "Tune a model to the constitution: SFT, then DPO.")
_stage_command("answer", "Put held-out prompts to the base and to every tuned model.")
_stage_command("assess", "Judge which of them follows the constitution better.")
_stage_command("report", "Write the HTML and Markdown report.")


app.add_typer(look_app)


def main() -> None:
    """Entry point of the command `gcai`."""
    sys.exit(app())


if __name__ == "__main__":
    main()
