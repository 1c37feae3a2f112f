"""The table of sizes in docs/tuning.md is what its formula says."""

from __future__ import annotations

import pytest
from places import ROOT

from tests.benchmarks.tuning_sizes import (
    SHAPES,
    adapter_parameters,
    fewest_gpus,
    per_gpu_gb,
    table,
)

ONE, EIGHT, SEVENTY = SHAPES


def test_the_table_in_the_docs_is_the_formulas() -> None:
    assert table() in (ROOT / "docs" / "tuning.md").read_text(encoding="utf-8")


def test_an_adapter_of_rank_16_has_the_parameters_peft_counts() -> None:
    from peft import LoraConfig, get_peft_model
    from transformers import LlamaConfig, LlamaForCausalLM

    settings = LlamaConfig(
        hidden_size=64,
        intermediate_size=96,
        num_hidden_layers=3,
        num_attention_heads=4,
        num_key_value_heads=2,
        vocab_size=100,
    )
    model = LlamaForCausalLM(settings)
    tuned = get_peft_model(model, LoraConfig(r=16, target_modules="all-linear"))
    shape = type(ONE)("tiny", 0, 3, 64, 32, 96, 100)
    assert tuned.get_nb_trainable_parameters()[0] == adapter_parameters(shape)


def test_shards_need_less_and_more_rows_need_more() -> None:
    assert per_gpu_gb(EIGHT, "full", 8) < per_gpu_gb(EIGHT, "full", 4)
    assert per_gpu_gb(EIGHT, "lora", 8) < per_gpu_gb(EIGHT, "lora ddp", 8)
    assert per_gpu_gb(ONE, "lora", 1, 8) > per_gpu_gb(ONE, "lora", 1, 4)
    assert fewest_gpus(SEVENTY, "lora ddp") is None
    assert per_gpu_gb(ONE, "full", 1) == pytest.approx(16 * 1.24 + 18.8, abs=1)
