"""`preferences` and whole constitutions → questions which response a judge would choose by each,
and their replies → `verdicts`.

A constitution without principles is the baseline: the same question, nothing else different. Each
pair is shown in both orders; a choice that flips with the order is an abstention. Knows no path and
no engine.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from gcai_ray.asking.check import reply_json
from gcai_ray.asking.lookup import Lookup
from gcai_ray.asking.questions import Asking, Count, counter, pair_questions, request
from gcai_ray.prompts import Question, judge
from gcai_ray.rejects import marked, reject_of
from gcai_ray.schemas import Verdict, VoteOutcome

STAGE = "evaluate"
ORDERS = (False, True)  # response_a first, response_b first


@dataclass(frozen=True)
class Trial:
    """The constitutions to judge by, each a name and its principles in full, and the pairs judged.

    Which question about a pair is which follows from the order of the constitutions: it is the same
    for `questions` and `answered`.
    """

    constitutions: tuple[tuple[str, tuple[str, ...]], ...]
    row_ids: frozenset[str]


def _tried(rows: pa.Table, trial: Trial) -> list[dict[str, Any]]:
    """A tie is no choice to be reconstructed."""
    pairs = rows.to_pylist()
    return [row for row in pairs if row["id"] in trial.row_ids and row["preferred"] != "tie"]


def questions(rows: pa.Table, trial: Trial, asking: Asking) -> pa.Table:
    """Columns of `preferences` in, columns of `requests` and `reject` out. A pair that does not fit
    by one constitution is judged by none, so that all are measured on the same pairs.
    """
    count = counter(asking)
    return pair_questions(
        STAGE, _tried(rows, trial), lambda row: _pair_questions(row, trial, asking, count)
    )


def _pair_questions(
    row: dict[str, Any], trial: Trial, asking: Asking, count: Count
) -> list[dict[str, Any]]:
    """All questions on one pair, their responses cut alike: a judge that reads no principles has
    more room, but must see no more of the responses.
    """
    found, cuts = _cut_questions(row, trial, asking, count, None)
    if len(cuts) > 1:
        least = min(cut for cut in cuts if cut is not None)
        found, _ = _cut_questions(row, trial, asking, count, least)
    return found


def _cut_questions(
    row: dict[str, Any], trial: Trial, asking: Asking, count: Count, most: int | None
) -> tuple[list[dict[str, Any]], set[int | None]]:
    """The questions with responses of at most `most` characters, and the lengths they came to."""
    made: dict[str, int | None] = {}

    def worded(texts: Sequence[str], flipped: bool, cut: int | None) -> Question:
        wanted = min((limit for limit in (cut, most) if limit is not None), default=None)
        question = judge.question(row, flipped, texts, wanted)
        made.setdefault(question.messages[-1]["content"], wanted)
        return question

    found = [
        request(
            asking,
            judge.NAME,
            (row["id"], place * len(ORDERS) + order),
            lambda cut, texts=texts, flipped=flipped: worded(texts, flipped, cut),
            count,
        )
        for place, (_, texts) in enumerate(trial.constitutions)
        for order, flipped in enumerate(ORDERS)
    ]
    return found, {made[row["messages"][-1]["content"]] for row in found}


def answered(rows: pa.Table, trial: Trial, lookup: Lookup) -> pa.Table:
    """Columns of `preferences` in, columns of `verdicts` and `reject` out; nothing for pairs that
    were not asked about. A reply that cannot be used leaves its verdict `invalid` and is a reject.
    """
    found, rejects = [], []
    for row in _tried(rows, trial):
        replies = {reply["part"]: reply for reply in lookup.of(row["id"], judge.NAME)}
        if not replies:
            continue
        found += pair_verdicts(row, trial, replies)
        rejects += [
            reject_of(STAGE, row, "reply", reply["text"], reply["error"])
            for reply in replies.values()
            if not reply["parsed"]
        ]
    return marked(Verdict, found, rejects)


def pair_verdicts(
    row: dict[str, Any], trial: Trial, replies: dict[int, dict[str, Any]]
) -> list[dict[str, Any]]:
    """One verdict per constitution on a pair; `replies` by part."""
    found = []
    for place, (name, _) in enumerate(trial.constitutions):
        first, second = (
            _choice(replies.get(place * len(ORDERS) + order), flipped)
            for order, flipped in enumerate(ORDERS)
        )
        found.append(
            {
                "row_id": row["id"],
                "annotator_id": row["annotator_id"],
                "groups": row["groups"],
                "constitution": name,
                "a_first": first,
                "b_first": second,
                "outcome": str(outcome(first, second, row["preferred"])),
            }
        )
    return found


def _choice(reply: dict[str, Any] | None, flipped: bool) -> str | None:
    if reply is None or not reply["parsed"]:
        return None
    return judge.choice(reply_json(reply["text"]), flipped)


def outcome(a_first: str | None, b_first: str | None, preferred: str) -> VoteOutcome:
    """What two choices on a pair, one in each order, amount to.

    >>> str(outcome("b", "b", "a")), str(outcome("a", "b", "a")), str(outcome(None, "a", "a"))
    ('against', 'abstain', 'invalid')
    """
    if a_first is None or b_first is None:
        return VoteOutcome.INVALID
    if a_first != b_first:
        return VoteOutcome.ABSTAIN
    return VoteOutcome.FOR if a_first == preferred else VoteOutcome.AGAINST
