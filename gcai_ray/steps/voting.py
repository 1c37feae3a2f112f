"""`principles` and `preferences` → `requests`, `replies`, `votes`: principles put to pairs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from gcai_ray.artifact_writer import ArtifactWriter
from gcai_ray.artifacts import Artifact, open_artifact
from gcai_ray.config import Config
from gcai_ray.errors import ArtifactError
from gcai_ray.schemas import Kind, Split
from gcai_ray.steps.asking import ask_and_answer, asking_of, asking_settings, mapped
from gcai_ray.steps.lookup import Inputs
from gcai_ray.storage import Storage

if TYPE_CHECKING:
    import pyarrow as pa
    import ray.data

    from gcai_ray.cells import Cells
    from gcai_ray.stages.vote import Motion

VOTE_STAGES = ("vote", "evaluate")


def cast_votes(config: Config, inputs: Inputs, writer: ArtifactWriter) -> None:
    """Put the contextual principles to a sample of the training pairs, in both orders."""
    from gcai_ray.stages.vote import answered, count_outcomes

    motion = vote_motion(config, inputs)
    if not motion.principle_ids:
        writer.write_rows("votes", [])
        return
    writer.counts["num_answers_from_before"] = motion.known.num_known
    pairs = inputs["ingest"].dataset("preferences")
    ask_and_answer(
        config,
        writer,
        vote_questions(config, inputs, motion),
        "votes",
        lambda lookup: mapped(pairs, answered, motion, lookup),
        count_outcomes,
    )


def vote_questions(config: Config, inputs: Inputs, motion: Motion) -> ray.data.Dataset:
    """What the stage asks: columns of `requests` and `reject`, lazily."""
    from gcai_ray.stages.vote import questions

    pairs = inputs["ingest"].dataset("preferences")
    return mapped(pairs, questions, motion, asking_of(config, "vote"))


def vote_motion(config: Config, inputs: Inputs) -> Motion:
    """The contextual principles, and the training pairs drawn for them."""
    import pyarrow.compute as pc

    rows = inputs["distill"].read("principles", ["id", "kind", "text"])
    chosen = rows.filter(pc.equal(rows["kind"], str(Kind.CONTEXTUAL))).sort_by("id")
    texts = dict(zip(chosen["id"].to_pylist(), chosen["text"].to_pylist(), strict=True))
    drawn = drawn_pairs(config, inputs["ingest"], Split.TRAIN, config.vote.num_pairs)
    return motion_of(config, texts, drawn)


def motion_of(config: Config, texts: dict[str, str], row_ids: list[str]) -> Motion:
    """Principles (id → text) put to some pairs, with what is known of them already."""
    from gcai_ray.stages.vote import Motion

    return Motion(
        principle_ids=tuple(texts),
        texts=tuple(texts.values()),
        per_question=config.vote.principles_per_question,
        row_ids=frozenset(row_ids),
        known=_known(config, list(texts), row_ids),
    )


def drawn_pairs(config: Config, ingested: Artifact, split: Split, num_pairs: int) -> list[str]:
    """Ids of a sample of the pairs of one half. Held-out pairs need no reason: nobody reads it."""
    import pyarrow as pa

    from gcai_ray.sampling import stratified
    from gcai_ray.stages.vote import votable

    needs_reason = config.mode == "gcai" and split is Split.TRAIN
    columns = ["id", "annotator_id", "groups", "prompt", "split", "preferred", "reason"]
    parts = [
        votable(part, split, needs_reason).drop_columns(["split", "preferred", "reason"])
        for part in ingested.tables("preferences", columns)
    ]
    return stratified(pa.concat_tables(parts), num_pairs, config.seed) if parts else []


def _known(config: Config, principle_ids: list[str], row_ids: list[str]) -> Cells:
    """What finished votes below the same root hold already, cast by the same model asked in the
    same words.
    """
    from gcai_ray.cells import known_cells

    return known_cells(_earlier_votes(config), row_ids, principle_ids)


def _earlier_votes(config: Config) -> Iterator[pa.Table]:
    storage = Storage(config.root)
    wanted = _how_asked(asking_settings(config, "vote"))
    columns = ["principle_id", "row_id", "a_first", "b_first"]
    for stage in VOTE_STAGES:
        for key in storage.names(stage):
            found = _opened(storage, stage, key)
            if found is not None and _how_asked(found.manifest.config) == wanted:
                yield from found.tables("votes", columns)


def _opened(storage: Storage, stage: str, key: str) -> Artifact | None:
    try:
        return open_artifact(storage, (stage, key))
    except ArtifactError:  # of another version, or damaged: then its cells are asked about again
        return None


def _how_asked(settings: dict[str, Any]) -> tuple[Any, Any]:
    """What of a stage's settings decides a single answer."""
    return settings.get("asking"), settings.get("prompts", {}).get("vote")
