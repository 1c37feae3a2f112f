"""`principles` and their votes → the constitution: which principles stand, in which order, with
whose words behind them.

Chosen greedily: the next principle is the one that adds most voices not yet heard (maximum
coverage, Nemhauser, Wolsey and Fisher 1978); one that says what a chosen principle already says is
passed over. Ranked by voices. Knows no path and no engine.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from gcai_ray.config import RatifyConfig
from gcai_ray.electorate import Electorate
from gcai_ray.schemas import (
    ChosenPrinciple,
    Evidence,
    GroupSupport,
    Interval,
    Kind,
    Prediction,
    Support,
    VoteOutcome,
)
from gcai_ray.statistics import share_intervals, tied_pairs
from gcai_ray.vectors import products
from gcai_ray.wording import content_stems

QUOTE_CHARS = 400  # a longer quote is taken only when nothing shorter is left
_QUALIFIED = re.compile(r"\b(?:but|however|although|though|while|whereas|except)\b", re.IGNORECASE)


@dataclass(frozen=True)
class Poll:
    """What a model says each principle speaks for, on pairs people chose from."""

    electorate: Electorate
    outcomes: dict[VoteOutcome, csr_matrix]  # [rows, principles] of 0 and 1 each

    def voices(self) -> NDArray[np.float64]:
        """[people, principles]: share of a person's pairs it speaks for, less that against."""
        rows = np.maximum(self.electorate.rows_per_person, 1)
        return self.electorate.by_person(self._net()) / rows[:, None]

    def gains(self, covered: NDArray[np.bool_]) -> NDArray[np.float64]:
        """The voices each principle adds on the pairs no other speaks for yet."""
        weights = self.electorate.row_weights() * ~covered
        return np.asarray(self._net().T @ weights) / max(len(self.electorate.people), 1)

    def net_votes(self) -> NDArray[np.int64]:
        """[principles]: pairs it speaks for less pairs it speaks against."""
        return np.asarray(self._net().sum(axis=0)).ravel().astype(np.int64)

    def _net(self) -> csr_matrix:
        return self.outcomes[VoteOutcome.FOR] - self.outcomes[VoteOutcome.AGAINST]


@dataclass(frozen=True)
class Contest:
    """Principles of one kind before the people who could support them."""

    kind: Kind
    ids: tuple[str, ...]
    texts: tuple[str, ...]
    vectors: NDArray[np.float32]
    threshold: float
    electorate: Electorate
    incidence: csr_matrix  # [rows, principles]: which rows say which principle
    poll: Poll | None = None

    def voices(self) -> NDArray[np.float64]:
        """[people, principles]: what principles are ranked by: by the poll where there is one, else
        the share of a person's rows that match.
        """
        return self.poll.voices() if self.poll else self.matching_voices()

    def matching_voices(self) -> NDArray[np.float64]:
        """[people, principles]: share of a person's rows that match."""
        rows = np.maximum(self.electorate.rows_per_person, 1)
        return self.electorate.by_person(self.incidence) / rows[:, None]


def choose(contest: Contest, num_principles: int, config: RatifyConfig) -> list[int]:
    """Columns of the chosen principles, most voices first."""
    people = (contest.electorate.by_person(contest.incidence) > 0).sum(axis=0)
    open_ = set(np.flatnonzero(people >= config.min_people).tolist())
    if contest.poll:  # a principle that is as often wrong as right predicts nothing
        open_ &= set(np.flatnonzero(contest.voices().mean(axis=0).round(9) > 0).tolist())
    covers = contest.poll.outcomes[VoteOutcome.FOR] if contest.poll else contest.incidence
    covered = np.zeros(covers.shape[0], dtype=bool)
    chosen: list[int] = []
    while open_ and len(chosen) < num_principles:
        gain = _gains(contest, covered, config)
        best = min(open_, key=lambda i: (-gain[i], -int(people[i]), contest.texts[i]))
        chosen.append(best)
        covered[covers[:, [best]].nonzero()[0]] = True
        open_ -= {i for i in open_ if _says_the_same(contest, i, best)}
    totals = contest.voices().mean(axis=0).round(9) if chosen else np.zeros(0)
    return sorted(chosen, key=lambda i: (-totals[i], contest.texts[i]))


def most_votes(contest: Contest, num_principles: int, config: RatifyConfig) -> list[int]:
    """Columns of the principles with most votes for less votes against, as ICAI ranks them
    (arXiv 2406.06560, step 5): rows count, not people, and nothing is passed over.
    """
    if contest.poll is None:
        return []
    net = contest.poll.net_votes()
    order = sorted(range(len(net)), key=lambda i: (-int(net[i]), contest.texts[i]))
    return [i for i in order if net[i] > 0][:num_principles]


def _gains(
    contest: Contest, covered: NDArray[np.bool_], config: RatifyConfig
) -> NDArray[np.float64]:
    """Voices each principle would add: over all people; for general ones, half of it in the least
    favourable group.
    """
    if contest.poll:
        return contest.poll.gains(covered).round(9)
    weights = contest.electorate.row_weights() * ~covered
    everybody = _mean_voice(contest, weights, np.arange(len(weights)))
    groups = contest.electorate.large_groups(config.min_group_size)
    if contest.kind is not Kind.GENERAL or not groups:
        return everybody.round(9)
    least = np.min([_mean_voice(contest, weights, rows) for rows in groups.values()], axis=0)
    return ((everybody + least) / 2).round(9)


def _mean_voice(
    contest: Contest, weights: NDArray[np.float64], rows: NDArray[np.int64]
) -> NDArray[np.float64]:
    people = np.unique(contest.electorate.person_of_row[rows])
    return np.asarray(contest.incidence[rows].T @ weights[rows]) / max(len(people), 1)


