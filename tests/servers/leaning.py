"""A reply of the annotator by rule → the reply of one that now and then names the response shown
first, whatever the responses are.
"""

from __future__ import annotations

from typing import Any

import orjson

from gcai_ray.prompts import judge, vote
from servers.annotator import draw

_PARTS = 10_000


def leaning(messages: list[dict[str, Any]], good: str, share: float) -> str:
    """A `good` reply in which this share of the answers of a vote or a judge is "A"; drawn for each
    question and principle by its content.
    """
    if len(messages) < 2 or messages[0]["content"] not in (vote.INSTRUCTIONS, judge.INSTRUCTIONS):
        return good
    content = str(messages[-1]["content"])
    first = {
        key for key in orjson.loads(good) if draw(_PARTS, "first", key, content) < share * _PARTS
    }
    reply = {key: "A" if key in first else said for key, said in orjson.loads(good).items()}
    return orjson.dumps(reply).decode()
