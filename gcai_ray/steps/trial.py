"""A constitution and its baseline → what a model says of them: votes on held-out pairs, verdicts of
judges, evidence looked at once more, conflicts. All asked in one pass of the engine.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from gcai_ray.artifact_writer import ArtifactWriter
from gcai_ray.config import Config
from gcai_ray.schemas import (
    Constitution,
    Grounding,
    Kind,
    Request,
    Split,
    Verdict,
    Vote,
    arrow_schema,
)
from gcai_ray.steps.asking import asking_of, check_engine, mapped
from gcai_ray.steps.lookup import Inputs
from gcai_ray.steps.voting import drawn_pairs, motion_of

if TYPE_CHECKING:
    import pyarrow as pa

    from gcai_ray.evaluate.conflicts import Duo, Judgement
    from gcai_ray.evaluate.grounding import Pairing
    from gcai_ray.stages.judge import Trial
    from gcai_ray.stages.vote import Motion

STAGE = "evaluate"
NO_CONSTITUTION = "none"


@dataclass(frozen=True)
class Hearing:
    """What is to be asked."""

    trial: Trial
    polls: tuple[Motion, ...]
    pairings: list[Pairing]
    duos: list[Duo]


@dataclass(frozen=True)
class Heard:
    """What was said."""

    votes: pa.Table
    verdicts: pa.Table
    groundings: list[Grounding]
    judgements: list[Judgement]


def hear(
    config: Config,
    inputs: Inputs,
    writer: ArtifactWriter,
    ours: Constitution,
    baseline: Constitution | None,
) -> Heard:
    """Ask, and write `requests`, `replies`, `votes`, `verdicts`."""
    from gcai_ray.asking.ask import ask

    check_engine(config, STAGE)
    hearing = _hearing(config, inputs, ours, baseline)
    _write_questions(config, inputs, writer, hearing)
    ask(config.engine, STAGE, writer)
    return _answers(inputs, writer, hearing)


def _hearing(
    config: Config, inputs: Inputs, ours: Constitution, baseline: Constitution | None
) -> Hearing:
    from gcai_ray.evaluate.conflicts import duos
    from gcai_ray.evaluate.grounding import pairings
    from gcai_ray.stages.judge import Trial

    held = drawn_pairs(config, inputs["ingest"], Split.TEST, config.evaluate.num_pairs)
    judged_by = [of for of in (ours, baseline) if of is not None]
    constitutions = [(of.mode, tuple(p.text for p in of.principles)) for of in judged_by]
    texts = {p.id: p.text for of in judged_by for p in of.principles}
    polls = [motion_of(config, texts, held)]
    # The vote stage puts only contextual principles to training pairs; weights need all of them.
    general = {p.id: p.text for p in ours.principles if p.kind is Kind.GENERAL}
    if general:
        train = drawn_pairs(config, inputs["ingest"], Split.TRAIN, config.vote.num_pairs)
        polls.append(motion_of(config, general, train))
    return Hearing(
        trial=Trial((*constitutions, (NO_CONSTITUTION, ())), frozenset(held)),
        polls=tuple(polls),
        pairings=pairings(ours.principles, config.seed),
        duos=duos(ours.principles),
    )


def _write_questions(
    config: Config, inputs: Inputs, writer: ArtifactWriter, hearing: Hearing
) -> None:
    import pyarrow as pa

    from gcai_ray.evaluate import conflicts, grounding
    from gcai_ray.stages import judge, vote

    asking = asking_of(config, STAGE)
    pairs = inputs["ingest"].dataset("preferences")
    writer.write_dataset("requests", mapped(pairs, judge.questions, hearing.trial, asking))
    for motion in hearing.polls:
        writer.write_dataset("requests", mapped(pairs, vote.questions, motion, asking))
    few = [
        *grounding.questions(hearing.pairings, asking),
        *conflicts.questions(hearing.duos, asking),
    ]
    writer.write_table("requests", pa.Table.from_pylist(few, schema=arrow_schema(Request)))


def _answers(inputs: Inputs, writer: ArtifactWriter, hearing: Hearing) -> Heard:
    import pyarrow as pa

    from gcai_ray.asking.lookup import lookups
    from gcai_ray.evaluate import conflicts, grounding
    from gcai_ray.stages import judge, vote

    pairs = inputs["ingest"].dataset("preferences")
    looked_at, judgements = [], []
    for lookup in lookups(writer):
        writer.write_dataset("verdicts", mapped(pairs, judge.answered, hearing.trial, lookup))
        for motion in hearing.polls:
            votes = mapped(pairs, vote.answered, motion, lookup)
            writer.write_dataset("votes", votes, vote.count_outcomes)
        looked_at += grounding.answered(hearing.pairings, lookup)
        judgements += conflicts.answered(hearing.duos, lookup)
    writer.write_rows("groundings", looked_at)
    votes = pa.concat_tables([arrow_schema(Vote).empty_table(), *writer.tables("votes")])
    verdicts = pa.concat_tables([arrow_schema(Verdict).empty_table(), *writer.tables("verdicts")])
    return Heard(votes, verdicts, looked_at, judgements)
