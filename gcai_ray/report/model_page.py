"""The content of a tuned model's report → one HTML file that needs no network and runs no script.

Rendered with the report's environment, style and Content-Security-Policy (`page`), so that hostile
text is escaped, stripped and isolated by the same rules. Knows no path.
"""

from __future__ import annotations

from pathlib import Path

from markupsafe import Markup

from gcai_ray.report import model_prose as prose
from gcai_ray.report import model_words as words
from gcai_ray.report.figures import WHOLE
from gcai_ray.report.model_content import ModelContent
from gcai_ray.report.page import environment, policy

HERE = Path(__file__).parent


def render_model(content: ModelContent) -> str:
    """The report as one HTML document, to be written as UTF-8."""
    style = "".join((HERE / name).read_text(encoding="utf-8") for name in ("page.css", "model.css"))
    spoken = (
        words.headline,
        words.summary_rows,
        words.refusal_rows,
        words.length_rows,
        words.position_rows,
        prose.example_words,
    )
    return (
        environment()
        .get_template("model.html.j2")
        .render(
            content=content,
            title=f"{content.base_model}, tuned to {content.constitution.title}",
            style=Markup(style),
            policy=policy(style),
            whole=WHOLE,
            bouts=words.bouts_of(content),
            principles={one.id: one for one in content.constitution.principles},
            benchmarks=words.benchmark_rows(content),
            absent=words.missing_themes(content),
            missing=words.gaps(content),
            limits_of=prose.limits,
            how=prose.HOW,
            longer=prose.LONGER,
            refusing=prose.REFUSING,
            length=prose.LENGTH,
            order=prose.ORDER,
            harness=prose.BENCHMARKS,
            examples=prose.EXAMPLES,
            **{word.__name__: word for word in spoken},
        )
    )
