"""A checkpoint and what is known of it → the files of an adapter, or of a whole model, that plain
`peft`, transformers and vLLM load.
"""

from __future__ import annotations

import json
import os
from typing import Any

from gcai_ray.training_config import TuneConfig

ADAPTER_FILES = ("adapter_config.json", "adapter_model.safetensors")
BASE_KEY = "base_model_name_or_path"


def exported(checkpoint: str, tune: TuneConfig, base_name: str, folder: str) -> dict[str, str]:
    """The files to hand on: name → path on this machine.

    Args:
        checkpoint: folder of a checkpoint on this machine.
        tune: how it was trained.
        base_name: what the base model is called; never a path.
        folder: where files are written that are not in the checkpoint.
    """
    _tokenizer(tune, folder)
    is_lora = tune.method == "lora"
    weights = _adapter(checkpoint, folder, base_name) if is_lora else _whole(checkpoint)
    own = {name: os.path.join(folder, name) for name in sorted(os.listdir(folder))}
    return own | weights


def _tokenizer(tune: TuneConfig, folder: str) -> None:
    """The base model's, with its chat template."""
    from gcai_ray.train.chat import load_tokenizer
    from gcai_ray.train.places import local_copy

    load_tokenizer(local_copy(tune.model), tune.model).save_pretrained(folder)


def _adapter(checkpoint: str, folder: str, base_name: str) -> dict[str, str]:
    settings: dict[str, Any] = json.loads(_read(os.path.join(checkpoint, ADAPTER_FILES[0])))
    settings[BASE_KEY] = base_name
    path = os.path.join(folder, ADAPTER_FILES[0])
    with open(path, "w", encoding="utf-8") as file:
        json.dump(settings, file, indent=2, sort_keys=True)
    return {ADAPTER_FILES[1]: os.path.join(checkpoint, ADAPTER_FILES[1])}


def _whole(checkpoint: str) -> dict[str, str]:
    """Weights in shards, and the settings of the model."""
    kept = (".safetensors", ".safetensors.index.json")
    named = ("config.json", "generation_config.json")
    return {
        name: os.path.join(checkpoint, name)
        for name in sorted(os.listdir(checkpoint))
        if name.endswith(kept) or name in named
    }


def _read(path: str) -> str:
    with open(path, encoding="utf-8") as file:
        return file.read()
