"""What is planted in each setting, and how the people of a corpus are made.

Settings as in ICAI (arXiv 2406.06560, section 4.1): orthogonal to what a model prefers, aligned
with it, opposed to it.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

TESTS = Path(__file__).parents[2]
if str(TESTS) not in sys.path:
    sys.path.append(str(TESTS))  # `servers` is imported from there

from servers.orthogonal import FLOODED, ORTHOGONAL_CONTEXTUAL, ORTHOGONAL_GENERAL  # noqa: E402
from servers.planted_principles import CONTEXTUAL, GENERAL, Planted  # noqa: E402
from servers.unaligned import UNALIGNED_CONTEXTUAL, UNALIGNED_GENERAL  # noqa: E402

CONTEXTUAL_WEIGHTS = (0.26, 0.20, 0.16, 0.14, 0.12, 0.12)
GENERAL_WEIGHTS = (0.45, 0.33, 0.22)


@dataclass(frozen=True)
class Setting:
    """The principles of a corpus: those of the many, heaviest first, and the minority's demand."""

    name: str
    contextual: tuple[Planted, ...]
    general: tuple[Planted, ...]
    contextual_demand: Planted
    general_demand: Planted

    def common(self, kind: str) -> tuple[Planted, ...]:
        """The principles of the many, of a kind."""
        return self.contextual if kind == "contextual" else self.general

    def demand(self, kind: str) -> Planted:
        """The minority's principle, of a kind."""
        return self.contextual_demand if kind == "contextual" else self.general_demand


def _setting(name: str, contextual: tuple[Planted, ...], general: tuple[Planted, ...]) -> Setting:
    num, few = len(CONTEXTUAL_WEIGHTS), len(GENERAL_WEIGHTS)
    return Setting(name, contextual[:num], general[:few], contextual[num], general[few])


SETTINGS = {
    "orthogonal": _setting("orthogonal", ORTHOGONAL_CONTEXTUAL, ORTHOGONAL_GENERAL),
    "aligned": _setting("aligned", CONTEXTUAL, GENERAL),
    "unaligned": _setting("unaligned", UNALIGNED_CONTEXTUAL, UNALIGNED_GENERAL),
}
FLOODER = FLOODED


@dataclass(frozen=True)
class Crowd:
    """Who writes a corpus.

    noise: share of the annotations that say something odd and choose at random. flood: rows of one
    person who pushes `FLOODER`, as a share of everybody else's preferences. first_place: share of
    the preferences whose writer takes the first response, whatever it shows. other_features: how
    often a response has a feature that nobody asked for.
    """

    num_annotations: int = 300
    num_people: int = 80
    minority: float = 0.1
    noise: float = 0.0
    flood: float = 0.5
    first_place: float = 0.1
    other_features: float = 0.25
    seed: int = 0


@dataclass(frozen=True)
class Model:
    """How the scripted model leans: options of `servers/scripted.py`."""

    first_place: float = 0.1
    taste: float = 0.2
