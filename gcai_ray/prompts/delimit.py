"""Human text → blocks of a message that cannot be mistaken for anything else.

A text is cleaned (`clean`), then stands between an opening and a closing tag with a nonce that
occurs in none of the texts. Knows no question: which blocks make one stands in its own module.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable

NONCE_CHARS = 12
MIN_CUT_CHARS = 64  # a budget that still holds the marker and some of the text

_LINE_ENDS = re.compile("\r\n?|[\v\f\x1c-\x1e\x85\u2028\u2029]")
# Control characters but tab and newline, soft hyphen, zero-width space and joiners of words (the
# joiners inside emoji and Indic scripts stay), direction marks and overrides, invisible operators,
# the byte order mark, interlinear marks, lone surrogates, non-characters, the invisible tag letters
# and variation selectors that can smuggle whole sentences.
_INVISIBLE = re.compile(
    "[\x00-\x08\x0e-\x1f\x7f-\x9f\u00ad\u061c\u180e\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f"
    "\ud800-\udfff\ufeff\ufff0-\uffff\U000e0000-\U000e0fff]+"
)
_TAGS = (
    "conversation|critique|prompt|response(?:_[AB])?|reason|statement|question|members|principles"
)
_ROLES = "system|user|assistant|human|bot|tool|think|answer"
# What tokenizers and chat templates of Llama, Qwen, Gemma, Mistral, DeepSeek, Phi, GLM, T5 and
# others read as control tokens, and whatever looks like a tag of ours, with a nonce or without.
_ANGLED = re.compile(
    r"<[|｜][^\s<>‹›]{1,80}>|<[^\s<>‹›]{1,80}[|｜]>"
    rf"|<\s{{0,3}}/?\s{{0,3}}(?:{_TAGS})\b[^<>‹›\n]{{0,40}}>"
    rf"|</?(?:s|[be]o[st]|pad|unk|mask|cls|sep|[se]op|image|video|audio|tools|{_ROLES}|seed:\w+"
    r"|0x[0-9A-F]{2}|unused\d+|\w{0,60}_\w{0,60})>"
    r"|<</?SYS>>",
    re.IGNORECASE,
)
_BRACKETED = re.compile(r"\[(/?[a-z]?[A-Z][A-Z_]{2,}(?:_\d+)?)\]")
_NUMBER = re.compile(r"\[(\s*\d+\s*)\]")


def clean(text: str) -> str:
    """A text that breaks no terminal, JSON or chat template, and closes no block.

    Every change can be seen: a run of invisible characters becomes one U+FFFD, every line end a
    newline, `<|im_start|>`, `</s>`, `<start_of_turn>` or a tag like ours stands between `‹ ›`,
    `[INST]` between `⟦ ⟧`. Nothing is taken out, so no two halves can meet and become a tag.
    """
    text = _INVISIBLE.sub("\ufffd", _LINE_ENDS.sub("\n", text))
    return _BRACKETED.sub(r"⟦\1⟧", _ANGLED.sub(_angle_quoted, text))


def _angle_quoted(match: re.Match[str]) -> str:
    return match[0].replace("<", "‹").replace(">", "›")


def nonce(*texts: str) -> str:
    """12 hexadecimal digits that follow from the texts and occur in none of them."""
    content = hashlib.blake2b("\0".join(texts).encode("utf-8", "surrogatepass"))
    found = content.hexdigest()[:NONCE_CHARS]
    while any(found in text for text in texts):
        content.update(b"again")
        found = content.hexdigest()[:NONCE_CHARS]
    return found


def block(tag: str, nonce: str, text: str) -> str:
    """A cleaned text between `<tag-nonce>` and `</tag-nonce>`, each on a line of its own."""
    return f"<{tag}-{nonce}>\n{clean(text)}\n</{tag}-{nonce}>"


def numbered(lines: Iterable[str]) -> str:
    """One line for each text, `[1] text`; inside a text, `[2]` is written `(2)`."""
    return "\n".join(f"[{n}] {_one_line(text)}".rstrip() for n, text in enumerate(lines, 1))


def _one_line(text: str) -> str:
    return _NUMBER.sub(r"(\1)", " ".join(clean(text).split()))


def shortened(text: str, max_chars: int | None) -> str:
    """At most `max_chars` characters: the first two thirds and the last third, with a marker
    between them that says how many are left out. `None`: the whole text.

    Raises:
        ValueError: `max_chars` is less than 64, too few for the marker and some text.
    """
    if max_chars is not None and max_chars < MIN_CUT_CHARS:
        raise ValueError(f"max_chars: {max_chars} is less than {MIN_CUT_CHARS}")
    if max_chars is None or len(text) <= max_chars:
        return text
    room = max_chars - len(_marker(len(text)))
    tail = room // 3
    head = room - tail
    return f"{text[:head]}{_marker(len(text) - head - tail)}{text[len(text) - tail :]}"


def _marker(num_chars: int) -> str:
    return f" [… {num_chars:,} characters left out …] "
