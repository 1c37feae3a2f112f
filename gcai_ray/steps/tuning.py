"""`training_pairs` and the constitution → an adapter (or whole weights) and its `metrics`."""

from __future__ import annotations

from typing import Any

from gcai_ray.artifact_writer import ArtifactWriter, versions
from gcai_ray.config import Config
from gcai_ray.errors import ConfigError, StageError
from gcai_ray.steps.lookup import Inputs
from gcai_ray.steps.prompting import constitution_of
from gcai_ray.training_config import TuneConfig

FOLDER = "training"  # below the root: rows and checkpoints of runs at work and finished
PACKAGES = ("torch", "peft", "trl", "datasets", "accelerate")
COLUMNS = ["id", "source", "split", "prompt", "chosen", "rejected", "made_by", "principle_ids"]


def tune(config: Config, inputs: Inputs, writer: ArtifactWriter) -> None:
    """SFT, then DPO; `metrics`, and the files that peft, transformers and vLLM load, in the
    artifact's own folder.

    Raises:
        ConfigError: the model cannot be used, or this machine cannot train it.
        StageError: there is nothing to train on, or training failed.
    """
    wanted = _wanted(config)
    _check_packages()
    from gcai_ray.train.card import Tuned, model_card, training_json
    from gcai_ray.train.model import check_model_folder
    from gcai_ray.train.places import local_copy
    from gcai_ray.train.run import run_phases

    check_model_folder(local_copy(wanted.model), wanted.model)
    folder = (FOLDER, writer.directory[-1])
    rows = _rows(inputs, writer, wanted, folder)
    phases = list(run_phases(writer.storage, folder, wanted, rows, config.seed))
    tuned = Tuned(
        constitution=constitution_of(config, inputs),
        tune=wanted,
        base_name=base_name(wanted),
        rows=rows,
        phases=phases,
        seed=config.seed,
        inputs={name: of.manifest.fingerprint for name, of in inputs.items()},
        versions=versions() | _versions(),
    )
    _write_metrics(writer, folder, tuned)
    writer.write_document("training.json", training_json(tuned))
    writer.write_document("README.md", model_card(tuned))
    told = tuned.constitution.model_dump_json(indent=2) + "\n"
    writer.write_document("constitution.json", told.encode())
    _write_weights(writer, tuned)


def _wanted(config: Config) -> TuneConfig:
    if config.tune is None:
        raise ValueError("a run without `tune` has no step `tune`")
    return config.tune


def _rows(inputs: Inputs, writer: ArtifactWriter, wanted: TuneConfig, folder: Any) -> Any:
    """Token ids of all pairs, written by a task of the cluster."""
    import ray

    from gcai_ray.schemas import Reject
    from gcai_ray.train.rows import write_rows

    pairs = list(inputs["revise"].tables("training_pairs", COLUMNS))
    task = ray.remote(write_rows)
    rows = ray.get(task.remote(writer.storage, (*folder, "rows"), pairs, wanted))
    writer.write_rows("rejects", [Reject.model_validate(row) for row in rows.rejects])
    num_rejects = len({row["value"] for row in rows.rejects})
    if num_rejects > wanted.max_rejected_share * max(rows.num_pairs, 1):
        example = rows.rejects[0]
        raise StageError(
            f"tune: {num_rejects:,} of {rows.num_pairs:,} pairs cannot be learnt whole (more than "
            f"tune.max_rejected_share = {wanted.max_rejected_share}); for example "
            f"{example['reason']}: {example['value'][:80]!r}; raise tune.max_length, or take "
            "shorter prompts (prompts.max_prompt_chars) and answers (revise.max_response_tokens)"
        )
    return rows


def _write_metrics(writer: ArtifactWriter, folder: Any, tuned: Any) -> None:
    from gcai_ray.train.metrics import metric_rows, write_tensorboard

    found = []
    for phase in tuned.phases:
        rows = list(metric_rows(phase.objective, phase.history))
        found += rows
        if "tensorboard" in tuned.tune.where.trackers:
            place = (*folder, phase.objective, "tensorboard")
            write_tensorboard(writer.storage, place, rows)
        writer.counts[f"num_{phase.objective}_updates"] = phase.num_updates
    writer.write_rows("metrics", found)


def _write_weights(writer: ArtifactWriter, tuned: Any) -> None:
    from gcai_ray.train.adapter import exported
    from gcai_ray.train.places import local_copy
    from gcai_ray.train.run import absolute

    last = local_copy(absolute(writer.storage, tuned.phases[-1].checkpoint))
    files = exported(last, tuned.tune, tuned.base_name, writer.scratch())
    for name, path in files.items():
        writer.write_file(name, path)


def base_name(wanted: TuneConfig) -> str:
    """What the base model is called in cards and configurations: never a path."""
    from gcai_ray.engines.model_files import is_hub_id

    if wanted.model_id is not None or is_hub_id(wanted.model):
        return wanted.model_id or wanted.model
    return wanted.model.rstrip("/").rsplit("/", 1)[-1]


def tune_settings(config: Config) -> dict[str, Any]:
    """What of `tune` decides the weights: all but where it runs; the model by its identity."""
    from gcai_ray.engines.model_files import model_identity
    from gcai_ray.errors import EngineError

    wanted = _wanted(config)
    try:
        identity = model_identity(wanted.model, wanted.model_id)
    except EngineError as error:
        raise ConfigError(f"tune.model: {error}") from error
    settings = wanted.model_dump(mode="json", exclude={"model", "model_id", "where"})
    return settings | {"model": identity}


def _check_packages() -> None:
    from importlib.util import find_spec

    missing = [name for name in PACKAGES if find_spec(name) is None]
    if missing:
        raise ConfigError(
            f"tune: the Python packages {', '.join(missing)} are not installed: run `pip install "
            "'gcai-ray[train]'`"
        )


def _versions() -> dict[str, str]:
    from importlib.metadata import version

    return {name: version(name) for name in PACKAGES}
