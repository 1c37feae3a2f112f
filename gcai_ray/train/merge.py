"""A base model and a LoRA adapter → one model, for engines that take no adapters."""

from __future__ import annotations

import json
import os
from typing import Any

from gcai_ray.errors import ConfigError, InputError
from gcai_ray.train.adapter import ADAPTER_FILES, BASE_KEY
from gcai_ray.train.model import check_model_folder
from gcai_ray.train.places import local_copy

KEPT = ("constitution.json", "training.json")


def merge(adapter: str, into: str, base: str | None = None, dtype: str | None = None) -> str:
    """Write merged weights, tokenizer and chat template to a new folder of this machine.

    Args:
        adapter: folder, `s3://` folder or hub id of the adapter.
        into: the folder to write; it must not hold anything.
        base: the base model's place; None: as the adapter names it.
        dtype: of the weights written, such as `bfloat16`; None: the base's own.

    Returns:
        The folder written.

    Raises:
        ConfigError: the adapter is of another base, or a model cannot be used.
        InputError: the adapter is not there, or the folder is taken.
    """
    if os.path.isdir(into) and os.listdir(into):
        raise InputError(f"{into}: the folder is not empty; name a new one")
    own = local_copy(adapter)
    settings = _settings(own, adapter)
    place = base or str(settings[BASE_KEY])
    folder = local_copy(place)
    check_model_folder(folder, place)
    model = _merged(folder, own, dtype, f"{adapter} on {place}")
    model.save_pretrained(into)
    _keep(own, folder, into)
    return into


def _settings(folder: str, adapter: str) -> dict[str, Any]:
    for name in ADAPTER_FILES:
        if not os.path.isfile(os.path.join(folder, name)):
            raise InputError(f"{adapter}: no {name} there; name the folder of a LoRA adapter")
    with open(os.path.join(folder, ADAPTER_FILES[0]), encoding="utf-8") as file:
        return json.load(file)


def _merged(base: str, adapter: str, dtype: str | None, named: str) -> Any:
    import torch
    from peft import PeftModel
    from transformers import AutoModelForCausalLM

    model = AutoModelForCausalLM.from_pretrained(
        base,
        dtype="auto" if dtype is None else getattr(torch, dtype),
        trust_remote_code=False,
        use_safetensors=True,
    )
    _check_shapes(model, adapter, named)
    return PeftModel.from_pretrained(model, adapter).merge_and_unload()


def _check_shapes(model: Any, adapter: str, named: str) -> None:
    """An adapter of another base: layers it does not have, or of another width."""
    from safetensors import safe_open

    layers = dict(model.named_modules())
    with safe_open(os.path.join(adapter, ADAPTER_FILES[1]), "pt") as weights:
        for key in weights.keys():  # noqa: SIM118  no mapping
            name, _, kind = key.removeprefix("base_model.model.").partition(".lora_")
            layer = layers.get(name)
            width = weights.get_slice(key).get_shape()
            if layer is None:
                raise ConfigError(f"{named}: the base has no layer {name}: it is another model")
            wanted = layer.in_features if kind.startswith("A") else layer.out_features
            found = width[1] if kind.startswith("A") else width[0]
            if found != wanted:
                raise ConfigError(
                    f"{named}: layer {name} is {wanted} wide in the base and {found} in the "
                    "adapter: it was tuned on another model"
                )


def _keep(adapter: str, base: str, into: str) -> None:
    """Tokenizer and template of the adapter if it has them, and what it was tuned to."""
    import shutil

    from transformers import AutoTokenizer

    has_own = os.path.isfile(os.path.join(adapter, "tokenizer_config.json"))
    AutoTokenizer.from_pretrained(adapter if has_own else base).save_pretrained(into)
    for name in KEPT:
        path = os.path.join(adapter, name)
        if os.path.isfile(path):
            shutil.copyfile(path, os.path.join(into, name))