def _says_the_same(contest: Contest, one: int, other: int) -> bool:
    """Near in meaning, or sharing a word that carries it: embeddings alone keep apart what people
    read as one ("accurate answers", "accurate and reliable information": cosine 0.56).
    """
    cosine = float(products(contest.vectors[[one]], contest.vectors[[other]])[0, 0])
    shared = content_stems(contest.texts[one]) & content_stems(contest.texts[other])
    return one == other or round(cosine, 5) >= contest.threshold or bool(shared)


def chosen_principles(
    contest: Contest,
    chosen: list[int],
    evidence: dict[str, list[Evidence]],
    config: RatifyConfig,
    seed: int,
) -> list[ChosenPrinciple]:
    """The chosen principles with support, ties and evidence, in rank order."""
    supports = _supports(contest, chosen, config, seed)
    tied = tied_pairs(contest.voices()[:, chosen], seed)
    heard = np.zeros(len(contest.electorate.people), dtype=bool)
    found = []
    for place, column in enumerate(chosen):
        supporters = contest.electorate.by_person(contest.incidence[:, [column]])[:, 0] > 0
        found.append(
            ChosenPrinciple(
                id=contest.ids[column],
                kind=contest.kind,
                rank=place + 1,
                text=contest.texts[column],
                support=supports[place],
                prediction=_prediction(contest.poll, column, seed),
                num_people_added=int((supporters & ~heard).sum()),
                tied_with=[contest.ids[chosen[i]] for i in np.flatnonzero(tied[place])],
                evidence=evidence[contest.ids[column]],
            )
        )
        heard |= supporters
    return found


def _prediction(poll: Poll | None, column: int, seed: int) -> Prediction | None:
    if poll is None:
        return None
    outcomes = {name: int(cast[:, [column]].sum()) for name, cast in poll.outcomes.items()}
    [voice] = share_intervals(poll.voices()[:, [column]], seed)
    return Prediction(
        num_pairs=len(poll.electorate.rows), outcomes=outcomes, voice=_interval(voice)
    )


def _supports(
    contest: Contest, chosen: list[int], config: RatifyConfig, seed: int
) -> list[Support]:
    part = contest.incidence[:, chosen]
    counts = contest.electorate.by_person(part)
    people = share_intervals((counts > 0).astype(float), seed)
    voices = share_intervals(contest.matching_voices()[:, chosen], seed)
    groups = _group_supports(contest, part, seed)
    large = contest.electorate.large_groups(config.min_group_size)
    found = []
    for place in range(len(chosen)):
        shares = [g.interval.share for g in groups[place] if (g.name, g.value) in large]
        found.append(
            Support(
                num_people=int((counts[:, place] > 0).sum()),
                num_people_total=len(contest.electorate.people),
                interval=_interval(people[place]),
                voice=_interval(voices[place]),
                num_rows=int(part[:, [place]].sum()),
                groups=groups[place],
                consensus=min(shares) if shares else None,
            )
        )
    return found


def _group_supports(contest: Contest, part: csr_matrix, seed: int) -> list[list[GroupSupport]]:
    """For each chosen principle, the people of every group who support it in a row of that "
    "group."""
    found: list[list[GroupSupport]] = [[] for _ in range(part.shape[1])]
    for (name, value), rows in contest.electorate.groups.items():
        people, person_of_row = np.unique(
            contest.electorate.person_of_row[rows], return_inverse=True
        )
        supports = np.zeros((len(people), part.shape[1]))
        row, column = part[rows].nonzero()
        supports[person_of_row[row], column] = 1
        intervals = share_intervals(supports, seed)
        for place, support in enumerate(found):
            count = int(supports[:, place].sum())
            interval = _interval(intervals[place])
            support.append(
                GroupSupport(
                    name=name,
                    value=value,
                    num_people=count,
                    num_people_total=len(people),
                    interval=interval,
                )
            )
    return found


def _interval(row: NDArray[np.float64]) -> Interval:
    return Interval(share=float(row[0]), low=float(row[1]), high=float(row[2]))


def pick_evidence(
    votes: Sequence[dict[str, Any]], candidates: dict[str, dict[str, Any]], num_quotes: int
) -> list[Evidence]:
    """The nearest quotes of a principle, each of another person and in other words; short ones
    before long ones.

    Args:
        votes: rows of `votes` for one principle.
        candidates: rows of `candidates` by id, for at least these votes.
        num_quotes: how many at most.
    """
    order = sorted(votes, key=lambda vote: _readiness(vote, candidates[vote["candidate_id"]]))
    people: set[str] = set()
    quotes: set[str] = set()
    found: list[Evidence] = []
    for vote in order:
        candidate = candidates[vote["candidate_id"]]
        words = " ".join(candidate["quote"].lower().split())
        if vote["annotator_id"] in people or words in quotes or len(found) == num_quotes:
            continue
        people.add(vote["annotator_id"])
        quotes.add(words)
        found.append(_evidence(candidate, vote["similarity"]))
    return found


def _readiness(vote: dict[str, Any], candidate: dict[str, Any]) -> tuple[bool, bool, float, str]:
    """Short before long, plain before qualified ("but", "although"), then the nearest."""
    quote = candidate["quote"]
    is_qualified = _QUALIFIED.search(quote) is not None
    return len(quote) > QUOTE_CHARS, is_qualified, -vote["similarity"], candidate["id"]


def _evidence(candidate: dict[str, Any], similarity: float) -> Evidence:
    names = (
        "quote",
        "sentence_numbers",
        "row_id",
        "annotator_id",
        "source",
        "source_file",
        "source_row",
        "groups",
    )
    return Evidence(
        candidate_id=candidate["id"],
        similarity=similarity,
        **{name: candidate[name] for name in names},
    )
