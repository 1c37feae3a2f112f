"""`requests` → `replies`: every distinct question asked until it has a usable reply or no attempt
is left.

What the store already answers is not asked. Knows no prompt, no stage's rows and no engine.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from gcai_ray.artifact_writer import ArtifactWriter
from gcai_ray.asking.ledger import Ledger, open_ledger, store_status
from gcai_ray.asking.rounds import ask_until_answered
from gcai_ray.asking.store import stored_parts
from gcai_ray.engine_config import AnyEngine, ModelEngine
from gcai_ray.errors import StageError
from gcai_ray.schemas import Reply, arrow_schema

ROWS_PER_SLICE = 500_000
FEW = 2  # unusable replies that are no share of anything
Counts = dict[str, int]


def ask(engine: AnyEngine, stage: str, writer: ArtifactWriter) -> None:
    """Ask what the requests written so far still need, then write the table `replies`: one row per
    distinct question, the usable reply or the last attempt.

    Raises:
        EngineError: the engine cannot be reached, cannot start, or stalled.
        RepliesPending: the engine answers through files that are still to come back.
        StageError: more than `engine.max_rejected_share` of the questions have no usable reply.
    """
    ledger = open_ledger(writer, stage)
    before = store_status(writer, ledger)
    ask_until_answered(engine, ledger, writer)
    writer.drop("replies")  # of requests written and asked before these
    counts = _write_replies(ledger, writer)
    asked_now = counts["num_attempts"] - (pc.sum(before["attempts"]).as_py() or 0)
    counts["num_attempts_now"] = writer.counts.get("num_attempts_now", 0) + asked_now
    writer.counts.update(counts)
    if isinstance(engine, ModelEngine):
        _refuse_too_many(engine, ledger, writer, counts)


def _write_replies(ledger: Ledger, writer: ArtifactWriter) -> Counts:
    """The final reply to every question, in slices of ids; what was spent on all attempts."""
    num_questions = ledger.questions.num_rows
    counts = {
        "num_questions": num_questions,
        "num_repeated_questions": ledger.num_rows - num_questions,
        "num_unusable_replies": 0,
        "num_attempts": 0,
        "num_prompt_tokens": 0,
        "num_cached_tokens": 0,
        "num_completion_tokens": 0,
    }
    for attempts in _attempts(ledger, writer):
        final = final_replies(attempts)
        counts["num_attempts"] += attempts.num_rows
        counts["num_unusable_replies"] += pc.sum(pc.invert(final["parsed"])).as_py() or 0
        for name in ("num_prompt_tokens", "num_cached_tokens", "num_completion_tokens"):
            counts[name] += pc.sum(attempts[name]).as_py() or 0
        writer.write_table("replies", final)
    return counts


def _attempts(ledger: Ledger, writer: ArtifactWriter) -> Iterator[pa.Table]:
    """Everything the store holds for the ledger's questions, a slice of ids at a time."""
    ids = ledger.questions["id"].combine_chunks().sort()
    for start in range(0, max(len(ids), 1), ROWS_PER_SLICE):
        wanted = ids[start : start + ROWS_PER_SLICE]
        found = [
            part.filter(pc.is_in(part["request_id"], wanted))
            for part in stored_parts(writer.storage, ledger.stage)
        ]
        yield pa.concat_tables([arrow_schema(Reply).empty_table(), *found])


def final_replies(attempts: pa.Table) -> pa.Table:
    """One row per question, by id: the first usable reply, or the last attempt without one."""
    is_bad = pc.cast(pc.invert(attempts["parsed"]), pa.int64())
    # Usable replies first and then the lowest attempt; unusable ones by the highest.
    order = pc.multiply(attempts["attempt"], pc.subtract(1, pc.multiply(is_bad, 2)))
    keyed = attempts.append_column("is_bad", is_bad).append_column("order", order)
    names = ("request_id", "is_bad", "order", "seconds", "text")
    ordered = keyed.sort_by([(name, "ascending") for name in names])
    ids = ordered["request_id"].to_numpy(zero_copy_only=False)
    is_first = np.ones(len(ids), dtype=bool)
    is_first[1:] = ids[1:] != ids[:-1]
    return ordered.filter(pa.array(is_first)).select(attempts.column_names)


def _refuse_too_many(
    engine: ModelEngine, ledger: Ledger, writer: ArtifactWriter, counts: Counts
) -> None:
    bad, total = counts["num_unusable_replies"], counts["num_questions"]
    if bad <= max(FEW, engine.max_rejected_share * total):
        return
    for part in writer.tables("replies"):
        unusable = part.filter(pc.invert(part["parsed"]))
        if unusable.num_rows:
            reply = unusable.slice(0, 1).to_pylist()[0]
            raise StageError(
                f"{ledger.stage}: {bad:,} of {total:,} questions have no usable reply after "
                f"{engine.max_attempts} attempts (more than engine.max_rejected_share = "
                f"{engine.max_rejected_share}); for example question {reply['request_id']}: "
                f"{reply['error']}; the model wrote {reply['text'][:200]!r}; raise "
                "engine.max_attempts to ask these again, or take a model that keeps to the schema"
            )
