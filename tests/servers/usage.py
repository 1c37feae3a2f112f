"""Messages → the tokens a made-up model would bill for them, and how many a prefix cache held.

A token is a match of `\\w{1,6}|[^\\w\\s]`; each message costs 4 more.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache

_TOKEN = re.compile(r"\w{1,6}|[^\w\s]")
TOKENS_PER_MESSAGE = 4
CHUNK_CHARS = 512  # about 128 tokens, the step in which OpenAI counts cached ones
MAX_CHUNKS = 1_000_000

# ASCII characters by their class in the pattern: word, space, anything else.
_CLASSES = bytes(
    ord("w" if re.match(r"\w", chr(i)) else " " if re.match(r"\s", chr(i)) else "p")
    for i in range(128)
).ljust(256, b"p")


@lru_cache(maxsize=512)
def num_tokens(text: str) -> int:
    """Matches of the token pattern. ASCII is counted without the regex, ten times as fast."""
    if not text.isascii():
        return len(_TOKEN.findall(text))
    sixes = text.encode().translate(_CLASSES).replace(b"wwwwww", b"p")
    return sixes.count(b"p") + len(sixes.replace(b"p", b" ").split())


def num_prompt_tokens(contents: Sequence[str]) -> int:
    """Tokens of a prompt, given the contents of its messages."""
    return sum(map(num_tokens, contents)) + TOKENS_PER_MESSAGE * len(contents)


class PrefixCache:
    """Which prefixes were seen, in steps of 512 characters; forgets all of them at a million."""

    def __init__(self) -> None:
        self._seen: set[int] = set()

    def cached_share(self, contents: Sequence[str]) -> float:
        """The share of a prompt's characters that begins an earlier prompt; remembers this one."""
        text = "\0".join(contents)
        if len(self._seen) > MAX_CHUNKS:
            self._seen.clear()
        num_cached, key, unbroken = 0, 0, True
        for start in range(0, len(text) - CHUNK_CHARS + 1, CHUNK_CHARS):
            key = hash((key, text[start : start + CHUNK_CHARS]))
            unbroken = unbroken and key in self._seen
            num_cached += unbroken
            self._seen.add(key)
        return num_cached * CHUNK_CHARS / len(text) if num_cached else 0.0
