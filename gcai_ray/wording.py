"""The two forms a principle may take, and what is left when the form is taken away.

Pure functions over strings; knows no stage and no model.
"""

from __future__ import annotations

import re

CONTEXTUAL_PREFIX = "Choose the response that "
GENERAL_PREFIX = "The AI should "
_COPULA = re.compile(r"^(?:is|be) (?:(?:more|very|much|most|better) )?(?=\w)")
# Words that name what every principle is about, add nothing to what it asks for, or say so little
# without their object that two principles may share them: to avoid jargon is not to avoid insults.
_COMMON = frozenset(
    """
    about actually again all also always and answer answers any are ask asks because been being best
    better but can chosen could every explanation explanations for from gives give good have has
    how information into its just least make makes more most much must never not only other out
    over people person provide provides question reader really response responses show shows
    say says should some such than tell tells that the their them then there these they things this
    those too user
    users very was way well what when which while who will with without would
    avoid avoids contain contains follow follows help helps include includes keep keeps mention
    mentions offer offers protect protects respect respects take takes use uses using
    """.split()
)
_STEM_LETTERS = 5
MAX_WORDS = 15  # of a principle that a model words, its prefix not counted


def bare(text: str) -> str:
    """A principle without what all principles of its kind share, for comparing what they say.

    Without the prefix, a leading "is" or "be" and its "more", and the full stop: a sentence
    embedding gives these words weight, and would hold "is more detailed" and "is easier to
    understand" (cosine 0.58) for nearer than "detailed" and "easier to understand" (0.40).
    """
    for prefix in (CONTEXTUAL_PREFIX, GENERAL_PREFIX):
        text = text.removeprefix(prefix)
    return _COPULA.sub("", text.rstrip(".").strip()) or text


def content_stems(text: str) -> frozenset[str]:
    """The first letters of the words that carry a principle's meaning: "accurate", "accuracy" →
    "accur".
    """
    words = re.findall(r"[a-z]{3,}", bare(text).lower())
    return frozenset(word[:_STEM_LETTERS] for word in words if word not in _COMMON)


def principle_text(kind: str, words: str) -> str:
    """A model's words as a principle of its kind: the prefix once, one space between words, one
    full stop; "" when nothing is left.

    >>> principle_text("general", "the AI should  Be honest")
    'The AI should be honest.'
    """
    prefix = CONTEXTUAL_PREFIX if kind == "contextual" else GENERAL_PREFIX
    text = " ".join("".join(c if c.isprintable() else " " for c in words).split())
    if text.lower().startswith(prefix.lower()):
        text = text[len(prefix) :]
    text = text.strip(" .…\"“”'`*").strip()
    if not text:
        return ""
    head, *rest = text.split(" ")
    if head[1:].islower() or not head[1:]:
        head = head.lower()
    return f"{prefix}{' '.join([head, *rest])}."


def num_words(text: str) -> int:
    """Words of a principle behind its prefix."""
    for prefix in (CONTEXTUAL_PREFIX, GENERAL_PREFIX):
        text = text.removeprefix(prefix)
    return len(text.split())
