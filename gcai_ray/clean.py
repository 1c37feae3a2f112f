"""A run's root → what killed and losing runs left below it; and its removal, when that is asked.

Looks only into `<root>/<stage>/<fingerprint>/`, and for broken-off writes beside them. Every file
that a manifest names stays, and so does all that this tool did not name itself. Directories that
end up empty stay: a run that is about to write may just have made them.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, field

from pydantic import ValidationError

from gcai_ray.artifacts import MANIFEST, Manifest, open_artifact
from gcai_ray.clean_text import clean_json, clean_text
from gcai_ray.errors import ArtifactError, ConfigError
from gcai_ray.leftovers import (
    FINGERPRINT,
    SIDE,
    UPLOAD,
    Findings,
    Leftover,
    Life,
    Place,
    Removed,
    Untouched,
    is_ours_beside,
    judged,
    side_of,
)
from gcai_ray.pipeline import NAMES
from gcai_ray.progress.read import SPARED_S
from gcai_ray.progress.schema import FOLDER, Progress, RunState, StageState
from gcai_ray.runs import RUN_FILE
from gcai_ray.storage import Storage
from gcai_ray.stored_files import StoredFile, is_linked, open_uploads, remove_all, stored_files

HOUR_S = 3600.0
OLDER_THAN_H = 1.0
ALIVE = f"a run was alive in the last {SPARED_S / 60:g} min"
REPLIES = "replies"
OURS = {*NAMES, REPLIES, "batch", FOLDER, "export", "training", RUN_FILE}


def clean(root: str, yes: bool, older_than_h: float, as_json: bool) -> str:
    """What was found below a root, as text or JSON; with `yes` it is removed first.

    Raises:
        ArtifactError: nothing was run there.
        StorageError: the root cannot be listed, or a file cannot be removed.
    """
    storage = Storage(root)
    findings = find_leftovers(storage, older_than_h)
    removed = remove_leftovers(storage, findings) if yes else None
    tell = clean_json if as_json else clean_text
    return tell(root, findings, removed, older_than_h)


def find_leftovers(
    storage: Storage, older_than_h: float = OLDER_THAN_H, now: float | None = None
) -> Findings:
    """Everything below a root that no finished artifact needs. Removes nothing.

    Args:
        storage: the root of a run.
        older_than_h: an attempt stays while its newest file is younger than this, in hours; 0:
            its age says nothing.
        now: seconds since 1970; left out, the clock of this machine.

    Raises:
        ConfigError: `older_than_h` is no number of hours.
        ArtifactError: nothing was run there.
        StorageError: the root cannot be listed.
    """
    if not older_than_h >= 0:  # "nan" is a float to the command line too
        raise ConfigError(f"--older-than: {older_than_h:g} is no number of hours, 0 or more")
    storage.greet()
    since = (time.time() if now is None else now) - older_than_h * HOUR_S if older_than_h else None
    names, view = storage.names(), _view(storage, since)
    if not OURS & {*names, *(upload.names[0] for upload in view.uploads)}:
        raise ArtifactError(f"{storage.root}: no run here; give the `root` of a run")
    unknown = [name for name in names if not _is_ours(storage, name)]
    directories, foreign = _directories(view)
    looks = [_look_at(view, directory) for directory in directories]
    leftovers = [one for look in looks for one in look.leftovers] + _beside(view)
    unknown += [*foreign, *_foreign_uploads(view)]
    unknown += ["/".join(file.names) for look in looks for file in look.foreign]
    return Findings(
        since,
        tuple(one for one in leftovers if not one.kept),
        tuple(one for one in leftovers if one.kept),
        tuple(look.untouched for look in looks if look.untouched),
        tuple(sorted(unknown)),
    )


def remove_leftovers(storage: Storage, findings: Findings) -> Removed:
    """Remove what was found, directory by directory, after looking at each once more: a run may
    have committed it meanwhile. Only files that are as they were found, and still for removal, go.

    Raises:
        StorageError: a file cannot be removed; those before it are gone.
    """
    gone: list[StoredFile] = []
    for directory in sorted({one.directory for one in findings.leftovers}):
        found = {f for one in findings.leftovers if one.directory == directory for f in one.files}
        still = _still_leftover(storage, directory, findings.since)
        gone += remove_all(storage, [file for file in still if file in found])
    num_found = sum(len(one.files) for one in findings.leftovers)
    return Removed(len(gone), sum(file.size_bytes for file in gone), num_found - len(gone))


@dataclass(frozen=True)
class _View:
    """What is looked at once for many directories.

    `live`: stage → why a run is at work on it; `replied`: stage → its newest part of replies.
    """

    storage: Storage
    since: float | None
    live: dict[str, str]
    replied: dict[str, float]
    uploads: tuple[StoredFile, ...]

    def life(self, stage: str) -> Life:
        """What speaks for a run at work on a stage."""
        return Life(self.since, self.replied.get(stage), self.live.get(stage, ""))


@dataclass(frozen=True)
class _Look:
    """What one stage's directory holds beside its artifact."""

    leftovers: list[Leftover] = field(default_factory=list)
    foreign: list[StoredFile] = field(default_factory=list)
    untouched: Untouched | None = None


