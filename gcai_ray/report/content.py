"""What a report is made of: one frozen value that `page` and `markdown` render.

Knows no artifact, path or template. Carries no time stamp: the same run gives the same bytes.
"""

from __future__ import annotations

from pydantic import Field, FiniteFloat, model_validator

from gcai_ray.schemas import Constitution, Id, Kind, Measure, Reject, Row, VoteOutcome


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


class Facts(Row):
    """What made the report, without anything that changes from one run to the next."""

    engine: str
    versions: dict[str, str] = Field(
        default_factory=dict, description="name → version, e.g. `gcai-ray` → `0.1.0`"
    )


class ReportContent(Row):
    """Everything `render_html` and `render_markdown` show.

    Raises ValueError (pydantic) when a chosen cluster is not a principle of the constitution.
    """

    constitution: Constitution
    points: list[MapPoint] = Field(default_factory=list)
    clusters: list[ClusterPoint] = Field(default_factory=list)
    measures: list[Measure] = Field(default_factory=list)
    rejects: list[RejectCount] = Field(default_factory=list)
    stages: list[StageFacts] = Field(default_factory=list)
    poll: Poll | None = Field(default=None, description="null: no model voted")
    asked: list[Asked] = Field(default_factory=list, description="in the order of the stages")
    facts: Facts

    @model_validator(mode="after")
    def _chosen_clusters_are_principles(self) -> ReportContent:
        known = {principle.id for principle in self.constitution.principles}
        missing = sorted(
            c.principle_id for c in self.clusters if c.chosen and c.principle_id not in known
        )
        if missing:
            raise ValueError(
                f"clusters marked chosen but not in the constitution: {', '.join(missing)}"
            )
        return self
