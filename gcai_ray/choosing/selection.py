"""A contest → which principles are chosen, and in which order. Knows no evidence.

Chosen greedily: the next principle is the one that adds most voices of people not yet heard
(maximum coverage, Nemhauser, Wolsey and Fisher 1978); one that says what a chosen principle already
says is passed over, and so is one that adds nobody: a short constitution is better than one filled
up with principles that explain nothing the others do not. Ranked by voices.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np

from gcai_ray.choosing.contest import Contest
from gcai_ray.choosing.represented import wishes, without_place
from gcai_ray.config import RatifyConfig
from gcai_ray.electorate import GroupKey
from gcai_ray.schemas import Group


@dataclass(frozen=True)
class Selection:
    """Who won a contest.

    `left_out` counts the others by why: `too_few_people`, `within_chance`, `said_already`,
    `adds_nobody`, `no_place_left`, `votes_against` (ICAI mode).
    """

    columns: tuple[int, ...]  # of the chosen principles, most voices first
    reserved: dict[int, Group] = field(default_factory=dict)  # column → who has it by the floor
    left_out: dict[str, int] = field(default_factory=dict)


def choose(contest: Contest, num_principles: int, config: RatifyConfig, seed: int) -> Selection:
    """The constitution's principles of one kind.

    Enter: principles said by at least `min_people` people and, where a model voted, whose accuracy
    is above chance with its whole interval. Where that leaves groups without a principle of their
    own, `config.floor` of the places are kept for such groups, the largest first; what they do not
    need goes on greedily.

    Args:
        contest: principles and people of one kind.
        num_principles: places.
        config: `min_people`, `min_group_size`, `floor`.
        seed: of the intervals.
    """
    shared = set(np.flatnonzero(contest.num_people >= config.min_people).tolist())
    open_ = shared
    if contest.poll:
        sure = contest.poll.beats_chance(seed)
        open_ = shared & set(np.flatnonzero(sure).tolist())
    chosen = _greedy(contest, [], open_, num_principles, config)
    reserved: dict[int, Group] = {}
    if config.floor and without_place(contest, wishes(contest, config), chosen):
        first = _greedy(contest, [], open_, num_principles - config.floor, config)
        kept = _reserve(contest, first, num_principles - len(first), config)
        reserved = {column: group for column, group in kept.items() if column not in chosen}
        chosen = _greedy(contest, [*first, *kept], open_, num_principles, config)
    left_out = _left_out(contest, chosen, (shared, open_), num_principles)
    return Selection(_ranked(contest, chosen), reserved, left_out)


def most_votes(contest: Contest, num_principles: int) -> Selection:
    """The principles with most votes for less votes against, as ICAI ranks them (arXiv 2406.06560,
    step 5): rows count, not people, and nothing is passed over.
    """
    if contest.poll is None:
        return Selection(())
    net = contest.poll.net_votes()
    order = sorted(range(len(net)), key=lambda i: (-int(net[i]), contest.texts[i]))
    standing = [i for i in order if net[i] > 0]
    left_out = {
        "votes_against": len(order) - len(standing),
        "no_place_left": max(len(standing) - num_principles, 0),
    }
    return Selection(tuple(standing[:num_principles]), left_out=left_out)


def _greedy(
    contest: Contest, chosen: list[int], open_: set[int], num: int, config: RatifyConfig
) -> list[int]:
    found = list(chosen)
    left = _unlike(contest, open_, found)
    while left and len(found) < num:
        gain = contest.gains(contest.covers(found), config.min_group_size)
        best = min(left, key=lambda i: (-gain[i], -int(contest.num_people[i]), contest.texts[i]))
        if gain[best] <= 0:
            break
        found.append(best)
        left = _unlike(contest, left, [best])
    return found


def _unlike(contest: Contest, columns: Iterable[int], chosen: Sequence[int]) -> set[int]:
    return {i for i in columns if not contest.alike[i, list(chosen)].any()}


def _reserve(
    contest: Contest, chosen: list[int], num_left: int, config: RatifyConfig
) -> dict[int, Group]:
    """The places that `config.floor` keeps: column → group."""
    found: dict[int, Group] = {}
    asked = wishes(contest, config)
    while len(found) < min(config.floor, num_left):
        lost = without_place(contest, asked, [*chosen, *found])
        picks = ((key, i) for key, own in lost.items() for i in own if _stands(contest, key, i))
        key, column = next(picks, (None, None))
        if key is None or column is None:
            break
        found[column] = Group(name=key[0], value=key[1])
    return found


def _stands(contest: Contest, key: GroupKey, column: int) -> bool:
    """A wish need not predict everybody's choices, but must not go against the group's own."""
    return contest.poll is None or bool(contest.poll.totals_in(key)[column].round(9) >= 0)


def _ranked(contest: Contest, chosen: list[int]) -> tuple[int, ...]:
    totals = contest.totals()
    return tuple(sorted(chosen, key=lambda i: (-totals[i], contest.texts[i])))


def _left_out(
    contest: Contest, chosen: list[int], entered: tuple[set[int], set[int]], num_places: int
) -> dict[str, int]:
    """Why each principle that was not chosen was not; every one is counted once."""
    shared, open_ = (columns - set(chosen) for columns in entered)
    rest = _unlike(contest, open_, chosen)
    why = "adds_nobody" if len(chosen) < num_places else "no_place_left"
    return {
        "too_few_people": len(contest.ids) - len(set(chosen) | shared),
        "within_chance": len(shared) - len(open_),
        "said_already": len(open_) - len(rest),
        why: len(rest),
    }
