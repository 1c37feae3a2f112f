"""A base model's folder → weights ready to be trained, with an adapter or whole.

Only safetensors are read, and no code of a model is run.
"""

from __future__ import annotations

import os
from typing import Any

from gcai_ray.errors import ConfigError
from gcai_ray.training_config import TuneConfig

ADAPTER = "default"


def trainable(tune: TuneConfig, base: str, start: str | None, packed: bool = False) -> Any:
    """The model to train.

    Args:
        tune: method, dtype, the adapter's shape.
        base: folder of the base model.
        start: folder of the checkpoint an earlier objective ended with, or None to begin anew.
        packed: several rows share a sequence, which only flash attention keeps apart.

    Raises:
        ConfigError: the model has no layers of the names in `tune.lora.targets`.
    """
    if tune.method == "full":
        # In bfloat16 the small steps of full weights would be lost; the passes are in it anyway.
        return _loaded(start or base, "float32", packed)
    model = _loaded(base, tune.dtype, packed)
    if start is None:
        return _new_adapter(model, tune)
    from peft import PeftModel

    return PeftModel.from_pretrained(model, start, is_trainable=True)


def _loaded(folder: str, dtype: str, packed: bool) -> Any:
    import torch
    from transformers import AutoModelForCausalLM

    return AutoModelForCausalLM.from_pretrained(
        folder,
        dtype=getattr(torch, dtype),
        trust_remote_code=False,
        use_safetensors=True,
        attn_implementation="flash_attention_2" if packed else None,
    )


def _new_adapter(model: Any, tune: TuneConfig) -> Any:
    from peft import LoraConfig, get_peft_model

    lora = tune.lora
    targets = lora.targets if isinstance(lora.targets, str) else list(lora.targets)
    settings = LoraConfig(
        r=lora.rank,
        lora_alpha=lora.alpha or 2 * lora.rank,
        lora_dropout=lora.dropout,
        target_modules=targets,
        task_type="CAUSAL_LM",
    )
    try:
        return get_peft_model(model, settings)
    except ValueError as error:
        raise ConfigError(f"tune.lora.targets {targets}: {error}") from error


def check_model_folder(folder: str, model: str) -> None:
    """Refuse what cannot be loaded safely, before any worker starts.

    Raises:
        ConfigError: no folder, no config.json, or weights that are no safetensors.
    """
    names = os.listdir(folder) if os.path.isdir(folder) else []
    if "config.json" not in names:
        hint = "an adapter; give its base model" if "adapter_config.json" in names else "no model"
        raise ConfigError(f"tune.model: {model} has no config.json ({hint} is there)")
    if not any(name.endswith(".safetensors") for name in names):
        pickled = [name for name in names if name.endswith((".bin", ".pt", ".pth", ".ckpt"))]
        why = (
            f"{pickled[0]} is a pickle, which can run code when it is loaded: convert it to "
            "safetensors"
            if pickled
            else "it has no *.safetensors"
        )
        raise ConfigError(f"tune.model: the weights of {model} cannot be used: {why}")
