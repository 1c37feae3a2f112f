"""What happens in a trainer → checkpoints reported to Ray Train, progress, a stop where the loss is
lost. Runs in every worker.
"""

from __future__ import annotations

import math
import os
import shutil
import time
from typing import Any

from transformers import TrainerCallback

CHECKPOINT = "step-{:07d}"
SAY_EVERY_S = 2.0
RECORDED_WITHIN_S = 120.0  # then it goes on all the same
STARTED = "started_after"  # updates


class Diverged(RuntimeError):
    """The loss or the gradient is no number any more; all workers see it in the same update."""


class Finish(TrainerCallback):
    """Looks at the held-out rows and keeps a checkpoint at the last update too."""

    def __init__(self, has_eval: bool) -> None:
        self._has_eval = has_eval

    def on_step_end(self, args: Any, state: Any, control: Any, **others: Any) -> Any:
        """At the end both, whatever `every` is."""
        if state.global_step >= state.max_steps or control.should_training_stop:
            control.should_evaluate = self._has_eval
            control.should_save = True
        return control


class Report(TrainerCallback):
    """Hands every checkpoint to Ray Train as soon as it is written: what a crash then costs is what
    came after. All ranks report; each brings its own files. Notes after which update every start
    began, so that the cost of a crash can be read afterwards.
    """

    def on_train_begin(self, args: Any, state: Any, control: Any, **others: Any) -> None:
        """The note is kept by every checkpoint from here on."""
        state.log_history.append({"step": state.global_step, STARTED: state.global_step})

    def on_save(self, args: Any, state: Any, control: Any, **others: Any) -> None:
        """Report the newest figures and the checkpoint of this update, and go on when Ray Train has
        it on record: a worker that dies before takes the checkpoint with it, and at a few
        milliseconds an update several of them.
        """
        import ray.train

        folder = os.path.join(args.output_dir, f"checkpoint-{state.global_step}")
        os.makedirs(folder, exist_ok=True)
        ray.train.report(
            {"step": float(state.global_step)} | newest(state.log_history),
            checkpoint=ray.train.Checkpoint.from_directory(folder),
            checkpoint_dir_name=CHECKPOINT.format(state.global_step),
        )
        ray.train.get_all_reported_checkpoints(
            consistency_mode=ray.train.CheckpointConsistencyMode.COMMITTED,
            timeout_s=RECORDED_WITHIN_S,
        )
        shutil.rmtree(folder)


def newest(history: list[dict[str, Any]]) -> dict[str, float]:
    """The last value of every figure."""
    found: dict[str, float] = {}
    for entry in history:
        found |= {name: float(of) for name, of in entry.items() if isinstance(of, int | float)}
    return found


class Stop(TrainerCallback):
    """Ends training at the first update whose loss or gradient is no number."""

    def on_log(self, args: Any, state: Any, control: Any, logs: Any = None, **others: Any) -> None:
        """Figures are means over all workers, so all of them stop in the same update."""
        for name in ("loss", "grad_norm", "eval_loss"):
            value = (logs or {}).get(name)
            if value is not None and not math.isfinite(value):
                raise Diverged(f"{name} is {value} at update {state.global_step}")


class Say(TrainerCallback):
    """Rank 0 tells how far it is, and notes the tokens a second."""

    def __init__(self, board: Any) -> None:
        self._board = board
        self._said_at = 0.0
        self._began_at = time.perf_counter()
        self._began = (0, 0.0)  # updates and tokens before this start

    def on_train_begin(self, args: Any, state: Any, control: Any, **others: Any) -> None:
        """What was done before this start is not counted for the rate."""
        self._began_at = time.perf_counter()
        self._began = (state.global_step, newest(state.log_history).get("num_tokens", 0.0))

    def on_log(self, args: Any, state: Any, control: Any, logs: Any = None, **others: Any) -> None:
        """Add the rate to what was logged; say it if the last time was a while ago."""
        if not state.is_world_process_zero or "loss" not in (logs or {}):
            return
        now = time.perf_counter()
        took = max(now - self._began_at, 1e-9)
        rate = (logs.get("num_tokens", 0.0) - self._began[1]) / took
        state.log_history[-1]["tokens_per_s"] = rate
        if now - self._said_at > SAY_EVERY_S:
            self._said_at = now
            num = max(state.global_step - self._began[0], 1)
            facts = {"step": state.global_step, "num_steps": state.max_steps}
            self._board.say.remote(
                facts | {"loss": logs["loss"], "tokens_per_s": rate, "step_s": took / num}
            )
