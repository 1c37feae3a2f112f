"""A constitution and its evidence → an HTML file and Markdown. Knows no stage, artifact or path."""

from gcai_ray.report.content import (
    Asked,
    ClusterPoint,
    Conflict,
    Facts,
    MapPoint,
    PairExcerpt,
    Place,
    Poll,
    RejectCount,
    ReportContent,
    StageFacts,
    TaughtPrinciple,
    Training,
    Tuning,
)
from gcai_ray.report.markdown import constitution_markdown, render_markdown
from gcai_ray.report.markdown_model import render_model_markdown
from gcai_ray.report.model_content import ContestExample, ModelContent
from gcai_ray.report.model_page import render_model
from gcai_ray.report.page import render_html

__all__ = [
    "Asked",
    "ClusterPoint",
    "Conflict",
    "ContestExample",
    "Facts",
    "MapPoint",
    "ModelContent",
    "PairExcerpt",
    "Place",
    "Poll",
    "RejectCount",
    "ReportContent",
    "StageFacts",
    "TaughtPrinciple",
    "Training",
    "Tuning",
    "constitution_markdown",
    "render_html",
    "render_markdown",
    "render_model",
    "render_model_markdown",
]
