"""`principles` and `preferences` → `requests`, `replies`, `votes`: principles put to pairs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gcai_ray.artifact_writer import ArtifactWriter
from gcai_ray.artifacts import Artifact
from gcai_ray.config import Config
from gcai_ray.schemas import Kind
from gcai_ray.steps.asking import ask_and_answer, asking_of, mapped
from gcai_ray.steps.lookup import Inputs

if TYPE_CHECKING:
    import ray.data

    from gcai_ray.stages.vote import Motion


def cast_votes(config: Config, inputs: Inputs, writer: ArtifactWriter) -> None:
    """Put the contextual principles to a sample of the training pairs, in both orders."""
    from gcai_ray.stages.vote import answered, count_outcomes

    motion = vote_motion(config, inputs)
    if not motion.principle_ids:
        writer.write_rows("votes", [])
        return
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

    from gcai_ray.stages.vote import Motion, draw_bound

    rows = inputs["distill"].read("principles", ["id", "kind", "text"])
    chosen = rows.filter(pc.equal(rows["kind"], str(Kind.CONTEXTUAL))).sort_by("id")
    ids = votable_ids(inputs["ingest"], config.mode)
    bound = draw_bound(ids, config.vote.num_pairs, config.seed)
    return Motion(
        principle_ids=tuple(chosen["id"].to_pylist()),
        texts=tuple(chosen["text"].to_pylist()),
        per_question=config.vote.principles_per_question,
        bound=bound,
        seed=config.seed,
        needs_reason=config.mode == "gcai",
    )


def votable_ids(ingested: Artifact, mode: str) -> list[str]:
    """Ids of all pairs that could be voted on."""
    from gcai_ray.stages.vote import votable

    columns = ["id", "split", "preferred", "reason"]
    parts = (votable(part, mode == "gcai") for part in ingested.tables("preferences", columns))
    return [key for part in parts for key in part["id"].to_pylist()]
