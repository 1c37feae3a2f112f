"""Chosen principles → groups of people whose own principles all fell out. Knows no ranks."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from gcai_ray.choosing.contest import Contest
from gcai_ray.config import RatifyConfig
from gcai_ray.electorate import GroupKey
from gcai_ray.schemas import Group, Unrepresented, Wish

NUM_WISHES = 3
MIN_PEOPLE = 2  # what one person of a group said is not what the group asked for

Wishes = dict[GroupKey, list[int]]


def wishes(contest: Contest, config: RatifyConfig) -> Wishes:
    """What each group of at least `min_group_size` people asked for, largest group first: the
    columns of its own principles, most voiced first.

    Its own are the `NUM_WISHES` principles that its people's words voice most, each said by at
    least two of them and by at least `min_people`, no two of which say the same. What a poll of
    everybody or the voters on statements made of them does not matter here, since that is how a
    minority's principles fall out. A group with none asked for nothing together, and is left out.
    """
    found: Wishes = {}
    for key, rows in contest.electorate.large_groups(config.min_group_size).items():
        people = contest.electorate.supporters(contest.incidence, rows)
        voices = contest.said_in(key)
        shared = np.flatnonzero(people >= max(MIN_PEOPLE, config.min_people)).tolist()
        own: list[int] = []
        for column in sorted(shared, key=lambda i: (-voices[i], -people[i], contest.texts[i])):
            if len(own) < NUM_WISHES and not contest.alike[column, own].any():
                own.append(column)
        if own:
            found[key] = own
    size = contest.electorate.group_sizes
    return {key: found[key] for key in sorted(found, key=lambda key: (-size[key], key))}


def without_place(contest: Contest, asked: Wishes, chosen: Sequence[int]) -> Wishes:
    """The groups none of whose wishes is chosen, or says the same as a chosen principle."""
    columns = list(chosen)
    return {key: own for key, own in asked.items() if not contest.alike[np.ix_(own, columns)].any()}


def unrepresented(
    contest: Contest, chosen: Sequence[int], config: RatifyConfig
) -> list[Unrepresented]:
    """Those groups with what they asked for, largest group first."""
    lost = without_place(contest, wishes(contest, config), chosen)
    return [_unrepresented(contest, key, own) for key, own in lost.items()]


def _unrepresented(contest: Contest, key: GroupKey, own: list[int]) -> Unrepresented:
    people = contest.electorate.supporters(contest.incidence, contest.electorate.groups[key])
    return Unrepresented(
        group=Group(name=key[0], value=key[1]),
        kind=contest.kind,
        num_people=contest.electorate.group_sizes[key],
        wishes=[
            Wish(
                principle_id=contest.ids[column],
                text=contest.texts[column],
                num_people=int(people[column]),
            )
            for column in own
        ],
    )
