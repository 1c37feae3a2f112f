"""What a report is made of: one frozen value that `page` and `markdown` render.

Knows no artifact, path or template. Carries no time stamp: the same run gives the same bytes.
"""

from __future__ import annotations

from pydantic import Field, FiniteFloat, model_validator

from gcai_ray.schemas import (
    Constitution,
    Contradiction,
    GroupCoverage,
    Id,
    Kind,
    Measure,
    Metric,
    Reject,
    Return,
    Row,
    VoteOutcome,
)


class MapPoint(Row):
    """One candidate on the 2-D map. Sample them upstream: about 3,000 keep the page under 2 MB."""

    x: FiniteFloat
    y: FiniteFloat
    text: str
    kind: Kind
    principle_id: Id = Field(description="the cluster it belongs to")


class ClusterPoint(Row):
    """One cluster on the 2-D map, by the principle that reads it."""

    principle_id: Id
    x: FiniteFloat
    y: FiniteFloat
    text: str
    kind: Kind
    num_members: int = Field(ge=0)
    num_people: int = Field(ge=0)
    chosen: bool = Field(description="whether the constitution holds this principle")


class RejectCount(Row):
    """Rows set aside by one stage for one reason, with an example."""

    stage: str
    reason: str
    count: int = Field(ge=0)
    example: Reject | None = None


class StageFacts(Row):
    """What one stage wrote, for the table of how the constitution was made."""

    name: str
    num_rows: int = Field(ge=0)
    num_rejects: int = Field(default=0, ge=0)
    seconds: float | None = Field(
        default=None, description="not rendered when null; null keeps the bytes reproducible"
    )
    artifact: str = Field(description="directory under the run's root")
    fingerprint: str
    counts: dict[str, int] = Field(
        default_factory=dict, description="further counts, e.g. `duplicates_collapsed`"
    )


class Poll(Row):
    """All votes of a model on all contextual principles, chosen or not."""

    num_votes: int = Field(ge=1)
    outcomes: dict[VoteOutcome, int]
    num_flips_to_first: int = Field(ge=0, description="named the answer shown first both times")
    num_flips_to_second: int = Field(ge=0, description="named the answer shown second both times")


class Asked(Row):
    """What one stage asked a model, and what that took."""

    stage: str
    num_questions: int = Field(ge=0)
    num_repeated_questions: int = Field(ge=0, description="rows whose question was asked already")
    num_attempts: int = Field(ge=0)
    num_prompt_tokens: int = Field(ge=0)
    num_cached_tokens: int = Field(ge=0)
    num_completion_tokens: int = Field(ge=0)
    num_unusable_replies: int = Field(ge=0)


class Place(Row):
    """Where a row stands in the input."""

    source_file: str
    source_row: int = Field(ge=1)


class PairExcerpt(Row):
    """One pair of answers as a contradiction shows it: what was asked, and where people's choices
    between the two answers stand.
    """

    prompt: str
    places: list[Place]


class Conflict(Row):
    """A contradiction between two principles, with a few of its very pairs."""

    found: Contradiction
    pairs: list[PairExcerpt] = Field(default_factory=list)


class Facts(Row):
    """What made the report, without anything that changes from one run to the next."""

    engine: str
    versions: dict[str, str] = Field(
        default_factory=dict, description="name → version, e.g. `gcai-ray` → `0.1.0`"
    )


class TaughtPrinciple(Row):
    """Pairs that rest on one principle; a pair of several rounds may rest on several."""

    principle_id: Id
    num_by_revision: int = Field(ge=0)
    num_by_comparison: int = Field(ge=0)


class Tuning(Row):
    """A model that was tuned to the constitution, and how that went."""

    base_model: str
    method: str = Field(description="`lora` or `full`")
    rank: int | None = Field(default=None, description="of a LoRA adapter")
    artifact: str = Field(description="directory under the run's root")
    metrics: list[Metric] = Field(description="what the figures show; nothing about speed")


class Training(Row):
    """Pairs made by the constitution, and the model tuned on them, if one was."""

    num_prompts: int = Field(ge=0)
    num_prompts_held_out: int = Field(ge=0)
    num_revisions: int = Field(ge=0, description="rounds that came to a revision")
    num_harmless: int = Field(ge=0, description="rounds whose critique said: harmless")
    num_over_refusals: int = Field(ge=0, description="refusals among those")
    num_pairs: int = Field(ge=0)
    num_pairs_by_revision: int = Field(ge=0)
    num_pairs_by_comparison: int = Field(ge=0)
    num_pairs_held_out: int = Field(ge=0)
    principles: list[TaughtPrinciple]
    rejects: list[RejectCount]
    tuning: Tuning | None = None
    assessed: str | None = Field(
        default=None, description="file beside that says whether the model follows it, as HTML"
    )


class ReportContent(Row):
    """Everything `render_html` and `render_markdown` show.

    Raises ValueError (pydantic) when a chosen cluster, a contradiction, a return or a pair names no
    principle of the constitution.
    """

    constitution: Constitution
    points: list[MapPoint] = Field(default_factory=list)
    clusters: list[ClusterPoint] = Field(default_factory=list)
    measures: list[Measure] = Field(default_factory=list)
    contradictions: list[Conflict] = Field(default_factory=list)
    returns: list[Return] = Field(default_factory=list)
    group_coverage: list[GroupCoverage] = Field(default_factory=list)
    rejects: list[RejectCount] = Field(default_factory=list)
    stages: list[StageFacts] = Field(default_factory=list)
    poll: Poll | None = Field(default=None, description="null: no model voted")
    asked: list[Asked] = Field(default_factory=list, description="in the order of the stages")
    training: Training | None = Field(default=None, description="null: nobody was taught")
    facts: Facts

    @model_validator(mode="after")
    def _named_principles_are_chosen(self) -> ReportContent:
        found = (conflict.found for conflict in self.contradictions)
        named = {
            "clusters marked chosen": [c.principle_id for c in self.clusters if c.chosen],
            "principles of contradictions": [
                i for one in found for i in (one.principle_id, one.other_id)
            ],
            "principles of returns": [back.principle_id for back in self.returns],
            "principles of pairs": _taught(self.training),
        }
        known = {principle.id for principle in self.constitution.principles}
        for what, ids in named.items():
            if missing := sorted(set(ids) - known):
                raise ValueError(f"{what} but not in the constitution: {', '.join(missing)}")
        return self


def _taught(training: Training | None) -> list[str]:
    return [one.principle_id for one in training.principles] if training else []
