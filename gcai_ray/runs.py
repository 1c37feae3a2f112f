"""A run's root → the artifacts its last run left there, by stage. Knows no order and no stage."""

from __future__ import annotations

import json
from collections.abc import Mapping

from gcai_ray.artifacts import Artifact, open_artifact
from gcai_ray.errors import ArtifactError
from gcai_ray.storage import Storage

RUN_FILE = "run.json"


def remember(name: str, storage: Storage, directories: Mapping[str, tuple[str, str]]) -> None:
    """Note in `run.json` where the finished artifacts of a configuration stand.

    A step that is not finished keeps the artifact noted before, if that was made from artifacts
    that are noted still: a run that fails at its ballots does not hide the constitution.

    `directories`: name of a step, such as `vote` or `icai.vote` → directory under the root, every
    step after those it needs.
    """
    before = _noted(storage)
    stages: dict[str, str] = {}
    for step, directory in directories.items():
        if open_artifact(storage, directory):
            stages[step] = directory[-1]
        elif _still_fits(storage, (directory[0], before.get(step, "")), stages):
            stages[step] = before[step]
    text = (json.dumps({"name": name, "stages": stages}, indent=2) + "\n").encode()
    if text != _written(storage):
        storage.replace(text, RUN_FILE)


def _written(storage: Storage) -> bytes:
    try:
        return storage.read(RUN_FILE)
    except FileNotFoundError:
        return b""


def _noted(storage: Storage) -> dict[str, str]:
    try:
        return dict(json.loads(_written(storage))["stages"])
    except (ValueError, KeyError, TypeError):
        return {}


def _still_fits(storage: Storage, directory: tuple[str, str], stages: dict[str, str]) -> bool:
    try:
        found = open_artifact(storage, directory) if directory[-1] else None
    except ArtifactError:  # of another version
        return False
    return found is not None and set(found.manifest.inputs.values()) <= set(stages.values())


def _parted(name: str) -> tuple[str, str]:
    branch, _, stage = name.rpartition(".")
    return branch, stage


def open_run(root: str, branch: str = "") -> dict[str, Artifact]:
    """The artifacts a run's root holds, by stage, as its last run left them; `branch`: `icai` for
    those of its baseline.

    Raises:
        ArtifactError: nothing was run there.
    """
    storage = Storage(root)
    storage.greet()
    try:
        stages = json.loads(storage.read(RUN_FILE))["stages"]
    except (FileNotFoundError, NotADirectoryError) as error:
        raise ArtifactError(
            f"{root}: no run here (no {RUN_FILE}); give the `root` of a configuration that was run"
        ) from error
    except (ValueError, KeyError, TypeError) as error:
        raise ArtifactError(
            f"{storage.url(RUN_FILE)}: damaged; run the configuration again, finished stages are "
            f"kept"
        ) from error
    own = {
        stage: key
        for of, stage, key in ((*_parted(name), key) for name, key in stages.items())
        if of == branch
    }
    found = {name: open_artifact(storage, (name, key)) for name, key in own.items()}
    return {name: artifact for name, artifact in found.items() if artifact is not None}
