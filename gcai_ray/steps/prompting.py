"""Files of prompts → `prompts`; and the constitution a run tunes to."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import TYPE_CHECKING, Any

from gcai_ray.artifact_writer import ArtifactWriter
from gcai_ray.config import Config
from gcai_ray.errors import InputError
from gcai_ray.schemas import Constitution
from gcai_ray.sources.prompt_files import prompt_files
from gcai_ray.steps.lookup import Inputs
from gcai_ray.storage import explaining
from gcai_ray.training_config import PromptsConfig, PromptSource

if TYPE_CHECKING:
    import pyarrow as pa

    from gcai_ray.stages.prompts import PromptRules

TABLE = "prompts"
BATCH_ROWS = 5_000


def constitution_of(config: Config, inputs: Inputs) -> Constitution:
    """The one this run has made, or the one it was given.

    Raises:
        InputError: the file is missing, or no constitution of this version.
    """
    if config.constitution is None:
        data = inputs["ratify"].document("constitution.json")
        return Constitution.model_validate_json(data)
    return given_constitution(config.constitution)


def given_constitution(path: str) -> Constitution:
    """A `constitution.json` of any run; `sample:constitution.json` ships with the package."""
    from pydantic import ValidationError

    from gcai_ray.sources.files import open_place

    filesystem, place = open_place(path)
    try:
        with explaining(f"constitution: cannot read {path}", path, missing=True):
            data = filesystem.cat_file(place)
    except FileNotFoundError as error:
        raise InputError(f"constitution: there is no file {path}") from error
    try:
        found = Constitution.model_validate_json(data)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "the file"
        raise InputError(
            f"constitution: {path} is no constitution.json of this version: {where}: "
            f"{first['msg']}; take one that `gcai ratify` wrote"
        ) from error
    if not found.principles:
        raise InputError(f"constitution: {path} has no principles to tune to")
    return found


def constitution_settings(config: Config) -> dict[str, Any]:
    """The given constitution by what it says; one this run makes is known by its fingerprint."""
    if config.constitution is None:
        return {}
    from gcai_ray.artifacts import fingerprint

    found = given_constitution(config.constitution).model_dump(mode="json")
    return {"constitution": fingerprint("constitution", found, {})}


def prompts(config: Config, inputs: Inputs, writer: ArtifactWriter) -> None:
    """Files of prompts → `prompts`, `rejects`.

    Raises:
        InputError: a file is missing, or too many rows cannot be used.
    """
    import ray.data

    from gcai_ray.stages.prompts import count_prompts
    from gcai_ray.uniqueness import keep_drawn

    wanted = _wanted(config)
    units = [(source, path) for source in wanted.sources for path in prompt_files(source)]
    numbers = ray.data.from_items(
        [{"unit": i} for i in range(len(units))], override_num_blocks=len(units)
    )
    of = [(source, path, _rules(config, source, path)) for source, path in units]
    rows = numbers.map_batches(_read_units, fn_args=(of,), batch_size=1, batch_format="pyarrow")
    writer.write_dataset(TABLE, rows, count_prompts)
    _refuse_too_many(wanted, writer)
    keep_drawn(writer, TABLE, wanted.num_prompts, config.seed, count_prompts)


def _read_units(
    batch: pa.Table, units: list[tuple[PromptSource, str, PromptRules]]
) -> Iterator[pa.Table]:
    from gcai_ray.sources.prompt_files import read_prompts
    from gcai_ray.stages.prompts import canonical

    for number in batch["unit"].to_pylist():
        source, path, rules = units[number]
        found = read_prompts(source, path)
        while rows := list(islice(found, BATCH_ROWS)):
            yield canonical(rows, rules)


def _rules(config: Config, source: PromptSource, path: str) -> PromptRules:
    from gcai_ray.sources.files import base_name
    from gcai_ray.stages.prompts import PromptRules

    wanted = _wanted(config)
    take = "conversation" if source.format == "tabular" else source.take
    return PromptRules(
        source=source.name,
        source_file=base_name(path),
        take=take,
        seed=config.seed,
        test_share=wanted.test_share,
        max_prompt_chars=wanted.max_prompt_chars,
    )


def _refuse_too_many(wanted: PromptsConfig, writer: ArtifactWriter) -> None:
    num_rejects, num_rows = writer.num_rows("rejects"), writer.num_rows(TABLE)
    if num_rows and num_rejects <= wanted.max_rejected_share * (num_rejects + num_rows):
        return
    examples = (row for part in writer.tables("rejects") for row in part.slice(0, 1).to_pylist())
    example = next(examples, None)
    if example is None:
        raise InputError("prompts: there is no row in any of the files")
    raise InputError(
        f"{num_rejects} of {num_rejects + num_rows} prompts cannot be used (more than "
        f"prompts.max_rejected_share = {wanted.max_rejected_share}); for example "
        f"{example['source_file']} row {example['source_row']}, field '{example['field']}', value "
        f"'{example['value']}': {example['reason']}"
    )


def _wanted(config: Config) -> PromptsConfig:
    if config.prompts is None:
        raise ValueError("a run without `prompts` has no step `prompts`")
    return config.prompts


def prompts_settings(config: Config) -> dict[str, Any]:
    """What decides the rows: settings and the content of the files, never their paths."""
    from gcai_ray.sources.files import base_name, content_hash

    wanted = _wanted(config)
    sources = [
        source.model_dump(mode="json", exclude={"path"})
        | {"files": [[base_name(file), content_hash(file)] for file in prompt_files(source)]}
        for source in wanted.sources
    ]
    settings = wanted.model_dump(mode="json", exclude={"sources"})
    return settings | {"sources": sources, "seed": config.seed}
