"""Pairs → tokens/s of our SFT and DPO beside the same TRL trainer run plainly, two workers over
one, and what a checkpoint on S3 costs.

Run: .venv/bin/python -m tests.benchmarks.bench_tune [--device gpu --shape 7b] [--updates 60]

All train the same random model with the same adapter on the same rows, with the same settings, in
bfloat16 on a GPU and float32 on a CPU. Plain: one process, `trl.SFTTrainer` or `DPOTrainer` on rows
held in memory, without Ray, reports or progress. Ours: Ray Train, rows mapped from a file. A worker
on a CPU has one thread, and so has plain. Tokens are TRL's own count; the clock runs from the end
of the fifth update to the end of the last, checkpoints between included. Plain and ours are timed
twice, in turns, to show how steady the machine was; shares are of the mean of plain. Seconds a
checkpoint: the same run on S3 with a checkpoint at every fifth update, over the mean of ours.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

TESTS = str(Path(__file__).parents[1])
sys.path.insert(0, TESTS)  # `s3_gateway`, `tiny_model`

from tests.benchmarks.bench_vllm import SEVEN_B  # noqa: E402
from tests.benchmarks.measure import measured, print_table  # noqa: E402

SHAPES: dict[str, dict[str, int]] = {
    "small": {"num_hidden_layers": 4},
    "7b": SEVEN_B,
}
MODULE = "tests.benchmarks.bench_tune"
BATCH, ROWS_PER_STEP, EVERY, RANK, WARM_UP = 16, 8, 5, 16, 5
WORDS = "the answer names what could go wrong and says plainly whom to ask before it".split()
PLAIN, OURS, TWO, ON_S3 = "plain TRL", "ours, 1 worker", "ours, 2 workers", "ours, 1 worker, S3"
PLAIN_AGAIN, OURS_AGAIN = f"{PLAIN}, again", f"{OURS}, again"


@dataclass(frozen=True)
class Run:
    """One training: tokens a second over all updates, seconds of them, peak memory of the command
    (host; with a GPU also of the device).
    """

    tokens_per_s: float
    seconds: float
    peak_mb: float
    gpu_gb: float | None


def main() -> None:
    """Print a table for each objective; or, told a party, run it."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--device", choices=("cpu", "gpu"), default="cpu")
    parser.add_argument("--shape", choices=tuple(SHAPES), default="small")
    parser.add_argument("--updates", type=int, default=60)
    parser.add_argument("--objective", choices=("sft", "dpo"))
    parser.add_argument("--party", help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.party:
        print("\n" + json.dumps(train(options)))
        return
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_model(folder / "model", options)
        for objective in [options.objective] if options.objective else ["sft", "dpo"]:
            _print(objective, runs_of(objective, folder, options), options)


def write_model(folder: Path, options: argparse.Namespace) -> None:
    """Random weights: speed does not depend on them."""
    from tiny_model import write_tiny_model

    write_tiny_model(folder, SHAPES[options.shape])


def runs_of(objective: str, folder: Path, options: argparse.Namespace) -> dict[str, Run]:
    """Every party, each in a process of its own, in the order of the table."""
    from s3_gateway import Gateway, missing

    found = {}
    two = [TWO] if options.device == "cpu" else []
    parties = [PLAIN, OURS, PLAIN_AGAIN, OURS_AGAIN, *two, ON_S3]
    with ExitStack() as ending:
        for party in parties:
            own = dict(os.environ)
            if party == ON_S3:
                if missing():
                    continue
                gateway = ending.enter_context(Gateway())
                own |= gateway.environment()
                own["BENCH_ROOT"] = f"s3://{gateway.create_bucket()}/run"
            found[party] = _run(party, objective, folder, options, own)
    return found


def _run(
    party: str, objective: str, folder: Path, options: argparse.Namespace, own: dict[str, str]
) -> Run:
    threads = ["OMP_NUM_THREADS=1"] if options.device == "cpu" else []
    told = [f"{name}={value}" for name, value in own.items() if os.environ.get(name) != value]
    command = ["env", "-u", "RAY_ADDRESS", *threads, *told, sys.executable, "-m", MODULE]
    command += ["--party", party, "--objective", objective, "--folder", str(folder)]
    command += ["--device", options.device, "--updates", str(options.updates)]
    done = measured(command)
    said = json.loads(done.output.strip().splitlines()[-1])
    return Run(said["tokens"] / said["seconds"], said["seconds"], done.peak_mb, said["gpu_gb"])


def train(options: argparse.Namespace) -> dict[str, Any]:
    """Train as one party does; tokens, seconds, and GB of the GPU."""
    tune = _settings(options)
    if options.party in (PLAIN, PLAIN_AGAIN):
        return _plain(tune, options)
    return _ours(tune, options)


def _settings(options: argparse.Namespace) -> Any:
    from gcai_ray.training_config import TuneConfig

    is_cpu = options.device == "cpu"
    every = EVERY if options.party == ON_S3 else options.updates
    phase = {"batch_size": BATCH, "max_steps": options.updates, "every": every}
    where = {
        "device": options.device,
        "num_workers": 2 if options.party == TWO else 1,
        "rows_per_step": ROWS_PER_STEP,
        "gradient_checkpointing": not is_cpu,
        "trackers": [],
    }
    return TuneConfig.model_validate(
        {
            "model": str(options.folder / "model"),
            "dtype": "float32" if is_cpu else "bfloat16",
            "max_length": 1024,
            "lora": {"rank": RANK},
            "sft": phase if options.objective == "sft" else None,
            "dpo": phase if options.objective == "dpo" else None,
            "where": where,
        }
    )


def pairs(num: int) -> list[dict[str, Any]]:
    """Rows of `training_pairs`, all to be learnt; most of 100 to 300 tokens."""
    import random

    chance = random.Random(4)

    def text(least: int, most: int) -> str:
        return " ".join(chance.choices(WORDS, k=chance.randint(least, most)))

    return [
        {
            "id": f"{number:032x}",
            "prompt_id": f"{number:032x}",
            "source": "bench",
            "split": "train",
            "prompt": [{"role": "user", "content": text(10, 30)}],
            "chosen": text(20, 60),
            "rejected": text(20, 60),
            "made_by": "revision",
            "principle_ids": [],
            "round": 1,
            "model": "bench",
        }
        for number in range(num)
    ]


def _rows(storage: Any, tune: Any, updates: int) -> Any:
    import pyarrow as pa

    from gcai_ray.schemas import TrainingPair, arrow_schema
    from gcai_ray.train.rows import write_rows

    table = pa.Table.from_pylist(pairs(BATCH * updates), schema=arrow_schema(TrainingPair))
    return write_rows(storage, ("training", "bench", "rows"), [table], tune)


def _ours(tune: Any, options: argparse.Namespace) -> dict[str, Any]:
    from gcai_ray.config import RayConfig
    from gcai_ray.ray_session import connect
    from gcai_ray.storage import Storage
    from gcai_ray.train.run import run_phases

    connect(RayConfig(num_cpus=4))
    with tempfile.TemporaryDirectory() as folder:
        storage = Storage(os.environ.get("BENCH_ROOT", folder))
        rows = _rows(storage, tune, options.updates)
        [phase] = run_phases(storage, ("training", "bench"), tune, rows, seed=0)
    said = [entry for entry in phase.history if "tokens_per_s" in entry]
    ticks = [(of["num_tokens"], of["num_tokens"] / of["tokens_per_s"]) for of in said]
    return _rated(ticks) | {"gpu_gb": None}


def _rated(ticks: list[tuple[float, float]]) -> dict[str, float]:
    """Tokens and seconds between the end of the warm-up and the end; ticks: both, by update."""
    (early, began), (late, ended) = ticks[WARM_UP - 1], ticks[-1]
    return {"tokens": late - early, "seconds": ended - began}


def _plain(tune: Any, options: argparse.Namespace) -> dict[str, Any]:
    """As a person would write it with TRL alone: rows in memory, no checkpoint, no report."""
    import datasets
    import torch
    import transformers

    from gcai_ray.storage import Storage
    from gcai_ray.train.model import trainable
    from gcai_ray.train.rows import open_rows

    class Clock(transformers.TrainerCallback):
        def __init__(self) -> None:
            self.ticks: list[tuple[float, float]] = []

        def on_log(self, *told: Any, logs: Any = None, **others: Any) -> None:
            if "loss" in (logs or {}):
                self.ticks.append((logs["num_tokens"], time.perf_counter()))

    clock = Clock()
    with tempfile.TemporaryDirectory() as folder:
        rows = _rows(Storage(folder), tune, options.updates)
        [file] = rows.files.values()
        held = datasets.Dataset.from_list(open_rows(os.path.join(folder, *file.place)).to_list())
        tokenizer = transformers.AutoTokenizer.from_pretrained(tune.model)
        trainer = _trainer_class(options.objective)(
            model=trainable(tune, tune.model, None),
            args=_arguments(tune, options, folder),
            train_dataset=held,
            processing_class=tokenizer,
            callbacks=[clock],
        )
        trainer.train()
    gpu = torch.cuda.max_memory_allocated() / 2**30 if torch.cuda.is_available() else None
    return _rated(clock.ticks) | {"gpu_gb": gpu}


def _trainer_class(objective: str) -> Any:
    import trl

    if objective == "sft":
        return trl.SFTTrainer

    class Tokenised(trl.DPOTrainer):
        def _prepare_dataset(self, dataset: Any, *others: Any) -> Any:
            return dataset

    return Tokenised


def _arguments(tune: Any, options: argparse.Namespace, folder: str) -> Any:
    import trl

    phase = tune.sft or tune.dpo
    common = {
        "output_dir": folder,
        "max_length": tune.max_length,
        "per_device_train_batch_size": ROWS_PER_STEP,
        "gradient_accumulation_steps": BATCH // ROWS_PER_STEP,
        "max_steps": options.updates,
        "learning_rate": phase.learning_rate,
        "lr_scheduler_type": phase.schedule,
        "warmup_steps": int(options.updates * phase.warmup_share),
        "logging_steps": 1,
        "save_strategy": "no",
        "bf16": tune.dtype == "bfloat16",
        "use_cpu": options.device == "cpu",
        "gradient_checkpointing": options.device == "gpu",
        "report_to": [],
        "disable_tqdm": True,
        "remove_unused_columns": False,
        "seed": 0,
    }
    if options.objective == "sft":
        return trl.SFTConfig(**common, dataset_kwargs={"skip_prepare_dataset": True})
    return trl.DPOConfig(**common, beta=phase.beta)


def _mean(found: dict[str, Run], *parties: str) -> float:
    return sum(found[party].tokens_per_s for party in parties) / len(parties)


def _print(objective: str, found: dict[str, Run], options: argparse.Namespace) -> None:
    plain = _mean(found, PLAIN, PLAIN_AGAIN)
    ours = _mean(found, OURS, OURS_AGAIN)
    rows = [
        [
            party,
            f"{run.tokens_per_s:,.0f}",
            f"{100 * run.tokens_per_s / plain:.0f} %",
            f"{run.seconds:.1f}",
            f"{run.peak_mb:,.0f}",
            "" if run.gpu_gb is None else f"{run.gpu_gb:.1f}",
        ]
        for party, run in found.items()
    ]
    title = f"{objective}: {options.updates} updates of {BATCH} rows, {options.shape} model, LoRA "
    title += f"rank {RANK}, on {options.device}"
    head = ["", "tokens/s", "of plain", "seconds", "peak MB", "GPU GB"]
    print_table(title, head, rows)
    print(f"ours over plain: {ours / plain:.3f}")
    if TWO in found:
        print(f"two workers over one: {found[TWO].tokens_per_s / ours:.2f}")
    if ON_S3 in found:
        num = (options.updates - 1) // EVERY - WARM_UP // EVERY + 1
        usual = (found[OURS].seconds + found[OURS_AGAIN].seconds) / 2
        lost = (found[ON_S3].seconds - usual) / num
        print(f"a checkpoint on S3: {lost:.2f} s, of {num}")
    else:
        from s3_gateway import missing

        print(f"a checkpoint on S3: skipped, {missing()}")


if __name__ == "__main__":
    main()
