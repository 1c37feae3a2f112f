"""`training_pairs` and the constitution → an adapter and its `metrics`."""

from __future__ import annotations

from typing import Any

from gcai_ray.artifact_writer import ArtifactWriter
from gcai_ray.config import Config
from gcai_ray.steps.lookup import Inputs


def tune(config: Config, inputs: Inputs, writer: ArtifactWriter) -> None:
    """To be written."""
    raise NotImplementedError


def tune_settings(config: Config) -> dict[str, Any]:
    """What of `tune` decides the weights."""
    raise NotImplementedError
