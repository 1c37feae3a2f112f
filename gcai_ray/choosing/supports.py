"""A contest and its chosen columns → who supports them, over all people and group by group. Knows
no ranks.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.sparse import csr_matrix

from gcai_ray.choosing.contest import Contest
from gcai_ray.choosing.poll import interval
from gcai_ray.config import RatifyConfig
from gcai_ray.schemas import GroupSupport, Support
from gcai_ray.statistics import share_intervals


def supports(
    contest: Contest, chosen: Sequence[int], config: RatifyConfig, seed: int
) -> list[Support]:
    """The support of each chosen principle, in their order."""
    part = contest.incidence[:, list(chosen)]
    said = contest.electorate.shares(part) > 0
    both = share_intervals(  # one set of draws: of a million people it takes a minute
        np.hstack([said.astype(float), contest.said(chosen)]), seed
    )
    groups = _group_supports(contest, part, seed)
    large = contest.electorate.large_groups(config.min_group_size)
    found = []
    for place in range(len(chosen)):
        shares = [g.interval.share for g in groups[place] if (g.name, g.value) in large]
        found.append(
            Support(
                num_people=int(said[:, place].sum()),
                num_people_total=len(contest.electorate.people),
                interval=interval(both[place]),
                voice=interval(both[len(chosen) + place]),
                num_rows=int(part[:, [place]].sum()),
                groups=groups[place],
                consensus=min(shares) if shares else None,
            )
        )
    return found


def _group_supports(contest: Contest, part: csr_matrix, seed: int) -> list[list[GroupSupport]]:
    """For each chosen principle, the people of every group who support it in a row of that
    group.
    """
    found: list[list[GroupSupport]] = [[] for _ in range(part.shape[1])]
    for (name, value), rows in contest.electorate.groups.items():
        people, person_of_row = np.unique(
            contest.electorate.person_of_row[rows], return_inverse=True
        )
        said = np.zeros((len(people), part.shape[1]))
        row, column = part[rows].nonzero()
        said[person_of_row[row], column] = 1
        intervals = share_intervals(said, seed)
        for place, support in enumerate(found):
            support.append(
                GroupSupport(
                    name=name,
                    value=value,
                    num_people=int(said[:, place].sum()),
                    num_people_total=len(people),
                    interval=interval(intervals[place]),
                )
            )
    return found
