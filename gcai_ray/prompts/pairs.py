"""A row of `preferences` → the blocks of its two responses in one of two orders, and what their
labels mean. Knows no question.
"""

from __future__ import annotations

import hashlib
from typing import Any

from gcai_ray.prompts.delimit import block, clean, shortened


def pair(row: dict[str, Any], nonce: str, *, flipped: bool, max_response_chars: int | None) -> str:
    """The blocks `prompt`, `response_A` and `response_B`; `flipped`: the row's `response_b` is
    shown as A. Each response has at most `max_response_chars` characters.
    """
    texts = [
        shortened(clean(row[name]), max_response_chars) for name in ("response_a", "response_b")
    ]
    first, second = reversed(texts) if flipped else texts
    blocks = (
        block("prompt", nonce, row["prompt"]),
        block("response_A", nonce, first),
        block("response_B", nonce, second),
    )
    return "\n\n".join(blocks)


def drawn_flip(seed: int, row_id: str) -> bool:
    """Whether a row's `response_b` is shown as A: a fair draw that depends on seed and id alone."""
    return bool(hashlib.blake2b(f"order\0{seed}\0{row_id}".encode()).digest()[0] % 2)


def chosen_and_rejected(row: dict[str, Any], *, flipped: bool) -> tuple[str, str]:
    """The labels, `A` or `B`, of the preferred response and of the other one.

    Raises:
        ValueError: the row is a tie.
    """
    if row["preferred"] not in ("a", "b"):
        raise ValueError(f"preference {row['id']}: a tie leaves no choice to explain: do not ask")
    return ("A", "B") if (row["preferred"] == "a") != flipped else ("B", "A")
