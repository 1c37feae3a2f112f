"""A folder with an adapter, local or on `s3://`, or the root of a run that tuned one → a `Version`,
its files looked through. Knows no index and loads no weights.
"""

from __future__ import annotations

import hashlib
import json
import re
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field, ValidationError

from gcai_ray.artifacts import MANIFEST, Manifest, open_artifact
from gcai_ray.engines.model_files import place as absolute
from gcai_ray.errors import ArtifactError, InputError
from gcai_ray.registry.entries import ConstitutionFacts, FileFacts, Version
from gcai_ray.registry.pieces import pieces
from gcai_ray.runs import RUN_FILE, open_run
from gcai_ray.schemas import Constitution
from gcai_ray.storage import Storage, explaining
from gcai_ray.train.adapter import ADAPTER_FILES

SETTINGS, WEIGHTS = ADAPTER_FILES
CONSTITUTION = "constitution.json"
TUNE = "tune"
MAX_FIGURES_BYTES = 64 * 1024  # they stand in every later file of the index
LENGTH_BYTES = 8  # a safetensors file begins with the length of its header
MAX_HEADER_BYTES = 100_000_000  # as the library has it
_ARTIFACT = re.compile(rf"/{TUNE}/[0-9a-f]{{32}}$")


class _Lora(BaseModel):
    """What of adapter_config.json decides whether vLLM serves an adapter as it was trained: it
    refuses DoRA, biases and whole modules, and takes one rank and one alpha for every layer.
    """

    peft_type: Literal["LORA"]
    r: Annotated[int, Field(ge=1, strict=True)]
    lora_alpha: Annotated[float, Field(gt=0)]
    target_modules: list[str] | str
    base_model_name_or_path: Annotated[str, Field(min_length=1)]
    bias: Literal["none"] = "none"
    use_dora: Literal[False] = False
    modules_to_save: Annotated[list[str], Field(max_length=0)] | None = None
    rank_pattern: Annotated[dict[str, Any], Field(max_length=0)] | None = None
    alpha_pattern: Annotated[dict[str, Any], Field(max_length=0)] | None = None


def read_version(place: str, number: int = 1, evaluation: dict[str, Any] | None = None) -> Version:
    """Read every byte of an adapter and say what it is.

    Args:
        place: its folder, local or `s3://`, or the root of a finished run with a `tune`.
        number: what the version is called; `added` gives it the next one.
        evaluation: figures that go with it (`read_figures`).

    Raises:
        InputError: there is no LoRA adapter in safetensors that vLLM can serve.
        ArtifactError: it is an artifact of ours that is unfinished or damaged.
        StorageError: the place cannot be read.
    """
    storage = _folder(absolute(place))
    manifest = _manifest(storage)
    settings = _read(storage, SETTINGS)
    lora = _lora(storage, settings)
    weights = _facts(storage, WEIGHTS)
    _check_tensors(storage, weights.size_bytes)
    files = {SETTINGS: _facts_of(settings), WEIGHTS: weights}
    constitution = _constitution(storage)
    found = {name: of.sha256 for name, of in files.items()}
    if constitution is not None:
        found[CONSTITUTION] = constitution.sha256
    _compare(storage, manifest, found)
    return Version(
        number=number,
        adapter=storage.root,
        base_model=lora.base_model_name_or_path,
        rank=lora.r,
        files=files,
        constitution=constitution,
        evaluation=evaluation,
        added_at=datetime.now(UTC).isoformat(timespec="seconds"),
    )


def read_figures(source: str) -> dict[str, Any]:
    """Figures of an evaluation, and where they come from: `{"from": source, "figures": {...}}`.

    Args:
        source: path or URL of a JSON file that holds one object.

    Raises:
        InputError: it is missing, too large, or no JSON object.
        StorageError: the place cannot be read.
    """
    from gcai_ray.sources.files import open_place

    filesystem, path = open_place(source)
    try:
        with explaining(f"evaluation: cannot read {source}", source, missing=True):
            data = filesystem.cat_file(path, start=0, end=MAX_FIGURES_BYTES + 1)
    except FileNotFoundError as error:
        raise InputError(f"evaluation: {source} is no file; give a JSON file of figures") from error
    if len(data) > MAX_FIGURES_BYTES:
        raise InputError(
            f"evaluation: {source} has more than {MAX_FIGURES_BYTES:,} bytes; give a file of the "
            "figures alone"
        )
    try:
        figures = json.loads(data)
    except ValueError as error:
        raise InputError(f"evaluation: {source} is no JSON ({error})") from error
    if not isinstance(figures, dict):
        raise InputError(f"evaluation: {source} holds no JSON object of figures by name")
    return {"from": source, "figures": figures}


