"""Contests between models → whether length decides them, and how they end where it cannot. Knows no
path and no words.

Judges prefer longer responses, and tuning makes responses longer or shorter. So each win rate
stands beside one over responses of about equal length, with the lengths themselves.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from gcai_ray.evaluate.adherence import Scored
from gcai_ray.evaluate.figures import (
    LEAST_PROMPTS,
    Place,
    clustered,
    difference_of,
    even,
    figure,
    mean_of,
    too_few,
)
from gcai_ray.evaluate.measures import Baseline
from gcai_ray.schemas import Figure

FAMILY = "length"
CHARS, LONGER_WON, WINNER, EQUAL = "chars", "longer_won", "winner_chars", "win_rate_equal_length"
ABOUT_EQUAL = 0.1  # of the longer response

Floats = NDArray[np.float64]


def lengths(of: Scored, seed: int) -> Iterator[Figure]:
    """Mean characters; share of decided contests that the longer response won; characters of
    winners beside losers; the win rate among responses within 10 % in length.

    Args:
        of: the contests between two models.
        seed: of the bootstrap over prompts.
    """
    place = {name: Place(FAMILY, name, *of.names) for name in (CHARS, LONGER_WON, WINNER, EQUAL)}
    yield _chars(of, place[CHARS], seed)
    won, decided = (of.scores == 1).sum(axis=1), np.isin(of.scores, (0, 1)).sum(axis=1)
    first, second = of.num_chars.T
    yield _longer_won(place[LONGER_WON], (won, decided), (first, second), seed)
    yield _winner(place[WINNER], (won, decided), (first, second), seed)
    yield _equal(of, place[EQUAL], seed)


def _chars(of: Scored, place: Place, seed: int) -> Figure:
    num = len(of.prompt_ids)
    if num < LEAST_PROMPTS:
        return too_few(place, num, "held-out prompts were answered by both")
    first, second = of.num_chars.astype(float).T
    other, difference = mean_of(second, seed), difference_of(first, second, seed)
    beside = Baseline(of.names[1], *other, difference)
    note = f"mean characters of a response, on {num:,} held-out prompts"
    return figure(place, mean_of(first, seed), num, note, beside)


def _longer_won(
    place: Place, contests: tuple[NDArray, NDArray], chars: tuple[NDArray, NDArray], seed: int
) -> Figure:
    won, decided = contests
    uneven = (chars[0] != chars[1]) & (decided > 0)
    num = int(uneven.sum())
    if num < LEAST_PROMPTS:
        return too_few(place, num, "prompts have a decided contest of unequal lengths")
    hits = np.where(chars[0] > chars[1], won, decided - won)[uneven].astype(float)
    totals = decided[uneven].astype(float)
    found = clustered(hits, totals, seed)
    note = (
        f"{int(hits.sum()):,} of {int(totals.sum()):,} decided contests of unequal lengths, on "
        f"{num:,} prompts"
    )
    return figure(place, found, num, note, even(found, "length decides nothing"))


def _winner(
    place: Place, contests: tuple[NDArray, NDArray], chars: tuple[NDArray, NDArray], seed: int
) -> Figure:
    """Prompt by prompt, the mean over its decided contests."""
    won, decided = contests
    told = decided > 0
    if int(told.sum()) < LEAST_PROMPTS:
        return too_few(place, int(told.sum()), "prompts have a decided contest")
    share = won[told] / decided[told]
    first, second = (side[told].astype(float) for side in chars)
    winner, loser = share * first + (1 - share) * second, share * second + (1 - share) * first
    beside = Baseline("the loser", *mean_of(loser, seed), difference_of(winner, loser, seed))
    note = f"mean characters of the winner over decided contests, on {int(told.sum()):,} prompts"
    return figure(place, mean_of(winner, seed), int(told.sum()), note, beside)


def _equal(of: Scored, place: Place, seed: int) -> Figure:
    first, second = of.num_chars.T
    near = np.abs(first - second) <= ABOUT_EQUAL * np.maximum(first, second)
    totals = (~np.isnan(of.scores)).sum(axis=1).astype(float)
    told = near & (totals > 0)
    num = int(told.sum())
    if num < LEAST_PROMPTS:
        return too_few(place, num, "prompts have responses within 10 % in length")
    found = clustered(np.nansum(of.scores, axis=1)[told], totals[told], seed)
    note = f"win rate by all principles on the {num:,} prompts with responses within 10 % in length"
    return figure(place, found, num, note, even(found))
