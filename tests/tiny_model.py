"""A directory → a tiny random Llama with a tokenizer trained on English and JSON, its chat template
and a random LoRA adapter; offline, in seconds.

Knows nothing of what it will be asked. What it writes is noise: only a grammar makes it JSON.
"""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

CONTEXT_TOKENS = 4096
POISON = "☠"  # kills an engine that has the logits processor of `poison`
VOCABULARY = 1024
RANK = 8
SPECIAL = ("<|pad|>", "<|bos|>", "<|im_start|>", "<|im_end|>")
WORDS = (
    "the response that is and a to of in it gives answers which should be more clear honest about "
    "explains question because sources helpful safe person choose preferred reason direct concise "
    "does not asks before medical advice states admits respects principle answer facts polite"
).split()
TEMPLATE = (
    "{% for m in messages %}"
    "{% if m.role not in ('system', 'user', 'assistant') %}"
    "{{ raise_exception('unknown role ' ~ m.role) }}{% endif %}"
    "<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n"
    "{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)


def write_tiny_model(directory: Path, shape: dict[str, int] | None = None) -> Path:
    """Write the model to `directory` and its adapter to `<directory>-lora`; returns `directory`.

    `shape`: Llama dimensions that differ from the tiny ones.
    """
    import torch
    from transformers import GenerationConfig, LlamaForCausalLM

    torch.manual_seed(0)
    config = write_tokenizer_and_config(directory, shape)
    model = LlamaForCausalLM(config).to(torch.bfloat16)
    ids = {"bos_token_id": config.bos_token_id, "eos_token_id": config.eos_token_id}
    model.generation_config = GenerationConfig(**ids, pad_token_id=config.pad_token_id)
    model.save_pretrained(directory)
    _write_adapter(config, directory.with_name(directory.name + "-lora"))
    return directory


def write_tokenizer_and_config(directory: Path, shape: dict[str, int] | None = None) -> Any:
    """All of a model but its weights, for `load_format=dummy`; returns its configuration."""
    from transformers import LlamaConfig

    tokenizer = _tokenizer()
    tokenizer.save_pretrained(directory)
    tiny = {
        "hidden_size": 128,
        "intermediate_size": 256,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "head_dim": 32,
        "vocab_size": len(tokenizer),
    }
    config = LlamaConfig(
        **(tiny | (shape or {})),
        max_position_embeddings=CONTEXT_TOKENS,
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
        tie_word_embeddings=False,
        # Ten times the usual: else it says nearly the same whatever it reads.
        initializer_range=0.2,
        architectures=["LlamaForCausalLM"],
        dtype="bfloat16",
    )
    config.save_pretrained(directory)
    return config


def _write_adapter(config: Any, directory: Path) -> None:
    """Written by hand in PEFT's format, so that no test needs PEFT."""
    import torch
    from safetensors.torch import save_file

    directory.mkdir(parents=True)
    settings = {
        "peft_type": "LORA",
        "task_type": "CAUSAL_LM",
        "r": RANK,
        "lora_alpha": 8 * RANK,  # strong enough that greedy text differs
        "target_modules": ["q_proj", "o_proj"],
        "bias": "none",
        "base_model_name_or_path": "tests/tiny",
    }
    (directory / "adapter_config.json").write_text(json.dumps(settings))
    width = config.num_attention_heads * config.head_dim
    sizes = {"q_proj": (config.hidden_size, width), "o_proj": (width, config.hidden_size)}
    weights = {}
    for layer in range(config.num_hidden_layers):
        for name, (num_in, num_out) in sizes.items():
            place = f"base_model.model.model.layers.{layer}.self_attn.{name}"
            weights[f"{place}.lora_A.weight"] = torch.randn(RANK, num_in) / num_in**0.5
            weights[f"{place}.lora_B.weight"] = torch.randn(num_out, RANK) / RANK**0.5
    save_file(weights, directory / "adapter_model.safetensors")


def _tokenizer() -> Any:
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    bpe = Tokenizer(models.BPE())
    bpe.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    bpe.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARY,
        special_tokens=list(SPECIAL),
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    bpe.train_from_iterator(_corpus(), trainer)
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=bpe,
        pad_token="<|pad|>",
        bos_token="<|bos|>",
        eos_token="<|im_end|>",
        additional_special_tokens=["<|im_start|>"],
        model_max_length=CONTEXT_TOKENS,
    )
    tokenizer.chat_template = TEMPLATE
    return tokenizer


def _corpus() -> Iterator[str]:
    chance = random.Random(0)
    for number in range(3000):
        text = " ".join(chance.choices(WORDS, k=chance.randint(4, 14)))
        yield f"[{number % 9 + 1}] {text.capitalize()}."
        sentences = sorted(chance.sample(range(1, 10), k=2))
        yield json.dumps({"principles": [{"principle": text, "sentences": sentences}]})
        yield json.dumps({"1": chance.choice(["A", "B", "both", "neither"])})
