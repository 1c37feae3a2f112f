"""Paths a person names → the two constitutions to compare. Knows nothing of what changed."""

from __future__ import annotations

import json
from dataclasses import dataclass

from pydantic import ValidationError

from gcai_ray.artifacts import MANIFEST, Artifact, open_artifact
from gcai_ray.errors import ArtifactError
from gcai_ray.report.phrases import join_words
from gcai_ray.runs import RUN_FILE, open_run
from gcai_ray.schemas import SCHEMA_VERSION, Constitution
from gcai_ray.storage import Storage

STAGE, DOCUMENT = "ratify", "constitution.json"
NUM_NAMED = 5
ACCEPTED = (
    f"a run's root, an artifact's directory (ROOT/{STAGE}/FINGERPRINT) or a {DOCUMENT} is wanted"
)


@dataclass(frozen=True)
class Source:
    """A constitution and where it stands."""

    path: str
    constitution: Constitution
    artifact: str | None = None  # its fingerprint


def two_sources(old: str, new: str | None) -> tuple[Source, Source]:
    """The older and the newer constitution.

    Raises:
        ArtifactError: naming the path, and the older constitutions of the run where there are any.
    """
    if new is None:
        return _two_newest(old)
    first, second = _source(old), _source(new)
    if first.path == second.path or (first.artifact and first.artifact == second.artifact):
        raise ArtifactError(f"{old} and {new} are one constitution, {first.path}{_older(old)}")
    return first, second


def _two_newest(root: str) -> tuple[Source, Source]:
    """What run.json points to, and the one finished last of the others."""
    if not Storage(root).exists(RUN_FILE):
        raise ArtifactError(
            f"{root}: with one path, the root of a run is wanted (no {RUN_FILE} here); "
            "or give two: gcai diff OLD NEW"
        )
    newest = _of_run(root)
    others = _others(root, newest)
    if not others:
        raise ArtifactError(
            f"{root}: holds one constitution, {newest.url}, and nothing older to compare it with; "
            "run the configuration again with more data or ballots, or give another run: "
            "gcai diff OLD NEW"
        )
    return _of_artifact(others[0]), _of_artifact(newest)


def _source(path: str) -> Source:
    if path.endswith(".json"):
        return _of_file(path)
    storage = Storage(path)
    if storage.exists(RUN_FILE):
        return _of_artifact(_of_run(path))
    if storage.exists(MANIFEST):
        parent, _, key = path.rstrip("/").rpartition("/")
        above, _, stage = parent.rpartition("/")
        artifact = open_artifact(Storage(above or "."), (stage, key))
        if artifact:
            return _of_artifact(artifact)
    raise ArtifactError(f"{path}: no constitution here; {ACCEPTED}{_older(path)}")


def _of_file(path: str) -> Source:
    folder, _, name = path.rpartition("/")
    try:
        return Source(path, _parsed(Storage(folder or ".").read(name), path))
    except FileNotFoundError as error:
        raise ArtifactError(f"{path}: no such file; {ACCEPTED}") from error


def _of_run(root: str) -> Artifact:
    ratified = open_run(root).get(STAGE)
    if ratified is None:
        raise ArtifactError(f"{root}: no constitution yet; run `gcai ratify CONFIG` first")
    return ratified


def _of_artifact(artifact: Artifact) -> Source:
    if DOCUMENT not in {part.name for part in artifact.manifest.parts}:
        raise ArtifactError(
            f"{artifact.url}: an artifact of the stage {artifact.manifest.artifact}, which holds "
            f"no {DOCUMENT}; {ACCEPTED}"
        )
    parsed = _parsed(artifact.document(DOCUMENT), f"{artifact.url}/{DOCUMENT}")
    return Source(artifact.url, parsed, artifact.manifest.fingerprint)


def _parsed(data: bytes, path: str) -> Constitution:
    try:
        raw = json.loads(data)
    except ValueError as error:
        raise ArtifactError(f"{path}: not JSON ({error}); {ACCEPTED}") from error
    version = raw.get("schema_version") if isinstance(raw, dict) else None
    if version != SCHEMA_VERSION:
        raise ArtifactError(
            f"{path}: schema version {version}, this program reads {SCHEMA_VERSION}; "
            "run its configuration again, or name a constitution.json of this version"
        )
    try:
        return Constitution.model_validate(raw)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        raise ArtifactError(f"{path}: no constitution: {place}: {first['msg']}") from error


def _others(root: str, newest: Artifact) -> list[Artifact]:
    """The other constitutions of a run, the one finished last first. Artifacts of another version
    are none, since they cannot be read, nor are those of another mode: the ICAI baseline stands in
    the same folder.
    """
    storage, found, mode = Storage(root), [], newest.manifest.config.get("mode")
    for key in storage.names(STAGE):
        try:
            artifact = open_artifact(storage, (STAGE, key))
        except ArtifactError:
            continue
        if artifact is None or artifact.manifest.config.get("mode") != mode:
            continue
        if artifact.directory != newest.directory:
            written = storage.filesystem.modified(storage.path(STAGE, key, MANIFEST))
            found.append((written, key, artifact))
    return [artifact for *_, artifact in sorted(found, key=lambda item: item[:2], reverse=True)]


def _older(path: str) -> str:
    """How to name an older constitution of the run at a path, where it is one and has some."""
    if not Storage(path).exists(RUN_FILE):
        return ""
    others = [artifact.url for artifact in _others(path, _of_run(path))[:NUM_NAMED]]
    return f"; older ones of this run: {join_words(others)}" if others else ""
