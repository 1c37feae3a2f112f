"""Where vLLM runs, and how much it takes in → its arguments and the environment of its processes.

What the batch engine and the served one share. Knows neither.
"""

from __future__ import annotations

import os
from typing import Any

CPU_BATCHED_TOKENS = 4096
LORA_RANKS = (1, 8, 16, 32, 64, 128, 256, 320, 512)  # those vLLM has kernels for
QUIET = {"VLLM_NO_USAGE_STATS": "1", "DO_NOT_TRACK": "1"}
ON_CPUS = {
    "VLLM_CPU_KVCACHE_SPACE": "1",  # GiB; vLLM's default is a large share of all memory
    "VLLM_CPU_OMP_THREADS_BIND": "nobind",
    # Threads that wait for each other spin for a moment, then sleep: those that spin on take the
    # cores from whoever passes replies on.
    "GOMP_SPINCOUNT": "10000",
}


def common_arguments(device: str, tensor_parallel_size: int, context_tokens: int) -> dict[str, Any]:
    """Arguments of any engine of ours: no code of a model, valid structured output, and on CPUs
    what vLLM 0.29 needs there.
    """
    ours: dict[str, Any] = {
        "max_model_len": context_tokens,
        "tensor_parallel_size": tensor_parallel_size,
        "enable_prefix_caching": True,
        # Set for the whole engine: the same per request is ignored (57 of 64 replies valid).
        "structured_outputs_config": {"backend": "xgrammar", "disable_any_whitespace": True},
        "trust_remote_code": False,
    }
    if device == "cpu":
        ours |= {
            "distributed_executor_backend": "uni" if tensor_parallel_size == 1 else "mp",
            "enforce_eager": True,
            # vLLM 0.29 on CPUs dies ("CPU Generator does not use offset") when a question with a
            # seed is prefilled in chunks.
            "enable_chunked_prefill": False,
            "max_num_batched_tokens": max(context_tokens, CPU_BATCHED_TOKENS),
        }
    return ours


def kernel_rank(rank: int) -> int:
    """The smallest rank vLLM has kernels for that holds adapters of this rank."""
    return next((size for size in LORA_RANKS if size >= rank), rank)


def environment(device: str, tensor_parallel_size: int, num_replicas: int) -> dict[str, str]:
    """Environment of the replicas; what is set where the command is started wins."""
    wanted = dict(QUIET)
    if device == "cpu":
        from gcai_ray.ray_session import num_cpus

        # Ray gives an actor of 1 CPU 1 thread; a replica is to use its share of the cores.
        threads = max(1, num_cpus() // num_replicas)
        wanted |= ON_CPUS | {
            # Else one more process between engine and model, 16 s more of imports.
            "VLLM_ENABLE_V1_MULTIPROCESSING": "0" if tensor_parallel_size == 1 else "1",
            "OMP_NUM_THREADS": str(threads),
        }
    return {name: os.environ.get(name, value) for name, value in wanted.items()}
