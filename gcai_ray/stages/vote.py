"""`preferences` and `principles` → questions which response each principle speaks for, and their
replies → `votes`.

Each pair is shown in both orders; an answer that flips with the order is an abstention. All
questions on one pair in one order follow each other and share their prompt up to the principles.
Knows no path and no engine.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from gcai_ray.asking.check import reply_json
from gcai_ray.asking.lookup import Lookup
from gcai_ray.asking.questions import Asking, counter, pair_questions, request
from gcai_ray.cells import Cells
from gcai_ray.prompts import Question, vote
from gcai_ray.rejects import marked, reject_of
from gcai_ray.schemas import Split, Vote, VoteOutcome

STAGE = "vote"
ORDERS = (False, True)  # response_a first, response_b first


@dataclass(frozen=True)
class Motion:
    """The principles put to the vote, the pairs they are put to, and what is known already."""

    principle_ids: tuple[str, ...]
    texts: tuple[str, ...]
    per_question: int
    row_ids: frozenset[str]
    known: Cells

    def answers(self, row_id: str, order: int) -> list[str | None]:
        """What each principle is known to say about a pair in one order."""
        return self.known.of(row_id, order, len(self.principle_ids))

    def chunks(self, row_id: str) -> Iterator[tuple[int, int, list[int]]]:
        """Number of the question, order, and places of the principles it is about."""
        part = 0
        for order in range(len(ORDERS)):
            said = self.answers(row_id, order)
            still_open = [place for place, answer in enumerate(said) if answer is None]
            for start in range(0, len(still_open), self.per_question):
                yield part, order, still_open[start : start + self.per_question]
                part += 1


def votable(rows: pa.Table, split: Split, needs_reason: bool) -> pa.Table:
    """Pairs of one half that somebody chose from; with a reason, where principles come from
    reasons.
    """
    keep = pc.and_(pc.equal(rows["split"], str(split)), pc.not_equal(rows["preferred"], "tie"))
    return rows.filter(pc.and_(keep, rows["reason"].is_valid()) if needs_reason else keep)


def _drawn(rows: pa.Table, motion: Motion) -> list[dict[str, Any]]:
    wanted = [key in motion.row_ids for key in rows["id"].to_pylist()]
    return rows.filter(pa.array(wanted, pa.bool_())).to_pylist()


def questions(rows: pa.Table, motion: Motion, asking: Asking) -> pa.Table:
    """Columns of `preferences` in, columns of `requests` and `reject` out."""
    count = counter(asking)
    return pair_questions(
        STAGE, _drawn(rows, motion), lambda row: _pair_questions(row, motion, asking, count)
    )


def _pair_questions(
    row: dict[str, Any], motion: Motion, asking: Asking, count: Any
) -> list[dict[str, Any]]:
    found = []
    for part, order, chunk in motion.chunks(row["id"]):
        texts = [motion.texts[place] for place in chunk]

        def make(cut: int | None, order: int = order, texts: list[str] = texts) -> Question:
            return vote.question(row, ORDERS[order], texts, cut)

        found.append(request(asking, vote.NAME, (row["id"], part), make, count))
    return found


def answered(rows: pa.Table, motion: Motion, lookup: Lookup) -> pa.Table:
    """Columns of `preferences` in, columns of `votes` and `reject` out."""
    found, rejects = [], []
    for row in _drawn(rows, motion):
        if not lookup.covers(row["id"]):
            continue
        replies = {reply["part"]: reply for reply in lookup.of(row["id"], vote.NAME)}
        if not replies and any(motion.chunks(row["id"])):
            continue  # its questions do not fit the model: they are among the rejects
        found += pair_votes(row, motion, replies)
        rejects += [
            reject_of(STAGE, row, "reply", reply["text"], reply["error"])
            for reply in replies.values()
            if not reply["parsed"]
        ]
    return marked(Vote, found, rejects)


def pair_votes(
    row: dict[str, Any], motion: Motion, replies: dict[int, dict[str, Any]]
) -> list[dict[str, Any]]:
    """One vote per principle on a pair; `replies` by part."""
    said = [motion.answers(row["id"], order) for order in range(len(ORDERS))]
    for part, order, chunk in motion.chunks(row["id"]):
        reply = replies.get(part)
        if reply is None or not reply["parsed"]:
            continue
        answers = vote.choices(reply_json(reply["text"]), len(chunk), ORDERS[order])
        for place, answer in zip(chunk, answers, strict=True):
            said[order][place] = answer
    shared = {"row_id": row["id"], "annotator_id": row["annotator_id"], "groups": row["groups"]}
    return [
        shared
        | {
            "principle_id": key,
            "preferred": row["preferred"],
            "a_first": one,
            "b_first": other,
            "outcome": str(outcome(one, other, row["preferred"])),
        }
        for key, one, other in zip(motion.principle_ids, *said, strict=True)
    ]


def outcome(a_first: str | None, b_first: str | None, preferred: str) -> VoteOutcome:
    """What two answers about a pair, one in each order, amount to.

    >>> str(outcome("a", "a", "a")), str(outcome("a", "b", "a")), str(outcome("a", None, "a"))
    ('for', 'abstain', 'invalid')
    """
    if a_first is None or b_first is None:
        return VoteOutcome.INVALID
    if a_first != b_first:
        return VoteOutcome.ABSTAIN
    if a_first in ("both", "neither"):
        return VoteOutcome(a_first)
    return VoteOutcome.FOR if a_first == preferred else VoteOutcome.AGAINST


def count_outcomes(rows: pa.Table) -> dict[str, int]:
    """Counts of a batch of votes that its manifest keeps: outcomes, and how often the answer named
    the response shown first when the order flipped it.
    """
    counts = {
        f"num_{kind}": pc.sum(pc.equal(rows["outcome"], str(kind))).as_py() or 0
        for kind in VoteOutcome
    }
    first = pc.and_(pc.equal(rows["a_first"], "a"), pc.equal(rows["b_first"], "b"))
    last = pc.and_(pc.equal(rows["a_first"], "b"), pc.equal(rows["b_first"], "a"))
    counts["num_flips_to_first"] = pc.sum(first).as_py() or 0
    counts["num_flips_to_second"] = pc.sum(last).as_py() or 0
    return counts
