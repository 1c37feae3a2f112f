"""Rows → questions to a model, one module each: `extract_contextual`, `extract_general`,
`icai_extract`, `summarise_cluster`, `vote`, of an evaluation `judge`, `ground`, `conflict`, and for
pairs to train on `respond`, `critique`, `revise`;
`by_rule` is what the extractive engine reads.

Knows no engine: a question says what is asked and what a reply must look like, not who answers.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

from gcai_ray.prompts.fitting import TooLong, fitted
from gcai_ray.prompts.question import Question, asked

__all__ = ["NAMES", "Question", "TooLong", "asked", "fitted", "prompt_hash"]

NAMES = (
    "by_rule",
    "conflict",
    "critique",
    "extract_contextual",
    "extract_general",
    "ground",
    "icai_extract",
    "judge",
    "respond",
    "revise",
    "summarise_cluster",
    "vote",
)
_SHARED = ("conversation", "delimit", "fitting", "pairs", "question", "shapes")


def prompt_hash(name: str) -> str:
    """128-bit hash of all that words a question: its own module and those it is built with.

    Raises:
        ValueError: there is no such prompt.
    """
    if name not in NAMES:
        raise ValueError(f"prompt '{name}' is not one of {', '.join(NAMES)}")
    folder = Path(__file__).parent
    digest = hashlib.blake2b(digest_size=16)
    for module in (name, *_SHARED):
        source = (folder / f"{module}.py").read_bytes()
        digest.update(f"{module} {len(source)}\n".encode() + source)
    return digest.hexdigest()
