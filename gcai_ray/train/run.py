"""Rows and settings → finished phases, each one run of Ray Train: SFT, then DPO from its end.

Everything a killed run needs stands below the run's root: rows, checkpoints, Ray Train's own notes.
The same command goes on from the last checkpoint. Knows no artifact.
"""

from __future__ import annotations

import json
import logging
import os
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from gcai_ray.errors import ConfigError, EngineError, StageError
from gcai_ray.train.loop import FAULT, Task, train_worker, worker_environment
from gcai_ray.train.meter import Meter
from gcai_ray.train.rows import Rows, objectives
from gcai_ray.training_config import TuneConfig

if TYPE_CHECKING:
    from gcai_ray.storage import Storage

Place = tuple[str, ...]
STATE = "trainer_state.json"
DONE = "done.json"
MAX_CAUSE_CHARS = 400
OUT_OF_MEMORY = ("out of memory", "OutOfMemoryError", "can't allocate memory", "not enough memory")
# Ray Train's own: 60 s for workers to start, which importing torch on a busy machine takes; 600 s
# until a worker that says nothing is given up; 2 s between two looks at what workers report.
PATIENCE = {
    "RAY_TRAIN_HEALTH_CHECK_INTERVAL_S": "0.5",
    "RAY_TRAIN_WORKER_GROUP_START_TIMEOUT_S": "300",
    "RAY_TRAIN_WORKER_HEALTH_CHECK_TIMEOUT_S": "120",
}
PACKAGES = {"wandb": "wandb", "mlflow": "mlflow"}


@dataclass(frozen=True)
class Phase:
    """A finished objective: its checkpoint with the best held-out loss (the last where nothing is
    held out), and all that was logged.
    """

    objective: str
    checkpoint: Place
    history: list[dict[str, Any]]
    seconds: float  # of the start that finished it

    @property
    def num_updates(self) -> int:
        """Updates done."""
        return max((int(entry.get("step", 0)) for entry in self.history), default=0)


def run_phases(
    storage: Storage, folder: Place, tune: TuneConfig, rows: Rows, seed: int
) -> Iterator[Phase]:
    """Every objective, one after the other.

    Raises:
        ConfigError: a tracker's package is missing, or there are too few GPUs.
        StageError: the loss was lost, memory ran out, or workers died too often.
    """
    check_machine(tune)
    start: str | None = None
    for objective in objectives(tune):
        own = (*folder, objective)
        found = _finished(storage, own, objective)
        if found is None:
            found = _trained(storage, own, task_of(storage, tune, rows, objective, seed, start))
        start = absolute(storage, found.checkpoint)
        yield found


def task_of(
    storage: Storage, tune: TuneConfig, rows: Rows, objective: str, seed: int, start: str | None
) -> Task:
    """What the workers of one objective are told.

    Raises:
        StageError: there is nothing to train on.
    """
    train, held = rows.files.get((objective, "train")), rows.files.get((objective, "test"))
    if train is None:
        kind = "pair made by revision" if objective == "sft" else "pair"
        raise StageError(
            f"tune: there is no {kind} to train {objective} on: see the rejects of `revise` "
            f"(`gcai show {storage.root} rejects`) and of this stage (tune.max_length), or switch "
            f"it off (tune.{objective}: null)"
        )
    return Task(
        objective=objective,
        tune=tune,
        seed=seed,
        train_rows=absolute(storage, train.place),
        eval_rows=held and absolute(storage, held.place),
        num_train_rows=train.num_rows,
        start=start,
    )


def absolute(storage: Storage, place: Place) -> str:
    """A place below the root as any process of the cluster finds it."""
    return storage.path(*place) if storage.is_local else storage.url(*place)


def check_machine(tune: TuneConfig) -> None:
    """Refuse what can be seen to fail before anything starts."""
    import importlib.util

    import ray

    for name in tune.where.trackers:
        package = PACKAGES.get(name)
        if package and importlib.util.find_spec(package) is None:
            raise ConfigError(
                f"tune.where.trackers: '{name}' needs the Python package {package}: run `pip "
                f"install {package}`, or take it out"
            )
    if tune.where.device == "cpu" or os.environ.get("RAY_ADDRESS"):
        return
    found = int(ray.cluster_resources().get("GPU", 0))
    if found < tune.where.num_workers:
        raise ConfigError(
            f"tune.where.num_workers: {tune.where.num_workers} GPUs are needed, this machine has "
            f"{found}; submit the job to a cluster, or set tune.where.device: cpu"
        )


def _trained(storage: Storage, own: Place, task: Task) -> Phase:
    began = time.monotonic()
    with Meter(task.objective) as meter:
        result = _fit(storage, own, replace(task, board=meter.board))
    if FAULT in (result.return_value or {}):
        raise StageError(_why_diverged(storage, own, task, result.return_value[FAULT]))
    checkpoint = _best(result, own)
    history = _history(storage, own, result)
    facts = {
        "checkpoint": list(checkpoint),
        "history": history,
        "seconds": round(time.monotonic() - began, 1),
    }
    storage.replace(json.dumps(facts).encode(), *own, DONE)
    return Phase(task.objective, checkpoint, history, facts["seconds"])


