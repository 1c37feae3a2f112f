"""A comparison → one HTML file that needs no network and runs no script. Knows no path.

Rendered with the report's environment, style and Content-Security-Policy (`report.page`), so that
hostile text is escaped, stripped and isolated by the same rules.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import chain
from pathlib import Path

from jinja2 import ChoiceLoader, FileSystemLoader
from markupsafe import Markup

from gcai_ray.comparison import words
from gcai_ray.comparison.build import Comparison, Polled
from gcai_ray.comparison.themes import THEMES
from gcai_ray.report.figures import Scale, scale_for
from gcai_ray.report.page import HERE as REPORT
from gcai_ray.report.page import environment, policy

HERE = Path(__file__).parent
LIMITS = (
    (
        "Covered is not approved",
        "A clause near a principle shows that a person spoke of it, not that they would sign it. "
        "Only a ballot shows that.",
    ),
    (
        "A published list was written for another purpose",
        "Instructions to a model, or rules for raters, are worded unlike what people say of one "
        "answer. Part of a gap in coverage is wording.",
    ),
    (
        "Where the people come from decides",
        "The figures hold for the people of the run named above each. People asked about other "
        "prompts would say other things.",
    ),
    (
        "Shares of themes count principles, not weight",
        "A principle that names three themes is counted under one, and a constitution that says "
        "one thing in four ways counts it four times.",
    ),
    (
        "Intervals",
        "95 % intervals are over people; of random clauses, the range that 95 % of draws fall in. "
        "Differences are taken over the same people, so they may be clear where two intervals "
        "overlap.",
    ),
)


def render_comparison(comparison: Comparison) -> str:
    """The comparison as one HTML document, to be written as UTF-8."""
    style = _asset(REPORT / "page.css") + _asset(HERE / "compare.css")
    loader = ChoiceLoader([FileSystemLoader(HERE), FileSystemLoader(REPORT)])
    spoken = {
        word.__name__: word
        for word in (
            words.label,
            words.about,
            words.gap_words,
            words.gist_words,
            words.triple_words,
            words.difference_words,
            words.range_words,
            words.pair_words,
            words.also_words,
            words.whose_words,
            words.home_words,
            words.unmatched,
        )
    }
    return (
        environment()
        .overlay(loader=loader)
        .get_template("compare.html.j2")
        .render(
            comparison=comparison,
            style=Markup(style),
            policy=policy(style),
            descriptions=THEMES,
            limits=LIMITS,
            alone=words.ALONE,
            how_matched=words.HOW_MATCHED,
            how_themed=words.HOW_THEMED,
            opposed=words.OPPOSED,
            scale_of=_scale_of,
            pairs=zip,
            nb=_unbroken,
            **spoken,
        )
    )


def _scale_of(polled: Polled) -> Scale:
    shown: Iterable[tuple[float, ...]] = chain.from_iterable(
        (row.share, row.random or ()) for row in polled.rows
    )
    return scale_for(chain.from_iterable(shown))


def _unbroken(text: str) -> str:
    return text.replace(" ", "\u00a0")


def _asset(path: Path) -> str:
    return path.read_text(encoding="utf-8")
