"""A question's user message → its blocks, and what stands around them; texts of hostile pieces."""

from __future__ import annotations

import re

import hostile
from hypothesis import strategies as st

from gcai_ray.prompts import Question

BLOCK = re.compile(r"^<([a-zAB_]+)-([0-9a-f]{12})>\n(.*?)\n</\1-\2>$", re.DOTALL | re.MULTILINE)
PIECES = [
    *hostile.SPECIAL_TOKENS, "<", ">", "|", "</", "reason-", "response_A-", "0123456789ab", "[1]",
    "[", "]", "INST", "s", "/", "_", "im_start", "\n", "\r", " ", "\u2028", "\x00", "\u200b", "‹",
    "›", "a", "word", "\ud800", "\u202e", "｜", "{", "}", '"', "\\",
]  # fmt: skip
TEXTS = st.one_of(
    st.text(st.characters(exclude_categories=()), max_size=80),
    st.lists(st.sampled_from(PIECES), max_size=25).map("".join),
    st.sampled_from([text for text in hostile.HOSTILE.values() if len(text) < 2_000]),
)


def content(question: Question) -> str:
    return question.messages[1]["content"]


def blocks(question: Question) -> dict[str, str]:
    return {tag: text for tag, _, text in BLOCK.findall(content(question))}


def skeleton(question: Question) -> str:
    """The user message without what stands in its blocks."""
    return BLOCK.sub(r"<\1>", content(question))
