"""Responses of two models and one principle → questions which follows it better, in both orders,
and their replies → `contests`.

Where both say the same nobody is asked: it is a tie. Knows no path and no engine.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from gcai_ray.asking.check import reply_json
from gcai_ray.asking.lookup import Lookup
from gcai_ray.asking.questions import Asking, Count, counter, pair_questions, request
from gcai_ray.prompts import judge
from gcai_ray.prompts.conversation import transcript
from gcai_ray.rejects import marked, reject_of
from gcai_ray.revision.filters import same
from gcai_ray.schemas import Contest, ContestOutcome

STAGE = "assess"
ORDERS = (False, True)  # the model's response first, the other's first


@dataclass(frozen=True)
class Bout:
    """One model's response held against another's to the same prompt."""

    place: int  # of the two among all that are held against each other
    names: tuple[str, str]
    texts: tuple[str, str]


@dataclass(frozen=True)
class Tournament:
    """Who is held against whom, by which principles (id and words), and what they said: prompt id →
    model → response. Which question is which follows from the order of the first two.
    """

    opponents: tuple[tuple[str, str], ...]
    principles: tuple[tuple[str, str], ...]
    said: Mapping[str, Mapping[str, str]]

    def bouts(self, prompt_id: str) -> Iterator[Bout]:
        """Those of one prompt to which both models responded."""
        said = self.said.get(prompt_id, {})
        for place, (model, against) in enumerate(self.opponents):
            if model in said and against in said:
                yield Bout(place, (model, against), (said[model], said[against]))

    def part(self, bout: Bout, principle: int, order: int) -> int:
        """Number of one question among all on its prompt."""
        return (bout.place * len(self.principles) + principle) * len(ORDERS) + order


def opponents_of(models: list[str]) -> tuple[tuple[str, str], ...]:
    """Every tuned model against the base, and the run's own against every other tuned one.

    Args:
        models: the base, the run's own, others.

    >>> opponents_of(["base", "tuned", "icai"])
    (('tuned', 'base'), ('icai', 'base'), ('tuned', 'icai'))
    """
    base, own, *others = models
    return (
        (own, base),
        *((other, base) for other in others),
        *((own, other) for other in others),
    )


def questions(rows: pa.Table, tournament: Tournament, asking: Asking) -> pa.Table:
    """Columns of `prompts` in, columns of `requests` and `reject` out. A prompt of which one
    question does not fit is judged by no principle, so that all are measured on the same prompts.
    """
    count = counter(asking)
    asked = [row | {"prompt": transcript(row["messages"])} for row in _judged(rows, tournament)]
    return pair_questions(STAGE, asked, lambda row: list(_asked(row, tournament, asking, count)))


def _judged(rows: pa.Table, tournament: Tournament) -> list[dict[str, Any]]:
    return [row for row in rows.to_pylist() if row["id"] in tournament.said]


def _asked(
    row: dict[str, Any], tournament: Tournament, asking: Asking, count: Count
) -> Iterator[dict[str, Any]]:
    for bout in tournament.bouts(row["id"]):
        if same(*bout.texts):
            continue
        pair = {"response_a": bout.texts[0], "response_b": bout.texts[1], "prompt": row["prompt"]}
        for number, (_, text) in enumerate(tournament.principles):
            for order, flipped in enumerate(ORDERS):
                source = (row["id"], tournament.part(bout, number, order))
                yield request(
                    asking,
                    judge.NAME,
                    source,
                    lambda cut, f=flipped, t=text, p=pair: judge.question(p, f, [t], cut),
                    count,
                )


def answered(rows: pa.Table, tournament: Tournament, lookup: Lookup) -> pa.Table:
    """Columns of `prompts` in, columns of `contests` and `reject` out. A reply that cannot be used
    leaves its contest `invalid` and is a reject.
    """
    found: list[dict[str, Any]] = []
    rejects = []
    for row in _judged(rows, tournament):
        if not lookup.covers(row["id"]):
            continue
        replies = {reply["part"]: reply for reply in lookup.of(row["id"], judge.NAME)}
        found += contests_of(row, tournament, replies)
        rejects += [
            reject_of(STAGE, row, "reply", reply["text"], reply["error"])
            for reply in replies.values()
            if not reply["parsed"]
        ]
    return marked(Contest, found, rejects)


def contests_of(
    row: dict[str, Any], tournament: Tournament, replies: Mapping[int, dict[str, Any]]
) -> Iterator[dict[str, Any]]:
    """One contest per two models and principle on a prompt; `replies` by part. None for those that
    were not put to the judge though the two responses differ.
    """
    for bout in tournament.bouts(row["id"]):
        is_same = same(*bout.texts)
        for number, (principle_id, _) in enumerate(tournament.principles):
            places = [tournament.part(bout, number, order) for order in range(len(ORDERS))]
            given = [replies.get(place) for place in places]
            if not is_same and given == [None, None]:
                continue
            choices = [_choice(reply, flip) for reply, flip in zip(given, ORDERS, strict=True)]
            yield {
                "prompt_id": row["id"],
                "principle_id": principle_id,
                "model": bout.names[0],
                "against": bout.names[1],
                "num_turns": sum(turn["role"] == "user" for turn in row["messages"]),
                "num_chars": len(bout.texts[0]),
                "num_chars_against": len(bout.texts[1]),
                "a_first": choices[0],
                "b_first": choices[1],
                "outcome": str(ContestOutcome.SAME if is_same else outcome(*choices)),
            }


def _choice(reply: dict[str, Any] | None, flipped: bool) -> str | None:
    if reply is None or not reply["parsed"]:
        return None
    return judge.choice(reply_json(reply["text"]), flipped)


def outcome(a_first: str | None, b_first: str | None) -> ContestOutcome:
    """What two choices, one in each order, amount to for the model whose response is `a`.

    >>> str(outcome("a", "a")), str(outcome("b", "b")), str(outcome("a", "b"))
    ('win', 'loss', 'flip')
    """
    if a_first is None or b_first is None:
        return ContestOutcome.INVALID
    if a_first != b_first:
        return ContestOutcome.FLIP
    return ContestOutcome.WIN if a_first == "a" else ContestOutcome.LOSS


def count_outcomes(rows: pa.Table) -> dict[str, int]:
    """What the manifest keeps of `contests`."""
    return {
        f"num_{one}": pc.sum(pc.equal(rows["outcome"], str(one))).as_py() or 0
        for one in ContestOutcome
    }
