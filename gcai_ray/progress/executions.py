"""What Ray Data is executing in this process → how many of its tasks are done, and of how many
rows. Looks at Ray's own figures on the driver: no actor, nothing in the tasks, nothing to retry.

Ray offers no public way to ask for them; where its parts are called otherwise, nothing is known.
"""

from __future__ import annotations

import weakref
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

ROWS = "num_rows"  # of a unit of reading: `Artifact.dataset`
GET_S = 5.0

_latest: weakref.ref[Any] | None = None  # stages execute one dataset after the other


@dataclass(frozen=True)
class Execution:
    """Tasks of the last operator, and the rows they go through; None where not known.

    `num_rows_begun`: rows handed to tasks, where how many there are is known only at the end.
    """

    num_tasks_done: int
    num_tasks_total: int | None
    num_rows_total: int | None
    num_rows_begun: int | None = None

    @property
    def num_rows_done(self) -> int | None:
        """Rows gone through, taking tasks as equally large."""
        if self.num_rows_total is None:
            return self.num_rows_begun
        share = self.num_tasks_done / self.num_tasks_total if self.num_tasks_total else 0.0
        return min(round(share * self.num_rows_total), self.num_rows_total)


class Noted:
    """A callback of Ray Data (`DataContext.custom_execution_callback_classes`) that only remembers
    which execution runs: what fails in a callback would fail the run.
    """

    def before_execution_starts(self, executor: Any) -> None:
        """Remember it, without keeping it alive."""
        global _latest
        _latest = weakref.ref(executor)

    def on_execution_step(self, executor: Any) -> None:
        """Nothing: it is looked at now and then."""

    def after_execution_succeeds(self, executor: Any) -> None:
        """Forget it."""
        _forget(executor)

    def after_execution_fails(self, executor: Any, error: Exception) -> None:
        """Forget it."""
        _forget(executor)


def _forget(executor: Any) -> None:
    global _latest
    if _latest is not None and _latest() is executor:
        _latest = None


def current() -> Execution | None:
    """How far the execution is that runs now; None when there is none, or Ray does not tell."""
    executor = _latest() if _latest is not None else None
    if executor is None:
        return None
    try:
        operators: Mapping[Any, Any] = dict(executor._topology)
        last, state = list(operators.items())[-1]
        done, total = int(state.num_completed_tasks), last.num_outputs_total()
        return Execution(
            num_tasks_done=done,
            num_tasks_total=None if total is None else max(int(total), done),
            num_rows_total=_rows(executor),
            num_rows_begun=_rows_begun(last),
        )
    except (AttributeError, IndexError, TypeError, RuntimeError):  # Ray's inside, seen from outside
        return None


def _rows_begun(last: Any) -> int | None:
    """Rows handed to the tasks of an operator; None where it is handed units of reading."""
    if not any(before.input_dependencies for before in last.input_dependencies):
        return None
    return int(last.metrics.rows_inputs_of_submitted_tasks)


def _rows(executor: Any) -> int | None:
    """Rows of all units that the execution reads, found out once."""
    if not hasattr(executor, "gcai_num_rows"):
        executor.gcai_num_rows = _rows_of_units(executor._topology)
    return executor.gcai_num_rows


def _rows_of_units(operators: Mapping[Any, Any]) -> int | None:
    import ray
    from ray.data.block import BlockAccessor
    from ray.exceptions import RayError

    sources = [op for op in operators if not op.input_dependencies]
    refs = [ref for op in sources for bundle in op._input_data for ref in bundle.block_refs]
    total = 0
    if not ray.is_initialized():  # to ask now would start one
        return None
    try:
        blocks = ray.get(refs, timeout=GET_S)
    except RayError:  # lost with a node, or Ray is ending
        return None
    for block in blocks:
        units = BlockAccessor.for_block(block).to_arrow()
        if ROWS not in units.column_names:
            return None
        total += sum(units[ROWS].to_pylist())
    return total
