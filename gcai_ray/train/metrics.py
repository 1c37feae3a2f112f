"""What TRL logged → rows of `metrics`, and TensorBoard's files. Knows no trainer."""

from __future__ import annotations

import math
import os
import tempfile
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

from gcai_ray.schemas import Metric

if TYPE_CHECKING:
    from gcai_ray.storage import Storage

# TRL's names → ours; others keep theirs. Times of an evaluation are no result.
NAMES = {
    "rewards/margins": "reward_margin",
    "rewards/accuracies": "reward_accuracy",
    "rewards/chosen": "reward_chosen",
    "rewards/rejected": "reward_rejected",
    "logps/chosen": "logp_chosen",
    "logps/rejected": "logp_rejected",
    "mean_token_accuracy": "token_accuracy",
}
LEFT_OUT = {
    "step",
    "epoch",
    "started_after",
    "total_flos",
    "logits/chosen",
    "logits/rejected",
    "entropy",
}
TIMES = ("runtime", "samples_per_second", "steps_per_second")


def metric_rows(objective: str, history: Iterable[dict[str, Any]]) -> Iterator[Metric]:
    """Rows from a trainer's log history, in its order."""
    for entry in history:
        for name, value in entry.items():
            named = our_name(name)
            if named is not None and isinstance(value, int | float) and math.isfinite(value):
                step = int(entry.get("step", 0))
                yield Metric(objective=objective, step=step, name=named, value=float(value))


def our_name(name: str) -> str | None:
    """What a figure of TRL is called here; None: it is no result."""
    held = "eval_" if name.startswith("eval_") else ""
    bare = name.removeprefix("eval_")
    if bare in LEFT_OUT or bare.endswith(TIMES) or bare == "train_loss":
        return None
    return held + NAMES.get(bare, bare)


def write_tensorboard(storage: Storage, folder: tuple[str, ...], rows: Iterable[Metric]) -> None:
    """Write the same as TensorBoard event files below the root."""
    from tensorboardX import SummaryWriter

    with tempfile.TemporaryDirectory() as local:
        writer = SummaryWriter(local)
        for row in rows:
            writer.add_scalar(row.name, row.value, row.step)
        writer.close()
        for name in os.listdir(local):
            storage.put(os.path.join(local, name), *folder, name)
