"""The constitution and people's words → how many of them it covers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from gcai_ray.artifacts import Artifact
from gcai_ray.config import Config
from gcai_ray.schemas import Constitution, Kind, Measure, Split
from gcai_ray.steps.lookup import Inputs, electorate_of

if TYPE_CHECKING:
    import pyarrow as pa

NOTHING_HELD_OUT = "no preference with a reason is held out (ingest.test_share)"


def coverage_rows(config: Config, inputs: Inputs, constitution: Constitution) -> Iterator[Measure]:
    """How many reasons and statements gave a candidate, and how many held-out reasons the
    contextual principles cover.
    """
    import pyarrow.compute as pc

    from gcai_ray.evaluate.coverage import PLACE, extraction_yield, held_out_coverage
    from gcai_ray.evaluate.measures import not_measured
    from gcai_ray.stages.distill import draw_sample
    from gcai_ray.vectors import stacked

    embeddings = inputs["embed"]
    rows_with = {kind: _row_ids(inputs["extract"], kind) for kind in Kind}
    read = "reasons" if config.mode == "gcai" else "choices"
    for kind, what in ((Kind.CONTEXTUAL, read), (Kind.GENERAL, "statements")):
        if kind is Kind.GENERAL and config.mode == "icai":
            continue
        people = electorate_of(inputs["ingest"], kind, None, config.mode)
        if len(people.rows):
            note = f"share of {len(people.rows)} {what} that yielded at least one candidate"
            yield extraction_yield(
                people, rows_with[kind], f"{what}_with_candidate", note, config.seed
            )
    ids = {p.id for p in constitution.principles if p.kind is Kind.CONTEXTUAL}
    held_out = electorate_of(inputs["ingest"], Kind.CONTEXTUAL, Split.TEST, config.mode)
    if not ids or not len(held_out.rows):
        why = "no contextual principle was chosen" if not ids else NOTHING_HELD_OUT
        yield not_measured(PLACE, why)
        return
    principles = inputs["distill"].read("principles")
    chosen = principles.filter(pc.is_in(principles["id"], _strings(ids)))
    pool = draw_sample(
        embeddings.dataset("embeddings"),
        Kind.CONTEXTUAL,
        embeddings.manifest.counts["num_contextual"],
        None,
    )
    coverage = held_out_coverage(
        held_out,
        _held_out_clauses(embeddings),
        stacked(chosen["vector"]),
        stacked(pool["vector"]),
        constitution.match_threshold[Kind.CONTEXTUAL],
        config.seed,
    )
    yield coverage if config.mode == "gcai" else _of_guesses(coverage, len(held_out.rows))


def _of_guesses(coverage: Measure, num_rows: int) -> Measure:
    """The measure in ICAI mode, where no reason was read: it tells of a model's guesses."""
    note = (
        f"share of {num_rows} held-out choices for which the model guessed something that matches "
        "a principle; baseline: mean and 95 % range over random draws of its guesses"
    )
    return coverage.model_copy(update={"note": note})


def _strings(ids: set[str]) -> pa.Array:
    import pyarrow as pa

    return pa.array(sorted(ids), pa.string())


def _row_ids(extracted: Artifact, kind: Kind) -> set[str]:
    import pyarrow.compute as pc

    parts = extracted.tables("candidates", ["row_id", "kind"])
    return {
        row
        for part in parts
        for row in part.filter(pc.equal(part["kind"], str(kind)))["row_id"].to_pylist()
    }


def _held_out_clauses(embeddings: Artifact) -> pa.Table:
    import pyarrow as pa
    import pyarrow.compute as pc

    parts = embeddings.tables("embeddings", ["row_id", "kind", "split", "vector"])
    wanted = [
        p.filter(pc.and_(pc.equal(p["kind"], "contextual"), pc.equal(p["split"], str(Split.TEST))))
        for p in parts
    ]
    return pa.concat_tables(wanted)