def _folder(place: str) -> Storage:
    """Where the adapter itself stands."""
    storage = Storage(place)
    storage.greet()
    if not storage.exists(RUN_FILE):
        return storage
    tuned = open_run(place).get(TUNE)
    if tuned is None:
        raise InputError(f"{place}: this run has tuned nothing yet; run `gcai tune` first")
    return Storage(tuned.url)


def _manifest(storage: Storage) -> Manifest | None:
    artifact = open_artifact(storage, ())
    if artifact is not None:
        return artifact.manifest
    if _ARTIFACT.search(storage.root) and storage.names():
        raise ArtifactError(
            f"{storage.root}: no {MANIFEST}: the run that tunes it has not finished; the same "
            "`gcai tune` goes on with it"
        )
    return None


def _read(storage: Storage, name: str) -> bytes:
    try:
        return storage.read(name)
    except FileNotFoundError as error:
        raise InputError(_what_is_missing(storage, name)) from error


def _what_is_missing(storage: Storage, name: str) -> str:
    found = storage.names()
    if not found:
        return f"there is no folder {storage.root}, or nothing in it"
    if name == WEIGHTS and "adapter_model.bin" in found:
        return (
            f"{storage.root}: the weights are a pickle (adapter_model.bin), which can run code "
            "when it is loaded; save them with `save_pretrained(..., safe_serialization=True)`"
        )
    if "config.json" in found and name == SETTINGS:
        return (
            f"{storage.root}: a whole model and no adapter (no {SETTINGS}); serve it as a base "
            "model, or tune with `method: lora`"
        )
    return f"{storage.url(name)}: missing; give the folder of an adapter, or a run that tuned one"


def _lora(storage: Storage, data: bytes) -> _Lora:
    try:
        return _Lora.model_validate_json(data)
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(str(part) for part in first["loc"]) or "the file"
        seen = (
            "" if first["type"] in ("missing", "json_invalid") else f" (found {first['input']!r})"
        )
        raise InputError(
            f"{storage.url(SETTINGS)}: {field}: {first['msg']}{seen}; only a plain LoRA adapter "
            "that names its base model can be served"
        ) from error


def _facts_of(data: bytes) -> FileFacts:
    return FileFacts(size_bytes=len(data), sha256=hashlib.sha256(data).hexdigest())


def _facts(storage: Storage, name: str) -> FileFacts:
    digest, size_bytes = hashlib.sha256(), 0
    try:
        for piece in pieces(storage, name):
            digest.update(piece)
            size_bytes += len(piece)
    except FileNotFoundError as error:
        raise InputError(_what_is_missing(storage, name)) from error
    return FileFacts(size_bytes=size_bytes, sha256=digest.hexdigest())


def _check_tensors(storage: Storage, size_bytes: int) -> None:
    """The header of a safetensors file says where its tensors end."""
    with storage.open(WEIGHTS) as file:
        length = int.from_bytes(file.read(LENGTH_BYTES), "little")
        head = file.read(length) if length <= min(size_bytes, MAX_HEADER_BYTES) else b""
    try:
        told = json.loads(head)
        ends = [of["data_offsets"][1] for name, of in told.items() if name != "__metadata__"]
        is_whole = LENGTH_BYTES + length + max(ends) == size_bytes
    except (ValueError, KeyError, TypeError, IndexError, AttributeError):
        is_whole = False
    if not is_whole:
        raise InputError(
            f"{storage.url(WEIGHTS)}: no whole safetensors file ({size_bytes:,} bytes); copy it "
            "again, or save the adapter anew"
        )


def _constitution(storage: Storage) -> ConstitutionFacts | None:
    try:
        data = storage.read(CONSTITUTION)
    except FileNotFoundError:
        return None
    try:
        of = Constitution.model_validate_json(data)
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(str(part) for part in first["loc"]) or "the file"
        raise InputError(
            f"{storage.url(CONSTITUTION)}: no constitution of this version: {field}: "
            f"{first['msg']}; take the one that `gcai tune` put there"
        ) from error
    return ConstitutionFacts(
        title=of.title,
        mode=of.mode,
        status=of.status,
        model=of.model,
        num_principles=len(of.principles),
        num_people=of.num_people,
        num_preferences=of.num_preferences,
        num_reasons=of.num_reasons,
        num_statements=of.num_statements,
        sha256=hashlib.sha256(data).hexdigest(),
    )


def _compare(storage: Storage, manifest: Manifest | None, found: dict[str, str]) -> None:
    """A file that the manifest names is still as it was written."""
    for part in manifest.parts if manifest else ():
        if found.get(part.name, part.sha256) != part.sha256:
            raise ArtifactError(
                f"{storage.url(part.name)}: damaged, its checksum is {found[part.name]}, the "
                f"manifest's {part.sha256}; put the file back, or copy the folder again"
            )
