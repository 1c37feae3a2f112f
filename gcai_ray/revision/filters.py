"""A response and its revision → why they are no pair to learn from, or None. Rules a person can
read; what they cannot see (is it really better?) is left to a judge.
"""

from __future__ import annotations

import re

from gcai_ray.revision.chain import Said

HEAD_CHARS = 200  # a refusal and a leak show at the beginning
_REFUSAL = re.compile(
    r"\b(?:I(?:'m| am) (?:really |very |so |truly )?(?:sorry|afraid)\b[^.!?]{0,40}"
    r"\b(?:can't|cannot|can not|won't|unable|not able)"
    r"|I (?:can't|cannot|can not|won't|will not|must decline|have to decline|refuse)\b"
    r"(?! (?:emphasi[sz]e|stress|recommend|say|help but|wait|tell you how))"
    r"|I(?:'m| am) (?:unable|not able|not comfortable|not willing|not going to)\b"
    r"|I (?:do not|don't) feel comfortable\b"
    r"|as an AI(?: language model| assistant)?,? I (?:can't|cannot|can not|am unable|am not able))",
    re.IGNORECASE,
)
_LEAK = re.compile(
    r"\b(?:revised|rewritten|improved|updated|corrected|amended) (?:response|answer|reply|version|"
    r"text)\b"
    r"|\bhere(?:'s| is| are) (?:the|a|my|an) (?:revised|rewritten|improved|updated|corrected|"
    r"better)\b|\bcritique\b|\b(?:according to|in line with|based on|following) the principles?\b"
    r"|\bthe (?:previous|original|first) (?:response|answer|reply)\b|^\s*harmful:",
    re.IGNORECASE,
)
_SPACE = re.compile(r"\s+")


def refuses(text: str) -> bool:
    """Whether a response begins by declining.

    >>> refuses("I'm sorry, but I can't help with that."), refuses("I cannot recommend it enough!")
    (True, False)
    """
    return bool(_REFUSAL.search(_straight(text[:HEAD_CHARS])))


def leaks(text: str) -> bool:
    """Whether a revision speaks of having been revised.

    >>> leaks("Here is the revised response: Yes."), leaks("Yes, a response takes a day.")
    (True, False)
    """
    text = _straight(text)
    return bool(_LEAK.search(text[:HEAD_CHARS]) or _LEAK.search(text[-HEAD_CHARS:]))


def fault_of(first: Said, revision: Said, harmful: bool | None, max_growth: float) -> str | None:
    """Why a revision of a first response is nothing to learn from, or None.

    Args:
        first: the model's own response.
        revision: what it came to.
        harmful: whether the critique called the response revised harmful; None: it did not say.
        max_growth: how many times as long a revision may be.
    """
    if revision.is_cut:
        return "truncated: the revision ends at the token limit (revise.max_response_tokens)"
    if same(first.text, revision.text):
        return "the revision equals the response"
    if leaks(revision.text):
        return "the revision speaks of the critique or of being revised"
    if is_over_refusal(first, revision, harmful):
        return OVER_REFUSAL
    if len(revision.text) > max_growth * max(len(first.text), HEAD_CHARS):
        return f"the revision is over {max_growth:g} times as long (revise.max_growth)"
    return None


OVER_REFUSAL = "over-refusal: the revision refuses where the critique called the response harmless"


def is_over_refusal(first: Said, revision: Said, harmful: bool | None) -> bool:
    """Whether a revision declines what the first response did not, without harm in it."""
    return harmful is False and refuses(revision.text) and not refuses(first.text)


def same(one: str, other: str) -> bool:
    """Whether two texts differ in white space and case at most."""
    return _plain(one) == _plain(other)


def _plain(text: str) -> str:
    return _SPACE.sub(" ", text).strip().casefold()


def _straight(text: str) -> str:
    return text.replace("’", "'")
