"""`prompts` and the constitution → `requests`, `replies`, `revisions`, `training_pairs`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from gcai_ray.artifact_writer import ArtifactWriter
from gcai_ray.config import Config
from gcai_ray.errors import StageError
from gcai_ray.steps.asking import asking_of, check_engine, mapped
from gcai_ray.steps.lookup import Inputs
from gcai_ray.steps.prompting import constitution_of

if TYPE_CHECKING:
    import ray.data

    from gcai_ray.asking.lookup import Lookup
    from gcai_ray.revision.course import Course
    from gcai_ray.stages.revise import Wave

STAGE = "revise"


def revise(config: Config, inputs: Inputs, writer: ArtifactWriter) -> None:
    """Ask wave after wave, then write what came of every prompt.

    Raises:
        StageError: no pair is left.
    """
    from gcai_ray.asking.ask import ask
    from gcai_ray.asking.lookup import lookups
    from gcai_ray.stages.revise import Wave, count_pairs, count_revisions, paired, revised

    check_engine(config, STAGE)
    course, asked = course_for(config, inputs), inputs["prompts"].dataset("prompts")
    for name, number in course.waves:
        for requests in _wave_questions(config, asked, Wave(course, name, number), writer):
            writer.write_dataset("requests", requests)
        ask(config.engine, STAGE, writer)
    model = asking_of(config, STAGE).model
    for lookup in lookups(writer):
        of = (course, lookup, model)
        writer.write_dataset("revisions", mapped(asked, revised, *of), count_revisions)
        writer.write_dataset("training_pairs", mapped(asked, paired, *of), count_pairs)
    _refuse_none(writer)


def course_for(config: Config, inputs: Inputs) -> Course:
    """What is done with every prompt under the run's constitution."""
    from gcai_ray.revision.course import course_of

    return course_of(constitution_of(config, inputs), config.revise, config.seed)


def first_questions(config: Config, inputs: Inputs) -> ray.data.Dataset:
    """The questions of the first wave, which need no reply: columns of `requests` and `reject`."""
    from gcai_ray.revision.course import Course
    from gcai_ray.stages.revise import Wave, questions

    wave = Wave(Course((), config.revise, config.seed), "respond", 0)
    prompts = inputs["prompts"].dataset("prompts")
    return mapped(prompts, questions, wave, asking_of(config, STAGE), None)


def _wave_questions(
    config: Config, asked: ray.data.Dataset, wave: Wave, writer: ArtifactWriter
) -> Iterator[ray.data.Dataset]:
    """The questions of one wave, a slice of what was replied so far at a time."""
    from gcai_ray.asking.lookup import lookups
    from gcai_ray.stages.revise import questions

    so_far: list[Lookup | None] = [None] if wave.name == "respond" else list(lookups(writer))
    for lookup in so_far:
        yield mapped(asked, questions, wave, asking_of(config, STAGE), lookup)


def _refuse_none(writer: ArtifactWriter) -> None:
    if writer.num_rows("training_pairs"):
        return
    for part in writer.tables("rejects"):
        first = part.slice(0, 1).to_pylist()[0]
        raise StageError(
            f"{STAGE}: no pair is left to train on: {writer.num_rows('rejects'):,} rejects, for "
            f"example {first['source_file']} row {first['source_row']}, {first['field']} "
            f"{first['value']!r}: {first['reason']}; a model that writes better, or other settings "
            "of `revise`, would leave some"
        )
    raise StageError(f"{STAGE}: no pair is left to train on, since there is no prompt")
