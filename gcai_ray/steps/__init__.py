"""What each stage reads and writes: datasets from artifacts, through a stage's functions, into an
artifact's writer.

The only place where stages meet artifacts. The order of the steps stands in `pipeline`.
"""

from gcai_ray.steps.answering import answer, answer_settings
from gcai_ray.steps.asking import asking_settings, asks_a_model, baseline_config
from gcai_ray.steps.assessing import assess
from gcai_ray.steps.constitution import ratify
from gcai_ray.steps.evaluation import evaluate
from gcai_ray.steps.lookup import Inputs
from gcai_ray.steps.principles import distill, embed, extract, vote
from gcai_ray.steps.prompting import constitution_settings, prompts, prompts_settings
from gcai_ray.steps.reading import ingest, salt, source_settings
from gcai_ray.steps.reporting import report
from gcai_ray.steps.revising import revise
from gcai_ray.steps.tuning import tune, tune_settings

__all__ = [
    "Inputs",
    "answer",
    "answer_settings",
    "asking_settings",
    "asks_a_model",
    "assess",
    "baseline_config",
    "constitution_settings",
    "distill",
    "embed",
    "evaluate",
    "extract",
    "ingest",
    "prompts",
    "prompts_settings",
    "ratify",
    "report",
    "revise",
    "salt",
    "source_settings",
    "tune",
    "tune_settings",
    "vote",
]
