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

from gcai_ray.report import (
    conflicts,
    evaluation,
    figures,
    phrases,
    prose,
    standing,
    training,
    votes,
)
from gcai_ray.report.content import ClusterPoint, RejectCount, ReportContent
from gcai_ray.report.limits import limits
from gcai_ray.report.summary import summary
from gcai_ray.report.terms import plural, terms_of
from gcai_ray.schemas import ChosenPrinciple, GroupCoverage, Kind

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
    conflicts.conflict_words,
    conflicts.named,
    conflicts.oppositions,
    conflicts.pair_words,
    conflicts.place_words,
    conflicts.sorted_unheard,
    conflicts.unheard_name,
    conflicts.unheard_words,
    conflicts.wish_words,
    standing.mark_words,
    standing.standing_words,
    summary,
    phrases.as_sentence,
    phrases.count_name,
    phrases.field_words,
    prose.engine_words,
    prose.lead_words,
    prose.status_words,
    prose.bar_words,
    prose.interval_meaning,
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
    figures.figure_scale,
    figures.share_scale,
    figures.coverage_scale,
    training.chart_title,
    training.held_out_words,
    training.loading_lines,
    training.numbers_of,
    training.objectives_of,
    training.refusal_words,
    training.rejects_of,
    training.taught_rows,
    training.tuned_words,
)


def render_html(content: ReportContent) -> str:
    """The report as one HTML document, to be written as UTF-8; depends on no row order."""
    parts = prose.parts_of(content.constitution)
    style, script = _style(content), _asset("map.js")
    return (
        environment()
        .get_template("page.html.j2")
        .render(
            content=content,
            parts=parts,
            style=Markup(style),
            script=Markup(script),
            policy=policy(style, script),
            scale=figures.support_scale(parts),
            group_scale=figures.group_scale(parts),
            map=figures.map_of(content.points, content.clusters, content.constitution),
            clusters=sorted_clusters(content),
            kinds_on_map=[
                kind
                for kind in Kind
                if any(m.kind == kind for m in (*content.points, *content.clusters))
            ],
            answers=evaluation.answers_of(content.measures),
            gaps=evaluation.not_measured(content.measures),
            nothing_measured=prose.nothing_measured(content.constitution),
            group_coverage=sorted_groups(content),
            returns={back.principle_id: back for back in content.returns},
            fragile=standing.fragile_words(content.constitution, content.returns),
            rejects=sorted_rejects(content),
            timed=any(stage.seconds is not None for stage in content.stages),
            terms=terms_of(content.constitution),
            whole=figures.WHOLE,
            polled=votes.is_polled(content.constitution),
            taught_heading=training.HEADING,
            taught_introduction=training.INTRODUCTION,
            taught_by=training.TAUGHT,
            taught_unproven=training.UNPROVEN,
            follows=training.FOLLOWS,
        )
    )


def sorted_clusters(content: ReportContent) -> list[ClusterPoint]:
    """Clusters by falling number of people; the order `figures.map_of` numbers them in."""
    return sorted(content.clusters, key=lambda c: (-c.num_people, c.principle_id))


def sorted_groups(content: ReportContent) -> list[GroupCoverage]:
    """Groups of people by name and value."""
    return sorted(content.group_coverage, key=lambda g: (g.name, g.value))


def sorted_rejects(content: ReportContent) -> list[RejectCount]:
    """Reasons for rejection by falling count."""
    return sorted(content.rejects, key=lambda r: (-r.count, r.stage, r.reason))


def different_people(principle: ChosenPrinciple) -> bool:
    """Whether no two quotes of a principle come from one person."""
    return len({item.annotator_id for item in principle.evidence}) == len(principle.evidence)


@cache
def environment() -> Environment:
    """What every page of ours is rendered with: text escaped and stripped, nothing undefined."""
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


def _style(content: ReportContent) -> str:
    """A page without training is no longer for it."""
    return _asset("page.css") + (_asset("training.css") if content.training else "")


def _asset(name: str) -> str:
    return (HERE / name).read_text(encoding="utf-8")


def policy(style: str, script: str = "") -> str:
    """The Content-Security-Policy of a page that runs its own style and script, loads nothing."""
    sources = (f"style-src {_digest(style)}", f"script-src {_digest(script)}", "img-src data:")
    return "; ".join(("default-src 'none'", *sources, "base-uri 'none'", "form-action 'none'"))


def _digest(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
