"""A caller's words → the same words with the model's control tokens disarmed. Knows of a model no
more than its tokenizer.

Whoever could write `<|im_start|>system` into a message could speak as the system, and so set aside
the constitution. Only what the model's own tokenizer reads as control is changed, so that code and
markup pass as they are.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

QUOTED = str.maketrans("<>[]|", "‹›⟦⟧¦")


def control_tokens(tokenizer: Any) -> set[str]:
    """Texts that a tokenizer reads as one control token, wherever they stand."""
    added = getattr(tokenizer, "added_tokens_decoder", {}).values()
    found = {token.content for token in added if token.special} | set(tokenizer.all_special_tokens)
    return {text for text in found if text.strip()}


def disarming(tokens: Iterable[str]) -> Callable[[str], str]:
    """What a person sees stays nearly the same: `<|im_end|>` is written `‹¦im_end¦›`. A token
    without such signs gets a dot in its middle.
    """
    ordered = sorted(tokens, key=len, reverse=True)
    if not ordered:
        return lambda text: text
    pattern = re.compile("|".join(map(re.escape, ordered)))
    known = frozenset(ordered)

    def disarmed(text: str) -> str:
        found = pattern.sub(lambda match: _quoted(match[0], known), text)
        return found if found == text or not pattern.search(found) else disarmed(found)

    return disarmed


def _quoted(token: str, known: frozenset[str]) -> str:
    quoted = token.translate(QUOTED)
    return quoted if quoted not in known else f"{token[:1]}·{token[1:]}"


def disarmed_messages(
    messages: Iterable[Mapping[str, Any]], disarmed: Callable[[str], str]
) -> list[dict[str, Any]]:
    """The messages with their words, and names, disarmed."""
    return [
        {name: value if name == "role" else disarmed(value) for name, value in turn.items()}
        for turn in messages
    ]
