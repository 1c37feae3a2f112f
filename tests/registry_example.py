"""Small adapters and versions for tests of the registry. Nothing here is loaded by an engine."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import constitution_example
import numpy as np
from safetensors.numpy import save_file

from gcai_ray.artifact_writer import ArtifactWriter
from gcai_ray.registry import FileFacts, Index, Version, added
from gcai_ray.storage import Storage
from gcai_ray.train.adapter import ADAPTER_FILES

SETTINGS, WEIGHTS = ADAPTER_FILES
LORA: dict[str, Any] = {
    "peft_type": "LORA",
    "task_type": "CAUSAL_LM",
    "base_model_name_or_path": "tiny",
    "r": 8,
    "lora_alpha": 16,
    "target_modules": ["q_proj"],
    "bias": "none",
    "use_dora": False,
    "modules_to_save": None,
    "rank_pattern": {},
    "alpha_pattern": {},
    "a_key_of_a_later_peft": 1,
}


def write_adapter(folder: Path, seed: int = 0, num_values: int = 512, **changes: Any) -> Path:
    """An adapter whose weights follow from the seed; `changes` of its settings."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / SETTINGS).write_text(json.dumps(LORA | changes))
    values = np.random.default_rng(seed).standard_normal(num_values).astype(np.float32)
    save_file({"layer.lora_A.weight": values.reshape(8, -1)}, folder / WEIGHTS)
    return folder


def write_constitution(folder: Path, **changes: Any) -> Path:
    """The constitution an adapter was tuned to, beside it."""
    text = constitution_example.constitution(**changes).model_dump_json(indent=2)
    (folder / "constitution.json").write_text(text)
    return folder


def tuned_run(root: Path, is_finished: bool = True) -> Path:
    """A run that tuned an adapter; the folder of the adapter."""
    key, made = "a" * 32, write_constitution(write_adapter(root / "scratch"))
    writer = ArtifactWriter(Storage(str(root)), ("tune", key))
    for name in (*ADAPTER_FILES, "constitution.json"):
        writer.write_file(name, str(made / name))
    writer.commit(inputs={}, config={}, seconds=0.0)
    (root / "run.json").write_text(json.dumps({"name": "run", "stages": {"tune": key}}))
    if not is_finished:
        (root / "tune" / key / "manifest.json").unlink()
    return root / "tune" / key


def put_folder(folder: Path, url: str) -> str:
    """The same files at another place; says it."""
    for path in folder.iterdir():
        Storage(url).put(str(path), path.name)
    return url


def version(seed: int = 0, **changes: Any) -> Version:
    """A version that stands nowhere, its files different for every seed."""
    chance = random.Random(seed)
    files = {
        name: FileFacts(size_bytes=seed, sha256=chance.randbytes(32).hex())
        for name in ADAPTER_FILES
    }
    given: dict[str, Any] = {
        "number": 1,
        "adapter": f"/adapters/{seed}",
        "base_model": "tiny",
        "rank": 8,
        "files": files,
        "added_at": "2026-07-01T00:00:00+00:00",
    }
    return Version(**(given | changes))


def index_with(num_versions: int, name: str = "tone") -> Index:
    """One adapter with so many versions, of which the first is live."""
    index = Index()
    for seed in range(num_versions):
        index = added(index, name, version(seed))
    return index
