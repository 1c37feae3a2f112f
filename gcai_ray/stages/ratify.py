"""What was chosen of `principles` → rows of the constitution: in rank order, with support,
prediction, approval and evidence. How principles are chosen stands in `choosing/`. Knows no path
and no engine.
"""

from __future__ import annotations

import numpy as np

from gcai_ray.choosing.contest import Contest
from gcai_ray.choosing.selection import Selection
from gcai_ray.choosing.supports import supports
from gcai_ray.config import RatifyConfig
from gcai_ray.schemas import Approval, ChosenPrinciple, Evidence
from gcai_ray.statistics import tied_pairs


def chosen_principles(
    contest: Contest,
    selection: Selection,
    evidence: dict[str, list[Evidence]],
    config: RatifyConfig,
    seed: int,
) -> list[ChosenPrinciple]:
    """The chosen principles, in rank order; `evidence` by principle id."""
    columns = selection.columns
    support = supports(contest, columns, config, seed)
    predictions = contest.poll.predictions(columns, seed) if contest.poll else None
    tied = tied_pairs(contest.voices(columns), seed)
    added = _people_added(contest, columns)
    return [
        ChosenPrinciple(
            id=contest.ids[column],
            kind=contest.kind,
            rank=place + 1,
            text=contest.texts[column],
            support=support[place],
            prediction=predictions[place] if predictions else None,
            approval=_approval(contest, column, seed),
            ratification=None,
            reserved_for=selection.reserved.get(column),
            num_people_added=added[place],
            tied_with=[contest.ids[columns[i]] for i in np.flatnonzero(tied[place])],
            evidence=evidence[contest.ids[column]],
        )
        for place, column in enumerate(columns)
    ]


def _people_added(contest: Contest, columns: tuple[int, ...]) -> list[int]:
    heard = np.zeros(len(contest.electorate.people), dtype=bool)
    found = []
    for column in columns:
        supporters = contest.electorate.person_of_row[contest.incidence[:, [column]].nonzero()[0]]
        before = int(heard.sum())
        heard[supporters] = True
        found.append(int(heard.sum()) - before)
    return found


def _approval(contest: Contest, column: int, seed: int) -> Approval | None:
    if contest.approvals is None:
        return None
    return contest.approvals.of(contest.incidence[:, [column]].nonzero()[0], seed)
