"""A path → a constitution's principles, whoever wrote them. Knows nothing of how they are compared.

Read are: the root of a finished run, a `constitution.json` of ours, a plain-text list, a JSON list
or mapping of principles, and what the package `inverse-cai` writes (0.4.8: its folder of results,
`060_constitution.json`, its other lists, or its annotated pairs).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import PurePath
from typing import Any

from pydantic import ValidationError

from gcai_ray.artifacts import Artifact
from gcai_ray.comparison.text import lines_of, without_marks
from gcai_ray.errors import ArtifactError, InputError
from gcai_ray.runs import RUN_FILE, open_run
from gcai_ray.schemas import Constitution, Kind
from gcai_ray.storage import Storage

MAX_PRINCIPLES = 1000
MAX_BYTES = 2**30  # annotated pairs hold the responses too
# Where an object holds its principle, the first that is there; those behind `principle` occur in
# `../shared/data/constitutions`, which publish a critique and a revision for each.
TEXT_FIELDS = ("text", "principle", "revision", "edit_request", "critic", "description")
LIST_FIELDS = ("principles", "constitution", "constitutions", "rules")
ICAI_CONSTITUTION = "060_constitution.json"


@dataclass(frozen=True)
class Run:
    """What a finished run has beside its principles: its artifacts by stage, and the cosine from
    which one of its clauses matches a principle.
    """

    stages: Mapping[str, Artifact]
    match_threshold: Mapping[Kind, float]
    reads_reasons: bool  # not in ICAI mode, whose clauses are guesses of a model


@dataclass(frozen=True)
class Listed:
    """The principles of one constitution, in its order, each wording once.

    kinds: of each principle, None where its source knows no kinds. num_repeats: principles left out
    because their very words stood there before. run: None where people's words are not at hand.
    """

    name: str
    origin: str
    texts: tuple[str, ...]
    kinds: tuple[Kind | None, ...]
    num_repeats: int
    run: Run | None = None


def read_constitution(path: str) -> Listed:
    """The constitution that stands at a path.

    Raises:
        ArtifactError: a run without a constitution, or one of another version of ours.
        InputError: nothing there, or nothing that can be read as a list of principles.
    """
    storage = Storage(path)
    if storage.exists(RUN_FILE):
        return _of_run(path)
    for folder in ((), ("results",)):
        if storage.exists(*folder, ICAI_CONSTITUTION):
            inner = storage.url(*folder, ICAI_CONSTITUTION)
            said = _document(inner, storage.read(*folder, ICAI_CONSTITUTION))
            return _listed(_name(path), "result of ICAI", _texts(inner, said), inner)
    return _of_file(path)


def _of_run(path: str) -> Listed:
    stages = open_run(path)
    if "ratify" not in stages:
        raise ArtifactError(
            f"{path}: this run has no constitution yet; finish it with `gcai run` first"
        )
    return _of_ours(path, stages["ratify"].document("constitution.json"), stages)


def _of_file(path: str) -> Listed:
    parent, _, base = path.rstrip("/").rpartition("/")
    place = Storage(parent or ("/" if path.startswith("/") else "."))
    if not place.exists(base):
        raise InputError(f"{path}: no such file or directory")
    if Storage(path).filesystem.isdir(Storage(path).path()):
        raise InputError(
            f"{path}: neither a run of ours (no {RUN_FILE}) nor a result of ICAI "
            f"(no {ICAI_CONSTITUTION}); give a run's root or a file"
        )
    data = place.read(base)
    if len(data) > MAX_BYTES:
        raise InputError(f"{path}: is larger than 1 GB; no list of principles is")
    if not base.lower().endswith(".json") and data.lstrip()[:1] not in (b"{", b"["):
        return _listed(_name(path), "list", lines_of(_decoded(path, data)), path)
    return _of_json(path, data)


def _of_json(path: str, data: bytes) -> Listed:
    document = _document(path, data)
    if isinstance(document, dict) and "match_threshold" in document:
        return _of_ours(path, data, None)
    if isinstance(document, dict) and {"annotators", "comparisons"} <= document.keys():
        texts = _of_annotators(path, document["annotators"])
        return _listed(_name(path), "annotated pairs, every principle tested", texts, path)
    return _listed(_name(path), "list", _texts(path, document), path)


def _of_ours(path: str, data: bytes, stages: Mapping[str, Artifact] | None) -> Listed:
    try:
        constitution = Constitution.model_validate_json(data)
    except ValidationError as error:
        raise ArtifactError(
            f"{path}: not a constitution of this version of gcai-ray "
            f"({error.error_count()} fields do not fit, first {error.errors()[0]['loc']}); "
            "run its configuration again, or give its principles as a plain list"
        ) from error
    is_icai = constitution.mode == "icai"
    origin = "run in ICAI mode" if is_icai else "run"
    run = None
    if stages is not None and {"ingest", "embed"} <= stages.keys():
        run = Run(stages, constitution.match_threshold, reads_reasons=not is_icai)
    return _listed(
        constitution.title,
        f"constitution of a {origin}" if stages is None else origin,
        [principle.text for principle in constitution.principles],
        path,
        {without_marks(p.text): p.kind for p in constitution.principles},
        run,
    )


def _of_annotators(path: str, annotators: Any) -> list[str]:
    known = annotators.values() if isinstance(annotators, dict) else ()
    texts = [
        about["description"]
        for about in known
        if isinstance(about, dict)
        and about.get("type") == "principle"
        and isinstance(about.get("description"), str)
    ]
    if not texts:
        raise InputError(f"{path}: annotated pairs without an annotator of type 'principle'")
    return texts


def _texts(path: str, document: Any) -> list[str]:
    """The principles of a JSON document: a text of lines, a list, or a mapping of either."""
    if isinstance(document, str):
        return lines_of(document)
    if isinstance(document, list):
        return [_text(path, f"item {number}", item) for number, item in enumerate(document, 1)]
    if isinstance(document, dict):
        inner = next((key for key in LIST_FIELDS if isinstance(document.get(key), list)), None)
        if inner is not None:
            return _texts(path, document[inner])
        return [_text(path, f"'{key}'", item) for key, item in document.items()]
    raise InputError(f"{path}: JSON {type(document).__name__}; expected a list of principles")


def _text(path: str, place: str, item: Any) -> str:
    if isinstance(item, str):
        return item
    if isinstance(item, dict):
        for field in TEXT_FIELDS:
            if isinstance(item.get(field), str):
                return item[field]
        found = f"an object with {', '.join(map(repr, item)) or 'nothing'}"
    else:
        found = repr(item)[:80]
    raise InputError(
        f"{path}: {place} is {found}; expected a text, or an object with one of: "
        f"{', '.join(TEXT_FIELDS)}"
    )


def _listed(
    name: str,
    origin: str,
    texts: list[str],
    path: str,
    kinds: Mapping[str, Kind] | None = None,
    run: Run | None = None,
) -> Listed:
    stated = [words for text in texts if (words := without_marks(text))]
    once = tuple(dict.fromkeys(stated))
    if not once:
        raise InputError(f"{path}: holds no principle; expected one a line, or a JSON list")
    if len(once) > MAX_PRINCIPLES:
        raise InputError(
            f"{path}: {len(once):,} principles; at most {MAX_PRINCIPLES:,} are compared. "
            "Is this a constitution?"
        )
    known = kinds or {}
    of_kind = tuple(known.get(text) for text in once)
    return Listed(without_marks(name), origin, once, of_kind, len(stated) - len(once), run)


def _document(path: str, data: bytes) -> Any:
    text = _decoded(path, data)
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InputError(f"{path}: not JSON, or cut off: {error}") from error


def _decoded(path: str, data: bytes) -> str:
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(
            f"{path}: byte {error.start} is not UTF-8; save the list as UTF-8 text"
        ) from error


def _name(path: str) -> str:
    parts = PurePath(path.rstrip("/")).parts
    return "/".join(parts[-2:] if parts[-1:] == ("results",) else parts[-1:]) or path
