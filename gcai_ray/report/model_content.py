"""What the report of a tuned model is made of: one frozen value that `model_page` and
`markdown_model` render. Knows no artifact, path or template, and carries no time stamp.
"""

from __future__ import annotations

from pydantic import Field

from gcai_ray.report.content import RejectCount
from gcai_ray.schemas import Constitution, ContestOutcome, Figure, Id, Row


class ContestExample(Row):
    """One contest with its words, drawn by lot."""

    prompt: str
    principle_id: Id
    response: str = Field(description="of the model")
    other: str = Field(description="of the model it is held against")
    outcome: ContestOutcome


class ModelContent(Row):
    """Everything `render_model` and `render_model_markdown` show."""

    constitution: Constitution
    report: str | None = Field(
        default=None, description="file name of the constitution's report beside; null: none"
    )
    base_model: str
    method: str = Field(description="`lora` or `full`")
    rank: int | None = Field(default=None, description="of a LoRA adapter")
    artifact: str = Field(description="directory of the tuned model under the run's root")
    judge: str = Field(description="identity of the model that judged")
    models: list[str] = Field(description="the base, the run's own, others")
    opponents: list[tuple[str, str]]
    num_prompts: int = Field(ge=0, description="held-out prompts that were asked")
    num_multi: int = Field(ge=0, description="those of several turns of a person")
    num_cut: int = Field(ge=0, description="responses that end at the token limit")
    temperature: float
    max_response_tokens: int
    figures: list[Figure]
    themes: dict[Id, str]
    examples: list[ContestExample]
    rejects: list[RejectCount]
    versions: dict[str, str]
