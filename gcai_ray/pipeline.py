"""The order of the stages, and the rule by which each is skipped or run. Knows what a step depends
on, not what it does.

A stage's fingerprint is known before anything runs: it hashes the stage's settings and the
fingerprints of its inputs. If an artifact with that fingerprint is finished, the stage is skipped;
if not, it is run into a new directory and committed last.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from gcai_ray import steps
from gcai_ray.artifact_writer import ArtifactWriter
from gcai_ray.artifacts import Artifact, fingerprint, open_artifact
from gcai_ray.causes import causes
from gcai_ray.config import Config
from gcai_ray.errors import ArtifactError, GcaiError
from gcai_ray.storage import Storage, explained

RUN_FILE = "run.json"
RAY_ADDS = "\nFailed to apply UDF transform"  # and advice on retries, behind a message of ours
Settings = dict[str, Any]


@dataclass(frozen=True)
class Step:
    """One stage: what it needs, which settings decide its result, and how it is run."""

    name: str
    after: tuple[str, ...]
    settings: Callable[[Config], Settings]
    run: Callable[[Config, steps.Inputs, ArtifactWriter], None]
    needs_ray: bool = True


def _ingest_settings(config: Config) -> Settings:
    sources = [steps.source_settings(source) for source in config.sources]
    salted = fingerprint("salt", {"salt": steps.salt()}, {})
    return {
        "sources": sources,
        "seed": config.seed,
        "salt": salted,
        **config.ingest.model_dump(mode="json"),
    }


def _asked(config: Config, stage: str) -> Settings:
    """What a stage that only a model is asked by depends on; nothing for the extractive engine."""
    return steps.asking_settings(config, stage) if steps.asks_a_model(config) else {}


STEPS = (
    Step("ingest", (), _ingest_settings, steps.ingest),
    Step(
        "extract",
        ("ingest",),
        lambda config: steps.asking_settings(config, "extract"),
        steps.extract,
    ),
    Step("embed", ("extract",), lambda config: {}, steps.embed),
    Step(
        "distill",
        ("embed",),
        lambda config: {
            "seed": config.seed,
            **_asked(config, "distill"),
            **config.distill.model_dump(mode="json"),
        },
        steps.distill,
    ),
    Step(
        "vote",
        ("distill", "embed", "ingest"),
        lambda config: {
            "seed": config.seed,
            **_asked(config, "vote"),
            **config.vote.model_dump(mode="json"),
        },
        steps.vote,
    ),
    Step(
        "ratify",
        ("vote", "distill", "extract", "ingest"),
        lambda config: {
            "name": config.name,
            "seed": config.seed,
            "engine": config.engine.name,
            "mode": config.mode,
            **config.ratify.model_dump(mode="json"),
        },
        steps.ratify,
        needs_ray=False,
    ),
    Step(
        "evaluate",
        ("ratify", "distill", "embed", "extract", "ingest"),
        lambda config: {"seed": config.seed, "mode": config.mode},
        steps.evaluate,
    ),
    Step(
        "report",
        ("evaluate", "ratify", "vote", "distill", "embed", "extract", "ingest"),
        lambda config: {},
        steps.report,
        needs_ray=False,
    ),
)
NAMES = tuple(step.name for step in STEPS)


@dataclass(frozen=True)
class Planned:
    """A step of one configuration: where its artifact stands or will stand."""

    step: Step
    settings: Settings
    inputs: dict[str, str]
    fingerprint: str

    @property
    def directory(self) -> tuple[str, str]:
        """Directory of the artifact under the root."""
        return self.step.name, self.fingerprint


@dataclass(frozen=True)
class Outcome:
    """What became of one step."""

    artifact: Artifact
    skipped: bool
    seconds: float


def plan(config: Config) -> list[Planned]:
    """Every step with its fingerprint, in order. Reads the input files to hash them, and nothing
    else.
    """
    known: dict[str, str] = {}
    planned = []
    for step in STEPS:
        settings = step.settings(config)
        inputs = {name: known[name] for name in step.after}
        known[step.name] = fingerprint(step.name, settings, inputs)
        planned.append(Planned(step, settings, inputs, known[step.name]))
    return planned


def run(config: Config, until: str | None = None) -> Iterator[tuple[Planned, Outcome | None]]:
    """Run the steps in order, up to one of them. Yields each step before it starts (None) and
    after it ended.

    Raises:
        GcaiError: with one message for the user; what was finished before stays and is skipped the
            next time.
    """
    storage = Storage(config.root)
    planned = plan(config)
    last = NAMES.index(until or NAMES[-1])
    done: dict[str, Artifact] = {}
    for item in planned[: last + 1]:
        yield item, None
        started = time.monotonic()
        found = open_artifact(storage, item.directory)
        artifact = found or _run_step(config, storage, item, done)
        done[item.step.name] = artifact
        _remember(config, storage, planned)
        yield item, Outcome(artifact, found is not None, time.monotonic() - started)


def _run_step(
    config: Config, storage: Storage, item: Planned, done: dict[str, Artifact]
) -> Artifact:
    if item.step.needs_ray:
        from gcai_ray.ray_session import connect

        connect(config.ray)
    started = time.monotonic()
    writer = ArtifactWriter(storage, item.directory)
    inputs = {name: done[name] for name in item.step.after}
    with users_errors(storage):
        item.step.run(config, inputs, writer)
    return writer.commit(
        inputs=item.inputs, config=item.settings, seconds=time.monotonic() - started
    )


@contextmanager
def users_errors(storage: Storage) -> Iterator[None]:
    """Lets an error of ours raised inside a Ray task reach the user as itself; all others pass as
    they are.
    """
    try:
        yield
    except Exception as error:
        if _is_ours(error):
            raise
        for cause in causes(error):
            if isinstance(cause, GcaiError) and _is_ours(cause):
                raise type(cause)(str(cause).partition(RAY_ADDS)[0]) from error
            if isinstance(cause, OSError) and cause.errno:
                raise explained(cause, f"cannot write below {storage.root}") from error
        raise


def _is_ours(error: BaseException) -> bool:
    """Ray raises a class made of its own error and ours, whose text is a whole traceback."""
    return type(error).__module__ == GcaiError.__module__


def _remember(config: Config, storage: Storage, planned: list[Planned]) -> None:
    """Note in `run.json` where the artifacts of this configuration stand, for `gcai show` and
    `gcai trace`.
    """
    stages = {
        item.step.name: item.fingerprint
        for item in planned
        if open_artifact(storage, item.directory)
    }
    text = json.dumps({"name": config.name, "stages": stages}, indent=2) + "\n"
    try:
        same = storage.read(RUN_FILE).decode() == text
    except FileNotFoundError:
        same = False
    if not same:
        storage.replace(text.encode(), RUN_FILE)


def open_run(root: str) -> dict[str, Artifact]:
    """The artifacts a run's root holds, by stage, as its last run left them.

    Raises:
        ArtifactError: nothing was run there.
    """
    storage = Storage(root)
    try:
        stages = json.loads(storage.read(RUN_FILE))["stages"]
    except (FileNotFoundError, NotADirectoryError) as error:
        raise ArtifactError(
            f"{root}: no run here (no {RUN_FILE}); give the `root` of a configuration that was run"
        ) from error
    except (ValueError, KeyError, TypeError) as error:
        raise ArtifactError(
            f"{storage.url(RUN_FILE)}: damaged; run the configuration again, finished stages are "
            f"kept"
        ) from error
    found = {name: open_artifact(storage, (name, key)) for name, key in stages.items()}
    return {name: artifact for name, artifact in found.items() if artifact is not None}
