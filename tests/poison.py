"""A vLLM logits processor that kills its engine when a prompt holds a marker: a real fatal fault.

Engine argument: `logits_processors: ["poison:Poison"]`; this folder must be on the import path.
"""

from __future__ import annotations

import os
from typing import Any

import torch
from tiny_model import POISON
from transformers import AutoTokenizer
from vllm.v1.sample.logits_processor import LogitsProcessor


class Poison(LogitsProcessor):
    """Leaves all logits alone; ends the engine's process on a prompt with the marker."""

    def __init__(self, vllm_config: Any, device: torch.device, is_pin_memory: bool) -> None:
        tokenizer = AutoTokenizer.from_pretrained(vllm_config.model_config.tokenizer)
        self._marker = tokenizer.encode(POISON, add_special_tokens=False)

    def is_argmax_invariant(self) -> bool:
        return True

    def apply(self, logits: torch.Tensor) -> torch.Tensor:
        return logits

    def update_state(self, batch_update: Any) -> None:
        for _, _, prompt, _ in batch_update.added if batch_update else ():
            if _holds(prompt or [], self._marker):
                os._exit(1)


def _holds(ids: list[int], wanted: list[int]) -> bool:
    size = len(wanted)
    return any(ids[i : i + size] == wanted for i in range(len(ids) - size + 1))