def _view(storage: Storage, since: float | None, directory: Place = ()) -> _View:
    replied: dict[str, float] = {}
    for file in stored_files(storage, REPLIES):
        if not file.is_link and len(file.names) == 3:
            stage = file.names[1]
            replied[stage] = max(file.modified, replied.get(stage, 0.0))
    uploads = tuple(open_uploads(storage, *directory))
    return _View(storage, since, _live(storage), replied, uploads)


def _still_leftover(storage: Storage, directory: Place, since: float | None) -> list[StoredFile]:
    view = _view(storage, since, directory)
    if _is_of_stage(directory):
        leftovers = _look_at(view, directory).leftovers
    else:
        leftovers = [one for one in _beside(view) if one.directory == directory]
    return [file for one in leftovers if not one.kept for file in one.files]


def _look_at(view: _View, directory: Place) -> _Look:
    """Files first and the manifest after them: what was listed cannot be younger than what the
    manifest says of it.
    """
    files = stored_files(view.storage, *directory)
    files += [up for up in view.uploads if up.names[:2] == directory]
    try:
        manifest = _manifest(view.storage, directory)
    except ArtifactError as error:
        where = f"{view.storage.url(*directory, MANIFEST)}: "
        return _Look(untouched=Untouched(directory, str(error).removeprefix(where)))
    if manifest is None and any(
        f.names == (*directory, MANIFEST) for f in files if not f.upload_id
    ):
        return _Look(untouched=Untouched(directory, "a link, or removed just now"))
    return _Look(*judged(directory, files, manifest, view.life(directory[0])))


def _manifest(storage: Storage, directory: Place) -> Manifest | None:
    artifact = open_artifact(storage, directory)
    if artifact is None:
        return None
    manifest = artifact.manifest
    if (manifest.artifact, manifest.fingerprint) != directory:
        raise ArtifactError(
            f"{artifact.url}/{MANIFEST}: that of {manifest.artifact}/{manifest.fingerprint}"
        )
    return manifest


def _directories(view: _View) -> tuple[list[Place], list[str]]:
    """The directories of artifacts, finished or not, and what else stands beside them."""
    found, foreign = [], []
    for stage in NAMES:
        if is_linked(view.storage, (stage,)):
            continue
        listed = view.storage.names(stage)
        begun = {up.names[1] for up in view.uploads if _is_of_stage(up.names[:2], stage)}
        for name in sorted({*listed, *begun}):
            if FINGERPRINT.fullmatch(name) and not is_linked(view.storage, (stage, name)):
                found.append((stage, name))
            else:
                foreign.append(f"{stage}/{name}")
    return found, foreign


def _is_of_stage(directory: Place, stage: str = "") -> bool:
    return (
        len(directory) == 2
        and directory[0] in ((stage,) if stage else NAMES)
        and FINGERPRINT.fullmatch(directory[1]) is not None
    )


def _is_ours(storage: Storage, name: str) -> bool:
    if is_linked(storage, (name,)):
        return name not in NAMES and name in OURS
    return name in OURS or name.startswith("ballot-") or side_of(name) == RUN_FILE


def _beside(view: _View) -> list[Leftover]:
    """Broken-off writes of replies, run.json and progress files, and open uploads of these and of
    batch files. A finished file of these is never among them.
    """
    found: dict[tuple[Place, str, str], list[StoredFile]] = {}
    life = Life(view.since)
    for file in _side_files(view.storage):
        target = (*file.names[:-1], side_of(file.names[-1]) or "")
        if not file.is_link and is_ours_beside(target):
            found.setdefault((file.names[:-1], SIDE, life.reason(file.modified)), []).append(file)
    for file in view.uploads:
        if is_ours_beside(file.names):
            found.setdefault((file.names[:-1], UPLOAD, life.reason(file.modified)), []).append(file)
    return [
        Leftover(directory, "", why, tuple(files), kept)
        for (directory, why, kept), files in sorted(found.items())
    ]


def _side_files(storage: Storage) -> Iterator[StoredFile]:
    """S3 has none: there a file appears whole, or is an open upload."""
    if storage.is_local:
        for name in storage.names():
            if side_of(name):
                yield from stored_files(storage, name)
        for place in (REPLIES, FOLDER):
            yield from stored_files(storage, place)


def _foreign_uploads(view: _View) -> list[str]:
    return [
        f"{'/'.join(up.names)} (an open upload)"
        for up in view.uploads
        if not _is_of_stage(up.names[:2]) and not is_ours_beside(up.names)
    ]


def _live(storage: Storage) -> dict[str, str]:
    """Stages that a run at work has not finished. A progress file that cannot be read speaks for
    all of them, while it is being written.
    """
    live: dict[str, str] = {}
    for file in stored_files(storage, FOLDER):
        if file.is_link or not file.names[-1].endswith(".json"):
            continue
        written_s = time.time() - file.modified
        try:
            progress = Progress.model_validate_json(storage.read(*file.names))
        except FileNotFoundError:
            continue
        except ValidationError:
            live |= dict.fromkeys(NAMES, ALIVE) if written_s < SPARED_S else {}
            continue
        at_work = progress.state is RunState.RUNNING
        if at_work and min(written_s, progress.age_s()) < SPARED_S:
            ended = (StageState.KEPT, StageState.DONE)
            open_stages = [stage.name for stage in progress.stages if stage.state not in ended]
            live |= {name.rpartition(".")[2]: ALIVE for name in open_stages}
    return live
