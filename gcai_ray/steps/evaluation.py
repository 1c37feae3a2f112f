"""The constitution → its measures: on held-out data, beside baselines, and what its people said."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from gcai_ray.artifact_writer import ArtifactWriter
from gcai_ray.config import Config
from gcai_ray.schemas import Constitution, Measure, Preference, Split, arrow_schema
from gcai_ray.steps.asking import asks_a_model
from gcai_ray.steps.contradicting import found_contradictions
from gcai_ray.steps.coverage import coverage_rows
from gcai_ray.steps.lookup import Inputs
from gcai_ray.steps.trial import Heard, hear
from gcai_ray.steps.voting import drawn_pairs

if TYPE_CHECKING:
    import pyarrow as pa

    from gcai_ray.evaluate.executors import Pairs

BASELINE = "icai"


def evaluate(config: Config, inputs: Inputs, writer: ArtifactWriter) -> None:
    """The constitution → `evaluation`, `contradictions`, `returns`, `group_coverage`; with a model
    also `requests`, `replies`, `votes`, `verdicts`, `groundings`.
    """
    from gcai_ray.steps.pluralism import pluralism_rows
    from gcai_ray.steps.stability import stability_rows

    ours, baseline = _constitutions(inputs)
    heard = hear(config, inputs, writer, ours, baseline) if asks_a_model(config) else None
    returns, stability = stability_rows(config, inputs, ours)
    groups, pluralism = pluralism_rows(config, inputs, ours)
    contradictions, told = found_contradictions(inputs, ours, heard)
    measures = [
        *coverage_rows(config, inputs, ours),
        *_reconstruction(config, inputs, heard, (ours, baseline)),
        *told,
        *_of_model(config, inputs, heard),
        *stability,
        *pluralism,
    ]
    writer.write_rows("returns", returns)
    writer.write_rows("group_coverage", groups)
    writer.write_rows("contradictions", contradictions)
    writer.write_rows("evaluation", measures)


def _constitutions(inputs: Inputs) -> tuple[Constitution, Constitution | None]:
    found = [
        Constitution.model_validate_json(inputs[name].document("constitution.json"))
        for name in ("ratify", f"{BASELINE}.ratify")
        if name in inputs
    ]
    return found[0], found[1] if len(found) > 1 else None


def _reconstruction(
    config: Config,
    inputs: Inputs,
    heard: Heard | None,
    constitutions: tuple[Constitution, Constitution | None],
) -> Iterator[Measure]:
    """How many held-out choices the constitution predicts, by each executor and baseline."""
    from gcai_ray.evaluate import executors, reconstruction

    train, held = _pairs(config, inputs, Split.TRAIN), _pairs(config, inputs, Split.TEST)
    if heard is None:
        yield from reconstruction.needs_a_model()
        yield from reconstruction.baselines(train, held, config.seed)
        return
    predicted = [
        executors.predictions(
            (_votes(inputs, of, heard), heard.verdicts), train, held, _ids(of), of.mode
        )
        for of in constitutions
        if of is not None
    ]
    judge = executors.judged(heard.verdicts, held, "none")
    others = {reconstruction.NO_CONSTITUTION: judge} if len(held.row_ids) else {}
    if len(predicted) > 1:
        others |= {reconstruction.icai(name): of for name, of in predicted[1].items()}
    others |= reconstruction.place_and_length(train, held)
    yield from reconstruction.reconstruction(train, held, predicted[0], others, config.seed)
    yield from reconstruction.agreement(predicted[0], held, config.seed)


def _pairs(config: Config, inputs: Inputs, split: Split) -> Pairs:
    """The sample of one half that is voted on; for training, of the baseline's sample too. Ties of
    that half are in it, to be counted.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    from gcai_ray.evaluate.executors import pairs

    size = config.vote.num_pairs if split is Split.TRAIN else config.evaluate.num_pairs
    wanted = set(drawn_pairs(config, inputs["ingest"], split, size))
    if split is Split.TRAIN and f"{BASELINE}.vote" in inputs:
        voted = inputs[f"{BASELINE}.vote"].tables("votes", ["row_id"])
        wanted |= {key for part in voted for key in pc.unique(part["row_id"]).to_pylist()}
    columns = ["id", "annotator_id", "split", "preferred", "response_a", "response_b"]
    ids = pa.array(sorted(wanted), pa.string())
    parts = [
        part.filter(pc.or_(pc.is_in(part["id"], ids), _is_tie(part, split)))
        for part in inputs["ingest"].tables("preferences", columns)
    ]
    none = arrow_schema(Preference, columns).empty_table()
    return pairs(pa.concat_tables([none, *parts]))


def _is_tie(rows: pa.Table, split: Split) -> pa.ChunkedArray:
    import pyarrow.compute as pc

    return pc.and_(pc.equal(rows["split"], str(split)), pc.equal(rows["preferred"], "tie"))


def _votes(inputs: Inputs, constitution: Constitution, heard: Heard) -> pa.Table:
    """All votes of a constitution's principles, on training and on held-out pairs."""
    import pyarrow as pa
    import pyarrow.compute as pc

    own = f"{BASELINE}.vote"
    voted = inputs[own if constitution.mode == BASELINE and own in inputs else "vote"]
    ids = pa.array(_ids(constitution), pa.string())
    parts = [*voted.tables("votes"), heard.votes]
    return pa.concat_tables([part.filter(pc.is_in(part["principle_id"], ids)) for part in parts])


def _ids(constitution: Constitution) -> list[str]:
    return [principle.id for principle in constitution.principles]


def _of_model(config: Config, inputs: Inputs, heard: Heard | None) -> Iterator[Measure]:
    """What is measured of the model itself: does it mind the order, does it find the evidence."""
    from gcai_ray.evaluate import conflicts, grounding, position_bias
    from gcai_ray.evaluate.measures import not_measured

    if heard is None:
        why = "needs a model: the extractive engine asks nobody a second time"
        for place in (grounding.EVIDENCE, grounding.PRINCIPLES):
            yield not_measured(place, why)
        why = "needs a model: people's own reasons are matched, nothing is voted on in two orders"
        for name in (position_bias.FLIP_RATE, position_bias.POSITION_BIAS):
            yield not_measured((position_bias.FAMILY, name), why)
        yield not_measured(conflicts.PLACE, "needs a model: rules cannot tell two wishes apart")
        return
    votes = inputs["vote"].read("votes", ["annotator_id", "a_first", "b_first", "outcome"])
    yield from position_bias.vote_measures(votes, config.seed)
    yield from grounding.grounding_measures(heard.groundings, config.seed)
    yield conflicts.conflict_measure(heard.judgements)
