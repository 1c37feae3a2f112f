"""Text → which of all principles that the annotator by rule knows it speaks of, or shows.

Knows the 12 of `planted_principles`, those of the settings of the planted benchmark, and the odd
one a flooder pushes.
"""

from __future__ import annotations

import re
from functools import lru_cache

from servers.orthogonal import FLOODED, ORTHOGONAL_CONTEXTUAL, ORTHOGONAL_GENERAL
from servers.planted_principles import CONTEXTUAL, PLANTED, Planted
from servers.unaligned import UNALIGNED_CONTEXTUAL, UNALIGNED_GENERAL

KNOWN = (
    *PLANTED,
    *ORTHOGONAL_CONTEXTUAL,
    *ORTHOGONAL_GENERAL,
    *UNALIGNED_CONTEXTUAL,
    *UNALIGNED_GENERAL,
    FLOODED,
)
KNOWN_CONTEXTUAL = tuple(planted for planted in KNOWN if planted.kind == "contextual")
_PATTERNS = tuple((planted, re.compile(planted.keywords)) for planted in KNOWN)


@lru_cache(maxsize=8192)
def spoken_of(text: str, kind: str | None = None) -> tuple[Planted, ...]:
    """The planted principles (of one kind) a text speaks of, in the order of their first words."""
    lower = text.lower()
    found = [
        (match.start(), planted)
        for planted, pattern in _PATTERNS
        if kind in (None, planted.kind) and (match := pattern.search(lower))
    ]
    return tuple(planted for _, planted in sorted(found, key=lambda pair: pair[0]))


def recognised(text: str, kind: str | None = None) -> Planted | None:
    """The planted principle that a principle's wording means, or None."""
    return next(iter(spoken_of(text, kind)), None)


def shows(response: str, planted: Planted) -> bool:
    """Whether a response follows a planted principle."""
    return any(marker in response for marker in planted.markers)


def taste(response: str) -> int:
    """How far a response is to the liking of a model with common training: what it shows of the
    aligned principles less what it shows of the unaligned ones.
    """
    liked = sum(shows(response, planted) for planted in CONTEXTUAL)
    return liked - sum(shows(response, planted) for planted in UNALIGNED_CONTEXTUAL)
