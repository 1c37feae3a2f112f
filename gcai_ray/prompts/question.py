"""What is asked of a model: messages, the shape of the reply, the tokens it may take. Knows no row
and no wording.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Question:
    """What is asked: chat messages (`role`, `content`), the JSON Schema of the reply (None: words,
    not JSON), and the tokens that the longest reply may take.

    The order of the schema's properties is the order a constrained model writes them in.
    """

    messages: tuple[dict[str, str], ...]
    reply_schema: dict[str, Any] | None
    max_tokens: int


def asked(instructions: str, content: str, shape: tuple[dict[str, Any] | None, int]) -> Question:
    """A question of one system and one user message; `shape` is its reply schema and tokens."""
    messages = (
        {"role": "system", "content": instructions},
        {"role": "user", "content": content},
    )
    return Question(messages, *shape)
