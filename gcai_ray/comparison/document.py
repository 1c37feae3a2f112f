"""A comparison → one JSON document with every figure. Knows no file."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from gcai_ray.comparison.build import SEED, Compared, Comparison, Pair, Polled
from gcai_ray.comparison.matching import Nearest
from gcai_ray.comparison.themes import THEME_COSINE, THEMES
from gcai_ray.comparison.words import label, unmatched
from gcai_ray.same_meaning import SAME_COSINE
from gcai_ray.statistics import DIGITS, Triple


def comparison_document(comparison: Comparison) -> dict[str, Any]:
    """Everything a script may want. Shares are 0 to 1; figures are `value`, `low`, `high`."""
    return {
        "settings": {
            "same_cosine": SAME_COSINE,
            "theme_cosine": THEME_COSINE,
            "seed": SEED,
            "theme_descriptions": {name: list(texts) for name, texts in THEMES.items()},
        },
        "constitutions": [
            _constitution(place, comparison) for place in range(len(comparison.constitutions))
        ],
        "pairs": [_pair(pair, comparison) for pair in comparison.pairs],
        "coverage": [_polled(polled, comparison) for polled in comparison.polled],
    }


def _constitution(number: int, comparison: Comparison) -> dict[str, Any]:
    one = comparison.constitutions[number]
    listed = one.listed
    return {
        "letter": one.letter,
        "name": listed.name,
        "origin": listed.origin,
        "num_repeats_left_out": listed.num_repeats,
        "principles": [
            {"label": label(one, place), "text": text, "kind": kind, "theme": theme}
            for place, (text, kind, theme) in enumerate(
                zip(listed.texts, listed.kinds, one.themes, strict=True)
            )
        ],
        "only_here": [label(one, place) for place in unmatched(comparison, number)],
        "themes": {
            theme: {
                "count": one.count(theme),
                "share": round(one.count(theme) / one.num_principles, DIGITS),
            }
            for theme in comparison.themes
        },
    }


def _pair(pair: Pair, comparison: Comparison) -> dict[str, Any]:
    first, second = comparison.constitutions[pair.first], comparison.constitutions[pair.second]
    matching = pair.matching
    return {
        "first": first.letter,
        "second": second.letter,
        "matched": [
            {
                "first": label(first, match.first),
                "second": label(second, match.second),
                "cosine": match.cosine,
                "opposed": match.opposed,
            }
            for match in matching.matches
        ],
        "also_near_first": [_nearest(left, first, second) for left in matching.also_first],
        "also_near_second": [_nearest(left, second, first) for left in matching.also_second],
        "only_first": [_nearest(left, first, second) for left in matching.only_first],
        "only_second": [_nearest(left, second, first) for left in matching.only_second],
    }


def _nearest(left: Nearest, own: Compared, other: Compared) -> dict[str, Any]:
    return {
        "label": label(own, left.place),
        "nearest": label(other, left.nearest),
        "cosine": left.cosine,
    }


def _polled(polled: Polled, comparison: Comparison) -> dict[str, Any]:
    listed = comparison.constitutions
    rows = [
        {"letter": one.letter} | {name: _figure(value) for name, value in asdict(row).items()}
        for one, row in zip(listed, polled.rows, strict=True)
    ]
    return {
        "people_of": listed[polled.owner].letter,
        "made_from_their_words": [listed[place].letter for place in polled.home],
        "held_out_reasons_only": polled.held_out,
        "num_people": polled.num_people,
        "match_threshold": {str(kind): cosine for kind, cosine in polled.threshold.items()},
        "equal_size": polled.equal_size,
        "equal_random": _figure(polled.equal_random),
        "rows": rows,
    }


def _figure(value: int | Triple | None) -> Any:
    if not isinstance(value, tuple):
        return value
    return dict(zip(("value", "low", "high"), value, strict=True))
