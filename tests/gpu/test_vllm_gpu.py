"""The vllm engine on real GPUs: a 7B-shaped model of dummy weights, LoRA, tensor parallelism."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from test_vllm_engine import asked, question
from tiny_model import write_tokenizer_and_config

from gcai_ray.engine_config import VllmEngine

pytestmark = [pytest.mark.gpu, pytest.mark.slow, pytest.mark.ray]
SEVEN_B = {
    "hidden_size": 4096,
    "intermediate_size": 14336,
    "num_hidden_layers": 32,
    "num_attention_heads": 32,
    "num_key_value_heads": 8,
    "head_dim": 128,
    "vocab_size": 32768,
}


def on_gpus(model: Path, **settings: Any) -> VllmEngine:
    return VllmEngine.model_validate(
        {"name": "vllm", "model": str(model), "context_tokens": 4096} | settings
    )


def need_gpus(number: int) -> pytest.MarkDecorator:
    """Looks for the device files: torch or Ray would take seconds to say that there is none."""
    missing = not Path(f"/dev/nvidia{number - 1}").exists()
    return pytest.mark.skipif(missing, reason=f"needs {number} CUDA devices")


@need_gpus(1)
def test_7b_shape_answers_by_the_schema(ray_address: str, tmp_path: Path) -> None:
    write_tokenizer_and_config(tmp_path / "model", SEVEN_B)
    rows = [question(i, f"[1] The response {i} is clear.") for i in range(256)]
    engine = on_gpus(tmp_path / "model", engine_args={"load_format": "dummy"})
    outcomes, replies, in_flight, raised = asked(rows, engine, tmp_path / "replies")
    assert raised is None
    assert in_flight == []
    assert len(outcomes) == len(replies) == len(rows)
    assert all(reply["parsed"] for reply in replies.values())
    assert sum(reply["num_cached_tokens"] for reply in replies.values()) > 0


@need_gpus(1)
def test_adapter_changes_the_reply(ray_address: str, tiny_model: Path, tmp_path: Path) -> None:
    rows = [question(0, "same words", temperature=0.0)]
    lora = {"adapters": {"kind": f"{tiny_model}-lora"}, "adapter": "kind"}
    texts = []
    for name, settings in (("base", {}), ("adapted", lora)):
        _, replies, _, raised = asked(rows, on_gpus(tiny_model, **settings), tmp_path / name)
        assert raised is None
        texts.append(replies[rows[0]["id"]]["text"])
    assert texts[0] != texts[1]


@need_gpus(2)
def test_two_gpus_hold_one_replica(ray_address: str, tiny_model: Path, tmp_path: Path) -> None:
    rows = [question(i, f"[1] The response {i} is clear.") for i in range(32)]
    engine = on_gpus(tiny_model, tensor_parallel_size=2)
    _, replies, _, raised = asked(rows, engine, tmp_path / "replies")
    assert raised is None
    assert sum(reply["parsed"] for reply in replies.values()) == len(rows)
