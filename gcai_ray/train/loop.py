"""One worker's share of one objective: model, rows, TRL's trainer, gone on from a checkpoint.

Ray Train calls `train_worker` in every worker. Knows no artifact.
"""

from __future__ import annotations

import os
import tempfile
from dataclasses import dataclass
from typing import Any

from gcai_ray.training_config import DpoConfig, PhaseConfig, SftConfig, TuneConfig

FAULT = "fault"


@dataclass(frozen=True)
class Task:
    """What every worker of one objective is told. Places are as `places.local_copy` takes them.

    `start`: checkpoint of the objective before, whose weights this one begins with.
    """

    objective: str
    tune: TuneConfig
    seed: int
    train_rows: str
    eval_rows: str | None
    num_train_rows: int
    start: str | None
    board: Any = None

    @property
    def phase(self) -> PhaseConfig:
        """Settings of the objective."""
        found = self.tune.sft if self.objective == "sft" else self.tune.dpo
        if found is None:
            raise ValueError(f"{self.objective} is off")
        return found

    @property
    def rows_per_step(self) -> int:
        """Rows a worker takes through the model at once: as told, or the largest number below that
        makes up its share of a batch.
        """
        share = self.phase.batch_size // self.tune.where.num_workers
        most = min(self.tune.where.rows_per_step, share)
        return next(size for size in range(most, 0, -1) if share % size == 0)


def train_worker(config: dict[str, Any]) -> dict[str, str]:
    """Train one objective to its end, or say why that cannot be.

    A fault that all workers meet in the same way (a loss that is no number) is returned and ends
    the run; Ray Train would begin anew after one that is raised, as often as `max_failures` allows.
    """
    from gcai_ray.train.callbacks import Diverged

    task: Task = config["task"]
    with tempfile.TemporaryDirectory() as folder:
        try:
            _train(task, folder)
        except Diverged as error:
            return {FAULT: str(error)}
    return {}


def _train(task: Task, folder: str) -> None:
    import ray.train

    trainer = _trainer(task, folder)
    resumed = ray.train.get_checkpoint()
    if resumed is None:
        trainer.train()
        return
    with resumed.as_directory() as last:
        trainer.train(resume_from_checkpoint=last)


def _trainer(task: Task, folder: str) -> Any:
    import torch
    from ray.train.huggingface.transformers import prepare_trainer

    from gcai_ray.train import callbacks
    from gcai_ray.train.chat import load_tokenizer
    from gcai_ray.train.model import trainable
    from gcai_ray.train.places import local_copy
    from gcai_ray.train.rows import check_vocabulary, open_rows
    from gcai_ray.train.shards import shard_on_cpus

    torch.manual_seed(task.seed)
    if task.tune.where.strategy == "fsdp" and task.tune.where.device == "cpu":
        shard_on_cpus()
    base = local_copy(task.tune.model)
    tokenizer = load_tokenizer(base, task.tune.model)
    start = task.start and local_copy(task.start)
    model = trainable(task.tune, base, start, packed=is_packed(task))
    check_vocabulary(tokenizer, model, task.tune.model)
    eval_rows = task.eval_rows and open_rows(local_copy(task.eval_rows))
    trainer = _make(task)(
        model=model,
        args=_arguments(task, folder),
        train_dataset=_packed(task, open_rows(local_copy(task.train_rows))),
        eval_dataset=eval_rows,
        processing_class=tokenizer,
    )
    trainer.add_callback(callbacks.Stop())
    trainer.add_callback(callbacks.Finish(has_eval=task.eval_rows is not None))
    if task.phase.patience is not None and task.eval_rows is not None:
        from transformers import EarlyStoppingCallback

        trainer.add_callback(EarlyStoppingCallback(task.phase.patience))
    trainer.add_callback(callbacks.Say(task.board))
    trainer.add_callback(callbacks.Report())
    return prepare_trainer(trainer)


def _packed(task: Task, rows: Any) -> Any:
    """Several short rows in one sequence; flash attention keeps them apart."""
    if not is_packed(task):
        return rows
    from trl import pack_dataset

    return pack_dataset(rows, task.tune.max_length, "bfd")


def is_packed(task: Task) -> bool:
    """Whether rows share sequences."""
    return isinstance(task.phase, SftConfig) and task.phase.packing


