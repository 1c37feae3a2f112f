"""YAML → one frozen `Config`. Unknown keys are refused with the nearest valid name. Knows no stage
and opens no data.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal, get_args

from pydantic import Field, model_validator

from gcai_ray.assess_config import AssessConfig
from gcai_ray.engine_config import AnyEngine, EngineConfig, ExtractiveEngine
from gcai_ray.schemas import Choice
from gcai_ray.section import Section
from gcai_ray.training_config import PromptsConfig, ReviseConfig, TuneConfig
from gcai_ray.yaml_file import read_yaml, validated

SourceName = Annotated[str, Field(pattern=r"^[A-Za-z0-9_.-]+$")]
Share = Annotated[float, Field(ge=0, le=1)]


class PreferenceColumns(Section):
    """Which column of a table holds what, for preferences."""

    prompt: str
    response_a: str
    response_b: str
    preferred: str
    reason: str | None = None
    annotator: str | None = None
    id: str | None = None
    groups: tuple[str, ...] = ()
    values: dict[str, Choice] = Field(default_factory=lambda: {str(c): c for c in Choice})


class StatementColumns(Section):
    """Which column of a table holds what, for value statements."""

    text: str
    question: str | None = None
    annotator: str | None = None
    id: str | None = None
    groups: tuple[str, ...] = ()


class TabularSource(Section):
    """A table of one's own: CSV, TSV, JSON Lines or Parquet, told apart by the ending of `path` (a
    glob is allowed).

    `people`: sources that give it the same value name the same people by the same ids; without it,
    ids are a source's own.
    """

    name: SourceName
    format: Literal["tabular"]
    people: SourceName | None = None
    path: str
    delimiter: Annotated[str, Field(min_length=1, max_length=1)] | None = None
    preferences: PreferenceColumns | None = None
    statements: StatementColumns | None = None

    @model_validator(mode="after")
    def _gives_something(self) -> TabularSource:
        if self.preferences is None and self.statements is None:
            raise ValueError(
                f"source '{self.name}' needs `preferences:` or `statements:` with the column names"
            )
        return self


class PresetSource(Section):
    """A file in a published format whose columns are known."""

    name: SourceName
    format: Literal["hh_rlhf", "helpsteer2", "helpsteer3", "icai", "annotated_pairs"]
    people: SourceName | None = None
    path: str


class PolisSource(Section):
    """A Polis export: comments with their counts of votes, and optionally the votes themselves."""

    name: SourceName
    format: Literal["polis"]
    people: SourceName | None = None
    comments: str
    votes: str | None = None


class PrismSource(Section):
    """The PRISM Alignment dataset: survey, conversations and utterances as JSON Lines."""

    name: SourceName
    format: Literal["prism"]
    people: SourceName | None = None
    survey: str
    conversations: str
    utterances: str | None = None


Source = Annotated[
    TabularSource | PresetSource | PolisSource | PrismSource, Field(discriminator="format")
]


class RayConfig(Section):
    """Where it runs. Never part of a fingerprint."""

    num_cpus: Annotated[int, Field(ge=1)] | None = None
    object_store_memory_gb: Annotated[float, Field(gt=0.1)] = 1.0


class IngestConfig(Section):
    """Reading and splitting of the sources."""

    test_share: Share = 0.2
    max_cell_chars: Annotated[int, Field(ge=100)] = 200_000
    max_rejected_share: Share = 0.5


class DistillConfig(Section):
    """Clustering of candidates. A number of clusters left out is chosen from the data.

    `num_shown`: members of a cluster a model reads to sum it up.
    """

    num_contextual_clusters: Annotated[int, Field(ge=2)] | None = None
    num_general_clusters: Annotated[int, Field(ge=2)] | None = None
    num_shown: Annotated[int, Field(ge=2, le=100)] = 20


class VoteConfig(Section):
    """Matching of a person's clauses to principles (`max_chance_match`: the share of unrelated
    clauses that may match by chance), and, with a model, the votes of principles on pairs.
    """

    max_chance_match: Annotated[float, Field(gt=0, lt=0.5)] = 0.01
    num_pairs: Annotated[int, Field(ge=1)] = 1000
    principles_per_question: Annotated[int, Field(ge=1, le=100)] = 40


class RatifyConfig(Section):
    """Choosing the constitution. `floor`: places of each kind reserved for groups that would
    otherwise not be represented; `ballots`: a file of people's votes on it, which ratifies it.
    """

    title: str | None = None
    num_contextual: Annotated[int, Field(ge=0)] = 5
    num_general: Annotated[int, Field(ge=0)] = 5
    min_people: Annotated[int, Field(ge=1)] = 2
    min_group_size: Annotated[int, Field(ge=1)] = 5
    num_quotes: Annotated[int, Field(ge=1, le=20)] = 5
    floor: Annotated[int, Field(ge=0)] = 0
    ballots: str | None = None


class EvaluateConfig(Section):
    """Measuring the constitution. `icai`: also run the ICAI baseline on the same data, where a
    model is asked; it doubles what the run asks. `num_resamples`: repetitions for stability.
    """

    num_pairs: Annotated[int, Field(ge=1)] = 500
    icai: bool = True
    num_resamples: Annotated[int, Field(ge=0, le=1000)] = 20


class Config(Section):
    """One run: where the data come from, where artifacts go, and how each stage works.

    `constitution`: a `constitution.json` to tune to, instead of sources to make one from.
    """

    name: str
    root: str
    seed: int = 0
    sources: tuple[Source, ...] = ()
    constitution: str | None = None
    mode: Literal["gcai", "icai"] = "gcai"
    engine: EngineConfig = ExtractiveEngine()
    ray: RayConfig = RayConfig()
    ingest: IngestConfig = IngestConfig()
    distill: DistillConfig = DistillConfig()
    vote: VoteConfig = VoteConfig()
    ratify: RatifyConfig = RatifyConfig()
    evaluate: EvaluateConfig = EvaluateConfig()
    prompts: PromptsConfig | None = None
    revise: ReviseConfig = ReviseConfig()
    tune: TuneConfig | None = None
    assess: AssessConfig | None = None

    @model_validator(mode="after")
    def _has_a_constitution_or_makes_one(self) -> Config:
        if bool(self.sources) == (self.constitution is not None):
            found = "both" if self.sources else "neither"
            raise ValueError(
                "give either `sources` to make a constitution from, or `constitution`, the path "
                f"of a constitution.json to tune to (found {found})"
            )
        if self.constitution is not None and self.prompts is None:
            raise ValueError("`constitution` needs `prompts` to tune on")
        return self

    @model_validator(mode="after")
    def _tuning_needs_prompts_and_a_model(self) -> Config:
        if self.tune is not None and self.prompts is None:
            raise ValueError("`tune` needs `prompts` to tune on")
        if self.prompts is not None and self.engine.name == "extractive":
            raise ValueError("`prompts` are for a model to answer and revise: set `engine`")
        return self

    @model_validator(mode="after")
    def _assessing_needs_a_tuned_model(self) -> Config:
        if self.assess is None:
            return self
        if self.tune is None or self.prompts is None:
            raise ValueError("`assess` needs `tune`: there is no model to assess")
        if not self.prompts.test_share:
            raise ValueError("`assess` needs held-out prompts: prompts.test_share is 0")
        known = [source.name for source in self.prompts.sources]
        unknown = sorted(set(self.assess.harmless) - set(known))
        if unknown:
            raise ValueError(
                f"assess.harmless: there is no source of prompts '{unknown[0]}' "
                f"(prompts.sources: {', '.join(known)})"
            )
        return self

    @model_validator(mode="after")
    def _icai_needs_a_model(self) -> Config:
        if self.mode == "icai" and self.engine.name == "extractive":
            raise ValueError("mode 'icai' reads no reasons, so it needs a model: set `engine`")
        return self

    @model_validator(mode="after")
    def _source_names_differ(self) -> Config:
        names = [source.name for source in self.sources]
        doubles = sorted({name for name in names if names.count(name) > 1})
        if doubles:
            raise ValueError(f"two sources are named '{doubles[0]}': rename one")
        return self


def load_config(path: str | Path, overrides: tuple[str, ...] = ()) -> Config:
    """Read a YAML file, apply `a.b=c` overrides (values are read as YAML) and validate.

    Raises:
        ConfigError: naming the file, the key, the value seen and the likely fix.
    """
    raw = read_yaml(path, overrides, "name, root, sources, …")
    return parse_config(raw, str(path))


def parse_config(raw: dict[str, Any], origin: str) -> Config:
    """Validate a configuration already read; `origin` names it in errors."""
    return validated(Config, raw, origin, _tags)


def _tags(key: str) -> list[str]:
    """What `engine.name` or the `format` of a source may be."""
    kinds = get_args(AnyEngine if key == "name" else get_args(Source)[0])
    return [tag for kind in kinds for tag in get_args(kind.model_fields[key].annotation)]
