"""The shape of a model → memory of tuning it, on paper: the table in docs/tuning.md.

    python -m tests.benchmarks.tuning_sizes

Bytes a parameter: a frozen base in bfloat16 takes 2; what is trained takes 16 (weights, gradient
and two moments of Adam in float32). Activations of a layer and token: 34 bytes times the width
while it is worked on (Korthikanti et al., arXiv 2205.05198, table 2, without the attention matrix
that flash attention never stores); with gradient checkpointing, 2 bytes times the width for every
other layer. The words' probabilities: 8 bytes times the vocabulary a token. DPO reads two
responses a row. Knows nothing of a real run: an allocator needs more.
"""

from __future__ import annotations

from dataclasses import dataclass

GB = 1e9
GPU_GB = 80
SPARE_SHARE = 0.1
ROWS, TOKENS, RANK = 4, 2048, 16
RESPONSES = 2
NUM_GPUS = (1, 2, 4, 8, 16, 32, 64)


@dataclass(frozen=True)
class Shape:
    """Dimensions of a Llama."""

    name: str
    num_parameters: float
    num_layers: int
    width: int
    key_width: int
    inner: int
    vocabulary: int = 128_256


SHAPES = (
    Shape("1B", 1.24e9, 16, 2048, 512, 8192),
    Shape("8B", 8.03e9, 32, 4096, 1024, 14336),
    Shape("70B", 70.6e9, 80, 8192, 1024, 28672),
)


def adapter_parameters(of: Shape, rank: int = RANK) -> int:
    """Of a LoRA adapter on all linear layers."""
    sizes = (
        *[(of.width, of.width)] * 2,
        *[(of.width, of.key_width)] * 2,
        *[(of.width, of.inner)] * 3,
    )
    return of.num_layers * sum(rank * (one + other) for one, other in sizes)


def activations_gb(of: Shape, rows: int = ROWS) -> float:
    """Of one worker, with gradient checkpointing."""
    tokens = rows * RESPONSES * TOKENS
    layers = 2 * of.width * of.num_layers + 34 * of.width
    return tokens * (layers + 8 * of.vocabulary) / GB


def per_gpu_gb(of: Shape, method: str, num_gpus: int, rows: int = ROWS) -> float:
    """Memory of one GPU: `lora` and `full` on shards over all, `lora ddp` on whole copies."""
    adapter = 16 * adapter_parameters(of)
    whole = {
        "lora ddp": 2 * of.num_parameters + adapter,
        "lora": (2 * of.num_parameters + adapter) / num_gpus,
        "full": 16 * of.num_parameters / num_gpus,
    }[method]
    return whole / GB + activations_gb(of, rows)


def fewest_gpus(of: Shape, method: str, rows: int = ROWS) -> int | None:
    """The least number of GPUs of 80 GB that hold it; None: none of those looked at."""
    room = GPU_GB * (1 - SPARE_SHARE)
    fits = [num for num in NUM_GPUS if per_gpu_gb(of, method, num, rows) <= room]
    return fits[0] if fits else None


def checkpoint_gb(of: Shape, method: str) -> float:
    """Weights and Adam's moments in float32; an adapter of DPO with its reference."""
    if method == "full":
        return 12 * of.num_parameters / GB
    return 16 * adapter_parameters(of) / GB


def table() -> str:
    """The table in docs/tuning.md."""
    head = (
        "| | adapter | LoRA, one copy a GPU (`ddp`) | LoRA, shards (`fsdp`) | "
        "all weights, shards | checkpoint: LoRA | all weights |\n"
        "|---|---:|---:|---:|---:|---:|---:|"
    )
    return "\n".join([head, *map(_row, SHAPES)])


def _row(of: Shape) -> str:
    cells = (_need(of, method) for method in ("lora ddp", "lora", "full"))
    sizes = (f"{checkpoint_gb(of, method):,.1f} GB" for method in ("lora", "full"))
    millions = f"{adapter_parameters(of) / 1e6:,.0f} M"
    return f"| {of.name} | {millions} | {' | '.join(cells)} | {' | '.join(sizes)} |"


def _need(of: Shape, method: str) -> str:
    for rows in (ROWS, 1):
        num = fewest_gpus(of, method, rows)
        if num is not None:
            fewer = "" if rows == ROWS else ", 1 row at once"
            gpus = "1 GPU" if num == 1 else f"{num} GPUs"
            return f"{gpus}, {per_gpu_gb(of, method, num, rows):,.0f} GB each{fewer}"
    return "does not fit"


if __name__ == "__main__":
    print(table())
