"""A model's place (directory, `s3://` directory or hub id) → its identity, and whether it can be
used. Knows no engine and loads no weights.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from typing import Any

from gcai_ray.errors import EngineError

EDGE_BYTES = 2**20
WEIGHTS = ".safetensors"
OTHER_WEIGHTS = (".bin", ".pt", ".pth", ".ckpt", ".gguf", ".h5")
SETTINGS = ("config.json", "adapter_config.json", "chat_template.jinja")
_HUB_ID = re.compile(r"[A-Za-z0-9_][\w.-]*/[\w.-]+")


def model_identity(model: str, model_id: str | None) -> str:
    """What a model is called in ids and fingerprints: never its path.

    Args:
        model: directory, `s3://` directory or hub id, of a model or a LoRA adapter.
        model_id: the name a person gave it; taken as it is.

    Returns:
        `model_id`, a hub id as it is, or `sha256:` and 32 hexadecimal digits over the names, the
        sizes and the first and last MiB of configuration, tokenizer and weights.

    Raises:
        EngineError: there is no such directory.
    """
    if model_id is not None:
        return model_id
    if is_hub_id(model):
        return model
    filesystem, sizes = _files(model)
    digest = hashlib.sha256()
    for name in sorted(filter(_decides_replies, sizes)):
        size = sizes[name]
        digest.update(f"{name} {size}\n".encode())
        path = f"{_root(model)[1]}/{name}"
        digest.update(filesystem.cat_file(path, start=0, end=min(size, EDGE_BYTES)))
        if size > EDGE_BYTES:
            digest.update(filesystem.cat_file(path, start=max(EDGE_BYTES, size - EDGE_BYTES)))
    return f"sha256:{digest.hexdigest()[:32]}"


def place(model: str) -> str:
    """The same model as any process of this machine finds it: paths made absolute."""
    if is_hub_id(model) or "://" in model:
        return model.rstrip("/")
    return os.path.abspath(os.path.expanduser(model))


def is_hub_id(model: str) -> bool:
    """Whether this names a model on a hub (`owner/name`) and no directory of this machine."""
    return bool(_HUB_ID.fullmatch(model)) and not os.path.isdir(model)


def check_model(model: str, needs_weights: bool = True) -> None:
    """Refuse a directory without what a chat needs. What a hub holds shows when it is loaded.

    Raises:
        EngineError: no such directory, no config.json, no chat template, or weights that are not
            safetensors.
    """
    if is_hub_id(model):
        return
    filesystem, sizes = _files(model)
    if "config.json" not in sizes:
        raise EngineError(f"engine.model: {model} holds no config.json: it is no model directory")
    if needs_weights:
        _check_weights("engine.model", model, sizes)
    if not any(_has_template(filesystem, f"{_root(model)[1]}/{name}") for name in sizes):
        raise EngineError(
            f"engine.model: {model} has no chat template (chat_template.jinja, or `chat_template` "
            "in tokenizer_config.json); take the instruction-tuned variant of the model"
        )


def adapter_rank(adapter: str) -> int:
    """The rank of a LoRA adapter, from its configuration.

    Raises:
        EngineError: no such directory, no LoRA adapter, or weights that are not safetensors.
    """
    if is_hub_id(adapter):
        raise EngineError(
            f"engine.adapters: there is no directory {adapter}; "
            "download the adapter and give its path"
        )
    filesystem, sizes = _files(adapter)
    if "adapter_config.json" not in sizes:
        raise EngineError(
            f"engine.adapters: {adapter} holds no adapter_config.json: it is no LoRA adapter"
        )
    _check_weights("engine.adapters", adapter, sizes)
    found = _json(filesystem, f"{_root(adapter)[1]}/adapter_config.json")
    rank = found.get("r")
    if not isinstance(rank, int):
        raise EngineError(f"engine.adapters: {adapter}/adapter_config.json has no LoRA rank `r`")
    return rank


def _check_weights(key: str, directory: str, sizes: dict[str, int]) -> None:
    if any(name.endswith(WEIGHTS) for name in sizes):
        return
    others = sorted(name for name in sizes if name.endswith(OTHER_WEIGHTS))
    found = f"only {others[0]}" if others else "none"
    raise EngineError(
        f"{key}: {directory} has no safetensors weights ({found}); other formats can run code when "
        "they are loaded: save the model with `save_pretrained(..., safe_serialization=True)`"
    )


def _has_template(filesystem: Any, path: str) -> bool:
    if path.endswith("/chat_template.jinja"):
        return True
    return path.endswith("/tokenizer_config.json") and bool(
        _json(filesystem, path).get("chat_template")
    )


def _json(filesystem: Any, path: str) -> dict[str, Any]:
    try:
        found = json.loads(filesystem.cat_file(path))
    except ValueError as error:
        raise EngineError(f"{path}: no JSON ({error}); download the model again") from error
    return found if isinstance(found, dict) else {}


def _decides_replies(name: str) -> bool:
    return name in SETTINGS or name.endswith(WEIGHTS) or "token" in name or name == "merges.txt"


def _root(directory: str) -> tuple[Any, str]:
    import fsspec

    filesystem, path = fsspec.core.url_to_fs(place(directory))
    return filesystem, path.rstrip("/")


def _files(directory: str) -> tuple[Any, dict[str, int]]:
    """The filesystem of a directory, and the files right in it with their sizes in bytes."""
    filesystem, path = _root(directory)
    try:
        found = filesystem.ls(path, detail=True)
    except (FileNotFoundError, NotADirectoryError) as error:
        raise EngineError(
            f"engine: there is no model directory {directory}; check `model` and `adapters` "
            "(a directory, an s3:// directory or a hub id such as owner/name)"
        ) from error
    except OSError as error:
        raise EngineError(f"engine: cannot read {directory}: {error}") from error
    return filesystem, {
        entry["name"].rstrip("/").rsplit("/", 1)[-1]: entry["size"]
        for entry in found
        if entry["type"] == "file"
    }
