"""The clusters of one kind of candidates, and the ids of the principles that speak for them.

Knows neither how they were found nor who words a principle.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from gcai_ray.schemas import Kind


@dataclass(frozen=True)
class Clusters:
    """The clusters of one kind: centres, what speaks for each, and their places on the map."""

    kind: Kind
    mean: NDArray[np.float64]  # [dim], of the sample
    centroids: NDArray[np.float32]  # [clusters, dim], centred
    layout: NDArray[np.float64]  # [clusters, 2]
    speakers: pa.Table  # [clusters]: candidate_id, text and vector of what speaks for each
    ids: tuple[str, ...]  # [clusters], principle ids; clusters with the same words share one
    decided: dict[str, int]  # words of a candidate → the cluster a model put it in, -1 for none

    def confirmed(self) -> dict[str, str]:
        """Words of a candidate → id of the principle a model said covers them."""
        return {text: self.ids[place] for text, place in self.decided.items() if place >= 0}


def principle_id(kind: Kind, text: str) -> str:
    """The id of a principle: a hash of its kind and words, the same in every run."""
    return hashlib.blake2b(f"{kind}\0{text}".encode(), digest_size=16).hexdigest()
