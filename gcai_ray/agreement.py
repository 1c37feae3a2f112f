"""Two judgements of the same things → how far they agree beyond chance.

scikit-learn and scipy do the arithmetic; what has no answer there (0 by 0) is 0 here, since nothing
has been shown. Knows no executor and no cluster.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from gcai_ray.statistics import DIGITS, Floats


def cohens_kappa(
    first: Sequence[str], second: Sequence[str], weights: Floats | None = None
) -> float:
    """Agreement of two judges beyond chance (Cohen 1960), from scikit-learn; 1 is always.

    Args:
        first: [items], labels of one judge.
        second: [items], labels of the other.
        weights: [items], the part of its person's voice an item carries; None: all the same.

    Returns:
        -1 to 1. 0 where no agreement beyond chance can show: no item, or both judges gave every
        item the one same label. Give the plain share of agreement beside it.
    """
    from sklearn.metrics import cohen_kappa_score

    if len(set(first) | set(second)) < 2:
        return 0.0
    return _rounded(cohen_kappa_score(list(first), list(second), sample_weight=weights))


def rank_correlation(first: Sequence[float] | Floats, second: Sequence[float] | Floats) -> float:
    """Kendall's tau-b of two rankings of the same things (ties count as ties), from scipy.

    Returns:
        -1 to 1. 0 where one of them holds no order: fewer than two things, or all tied.
    """
    from scipy.stats import kendalltau

    if len(set(np.asarray(first).tolist())) < 2 or len(set(np.asarray(second).tolist())) < 2:
        return 0.0
    return _rounded(np.asarray(kendalltau(first, second))[0])


def adjusted_mutual_information(first: Sequence[str], second: Sequence[str]) -> float:
    """How much two partitions of the same items have in common beyond chance (Vinh, Epps and Bailey
    2010), from scikit-learn; 1 is the same partition.

    Returns:
        At most 1. 0 where nothing beyond chance can show: fewer than two items, one of them puts
        all items together, or both put every item alone (scikit-learn: 1 when both are alike).
    """
    from sklearn.metrics import adjusted_mutual_info_score

    sizes = len(set(first)), len(set(second))
    if min(sizes) < 2 or min(sizes) == len(first):
        return 0.0
    return _rounded(adjusted_mutual_info_score(list(first), list(second)))


def _rounded(value: float) -> float:
    return round(float(value), DIGITS)
