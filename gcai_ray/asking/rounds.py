"""Open questions → replies in the store: passes of an engine until nothing is open.

A pass during which the engine died is gone on with without the questions that were in flight; those
are asked again at the end, a few at a time, then one at a time, so that one poisonous row costs
itself and not the job. Knows no prompt and no stage's rows.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from functools import partial
from typing import NoReturn

import pyarrow as pa
import pyarrow.compute as pc

from gcai_ray.artifact_writer import ArtifactWriter
from gcai_ray.asking.ledger import Ledger, store_status
from gcai_ray.asking.passes import Watch, open_questions, read_questions, run_pass
from gcai_ray.asking.recorder import start_recorder
from gcai_ray.asking.store import recorded, store_replies
from gcai_ray.engine_config import AnyEngine, BatchFileEngine, ModelEngine
from gcai_ray.engines import answers, died, few_at_a_time, start_failure
from gcai_ray.errors import EngineError, GcaiError, RepliesPending
from gcai_ray.schemas import Reply, arrow_schema

LOG = logging.getLogger("gcai_ray")
GROUP = 8  # questions asked together while one of many is suspected
MANY = 2 * GROUP
KILLED = "the engine died while it answered this question alone"


@dataclass
class Rounds:
    """The passes over one stage's questions."""

    engine: AnyEngine
    ledger: Ledger
    writer: ArtifactWriter
    suspects: set[str] = field(default_factory=set)  # in flight when the engine died
    hot: set[str] = field(default_factory=set)  # in flight when it died on a few of those

    def step(self, todo: pa.Table) -> None:
        """One pass over the questions that are to be asked next."""
        trusted = _without(todo, self.suspects)
        if trusted.num_rows:
            self.suspects |= self._pass(self.engine, trusted)
            return
        hot = todo.filter(_among(todo, self.hot))
        if hot.num_rows or todo.num_rows <= MANY:
            self._pass_alone(hot if hot.num_rows else todo)
        else:
            self.hot |= self._pass(few_at_a_time(self.engine, GROUP), todo)

    def _pass(self, engine: AnyEngine, todo: pa.Table) -> set[str]:
        """Ask; the ids during which the engine died, none when it lived."""
        error, in_flight, num_answered = self._run(engine, todo)
        if error is None:
            return set()
        if not in_flight and not num_answered:
            raise error
        LOG.warning(
            f"{self.ledger.stage}: the engine died with {len(in_flight):,} questions in flight; "
            "they are asked again at the end, a few at a time"
        )
        return set(in_flight)

    def _pass_alone(self, todo: pa.Table) -> None:
        """Ask one at a time; the question the engine dies on has had an attempt."""
        error, in_flight, _ = self._run(few_at_a_time(self.engine, 1), todo)
        if error is None:
            return
        if not in_flight:
            raise error
        attempt = todo.filter(pc.equal(todo["id"], in_flight[0]))["attempt"][0].as_py()
        killed = _no_reply(self.ledger.stage, self.engine.name, in_flight[0], attempt)
        store_replies(self.writer.storage, self.ledger.stage, killed)

    def _run(
        self, engine: AnyEngine, todo: pa.Table
    ) -> tuple[Exception | None, list[str], int | None]:
        """Run a pass: the engine's death if it died, what was in flight then (longest first), and
        how many replies came.
        """
        stage, storage = self.ledger.stage, self.writer.storage
        recorder = start_recorder(
            partial(store_replies, storage, stage), todo.num_rows, partial(recorded, storage, stage)
        )
        model = engine if isinstance(engine, ModelEngine) else None
        timeout_s = model.stall_timeout_s if model else float("inf")
        questions = open_questions(self.writer, self.ledger.pieces(todo))
        watch = Watch(recorder, stage, todo.num_rows, timeout_s, board=self.writer.board)
        try:
            with self.writer.board.while_doing("replies"):
                run_pass(answers(questions, engine, recorder), model, watch)
        except Exception as error:  # noqa: BLE001  all but an engine's death is raised again
            _raise_unless_dead(engine, error)
            waiting = sorted(recorder.in_flight(), key=lambda item: -item[1])
            return error, [key for key, _ in waiting], recorder.num_answered()
        return None, [], None


def ask_until_answered(engine: AnyEngine, ledger: Ledger, writer: ArtifactWriter) -> None:
    """Passes until every question has a usable reply or no attempt left.

    Raises:
        EngineError: the engine cannot start, stalled, or ends without answering anything.
        RepliesPending: the engine answers through files that are still to come back.
    """
    max_attempts = engine.max_attempts if isinstance(engine, ModelEngine) else 1
    rounds = Rounds(engine, ledger, writer)
    before: tuple[pa.Table, int, int] | None = None
    while True:
        todo = ledger.todo(store_status(writer, ledger), max_attempts)
        writer.board.begin_pass(ledger.questions.num_rows, todo.num_rows)
        if todo.num_rows == 0:
            return
        state = (todo, len(rounds.suspects), len(rounds.hot))
        if state == before:
            raise EngineError(
                f"{ledger.stage}: engine {engine.name} ended without a reply to any of "
                f"{todo.num_rows:,} questions, for example {todo['id'][0]}; see its log, the same "
                "command goes on from here"
            )
        before = state
        if isinstance(engine, BatchFileEngine):
            _export(engine, ledger, writer, todo)
        rounds.step(todo)


def _export(
    engine: BatchFileEngine, ledger: Ledger, writer: ArtifactWriter, todo: pa.Table
) -> NoReturn:
    from gcai_ray.engines.batch_file import export, what_to_do

    parts = read_questions(writer, ledger.pieces(todo))
    urls = export(parts, engine, writer.storage, ledger.stage)
    writer.abandon()
    raise RepliesPending(what_to_do(urls, ledger.stage, todo.num_rows, writer.storage.root))


def _among(todo: pa.Table, ids: set[str]) -> pa.ChunkedArray:
    return pc.is_in(todo["id"], pa.array(sorted(ids), pa.string()))


def _without(todo: pa.Table, ids: set[str]) -> pa.Table:
    return todo.filter(pc.invert(_among(todo, ids)))


def _raise_unless_dead(engine: AnyEngine, error: Exception) -> None:
    """Let through only the death of an engine that a question may have killed."""
    if isinstance(error, GcaiError):
        raise error
    failure = start_failure(engine, error)
    if failure is not None:
        raise failure from error
    if not died(engine, error):
        raise error


def _no_reply(stage: str, engine: str, key: str, attempt: int) -> pa.Table:
    row = {
        "request_id": key,
        "stage": stage,
        "attempt": attempt,
        "engine": engine,
        "text": "",
        "parsed": False,
        "num_prompt_tokens": 0,
        "num_cached_tokens": 0,
        "num_completion_tokens": 0,
        "seconds": 0.0,
        "error": KILLED,
    }
    return pa.Table.from_pylist([row], schema=arrow_schema(Reply))
