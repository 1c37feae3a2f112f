"""How far a run is → the text a person sees in a terminal of 80 columns. Knows no file.

Names and error lines may hold a person's words: control characters are shown, not sent.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from datetime import datetime

from gcai_ray.progress.read import is_lost
from gcai_ray.progress.schema import Progress, RunState, StageProgress, StageState
from gcai_ray.progress.words import duration, large, moment, rate, rough
from gcai_ray.report.terminal import printable

WIDTH = 80
FACTS_AT = 28
QUIET_S = 30.0  # six notes of progress have not come
GO_ON = "finished stages and replies are kept"


def status_text(run: Progress, now: datetime) -> str:
    """Everything known of a run, for a person."""
    is_going = run.state is RunState.RUNNING and not is_lost(run, now)
    return "\n".join(
        [
            _filled(f"{run.name}: {_standing(run)}"),
            *_ends(run, now),
            _filled(_when(run, now)),
            _filled(_where(run)),
            "",
            *(line for stage in run.stages for line in _stage_lines(stage, is_going)),
        ]
    )


def _filled(text: str, indent: int = 0, first: str = "") -> str:
    return textwrap.fill(
        printable(text), WIDTH, initial_indent=first or " " * indent, subsequent_indent=" " * indent
    )


def _standing(run: Progress) -> str:
    place, number = _place(run)
    words = {
        RunState.RUNNING: f"running{place}{number}",
        RunState.DONE: "done",
        RunState.FAILED: f"failed{place}{number}",
        RunState.WAITING: f"waiting for replies{place}{number}",
    }
    return words[run.state]


def _place(run: Progress) -> tuple[str, str]:
    if run.running is None:
        return "", ""
    return f" in {run.running.name}", f" (stage {run.stages.index(run.running) + 1} of " + (
        f"{len(run.stages)})"
    )


def _ends(run: Progress, now: datetime) -> Iterator[str]:
    """What a person must know, or do, at once."""
    if run.error:
        yield _filled(run.error, 2)
    if is_lost(run, now):
        yield _filled(
            f"no sign of life since {moment(run.updated_at, now)} ({duration(run.age_s(now))}): "
            f"if it was killed, run the same command again; {GO_ON}",
            2,
        )


def _when(run: Progress, now: datetime) -> str:
    took = duration((run.updated_at - run.started_at).total_seconds())
    started = f"started {moment(run.started_at, now)}"
    if run.state is not RunState.RUNNING:
        return f"{started}, ended {moment(run.updated_at, now)}, took {took}"
    age = run.age_s(now)
    quiet = f", last sign of life {duration(age)} ago" if age > QUIET_S else ""
    return f"{started}, {took} so far{'' if is_lost(run, now) else quiet}"


def _where(run: Progress) -> str:
    job = f", Ray job {run.ray_job}" if run.ray_job else ""
    return f"host {run.host}, process {run.pid}{job}"


def _stage_lines(stage: StageProgress, is_going: bool) -> Iterator[str]:
    took = "" if stage.seconds is None else duration(stage.seconds)
    head = f"  {stage.name:<17} {stage.state:<8}"
    facts = [*_facts(stage, took), *(_speed(stage) if is_going else ())]
    yield _filled(facts[0], FACTS_AT, head) if facts else head.rstrip()
    for fact in facts[1:]:
        yield _filled(fact, FACTS_AT)


def _facts(stage: StageProgress, took: str) -> Iterator[str]:
    if stage.state is StageState.TO_DO:
        return
    rows = ", ".join(f"{num:,} {table}" for table, num in stage.num_rows.items())
    if took or rows:
        yield "; ".join(filter(None, (took, rows)))
    yield from _work(stage)
    if stage.num_questions is not None:
        yield _questions(stage)
    if stage.num_prompt_tokens:
        yield (
            f"{stage.num_replies:,} replies in this run; tokens: "
            f"{large(stage.num_prompt_tokens)} in, {large(stage.num_completion_tokens)} out"
        )


def _work(stage: StageProgress) -> Iterator[str]:
    """What is being written or read, and how far that is."""
    if stage.num_in_flight is not None:  # it asks: what counts are questions
        return
    doing = f"writing {stage.doing}" if stage.doing else "reading"
    if stage.num_rows_total is not None:
        yield f"{doing}: {stage.num_rows_done or 0:,} of {stage.num_rows_total:,} rows"
    elif stage.num_rows_done:
        yield f"{doing}: {stage.num_rows_done:,} rows so far"
    elif stage.num_tasks_total:
        yield f"{doing}: {stage.num_tasks_done or 0:,} of {stage.num_tasks_total:,} tasks"
    elif stage.doing:
        yield doing


def _questions(stage: StageProgress) -> str:
    if stage.num_answered == stage.num_questions and stage.num_in_flight is None:
        return f"{stage.num_questions:,} questions answered"
    asked = f", {stage.num_in_flight:,} more asked" if stage.num_in_flight else ""
    return f"{stage.num_answered or 0:,} of {stage.num_questions:,} questions answered{asked}"


def _speed(stage: StageProgress) -> Iterator[str]:
    if not stage.rate_per_s or not stage.rate_of:
        return
    left = "" if stage.seconds_left is None else f", time left {rough(stage.seconds_left)}"
    yield f"{rate(stage.rate_per_s, stage.rate_of)}{left}"
