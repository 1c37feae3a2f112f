"""A constitution's principles and the planted truth → how much of it came back. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from servers.known import recognised

from gcai_ray.agreement import rank_correlation
from tests.benchmarks.planted.corpus import Truth


@dataclass(frozen=True)
class Score:
    """How one kind of principles came back.

    precision: of the chosen, the share that mean a planted principle. recall: of as many planted
    ones as there were places, heaviest first, the share that were chosen; those that weigh the same
    as the last may stand for it. tau: Kendall's tau-b of true and returned order, over the planted
    ones chosen; None for fewer than two. num_twice: chosen that mean what another chosen one means.
    demand: of the minority, `chosen`, `named` among the not represented, or `lost`.
    """

    num_chosen: int
    precision: float
    recall: float
    tau: float | None
    num_twice: int
    demand: str
    flooded: bool


def score(
    texts: Sequence[str],
    wishes: Sequence[tuple[str, str]],
    truth: Truth,
    kind: str,
    num_places: int,
) -> Score:
    """The score of the principles of one kind.

    Args:
        texts: chosen principles, in rank order.
        wishes: value of a group that is not represented, and the text of a wish of its.
        truth: of the corpus.
        kind: `contextual` or `general`.
        num_places: places of this kind.
    """
    weights = truth.weights[kind]
    meant = [_key(text, kind) for text in texts]
    planted = [key for key in meant if key in weights]
    first = list(dict.fromkeys(planted))
    wanted = truth.heaviest(kind, num_places)
    return Score(
        num_chosen=len(texts),
        precision=len(planted) / len(texts) if texts else 0.0,
        recall=min(len(set(wanted) & set(first)) / min(num_places, len(weights)), 1.0),
        tau=_tau([weights[key] for key in first]),
        num_twice=_num_twice(meant),
        demand=_demand(first, wishes, truth, kind),
        flooded=truth.flooded in meant,
    )


def _key(text: str, kind: str) -> str | None:
    planted = recognised(text, kind)
    return planted.key if planted else None


def _tau(true_weights: list[float]) -> float | None:
    """Of true weights in returned order."""
    if len(true_weights) < 2:
        return None
    return rank_correlation(true_weights, [-float(place) for place in range(len(true_weights))])


def _num_twice(meant: list[str | None]) -> int:
    known = [key for key in meant if key]
    return len(known) - len(set(known))


def _demand(chosen: list[str], wishes: Sequence[tuple[str, str]], truth: Truth, kind: str) -> str:
    if truth.demands[kind] in chosen:
        return "chosen"
    named = {_key(text, kind) for group, text in wishes if group == truth.minority}
    return "named" if truth.demands[kind] in named else "lost"
