"""What assessing tuned models finds: their responses, a judge's choices between them, figures."""

from __future__ import annotations

from enum import StrEnum

from pydantic import Field

from gcai_ray.schemas.base import Id, Row


class Response(Row):
    """What one model says to one held-out prompt."""

    prompt_id: Id
    source: str = Field(description="name of the source of prompts in the configuration")
    source_file: str
    source_row: int = Field(ge=1)
    model: str = Field(description="`base`, `tuned`, `icai`, or the name of another adapter")
    identity: str = Field(description="what is asked, never a path: the base and its adapter")
    num_turns: int = Field(ge=1, description="turns of a person in the prompt")
    text: str
    finish_reason: str | None = Field(description="`stop`, `length`, …; null when none was given")
    num_chars: int = Field(ge=0)
    refuses: bool = Field(description="whether it begins by declining, by its wording in English")


class ContestOutcome(StrEnum):
    """What two choices between two models' responses, one in each order, amount to."""

    WIN = "win"
    LOSS = "loss"
    FLIP = "flip"
    SAME = "same"
    INVALID = "invalid"


class Contest(Row):
    """Which of two models' responses to a prompt follows one principle better, by a judge."""

    prompt_id: Id
    principle_id: Id
    model: str
    against: str = Field(description="the model it is held against")
    num_turns: int = Field(ge=1, description="turns of a person in the prompt")
    num_chars: int = Field(ge=0, description="of the model's response")
    num_chars_against: int = Field(ge=0)
    a_first: str | None = Field(
        description="`a`: the model's response, or `b`, its own shown first; null: no usable reply"
    )
    b_first: str | None = Field(description="the same when the other response was shown first")
    outcome: ContestOutcome = Field(
        description="`win` and `loss` in both orders; `flip`: the choice went with the order, a "
        "tie; `same`: both say the same, nobody was asked, a tie; `invalid`: a reply is missing"
    )


class Benchmark(Row):
    """One figure of one model on one task of lm-evaluation-harness."""

    task: str
    model: str
    metric: str = Field(description="as the harness calls it; empty: not measured")
    value: float | None = Field(description="null: not measured; the note says why")
    stderr: float | None
    num_rows: int | None = Field(description="rows of the task that were asked")
    note: str


class Figure(Row):
    """One figure of a model beside one baseline. The unit is the prompt."""

    family: str = Field(
        description="adherence, over_refusal, refusal, length, position, benchmarks"
    )
    name: str
    model: str = Field(
        description="`base`, `tuned`, `icai` or another adapter; `judge`: a figure of the judge"
    )
    against: str | None = Field(description="the model it is held against; null: none")
    scope: str = Field(description="`principle`, `theme`, or `all` principles; benchmarks: `task`")
    subject: str = Field(description="id of the principle, name of the theme or task, or empty")
    prompts: str = Field(description="`all`, `single`: one turn of a person, or `multi`: several")
    value: float | None = Field(description="null: not measured; the note says why")
    low: float | None
    high: float | None
    baseline_name: str | None
    baseline: float | None
    baseline_low: float | None
    baseline_high: float | None
    difference: float | None = Field(description="value less baseline on the same prompts")
    difference_low: float | None
    difference_high: float | None
    num_prompts: int | None = Field(
        description="prompts the interval is taken over; of benchmarks, rows of the task"
    )
    note: str
