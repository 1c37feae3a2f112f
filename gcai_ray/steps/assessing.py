"""`responses` of models and the constitution → `requests`, `replies`, `contests`, `assessment`."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING

from gcai_ray.artifact_writer import ArtifactWriter
from gcai_ray.assess_config import TUNED
from gcai_ray.config import Config
from gcai_ray.schemas import ChosenPrinciple, Constitution, Figure
from gcai_ray.steps.asking import ask_and_answer, asking_of, mapped
from gcai_ray.steps.lookup import Inputs
from gcai_ray.steps.prompting import constitution_of
from gcai_ray.steps.served import wanted

if TYPE_CHECKING:
    import pyarrow as pa

    from gcai_ray.stages.assess import Tournament

STAGE = "assess"


def assess(config: Config, inputs: Inputs, writer: ArtifactWriter) -> None:
    """A judge holds the models' responses against each other, principle by principle, in both
    orders; then every figure, and those of the tuned model in short (`figures.json`).

    Raises:
        EngineError: the judge cannot be asked.
        StageError: too many replies cannot be used.
    """
    from gcai_ray.evaluate.figures import in_short
    from gcai_ray.stages.assess import answered, count_outcomes, questions

    constitution = constitution_of(config, inputs)
    responses = inputs["answer"].read("responses")
    tournament = tournament_of(responses, constitution)
    asked = inputs["prompts"].dataset("prompts")
    asking = asking_of(config, STAGE)
    ask_and_answer(
        config,
        writer,
        mapped(asked, questions, tournament, asking),
        "contests",
        lambda lookup: mapped(asked, answered, tournament, lookup),
        count_outcomes,
    )
    contests = _written(writer)
    figures = [
        *_adherence(config, contests, tournament, constitution),
        *_refusals(config, inputs, responses),
        *_benchmarks(inputs),
    ]
    writer.write_rows("assessment", figures)
    told = json.dumps(in_short(figures, TUNED), indent=2, sort_keys=True)
    writer.write_document("figures.json", f"{told}\n".encode())


def tournament_of(responses: pa.Table, constitution: Constitution) -> Tournament:
    """Who is held against whom by what: the models in the order they were asked, the principles in
    the constitution's.
    """
    from gcai_ray.stages.assess import Tournament, opponents_of

    said: dict[str, dict[str, str]] = {}
    for row in responses.select(["prompt_id", "model", "text"]).to_pylist():
        said.setdefault(row["prompt_id"], {})[row["model"]] = row["text"]
    principles = tuple((one.id, one.text) for one in ordered(constitution))
    return Tournament(opponents_of(models_in(responses)), principles, said)


def models_in(responses: pa.Table) -> list[str]:
    """Models by name: the base, the run's own, ICAI's, others by name."""
    from gcai_ray.assess_config import OURS

    names = set(responses["model"].to_pylist())
    return [*OURS[:2], *sorted(names - set(OURS[:2]), key=lambda name: (name != OURS[2], name))]


def ordered(constitution: Constitution) -> list[ChosenPrinciple]:
    """Principles as a reader sees them: contextual first, each by rank."""
    return sorted(constitution.principles, key=lambda one: (one.kind, one.rank, one.id))


def _written(writer: ArtifactWriter) -> pa.Table:
    import pyarrow as pa

    from gcai_ray.schemas import Contest, arrow_schema

    return pa.concat_tables([arrow_schema(Contest).empty_table(), *writer.tables("contests")])


def _adherence(
    config: Config, contests: pa.Table, tournament: Tournament, constitution: Constitution
) -> Iterator[Figure]:
    from gcai_ray.comparison.themes import THEMES
    from gcai_ray.evaluate import adherence, lengths

    themes = themes_by_principle(constitution)
    ids = [key for key, _ in tournament.principles]
    for names in tournament.opponents:
        scored = adherence.scored(contests, names, ids)
        yield from adherence.adherence(scored, themes, config.seed)
        yield from lengths.lengths(scored, config.seed)
    yield from adherence.missing_themes(tournament.opponents[0], themes, list(THEMES))
    yield from adherence.position(contests, config.seed)


def themes_by_principle(constitution: Constitution) -> dict[str, str]:
    """Principle id → its theme by sentence embedding, as `gcai compare` finds it."""
    import numpy as np

    from gcai_ray.comparison.text import core
    from gcai_ray.comparison.themes import described, themes_of
    from gcai_ray.stages.embed import embedded

    principles, descriptions = ordered(constitution), described()
    vectors = embedded([*descriptions, *(core(one.text) for one in principles)])
    known, own = np.split(vectors, [len(descriptions)])
    return dict(zip((one.id for one in principles), themes_of(own, known), strict=True))


def _refusals(config: Config, inputs: Inputs, responses: pa.Table) -> Iterator[Figure]:
    from gcai_ray.evaluate.refusals import found_harmless, refusals

    marked = set(wanted(config)[0].harmless)
    if marked:
        rows = responses.select(["prompt_id", "source"]).to_pylist()
        harmless = frozenset(row["prompt_id"] for row in rows if row["source"] in marked)
        by = "by their source (assess.harmless)"
    else:
        harmless = found_harmless(_revisions_of(inputs, responses))
        by = "by the model that answered and criticised them in revise"
    yield from refusals(responses, models_in(responses), harmless, by, config.seed)


def _revisions_of(inputs: Inputs, responses: pa.Table) -> pa.Table:
    """Revisions of the prompts that were asked."""
    import pyarrow as pa
    import pyarrow.compute as pc

    from gcai_ray.schemas import Revision, arrow_schema

    columns = ["prompt_id", "round", "response", "harmful"]
    asked = pc.unique(responses["prompt_id"])
    parts = inputs["revise"].tables("revisions", columns)
    found = [part.filter(pc.is_in(part["prompt_id"], asked)) for part in parts]
    return pa.concat_tables([arrow_schema(Revision, columns).empty_table(), *found])


def _benchmarks(inputs: Inputs) -> Iterator[Figure]:
    from gcai_ray.evaluate.benchmarks import figures_of

    yield from figures_of(inputs["answer"].read("benchmarks").to_pylist())
