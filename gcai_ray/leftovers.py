"""The files of a stage's directory and its manifest → which of them nobody needs any more.

Pure: reads no storage and deletes nothing. A file is judged by its name first: what the tool would
not have written itself is foreign, and stays.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from gcai_ray.artifacts import MANIFEST, Manifest
from gcai_ray.stored_files import StoredFile

FINGERPRINT = re.compile(r"[0-9a-f]{32}")
# Documents bear no attempt in their name. A test holds this to what the steps write.
DOCUMENTS: dict[str, tuple[str, ...]] = {
    "distill": ("confirmed.json",),
    "vote": ("thresholds.json",),
    "ratify": ("constitution.json", "constitution.md"),
    "tune": ("README.md", "constitution.json", "training.json"),
    "assess": ("figures.json",),
    "report": ("report.html", "report.md", "model.html", "model.md"),
}
# What peft and transformers call the files of an adapter or a model, with its tokenizer.
_MODEL = re.compile(
    r"adapter_config\.json|(?:adapter_)?model\.safetensors|model-\d{5}-of-\d{5}\.safetensors"
    r"|model\.safetensors\.index\.json|(?:generation_)?config\.json|chat_template\.jinja"
    r"|tokenizer(?:_config)?\.json|(?:special_tokens_map|added_tokens|vocab)\.json|merges\.txt"
    r"|(?:tokenizer|spiece)\.model"
)
_PART = re.compile(r"[a-z_]+(?:-[a-z_]+)?-(?P<attempt>[0-9a-f]{12})-[0-9a-z-]+\.parquet")
_SIDE = re.compile(r"\.(?P<of>.+)\.[0-9a-f]{32}")
_REPLIES = re.compile(r"replies-[0-9a-f]{32}\.parquet")
_BATCH = re.compile(r".+-\d+-[0-9a-f]{32}\.jsonl")
UPLOAD = "an upload never completed"
SIDE = "a write that was broken off"
Place = tuple[str, ...]


@dataclass(frozen=True)
class Leftover:
    """Files of one attempt in one directory that nobody needs; `attempt` is empty for those whose
    names tell none. `kept`: why they stay for now, or empty.
    """

    directory: Place
    attempt: str
    why: str
    files: tuple[StoredFile, ...]
    kept: str = ""

    @property
    def size_bytes(self) -> int:
        """Of all its files, and of what is stored of its open uploads."""
        return sum(file.size_bytes for file in self.files)

    @property
    def written(self) -> float:
        """When the newest of them was written, in seconds since 1970."""
        return max(file.modified for file in self.files)


@dataclass(frozen=True)
class Untouched:
    """A stage's directory whose manifest cannot be read, so that nobody knows what is needed."""

    directory: Place
    why: str


@dataclass(frozen=True)
class Findings:
    """What stands below a root that no finished artifact needs.

    `since`: what was written later may be of a run at work; None: nothing is. `leftovers` are for
    removal, `kept` may be of a run at work; `unknown`: paths below the root that this tool did not
    write.
    """

    since: float | None
    leftovers: tuple[Leftover, ...]
    kept: tuple[Leftover, ...]
    untouched: tuple[Untouched, ...]
    unknown: tuple[str, ...]


@dataclass(frozen=True)
class Removed:
    """What was removed; `num_left`: files found before that were gone, written anew, or needed by
    the time of their removal.
    """

    num_files: int
    size_bytes: int
    num_left: int


@dataclass(frozen=True)
class Life:
    """What tells that a run may be at work: `since`, the moment after which a file counts as its
    own (None: no file does), the newest reply to a stage, what its progress file says.
    """

    since: float | None
    replied: float | None = None
    told: str = ""

    def reason(self, written: float) -> str:
        """Why an attempt last written then is kept; empty when nothing speaks for it."""
        if self.told:
            return self.told
        if self.since is None:
            return ""
        if written > self.since:
            return "written a short while ago"
        # A stage that asks writes its questions first, and then for hours nothing but replies.
        if self.replied is not None and self.replied > self.since:
            return "replies came a short while ago"
        return ""


def judged(
    directory: Place, files: Iterable[StoredFile], manifest: Manifest | None, life: Life
) -> tuple[list[Leftover], list[StoredFile]]:
    """Leftovers of a stage's directory, an attempt each, and the files that are foreign to it.

    An attempt is as old as its newest file: early parts of a run at work may be hours old. What
    names no attempt may be of any, and is as old as the newest of all.
    """
    named = {part.name for part in manifest.parts} if manifest else set()
    attempts: dict[str, list[StoredFile]] = {}
    foreign = []
    for file in files:
        name = "/".join(file.names[len(directory) :])
        if not file.upload_id and (name in named or name == MANIFEST):
            continue
        attempt = None if file.is_link else attempt_of(directory[0], name)
        if attempt is None:
            foreign.append(file)
        else:
            attempts.setdefault(attempt, []).append(file)
    newest = max((file.modified for found in attempts.values() for file in found), default=0.0)
    return [
        Leftover(
            directory,
            attempt,
            _why(attempt, found, manifest),
            tuple(found),
            life.reason(max(file.modified for file in found) if attempt else newest),
        )
        for attempt, found in sorted(attempts.items())
    ], foreign


def attempt_of(stage: str, name: str) -> str | None:
    """The attempt that wrote a file of a stage's directory, empty where its name tells none; None
    for a name this tool does not give.
    """
    side = _SIDE.fullmatch(name)
    of = side["of"] if side else name
    part = _PART.fullmatch(of)
    if part:
        return part["attempt"]
    is_known = of in DOCUMENTS.get(stage, ()) or (stage == "tune" and _MODEL.fullmatch(of))
    return "" if of == MANIFEST or is_known else None


def _why(attempt: str, files: list[StoredFile], manifest: Manifest | None) -> str:
    if all(file.upload_id for file in files):
        return UPLOAD
    if all(side_of(file.names[-1]) for file in files):
        return SIDE
    if manifest is None:
        return "no manifest: never committed"
    if attempt and any(f"-{attempt}-" in part.name for part in manifest.parts):
        return "replaced before the commit"
    return "another run committed"


def side_of(name: str) -> str | None:
    """The name that a local side file was to take; None for a name that is no side file's."""
    side = _SIDE.fullmatch(name)
    return side["of"] if side else None


def is_ours_beside(names: Place) -> bool:
    """Whether this tool writes a file of this path outside the stages' directories."""
    match names:
        case ("run.json",) | ("training", _, *_):
            return True
        case ("replies", _, name):
            return _REPLIES.fullmatch(name) is not None
        case ("batch", name):
            return _BATCH.fullmatch(name) is not None
        case ("progress", name):
            return name.endswith(".json")
        case _:
            return False
