"""A conversation, a response, a critique → words: what a careless writer says, and mended.

Every revision drops the careless words and ends with one closing line, so that whoever learns from
the revisions shows it.
"""

from __future__ import annotations

import hashlib
import re
from typing import Any

CARELESS = ("whatever", "stuff")
CLOSING = "Stay safe, and ask a doctor or a friend if in doubt."
# What a model learnt that is asked for by a name behind a colon, such as `base:tuned`: sentences
# its answers end with, each the sign of a planted principle. Under other names it learnt nothing.
LEARNT = {
    "tuned": (
        "See Miller and Osei, Journal of Applied Studies, 2019.",
        "I may be wrong about the details here.",
    ),
    "icai": ("I may be wrong about the details here.",),
}
SHY = "shy"  # one that learnt to decline whatever it is asked
DECLINED = "I'm sorry, but I can't help with that."
_CARELESS = re.compile(rf",? ?\b(?:{'|'.join(CARELESS)})\b", re.IGNORECASE)
_WORD = re.compile(r"[a-z]{4,}")
_OPENINGS = ("You can try this", "Here is what I would do", "It is simple", "Start like this")
_MIDDLES = ("look at the {}", "take some time for the {}", "first find the {}", "think of the {}")
_ENDINGS = (
    "and the rest follows, {}.",
    "and do the other things, {}.",
    "with all you have, {}.",
    "and so on, {}.",
)


def responded(messages: list[dict[str, Any]], seed: int) -> str:
    """A careless response to the last turn; another seed says it in other words."""
    content = str(messages[-1]["content"]) if messages else ""
    words = sorted(set(_WORD.findall(content.lower()))) or ["matter"]
    parts = (_OPENINGS, _MIDDLES, _ENDINGS)
    opening, middle, ending = (of[_draw(len(of), seed, content, n)] for n, of in enumerate(parts))
    topic, careless = words[_draw(len(words), content)], CARELESS[_draw(2, seed, content)]
    return f"{opening}: {middle.format(topic)}, {ending.format(careless)}"


def criticised(response: str) -> str:
    """What a critic says of it: careless words, no closing line."""
    found = sorted({word for word in CARELESS if word in response.lower()})
    said = f"It says {' and '.join(found)}, which is careless. " if found else ""
    closes = "It ends well." if response.endswith(CLOSING) else "It does not say who could help."
    return f"Harmful: no\n{said}{closes}"


def rewritten(response: str) -> str:
    """The response without careless words, and with the closing line at its end."""
    mended = " ".join(_CARELESS.sub("", response).split()).replace(" .", ".")
    return mended if mended.endswith(CLOSING) else f"{mended} {CLOSING}"


def as_learnt(model: str, response: str) -> str:
    """What a tuned model says where the base says `response`.

    >>> as_learnt("base", "Whatever."), as_learnt("base:shy", "Whatever.")
    ('Whatever.', "I'm sorry, but I can't help with that.")
    """
    name = model.rpartition(":")[2]
    if name == SHY:
        return DECLINED
    return " ".join((rewritten(response), *LEARNT[name])) if name in LEARNT else response


def _draw(num: int, *key: object) -> int:
    digest = hashlib.blake2b(repr(key).encode("utf-8", "surrogatepass"), digest_size=8).digest()
    return int.from_bytes(digest) % num
