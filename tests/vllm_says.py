"""A base model, a LoRA adapter and a question → what plain vLLM says without and with the adapter.

    python tests/vllm_says.py MODEL ADAPTER QUESTION

prints two lines of JSON. A process of its own, since vLLM takes a whole one.
"""

from __future__ import annotations

import json
import os
import sys

QUIET = {
    "HF_HUB_OFFLINE": "1",
    "VLLM_CPU_KVCACHE_SPACE": "1",
    "VLLM_CPU_OMP_THREADS_BIND": "nobind",
    "VLLM_ENABLE_V1_MULTIPROCESSING": "0",
    "VLLM_NO_USAGE_STATS": "1",
    "DO_NOT_TRACK": "1",
    "VLLM_LOGGING_LEVEL": "ERROR",
}


def main(model: str, adapter: str, question: str) -> None:
    """Greedy, so that the same weights say the same."""
    from vllm import LLM, SamplingParams
    from vllm.lora.request import LoRARequest

    engine = LLM(
        model,
        dtype="float32",
        enable_lora=True,
        max_lora_rank=16,
        max_model_len=512,
        enforce_eager=True,
        distributed_executor_backend="uni",
    )
    chat = [{"role": "user", "content": question}]
    greedy = SamplingParams(temperature=0, max_tokens=30)
    for lora in (None, LoRARequest("tuned", 1, adapter)):
        [found] = engine.chat(chat, greedy, lora_request=lora, use_tqdm=False)
        sys.stdout.write(json.dumps({"text": found.outputs[0].text}) + "\n")


if __name__ == "__main__":
    os.environ.update(QUIET)
    main(*sys.argv[1:4])
