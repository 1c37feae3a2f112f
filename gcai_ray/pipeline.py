"""The order of the stages, and the rule by which each is skipped or run. Knows what a step depends
on, not what it does.

A stage's fingerprint is known before anything runs: it hashes the stage's settings and the
fingerprints of its inputs. If an artifact with that fingerprint is finished, the stage is skipped;
if not, it is run into a new directory and committed last.
"""

from __future__ import annotations

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
from gcai_ray.errors import ConfigError, GcaiError, StageError
from gcai_ray.progress.writer import Reporter, reporting
from gcai_ray.runs import remember
from gcai_ray.storage import Storage, explained

ICAI = "icai"
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
    # What it takes of the ICAI baseline, where one is run.
    beside: Callable[[Config], tuple[str, ...]] = lambda config: ()
    belongs: Callable[[Config], bool] = lambda config: bool(config.sources)


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


def _ratify_settings(config: Config) -> Settings:
    """Ballots by their content, never by their path."""
    settings = config.ratify.model_dump(mode="json", exclude={"ballots"})
    if config.ratify.ballots is None:
        return settings
    from gcai_ray.ballots import ballots_digest

    return settings | {"ballots": ballots_digest(config.ratify.ballots)}


def _tunes(config: Config) -> bool:
    return config.tune is not None


def _asks_prompts(config: Config) -> bool:
    return config.prompts is not None


def _assesses(config: Config) -> bool:
    return config.assess is not None


def _reports(config: Config) -> bool:
    return bool(config.sources) or _assesses(config)


def _tuned_baseline(config: Config) -> tuple[str, ...]:
    return ("tune",) if config.assess is not None and config.assess.icai else ()


def _revise_settings(config: Config) -> Settings:
    return {
        "seed": config.seed,
        **steps.asking_settings(config, "revise"),
        **steps.constitution_settings(config),
        **config.revise.model_dump(mode="json"),
    }


def _tune_settings(config: Config) -> Settings:
    return {
        "seed": config.seed,
        **steps.constitution_settings(config),
        **steps.tune_settings(config),
    }


def _assess_settings(config: Config) -> Settings:
    harmless = sorted(config.assess.harmless) if config.assess else []
    return {
        "seed": config.seed,
        **steps.asking_settings(config, "assess"),
        **steps.constitution_settings(config),
        "harmless": harmless,
    }


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
            **_ratify_settings(config),
        },
        steps.ratify,
        needs_ray=False,
    ),
    Step(
        "evaluate",
        ("ratify", "vote", "distill", "embed", "extract", "ingest"),
        lambda config: {
            "seed": config.seed,
            "mode": config.mode,
            "min_group_size": config.ratify.min_group_size,
            "vote_pairs": config.vote.num_pairs,
            **_asked(config, "evaluate"),
            **config.evaluate.model_dump(mode="json"),
        },
        steps.evaluate,
        beside=lambda config: ("ratify", "vote"),
    ),
    Step(
        "prompts",
        (),
        steps.prompts_settings,
        steps.prompts,
        belongs=_asks_prompts,
    ),
    Step(
        "revise",
        ("prompts", "ratify"),
        _revise_settings,
        steps.revise,
        belongs=_asks_prompts,
    ),
    Step("tune", ("revise", "ratify"), _tune_settings, steps.tune, belongs=_tunes),
    Step(
        "answer",
        ("tune", "prompts"),
        steps.answer_settings,
        steps.answer,
        beside=_tuned_baseline,
        belongs=_assesses,
    ),
    Step(
        "assess",
        ("answer", "revise", "prompts", "ratify"),
        _assess_settings,
        steps.assess,
        belongs=_assesses,
    ),
    Step(
        "report",
        (
            "assess",
            "answer",
            "tune",
            "revise",
            "prompts",
            "evaluate",
            "ratify",
            "vote",
            "distill",
            "embed",
            "extract",
            "ingest",
        ),
        lambda config: {},
        steps.report,
        needs_ray=False,
        belongs=_reports,
    ),
)
NAMES = tuple(step.name for step in STEPS)
NEEDS = {"prompts": "prompts", "revise": "prompts", "tune": "tune"}  # sections of settings
NEEDS |= {"answer": "assess", "assess": "assess"}
WITHOUT = {"revise": "assess.icai", "tune": "assess.icai"}  # what goes without the baseline


