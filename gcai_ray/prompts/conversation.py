"""Chat messages → one text a model reads as data. Knows no question."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

SPEAKERS = {"user": "Human", "assistant": "Assistant", "system": "System"}
Messages = Sequence[Mapping[str, str]]


def transcript(messages: Messages) -> str:
    """The turns one after the other; a single turn of a person stands without a name."""
    if len(messages) == 1 and messages[0]["role"] == "user":
        return messages[0]["content"]
    return "\n\n".join(f"{SPEAKERS[turn['role']]}: {turn['content']}" for turn in messages)