def _make(task: Task) -> Any:
    """TRL's trainer for rows that are tokenised already."""
    import trl

    if task.objective == "sft":
        return trl.SFTTrainer

    class Tokenised(trl.DPOTrainer):
        def _prepare_dataset(self, dataset: Any, *others: Any) -> Any:
            return dataset

    return Tokenised


def _arguments(task: Task, folder: str) -> Any:
    import trl

    common = _common(task, folder)
    if isinstance(task.phase, SftConfig):
        prepared = {"skip_prepare_dataset": True}
        return trl.SFTConfig(**common, dataset_kwargs=prepared, packing=task.phase.packing)
    if isinstance(task.phase, DpoConfig):
        # All weights: what the model says before the first update is the reference. An adapter:
        # TRL keeps a frozen copy of it, or switches it off where it is new.
        full = task.tune.method == "full"
        return trl.DPOConfig(**common, beta=task.phase.beta, precompute_ref_log_probs=full)
    raise TypeError(f"no trainer for {type(task.phase).__name__}")


def _common(task: Task, folder: str) -> dict[str, Any]:
    """TRL's settings that both objectives share."""
    tune, phase, where = task.tune, task.phase, task.tune.where
    share = phase.batch_size // where.num_workers
    has_eval = task.eval_rows is not None
    early = has_eval and phase.patience is not None
    return {
        "output_dir": folder,
        "max_length": tune.max_length,
        "per_device_train_batch_size": task.rows_per_step,
        "per_device_eval_batch_size": task.rows_per_step,
        "gradient_accumulation_steps": share // task.rows_per_step,
        "num_train_epochs": phase.num_epochs,
        "max_steps": phase.max_steps or -1,
        "learning_rate": phase.learning_rate,
        "lr_scheduler_type": phase.schedule,
        "warmup_steps": warmup_steps(task),
        "weight_decay": phase.weight_decay,
        "max_grad_norm": phase.max_grad_norm,
        "logging_steps": 1,
        "logging_nan_inf_filter": False,
        "eval_strategy": "steps" if has_eval else "no",
        "eval_steps": phase.every,
        "save_strategy": "steps",
        "save_steps": phase.every,
        "metric_for_best_model": "eval_loss" if early else None,
        "greater_is_better": False if early else None,
        "load_best_model_at_end": False,
        "bf16": tune.dtype == "bfloat16",
        "use_cpu": where.device == "cpu",
        "gradient_checkpointing": where.gradient_checkpointing,
        "seed": task.seed,
        "data_seed": task.seed,
        "report_to": [name for name in where.trackers if name != "tensorboard"],
        "run_name": task.objective,
        "disable_tqdm": True,
        "dataloader_num_workers": 0,
        "remove_unused_columns": False,
        **_sharded(task),
    }


def _sharded(task: Task) -> dict[str, Any]:
    """FSDP2: parameters, gradients and optimizer states of every layer over all workers."""
    if task.tune.where.strategy != "fsdp":
        return {}
    settings = {"version": 2, "auto_wrap_policy": "TRANSFORMER_BASED_WRAP"}
    return {"fsdp": True, "fsdp_config": settings | {"state_dict_type": "FULL_STATE_DICT"}}


def num_updates(task: Task) -> int:
    """Updates of the whole objective."""
    per_epoch = max(1, -(-task.num_train_rows // task.phase.batch_size))
    return task.phase.max_steps or max(1, round(per_epoch * task.phase.num_epochs))


def warmup_steps(task: Task) -> int:
    """Updates over which the learning rate rises."""
    return int(num_updates(task) * task.phase.warmup_share)


def worker_environment(device: str) -> dict[str, str]:
    """Environment of the workers; what is set where the job is started wins."""
    wanted = {"TOKENIZERS_PARALLELISM": "false", "HF_HUB_DISABLE_TELEMETRY": "1"}
    if device == "cpu":
        wanted |= {"ACCELERATE_USE_CPU": "true", "OMP_NUM_THREADS": "1"}
        if not os.environ.get("RAY_ADDRESS"):
            wanted["GLOO_SOCKET_IFNAME"] = "lo"  # one machine: no other interface is needed
    passed = ("GLOO_SOCKET_IFNAME", "NCCL_SOCKET_IFNAME", "HF_HUB_OFFLINE", "WANDB_MODE")
    given = {name: os.environ[name] for name in passed if name in os.environ}
    return {name: os.environ.get(name, value) for name, value in wanted.items()} | given
