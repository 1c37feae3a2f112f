"""Everything → the report."""

from __future__ import annotations

from gcai_ray.artifact_writer import ArtifactWriter
from gcai_ray.config import Config
from gcai_ray.steps.lookup import Inputs


def report(config: Config, inputs: Inputs, writer: ArtifactWriter) -> None:
    """Everything → `report.html` and `report.md`, where the run has made a constitution; and
    `model.html` and `model.md`, where it has assessed a model tuned to one.
    """
    if "ratify" in inputs:
        from gcai_ray.report import render_html, render_markdown
        from gcai_ray.report_content import report_content

        content = report_content(inputs)
        writer.write_document("report.html", render_html(content).encode())
        writer.write_document("report.md", render_markdown(content).encode())
    if "assess" in inputs:
        from gcai_ray.report import render_model, render_model_markdown
        from gcai_ray.report_models import model_content

        told = model_content(inputs)
        writer.write_document("model.html", render_model(told).encode())
        writer.write_document("model.md", render_model_markdown(told).encode())
