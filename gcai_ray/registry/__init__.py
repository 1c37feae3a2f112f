"""Adapters by name and version, and which of them answer: what `gcai adapters` changes and the
served application reads. Knows no HTTP and no engine.
"""

from gcai_ray.registry.cache import fetch
from gcai_ray.registry.choice import choose, chosen
from gcai_ray.registry.entries import Canary, ConstitutionFacts, Entry, FileFacts, Index, Version
from gcai_ray.registry.index import change, history, read_index
from gcai_ray.registry.publish import read_figures, read_version
from gcai_ray.registry.rollout import added, promoted, rolled_back, with_canary, withdrawn

__all__ = [
    "Canary",
    "ConstitutionFacts",
    "Entry",
    "FileFacts",
    "Index",
    "Version",
    "added",
    "change",
    "choose",
    "chosen",
    "fetch",
    "history",
    "promoted",
    "read_figures",
    "read_index",
    "read_version",
    "rolled_back",
    "with_canary",
    "withdrawn",
]