@dataclass(frozen=True)
class Planned:
    """A step of one configuration: where its artifact stands or will stand.

    `branch`: empty, or `icai` for a step of the baseline that is run beside.
    """

    step: Step
    config: Config
    branch: str
    settings: Settings
    inputs: dict[str, str]  # name among all planned steps → fingerprint
    fingerprint: str

    @property
    def name(self) -> str:
        """Name among all steps of a run, such as `vote` or `icai.vote`."""
        return _named(self.branch, self.step.name)

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
    for branch, of, step in _ordered(config):
        settings = step.settings(of)
        after = {name: _nearest(name, branch, known) for name in step.after}
        after = {name: of for name, of in after.items() if of in known}
        beside = {f"{ICAI}.{name}": f"{ICAI}.{name}" for name in step.beside(of)}
        sources = after | {key: name for key, name in beside.items() if name in known}
        inputs = {key: known[name] for key, name in sources.items()}
        key = fingerprint(step.name, settings, inputs)
        known[_named(branch, step.name)] = key
        planned.append(Planned(step, of, branch, settings, inputs, key))
    return planned


def _ordered(config: Config) -> Iterator[tuple[str, Config, Step]]:
    """The steps, and those of the baseline before the first that looks at them. Reading is shared,
    and what begins with nothing is.
    """
    baseline = steps.baseline_config(config)
    ahead: set[str] = set()
    for step in STEPS:
        if not step.belongs(config):
            continue
        if baseline is not None:
            before = [one for one in _behind(step.beside(config)) if one.name not in ahead]
            ahead.update(one.name for one in before)
            yield from ((ICAI, baseline, one) for one in before)
        yield "", config, step


def _behind(names: tuple[str, ...]) -> list[Step]:
    """These steps and all they take, in order, without those that take nothing."""
    wanted = set(names)
    for step in reversed(STEPS):
        if step.name in wanted:
            wanted.update(step.after)
    return [step for step in STEPS if step.name in wanted and step.after]


def _nearest(name: str, branch: str, known: dict[str, str]) -> str:
    own = _named(branch, name)
    return own if own in known else name


def _named(branch: str, name: str) -> str:
    return f"{branch}.{name}" if branch else name


def run(config: Config, until: str | None = None) -> Iterator[tuple[Planned, Outcome | None]]:
    """Run the steps in order; with `until`, that one and those it needs. Yields each step before it
    starts (None) and after it ended.

    Raises:
        GcaiError: with one message for the user; what was finished before stays and is skipped the
            next time.
    """
    storage = Storage(config.root)
    storage.greet()
    planned = plan(config)
    done: dict[str, Artifact] = {}
    ahead = planned if until is None else needed(config, planned, until)
    with reporting(storage, config.name, [item.name for item in ahead]) as reporter:
        for item in ahead:
            yield item, None
            started = time.monotonic()
            found = open_artifact(storage, item.directory)
            artifact = found or _run_step(storage, item, done, reporter)
            done[item.name] = artifact
            remember(config.name, storage, {item.name: item.directory for item in planned})
            reporter.end(item.name, artifact, kept=found is not None)
            yield item, Outcome(artifact, found is not None, time.monotonic() - started)


def needed(config: Config, planned: list[Planned], until: str) -> list[Planned]:
    """A step and those whose results it takes, in order."""
    found = [item for item in planned if item.name == until]
    if not found:
        key = NEEDS.get(until, "sources")
        raise ConfigError(f"{config.name}: `{until}` needs `{key}` in the configuration")
    wanted = {found[0].fingerprint}
    for item in reversed(planned):
        if item.fingerprint in wanted:
            wanted.update(item.inputs.values())
    return [item for item in planned if item.fingerprint in wanted]


def _run_step(
    storage: Storage, item: Planned, done: dict[str, Artifact], reporter: Reporter
) -> Artifact:
    writer = ArtifactWriter(storage, item.directory)
    reporter.begin(item.name, writer.board)
    if item.step.needs_ray:
        from gcai_ray.ray_session import connect

        connect(item.config.ray)
    started = time.monotonic()
    inputs = {key: done.get(_named(item.branch, key), done.get(key)) for key in item.inputs}
    with users_errors(storage), _baseline_named(item):
        item.step.run(item.config, {k: v for k, v in inputs.items() if v}, writer)
    return writer.commit(
        inputs=item.inputs, config=item.settings, seconds=time.monotonic() - started
    )


@contextmanager
def _baseline_named(item: Planned) -> Iterator[None]:
    """A stage that cannot go on says when it is the baseline's."""
    try:
        yield
    except StageError as error:
        if not item.branch:
            raise
        key = WITHOUT.get(item.step.name, "evaluate.icai")
        raise StageError(
            f"the ICAI baseline, {item.step.name}: {error}; {key}: false goes without it"
        ) from error


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
