"""The adapter's part of a model's name in a request, and who asks → the version that answers."""

from __future__ import annotations

import hashlib

from gcai_ray.registry.entries import Entry, Index, Version

PLACES = 2**53  # a float holds every whole number up to here, so that no caller is rounded up to 1


def choose(index: Index, text: str, who: str) -> Version | None:
    """The version that `name` or `name@3` means for a caller; None: there is none, or it was
    withdrawn.

    The text is compared with what is known and never read, so that nothing in it can mean anything.
    """
    name, at, number = text.partition("@")
    entry = index.entries.get(name)
    if entry is None:
        return None
    wanted = number if at else str(chosen(entry, who))
    found = (of for of in entry.versions if str(of.number) == wanted and not of.withdrawn)
    return next(found, None)


def chosen(entry: Entry, who: str) -> int | None:
    """The number of the version that answers a caller: the canary's for a share of the callers,
    else the live one; None: no version is live.

    `who`: the name of an API key, or whatever else a caller keeps. A caller keeps its version while
    the canary runs; a larger share takes callers in and lets none out.
    """
    canary = entry.canary
    if canary is not None and place_of(entry.name, canary.version, who) < canary.share:
        return canary.version
    return entry.live


def place_of(name: str, number: int, who: str) -> float:
    """Where a caller stands in [0, 1), evenly; elsewhere for each version of each adapter, so that
    the same people are not the first every time.
    """
    text = f"{name}\0{number}\0{who}".encode("utf-8", "surrogatepass")
    digest = hashlib.blake2b(text, digest_size=8).digest()
    return int.from_bytes(digest, "big") % PLACES / PLACES
