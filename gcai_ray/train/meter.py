"""What rank 0 says of its progress → a line now and then for the person who waits."""

from __future__ import annotations

import logging
import threading
import time
from typing import Any

LOG = logging.getLogger("gcai_ray")
EVERY_S = 15.0
POLL_S = 1.0
SILENT_S = 30.0
Said = dict[str, float]


class Board:
    """An actor that keeps what was said last."""

    def __init__(self) -> None:
        self._said: Said = {}

    def say(self, said: Said) -> None:
        """Keep what is true now: `step`, `num_steps`, `loss`, `tokens_per_s`, …"""
        self._said = said

    def said(self) -> Said:
        """What was said last."""
        return self._said


class Meter:
    """Logs a line every 15 seconds while training runs. Use as a context."""

    def __init__(self, objective: str) -> None:
        import ray
        from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

        self._objective = objective
        # Beside the command: no training host takes it along when it dies.
        here = ray.get_runtime_context().get_node_id()
        pinned = NodeAffinitySchedulingStrategy(here, soft=True)
        board = ray.remote(num_cpus=0, max_restarts=-1, scheduling_strategy=pinned)(Board)
        self.board: Any = board.remote()
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> Meter:
        """Begin."""
        self._thread.start()
        return self

    def __exit__(self, *raised: object) -> None:
        """End."""
        self._ended.set()
        self._thread.join()

    def _watch(self) -> None:
        import ray
        from ray.exceptions import GetTimeoutError, RayActorError

        changed = logged = time.monotonic()
        last: Said = {}
        while not self._ended.wait(POLL_S):
            now = time.monotonic()
            if now - logged < EVERY_S:
                continue
            logged = now
            try:
                said = ray.get(self.board.said.remote(), timeout=EVERY_S)
            except (GetTimeoutError, RayActorError):
                continue
            if said != last:
                changed, last = now, said
            LOG.info(line(self._objective, said, now - changed))


def line(objective: str, said: Said, silent_s: float) -> str:
    """How far training is, for a person. `silent_s`: since the workers last said something new."""
    if not said:
        return f"tune: {objective} is starting, {silent_s:,.0f} s"
    step, num = int(said["step"]), int(said["num_steps"])
    if silent_s > SILENT_S:
        return (
            f"tune: {objective} update {step:,} of {num:,}, nothing new for {silent_s:,.0f} s: "
            "workers start again, look at held-out rows, or are slow"
        )
    to_go = (num - step) * said.get("step_s", 0.0)
    parts = [f"tune: {objective} update {step:,} of {num:,}"]
    if "loss" in said:
        parts.append(f"loss {said['loss']:.4f}")
    if "tokens_per_s" in said:
        parts.append(f"{said['tokens_per_s']:,.0f} tokens/s")
    return ", ".join([*parts, f"{to_go:,.0f} s to go"])
