"""People's words → `candidates`, `embeddings`, `principles`, `members` and `votes`."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from gcai_ray.artifact_writer import ArtifactWriter
from gcai_ray.artifacts import Artifact
from gcai_ray.config import Config
from gcai_ray.errors import StageError
from gcai_ray.schemas import Kind
from gcai_ray.steps.asking import ask_and_answer, asking_of, asks_a_model, mapped
from gcai_ray.steps.lookup import Inputs, by_kind
from gcai_ray.steps.summaries import summed_up
from gcai_ray.steps.voting import cast_votes

if TYPE_CHECKING:
    import pyarrow as pa
    import ray.data

    from gcai_ray.stages.match import Ballot

CONFIRMED = "confirmed.json"


def extract(config: Config, inputs: Inputs, writer: ArtifactWriter) -> None:
    """`preferences`, `statements` → `requests`, `replies`, `candidates`."""
    from gcai_ray.stages.extract import answered

    ask_and_answer(
        config,
        writer,
        extract_questions(config, inputs),
        "candidates",
        lambda lookup: _each_kind(inputs, _kinds(config), answered, lookup),
        _count_candidates,
    )
    if writer.num_rows("candidates") == 0:
        _refuse_if_all_too_long(writer)
        raise StageError(
            "no reason and no statement yielded a candidate: are the columns of `reason` and "
            "`text` mapped rightly, and is the text English?"
        )


def _refuse_if_all_too_long(writer: ArtifactWriter) -> None:
    """Say so when no question could even be asked."""
    rejects = [row for part in writer.tables("rejects") for row in part.slice(0, 1).to_pylist()]
    if rejects and writer.num_rows("requests") == 0:
        raise StageError(
            f"no question fits the model's context; for example {rejects[0]['source_file']} row "
            f"{rejects[0]['source_row']}: {rejects[0]['reason']} (engine.context_tokens)"
        )


def extract_questions(config: Config, inputs: Inputs) -> ray.data.Dataset:
    """What the stage asks: columns of `requests` and `reject`, lazily."""
    from gcai_ray.stages.extract import questions

    return _each_kind(inputs, _kinds(config), questions, asking_of(config, "extract"))


def _kinds(config: Config) -> tuple[Kind, ...]:
    """Kinds of principles that are looked for: ICAI knows only preferences."""
    return tuple(Kind) if config.mode == "gcai" else (Kind.CONTEXTUAL,)


def _each_kind(
    inputs: Inputs, kinds: tuple[Kind, ...], function: Callable[..., pa.Table], given: Any
) -> ray.data.Dataset:
    """A function of rows, kind and what is given, over preferences and statements."""
    tables = {Kind.CONTEXTUAL: "preferences", Kind.GENERAL: "statements"}
    parts = [
        mapped(inputs["ingest"].dataset(table), function, kind, given)
        for kind, table in tables.items()
        if kind in kinds
    ]
    return parts[0].union(*parts[1:]) if len(parts) > 1 else parts[0]


def _count_candidates(rows: pa.Table) -> dict[str, int]:
    import pyarrow.compute as pc

    return {f"num_{kind}": pc.sum(pc.equal(rows["kind"], str(kind))).as_py() or 0 for kind in Kind}


def embed(config: Config, inputs: Inputs, writer: ArtifactWriter) -> None:
    """`candidates` → `embeddings`."""
    from gcai_ray.ray_session import num_actors
    from gcai_ray.stages.embed import embeddings

    extracted = inputs["extract"]
    max_actors = num_actors(extracted.manifest.num_rows["candidates"])
    dataset = embeddings(extracted.dataset("candidates", for_actors=True), max_actors)
    writer.write_dataset("embeddings", dataset, _count_candidates)


def distill(config: Config, inputs: Inputs, writer: ArtifactWriter) -> None:
    """`embeddings` → `principles`, `members`; with a model also `requests`, `replies`."""
    from gcai_ray.stages.distill import fit, members, principles

    numbers = {
        Kind.CONTEXTUAL: config.distill.num_contextual_clusters,
        Kind.GENERAL: config.distill.num_general_clusters,
    }
    clusters = []
    samples = {kind: _sample(inputs["embed"], kind, number) for kind, number in numbers.items()}
    for kind, sample in samples.items():
        if sample.num_rows:
            clusters.append(fit(sample, kind, numbers[kind], config.seed, config.mode == "icai"))
    if asks_a_model(config) and config.mode == "gcai":
        clusters = summed_up(config, writer, samples, clusters)
        confirmed = {text: key for found in clusters for text, key in found.confirmed().items()}
        writer.write_document(CONFIRMED, json.dumps(confirmed, indent=1, sort_keys=True).encode())
    embeddings = inputs["embed"].dataset("embeddings")
    writer.write_dataset("members", members(embeddings, clusters))
    writer.write_table("principles", principles(clusters, writer.tables("members")))


def _sample(embeddings: Artifact, kind: Kind, num_clusters: int | None) -> pa.Table:
    from gcai_ray.stages.distill import draw_sample

    total = embeddings.manifest.counts.get(f"num_{kind}", 0)
    return draw_sample(embeddings.dataset("embeddings"), kind, total, num_clusters)


def vote(config: Config, inputs: Inputs, writer: ArtifactWriter) -> None:
    """`principles`, `embeddings` → `matches`, and the thresholds in `thresholds.json`; with a model
    also `requests`, `replies`, `votes`.
    """
    from gcai_ray.stages.match import COPIED, matches

    ballots = _ballots(config, inputs)
    columns = [*COPIED, "text", "vector"]
    embeddings = inputs["embed"].dataset("embeddings", columns)
    writer.write_dataset("matches", matches(embeddings, ballots))
    thresholds = {str(ballot.kind): ballot.threshold for ballot in ballots}
    writer.write_document("thresholds.json", json.dumps(thresholds, indent=2).encode())
    if asks_a_model(config):
        cast_votes(config, inputs, writer)


def _ballots(config: Config, inputs: Inputs) -> list[Ballot]:
    from gcai_ray.stages.match import Ballot, calibrated_threshold
    from gcai_ray.vectors import stacked

    found, confirmed = [], _confirmed(inputs["distill"])
    for kind, rows in by_kind(inputs["distill"].read("principles")):
        sample = _sample(inputs["embed"], kind, None)
        if asks_a_model(config):
            sample = _distinct(sample)
        threshold = calibrated_threshold(
            stacked(sample["vector"]),
            sample["annotator_id"].to_pylist(),
            config.vote.max_chance_match,
        )
        ids = tuple(rows["id"].to_pylist())
        by_model = {key: value for key, value in confirmed.items() if value in set(ids)}
        found.append(Ballot(kind, ids, stacked(rows["vector"]), threshold, by_model))
    return found


def _distinct(sample: pa.Table) -> pa.Table:
    """One row per text. A model words one idea in the same words for many people; counted as
    chance matches, they would raise the threshold to 1.
    """
    texts = sample["text"].to_pylist()
    first = {text: row for row, text in reversed(list(enumerate(texts)))}
    return sample.take(sorted(first.values()))


def _confirmed(distilled: Artifact) -> dict[str, str]:
    """What a model read and found covered, word for word, with the id of its principle."""
    names = {part.name for part in distilled.manifest.parts}
    return json.loads(distilled.document(CONFIRMED)) if CONFIRMED in names else {}
