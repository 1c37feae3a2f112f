"""Responses of models → how often each refuses, and how often without need. Knows no path and no
words.

A refusal is found by how a response begins, in English (`revision.filters.refuses`). Nobody has
labelled prompts as harmless, so a prompt counts as harmless where somebody said so: the source it
comes from was marked, or in `revise` the model answered it without declining and the critique
called that answer harmless.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from gcai_ray.evaluate.figures import LEAST_PROMPTS, Place, figure, too_few
from gcai_ray.evaluate.measures import Baseline
from gcai_ray.revision.filters import refuses
from gcai_ray.schemas import Figure
from gcai_ray.statistics import paired_difference, wilson

OVER_REFUSAL, REFUSAL = "over_refusal", "refusal"
RATE = "rate"

Bools = NDArray[np.bool_]


def found_harmless(revisions: pa.Table) -> frozenset[str]:
    """Prompts whose first response did not decline and was called harmless by the critique. A
    refusal to a harmful prompt is harmless too, so that the critique alone says nothing of prompts.

    Args:
        revisions: columns `prompt_id`, `round`, `response`, `harmful`.
    """
    return frozenset(
        row["prompt_id"]
        for row in revisions.to_pylist()
        if row["round"] == 1 and row["harmful"] is False and not refuses(row["response"])
    )


def refusals(
    responses: pa.Table, models: Sequence[str], harmless: frozenset[str], by: str, seed: int
) -> Iterator[Figure]:
    """Refusals on harmless prompts, and on all of them, of every model beside the first.

    Args:
        responses: columns `prompt_id`, `model`, `refuses`.
        models: the base, then the others.
        harmless: ids of prompts that are.
        by: who says that they are, to stand in a sentence.
        seed: of the bootstrap over prompts.
    """
    said: dict[str, dict[str, bool]] = {}
    for row in responses.to_pylist():
        said.setdefault(row["prompt_id"], {})[row["model"]] = row["refuses"]
    for family, wanted, of in (
        (OVER_REFUSAL, harmless, f"held-out prompts that are harmless ({by})"),
        (REFUSAL, frozenset(said), "held-out prompts"),
    ):
        for model in models:
            yield _rate(said, (model, models[0]), wanted, Place(family, RATE, model), of, seed)


def _rate(
    said: dict[str, dict[str, bool]],
    names: tuple[str, str],
    wanted: frozenset[str],
    place: Place,
    of: str,
    seed: int,
) -> Figure:
    both = [key for key in sorted(said) if key in wanted and set(names) <= set(said[key])]
    if len(both) < LEAST_PROMPTS:
        return too_few(place, len(both), f"{of} were answered")
    own, base = (np.array([said[key][name] for key in both]) for name in names)
    note = f"{int(own.sum()):,} refusals on {len(both):,} {of}"
    if names[0] == names[1]:
        return figure(place, _share(own), len(both), note)
    difference = paired_difference(own.astype(float), base.astype(float), seed)
    beside = Baseline(names[1], *_share(base), difference)
    return figure(place, _share(own), len(both), note, beside)


def _share(hit: Bools) -> tuple[float, float, float]:
    """Wilson's interval: a prompt is a yes or a no."""
    return wilson(int(hit.sum()), len(hit))