def _finished(storage: Storage, own: Place, objective: str) -> Phase | None:
    try:
        facts = json.loads(storage.read(*own, DONE))
    except FileNotFoundError:
        return None
    return Phase(objective, tuple(facts["checkpoint"]), facts["history"], facts["seconds"])


def _fit(storage: Storage, own: Place, task: Task) -> Any:
    """One run of Ray Train. Its name and place are those of the run it may have to go on with."""
    from ray.train import CheckpointConfig, FailureConfig, RunConfig, ScalingConfig
    from ray.train.torch import TorchTrainer

    _mute()
    for name, value in PATIENCE.items():
        os.environ.setdefault(name, value)
    where = task.tune.where
    best = {"checkpoint_score_attribute": "eval_loss", "checkpoint_score_order": "min"}
    trainer = TorchTrainer(
        train_worker,
        train_loop_config={"task": task},
        scaling_config=ScalingConfig(
            num_workers=where.num_workers,
            use_gpu=where.device == "gpu",
            resources_per_worker=_resources(where.device, where.cpus_per_worker),
        ),
        run_config=RunConfig(
            name=own[-1],
            **_storage(storage, own[:-1]),
            failure_config=FailureConfig(max_failures=where.max_failures),
            checkpoint_config=CheckpointConfig(
                num_to_keep=1, **(best if task.eval_rows is not None else {})
            ),
            worker_runtime_env={"env_vars": worker_environment(where.device)},
        ),
    )
    try:
        return trainer.fit()
    except _training_errors() as error:
        raise explained(task, error) from error


def _resources(device: str, num_cpus: int) -> dict[str, float]:
    return {"CPU": num_cpus} | ({"GPU": 1} if device == "gpu" else {})


def _storage(storage: Storage, folder: Place) -> dict[str, Any]:
    """Where Ray Train keeps checkpoints: on S3 through the very client the run uses."""
    if storage.is_local:
        return {"storage_path": storage.path(*folder)}
    import pyarrow.fs as pafs

    filesystem = pafs.PyFileSystem(pafs.FSSpecHandler(storage.filesystem))
    return {"storage_path": storage.path(*folder), "storage_filesystem": filesystem}


def _training_errors() -> tuple[type[Exception], ...]:
    from ray.train import TrainingFailedError as First
    from ray.train.v2.api.exceptions import TrainingFailedError as Second

    return (First, Second)


def explained(task: Task, error: Exception) -> Exception:
    """One line on why workers failed: the first of their own errors."""
    from gcai_ray.errors import GcaiError

    failures: Mapping[int, Exception] = getattr(error, "worker_failures", None) or {0: error}
    rank, cause = min(failures.items())
    text = str(cause)
    for of in (cause, getattr(cause, "cause", None), cause.__cause__):
        if isinstance(of, GcaiError):
            return type(of)(str(of))
    if any(words in text for words in OUT_OF_MEMORY):
        less = max(1, task.rows_per_step // 2)
        return StageError(
            f"tune: {task.objective}: worker {rank} ran out of memory with {task.rows_per_step} "
            f"rows at once: set tune.where.rows_per_step to {less}"
            f"{'' if task.rows_per_step > 1 else ', tune.max_length lower, or a smaller model'}; "
            "the same command goes on from the last checkpoint"
        )
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    last = lines[-1] if lines else type(cause).__name__
    return EngineError(
        f"tune: {task.objective}: worker {rank} failed more than tune.where.max_failures = "
        f"{task.tune.where.max_failures} times: {last[:MAX_CAUSE_CHARS]}; the same command goes on "
        "from the last checkpoint"
    )


def _why_diverged(storage: Storage, own: Place, task: Task, fault: str) -> str:
    kept = [name for name in storage.names(*own) if name.startswith("step-")]
    last = f"; the last good checkpoint is {storage.url(*own, kept[-1])}" if kept else ""
    return (
        f"tune: {task.objective}: {fault}{last}; lower tune.{task.objective}.learning_rate "
        f"({task.phase.learning_rate:g})"
    )


def _best(result: Any, own: Place) -> Place:
    """The place of the checkpoint to go on with."""
    best = result.get_best_checkpoint("eval_loss", "min") if _has_eval(result) else None
    found = best or result.checkpoint
    return (*own, found.path.rstrip("/").rsplit("/", 1)[-1])


def _has_eval(result: Any) -> bool:
    return any("eval_loss" in metrics for _, metrics in result.best_checkpoints or ())


def _history(storage: Storage, own: Place, result: Any) -> list[dict[str, Any]]:
    """All that was logged, from the last checkpoint."""
    last = result.checkpoint.path.rstrip("/").rsplit("/", 1)[-1]
    return list(json.loads(storage.read(*own, last, STATE))["log_history"])


def _mute() -> None:
    """Ray Train tells on the terminal what `gcai` tells in its own words."""
    for name in ("ray.train", "ray.train.v2"):
        logging.getLogger(name).setLevel(logging.ERROR)
