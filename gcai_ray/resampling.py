"""People drawn with replacement → the electorates, contests and tables they would have given (the
bootstrap over people: Efron and Tibshirani 1993, ch. 6). Knows no statistic.

A person drawn twice becomes two people with the same words, so that all that counts people, or caps
what one person may weigh, goes on as it does.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from gcai_ray.choosing.approval import Approvals
from gcai_ray.choosing.contest import Contest
from gcai_ray.choosing.poll import Poll
from gcai_ray.electorate import Electorate

Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Rows:
    """Rows of a table or an electorate, some of them several times."""

    origin: Ints  # [rows], where each stood, rising
    copy: Ints  # [rows], which copy of it this is, from 0


@dataclass(frozen=True)
class Draw:
    """How often each person was drawn."""

    people: NDArray[np.str_]  # [people], sorted ids
    times: Ints  # [people]

    def rows(self, people: NDArray[np.str_]) -> Rows:
        """The rows of the drawn people; `people`: who wrote each [rows], all of them known."""
        times = self.times[np.searchsorted(self.people, people)]
        origin = np.repeat(np.arange(len(people)), times)
        return Rows(origin, np.arange(len(origin)) - np.repeat(np.cumsum(times) - times, times))


def draw(people: NDArray[np.str_], seeds: Sequence[int]) -> Draw:
    """As many people as there are, drawn with replacement; `people`: sorted ids."""
    num = len(people)
    drawn = np.random.default_rng(list(seeds)).integers(num, size=num) if num else []
    return Draw(people, np.bincount(np.asarray(drawn, dtype=np.int64), minlength=num))


def only(places: Ints) -> Rows:
    """Some rows, each once and under its own id; `places` rising."""
    return Rows(places, np.zeros(len(places), dtype=np.int64))


def drawn_table(table: pa.Table, drawn: Draw) -> pa.Table:
    """The rows of the drawn people, each copy of a person under an `annotator_id` of its own."""
    people = table["annotator_id"].to_pylist()
    rows = drawn.rows(np.asarray(people, dtype=np.str_))
    names = [f"{people[i]}#{c:03d}" for i, c in zip(rows.origin, rows.copy, strict=True)]
    place = table.schema.get_field_index("annotator_id")
    column = pa.array(names, pa.string())
    return table.take(pa.array(rows.origin)).set_column(place, "annotator_id", column)


def drawn_contest(contest: Contest, drawn: Draw) -> Contest:
    """The same principles before the drawn people, with their words, votes and approvals."""
    people = contest.electorate
    found = with_rows(contest, drawn.rows(people.people[people.person_of_row]))
    if contest.poll is None:
        return found
    voters = contest.poll.electorate
    return replace(found, poll=_poll(contest.poll, drawn.rows(voters.people[voters.person_of_row])))


def with_rows(contest: Contest, rows: Rows) -> Contest:
    """The same principles before these rows; the poll, which has rows of its own, as it was."""
    heard = contest.approvals
    return replace(
        contest,
        electorate=_electorate(contest.electorate, rows),
        incidence=contest.incidence[rows.origin],
        approvals=_approvals(heard, rows.origin) if heard else None,
    )


def _poll(poll: Poll, rows: Rows) -> Poll:
    outcomes = {name: cast[rows.origin] for name, cast in poll.outcomes.items()}
    return Poll(_electorate(poll.electorate, rows), outcomes)


def _approvals(approvals: Approvals, origin: Ints) -> Approvals:
    by_group = {name: shares[origin] for name, shares in approvals.by_group.items()}
    return Approvals(approvals.num_votes[origin], approvals.agree[origin], by_group)


def _electorate(people: Electorate, rows: Rows) -> Electorate:
    num_copies = int(rows.copy.max(initial=0)) + 1
    keys = people.person_of_row[rows.origin] * num_copies + rows.copy
    persons, person_of_row = np.unique(keys, return_inverse=True)
    return Electorate(
        people=_named(people.people, persons // num_copies, persons % num_copies),
        rows=_named(people.rows, rows.origin, rows.copy),
        person_of_row=person_of_row.astype(np.int64),
        groups={key: _kept(own, rows.origin) for key, own in people.groups.items()},
    )


def _named(ids: NDArray[np.str_], places: Ints, copies: Ints) -> NDArray[np.str_]:
    """Ids of copies, in the order of the ids they are made from; a copy number never has more than
    three digits: of 10^9 people none is drawn 15 times. Without copies, the ids as they are.
    """
    if not copies.any():
        return ids[places]
    names = [f"{ids[i]}#{c:03d}" for i, c in zip(places, copies, strict=True)]
    return np.asarray(names, dtype=np.str_)


def _kept(own: Ints, origin: Ints) -> Ints:
    """Where the rows of a group stand now."""
    size = int(max(own.max(initial=-1), origin.max(initial=-1))) + 1
    is_own = np.zeros(size, dtype=bool)
    is_own[own] = True
    return np.flatnonzero(is_own[origin])
