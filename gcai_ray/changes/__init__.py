"""Two constitutions → a changelog of one against the other, as text or JSON (`gcai diff`)."""

from __future__ import annotations

from gcai_ray.changes.changelog import changelog
from gcai_ray.changes.sources import two_sources
from gcai_ray.changes.text import changelog_text

__all__ = ["diff"]


def diff(old: str, new: str | None, as_json: bool) -> str:
    """What changed from the constitution of `old` to that of `new`.

    Args:
        old: a run's root, the directory of a ratify artifact, or a `constitution.json`.
        new: the same; None compares the two newest constitutions of the run at `old`.
        as_json: one JSON document, a dump of `changelog.Changelog`.

    Raises:
        ArtifactError: a path that holds no constitution, or both hold the same one.
    """
    first, second = two_sources(old, new)
    found = changelog(first, second)
    return found.model_dump_json(indent=2) if as_json else changelog_text(found)
