"""A report's content → one HTML file that needs no network and no JavaScript. Knows no path.

People's text is hostile: autoescaped, stripped of unprintable code points, isolated in `<bdi>`.
The Content-Security-Policy lets nothing run but the page's own style and script.
"""

from __future__ import annotations

import base64
import hashlib
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from gcai_ray.report import figures, phrases, prose, votes
from gcai_ray.report.content import ClusterPoint, RejectCount, ReportContent
from gcai_ray.report.limits import limits
from gcai_ray.report.terms import plural, terms_of
from gcai_ray.schemas import ChosenPrinciple, Kind

HERE = Path(__file__).parent
WORDS = (
    phrases.count,
    phrases.people,
    phrases.people_of,
    phrases.percent,
    phrases.share_words,
    phrases.interval_words,
    phrases.tie_words,
    phrases.voice_words,
    phrases.plain_name,
    phrases.value_words,
    phrases.figure_words,
    phrases.comparison_words,
    phrases.as_sentence,
    phrases.count_name,
    phrases.field_words,
    prose.engine_words,
    prose.lead_words,
    prose.status_words,
    prose.bar_words,
    limits,
    plural,
    figures.segments,
    votes.outcomes_of,
    votes.outcome_words,
    votes.prediction_words,
    votes.vote_words,
    votes.points,
    votes.poll_words,
    votes.poll_rows,
    votes.asked_rows,
    phrases.shorten,
    phrases.excerpt,
    figures.anchor_of,
    figures.label_of,
    figures.measure_scale,
)


def render_html(content: ReportContent) -> str:
    """The report as one HTML document, to be written as UTF-8; depends on no row order."""
    parts = prose.parts_of(content.constitution)
    style, script = _asset("page.css"), _asset("map.js")
    return (
        _environment()
        .get_template("page.html.j2")
        .render(
            content=content,
            parts=parts,
            style=Markup(style),
            script=Markup(script),
            policy=_policy(style, script),
            scale=figures.support_scale(parts),
            group_scale=figures.group_scale(parts),
            map=figures.map_of(content.points, content.clusters, content.constitution),
            clusters=sorted_clusters(content),
            kinds_on_map=[
                kind
                for kind in Kind
                if any(m.kind == kind for m in (*content.points, *content.clusters))
            ],
            compared=[m for m in content.measures if m.baseline is not None],
            alone=[m for m in content.measures if m.baseline is None],
            rejects=sorted_rejects(content),
            timed=any(stage.seconds is not None for stage in content.stages),
            terms=terms_of(content.constitution),
            whole=figures.WHOLE,
            polled=votes.is_polled(content.constitution),
        )
    )


def sorted_clusters(content: ReportContent) -> list[ClusterPoint]:
    """Clusters by falling number of people; the order `figures.map_of` numbers them in."""
    return sorted(content.clusters, key=lambda c: (-c.num_people, c.principle_id))


def sorted_rejects(content: ReportContent) -> list[RejectCount]:
    """Reasons for rejection by falling count."""
    return sorted(content.rejects, key=lambda r: (-r.count, r.stage, r.reason))


def different_people(principle: ChosenPrinciple) -> bool:
    """Whether no two quotes of a principle come from one person."""
    return len({item.annotator_id for item in principle.evidence}) == len(principle.evidence)


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(HERE),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_finalize,
    )
    environment.globals.update(
        {word.__name__: word for word in WORDS}, different_people=different_people
    )
    return environment


def _finalize(value: Any) -> Any:
    return (
        phrases.printable(value)
        if isinstance(value, str) and not isinstance(value, Markup)
        else value
    )


def _asset(name: str) -> str:
    return (HERE / name).read_text(encoding="utf-8")


def _policy(style: str, script: str) -> str:
    sources = (f"style-src {_digest(style)}", f"script-src {_digest(script)}", "img-src data:")
    return "; ".join(("default-src 'none'", *sources, "base-uri 'none'", "form-action 'none'"))


def _digest(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
