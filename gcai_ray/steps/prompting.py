"""Files of prompts → `prompts`; and the constitution a run tunes to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gcai_ray.artifact_writer import ArtifactWriter
from gcai_ray.config import Config
from gcai_ray.errors import InputError
from gcai_ray.schemas import Constitution
from gcai_ray.steps.lookup import Inputs
from gcai_ray.storage import explaining, open_filesystem

if TYPE_CHECKING:
    import pyarrow as pa
    import ray.data

    from gcai_ray.stages.prompts import PromptRules


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
    """A `constitution.json` of any run."""
    from pydantic import ValidationError

    filesystem, place = open_filesystem(path)
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
