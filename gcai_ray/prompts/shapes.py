"""What principles look like in questions and replies: their stems, and the JSON Schema and most
tokens of a reply.

Schemas use only what xgrammar and OpenAI's strict mode both enforce: all properties required, none
besides them, `enum`, `pattern`, bounds of integers and of array lengths. Knows no question.
"""

from __future__ import annotations

import json
from typing import Any

from gcai_ray.wording import CONTEXTUAL_PREFIX, GENERAL_PREFIX

STEMS = {"contextual": CONTEXTUAL_PREFIX, "general": GENERAL_PREFIX}
MAX_PRINCIPLES = 3
MAX_PRINCIPLE_CHARS = 160  # 15 words of ten letters
MAX_CITED_SENTENCES = 8

# A pattern, since strict mode knows no `maxLength`. No `"` or `\`: then a token of the reply covers
# a byte of text at least, never a sixth of an escaped letter, and its tokens can be counted ahead.
PRINCIPLE = {
    "type": "string",
    "pattern": rf"^[A-Za-z][ !#-\[\]-~À-ſ‘’“”–—…]{{2,{MAX_PRINCIPLE_CHARS - 1}}}$",
}
LONGEST_PRINCIPLE = "x" * MAX_PRINCIPLE_CHARS


def without_stem(text: str) -> str:
    """A principle without the words that every principle of its kind begins with: up to 40 of them
    stand in one question.
    """
    return text.removeprefix(CONTEXTUAL_PREFIX).removeprefix(GENERAL_PREFIX)


def record(**properties: Any) -> dict[str, Any]:
    """An object with exactly these properties."""
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


def numbers(highest: int, *, max_items: int) -> dict[str, Any]:
    """A list of 1 to `max_items` numbers from 1 to `highest`."""
    number = {"type": "integer", "minimum": 1, "maximum": highest}
    return {"type": "array", "items": number, "minItems": 1, "maxItems": max_items}


def cited_principles(num_sentences: int) -> tuple[dict[str, Any], int]:
    """Schema and most tokens of 0 to 3 principles with the numbers of the sentences they rest on.

    Raises:
        ValueError: there is no sentence to cite.
    """
    if num_sentences < 1:
        raise ValueError("a text without sentences gives no ground for a principle: do not ask")
    num_cited = min(num_sentences, MAX_CITED_SENTENCES)
    cited = record(principle=PRINCIPLE, sentences=numbers(num_sentences, max_items=num_cited))
    longest = {"principle": LONGEST_PRINCIPLE, "sentences": [num_sentences] * num_cited}
    return _up_to_three(cited, longest)


def plain_principles() -> tuple[dict[str, Any], int]:
    """Schema and most tokens of 0 to 3 principles."""
    return _up_to_three(record(principle=PRINCIPLE), {"principle": LONGEST_PRINCIPLE})


def _up_to_three(item: dict[str, Any], longest: dict[str, Any]) -> tuple[dict[str, Any], int]:
    schema = record(principles={"type": "array", "items": item, "maxItems": MAX_PRINCIPLES})
    return schema, most_tokens({"principles": [longest] * MAX_PRINCIPLES})


def most_tokens(longest: Any) -> int:
    """Tokens that are enough for a reply as long as the longest one.

    A token covers a byte at least. A quarter more leaves room for letters of several bytes, line
    breaks and the end token.
    """
    return len(json.dumps(longest)) * 5 // 4 + 8
