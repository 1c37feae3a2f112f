"""What is asked of a model: messages, the shape of the reply, the tokens it may take. Knows no row
and no wording.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Question:
    """What is asked: chat messages (`role`, `content`), the JSON Schema of the reply, and the
    tokens that the longest reply the schema allows may take.

    The order of the schema's properties is the order a constrained model writes them in.
    """

    messages: tuple[dict[str, str], ...]
    reply_schema: dict[str, Any]
    max_tokens: int


def asked(instructions: str, content: str, shape: tuple[dict[str, Any], int]) -> Question:
    """A question of one system and one user message; `shape` is its reply schema and tokens."""
    messages = (
        {"role": "system", "content": instructions},
        {"role": "user", "content": content},
    )
    return Question(messages, *shape)
