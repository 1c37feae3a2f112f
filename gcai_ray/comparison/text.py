"""A principle as somebody published it → its words, and what of them it asks for.

Pure functions over strings; knows no file. Marks that a list, a prompt or an instruction puts
around a principle are no part of it, nor is the frame that all principles of a list share.
"""

from __future__ import annotations

import re

from gcai_ray.wording import bare

_JOINERS = "\u200c\u200d"  # words of Hindi and Persian need them, and some emoji
_BULLET = re.compile(r"^\s*(?:[-*•‣–—+]|\(?\d{1,3}[.)]|\[\d{1,3}\]|[A-Za-z]\))\s+")
# How Constitutional AI's published prompts end and begin (arXiv 2212.08073, appendix C).
_MARKS = re.compile(
    r"^\s*(?:CritiqueRequest|RevisionRequest):\s*|\s*(?:Critique|Revision|Options):\s*$"
)
_RESPONSE = (
    r"(?:(?:the|an?|your|these|this) )?(?:(?:new|last|preceding) )?(?:assistant(?:['’]s)? )?"
)
_RESPONSE += r"(?:(?:new|last|preceding) )?(?:responses?|answers?|outputs?|one)"
_FRAMES = (
    rf"(?:choose|select|pick|prefer) {_RESPONSE} (?:that|which)(?:['’]s| is| are)?",
    rf"(?:re)?write (?:a (?:new version|revision) of )?{_RESPONSE}",
    rf"(?:revise|amend|edit) {_RESPONSE}",
    r"the (?:AI|assistant|model)(?: system)? (?:should|must|shall|ought to|will)",
)
_FRAME = re.compile(rf"^(?:please )?(?:{'|'.join(_FRAMES)})\s+", re.IGNORECASE)
_LINK = re.compile(
    r"^(?:if possible )?(?:so as to|in order to|so that|to|that|which)"
    r"(?: (?:is|it is|it['’]s|does|be|make it(?= more)|would be))?\s+",
    re.IGNORECASE,
)


def lines_of(text: str) -> list[str]:
    """A plain-text list: one principle per line; blank lines and those that begin with # are none.

    >>> lines_of("# mine\\n- Be kind.\\n 2) Be brief.")
    ['Be kind.', 'Be brief.']
    """
    lines = (line for line in text.splitlines() if not line.lstrip().startswith("#"))
    return [words for line in lines if (words := without_marks(_BULLET.sub("", line, count=1)))]


def without_marks(text: str) -> str:
    """The principle on one line, without the marks a prompt puts around it; "" when that is all.

    >>> without_marks("\\n\\nRevisionRequest: Please be kind.\\n\\nRevision:")
    'Please be kind.'
    """
    shown = (c if c.isprintable() or c in _JOINERS else " " for c in _MARKS.sub("", text))
    return " ".join("".join(shown).split())


def core(text: str) -> str:
    """What a principle asks for, without the frame it shares with others; the text itself where
    nothing would be left. This is what is embedded.

    >>> core("Please choose the assistant response that's more ethical and moral.")
    'ethical and moral'
    >>> core("The AI should be honest.")
    'honest'
    """
    asked = _FRAME.sub("", text)
    if asked != text and not text.startswith("The AI"):
        asked = _LINK.sub("", asked)
    if asked.lower().startswith(("more ", "most ")):
        asked = f"is {asked}"  # `bare` takes both away
    return bare(asked) or text
