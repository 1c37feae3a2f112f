"""`preferences` and `principles` → questions which response each principle speaks for, and their
replies → `votes`.

Each pair is shown in both orders; an answer that flips with the order is an abstention. All
questions on one pair in one order follow each other and share their prompt up to the principles.
Knows no path and no engine.
"""

from __future__ import annotations

import hashlib
import heapq
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from gcai_ray.asking.check import reply_json
from gcai_ray.asking.lookup import Lookup
from gcai_ray.asking.questions import Asking, counter, request
from gcai_ray.prompts import vote
from gcai_ray.prompts.fitting import TooLong
from gcai_ray.rejects import marked, reject_of
from gcai_ray.schemas import Request, Split, Vote, VoteOutcome

STAGE = "vote"
ORDERS = (False, True)  # response_a first, response_b first


@dataclass(frozen=True)
class Motion:
    """The principles put to the vote, and the pairs they are put to."""

    principle_ids: tuple[str, ...]
    texts: tuple[str, ...]
    per_question: int
    bound: str  # pairs whose draw lies at or below it are voted on
    seed: int
    needs_reason: bool

    def chunks(self) -> list[range]:
        """The principles of each question, by place."""
        num, step = len(self.texts), self.per_question
        return [range(start, min(start + step, num)) for start in range(0, num, step)]


def draw(row_id: str, seed: int) -> str:
    """Where a pair stands in the lot; the same whatever other pairs there are."""
    return hashlib.blake2b(f"vote\0{seed}\0{row_id}".encode(), digest_size=16).hexdigest()


def draw_bound(row_ids: Sequence[str], num_pairs: int, seed: int) -> str:
    """The draw up to which `num_pairs` of these pairs lie."""
    if len(row_ids) <= num_pairs:
        return "f" * 32
    return heapq.nsmallest(num_pairs, (draw(key, seed) for key in row_ids))[-1]


def votable(rows: pa.Table, needs_reason: bool) -> pa.Table:
    """Training pairs somebody chose from; with a reason, where principles come from reasons."""
    keep = pc.and_(
        pc.equal(rows["split"], str(Split.TRAIN)), pc.not_equal(rows["preferred"], "tie")
    )
    return rows.filter(pc.and_(keep, rows["reason"].is_valid()) if needs_reason else keep)


def _drawn(rows: pa.Table, motion: Motion) -> list[dict[str, Any]]:
    pairs = votable(rows, motion.needs_reason).to_pylist()
    return [row for row in pairs if draw(row["id"], motion.seed) <= motion.bound]


def questions(rows: pa.Table, motion: Motion, asking: Asking) -> pa.Table:
    """Columns of `preferences` in, columns of `requests` and `reject` out."""
    found, rejects, count = [], [], counter(asking)
    for row in _drawn(rows, motion):
        try:
            found += _pair_questions(row, motion, asking, count)
        except TooLong as error:
            rejects.append(reject_of(STAGE, row, "prompt", row["prompt"], str(error)))
    return marked(Request, found, rejects)


def _pair_questions(
    row: dict[str, Any], motion: Motion, asking: Asking, count: Any
) -> list[dict[str, Any]]:
    chunks = motion.chunks()
    found = []
    for order, flipped in enumerate(ORDERS):
        for place, chunk in enumerate(chunks):
            texts = [motion.texts[i] for i in chunk]
            part = order * len(chunks) + place
            found.append(
                request(
                    asking,
                    vote.NAME,
                    (row["id"], part),
                    lambda cut, flipped=flipped, texts=texts: vote.question(
                        row, flipped, texts, cut
                    ),
                    count,
                )
            )
    return found


def answered(rows: pa.Table, motion: Motion, lookup: Lookup) -> pa.Table:
    """Columns of `preferences` in, columns of `votes` and `reject` out."""
    found, rejects = [], []
    for row in _drawn(rows, motion):
        replies = {reply["part"]: reply for reply in lookup.of(row["id"])}
        if not replies:
            continue
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
    first = _choices(motion, replies, ORDERS[0])
    second = _choices(motion, replies, ORDERS[1])
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
        for key, one, other in zip(motion.principle_ids, first, second, strict=True)
    ]


def _choices(motion: Motion, replies: dict[int, dict[str, Any]], flipped: bool) -> list[str | None]:
    found: list[str | None] = []
    chunks = motion.chunks()
    for place, chunk in enumerate(chunks):
        reply = replies.get(int(flipped) * len(chunks) + place)
        if reply is None or not reply["parsed"]:
            found += [None] * len(chunk)
        else:
            found += vote.choices(reply_json(reply["text"]), len(chunk), flipped)
    return found


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
