"""`candidates` → `embeddings`: the text of every candidate as a unit vector. Knows no path and no
model but the one it is given.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa

from gcai_ray.schemas import EMBEDDING_DIM, Embedding, arrow_schema
from gcai_ray.wording import bare

if TYPE_CHECKING:
    import numpy as np
    import ray.data
    from numpy.typing import NDArray

BATCH_ROWS = 512


def embeddings(candidates: ray.data.Dataset, max_actors: int) -> ray.data.Dataset:
    """The candidates with their vectors, as a lazy dataset. A text's vector does not depend on its
    batch.
    """
    return candidates.map_batches(
        EmbeddingActor,
        batch_size=BATCH_ROWS,
        batch_format="pyarrow",
        concurrency=(1, max_actors),
        num_cpus=1,
    )


def embedded(texts: list[str]) -> NDArray[np.float32]:
    """Unit vectors [n, dim] of a few principles, as candidates are embedded."""
    from gcai_ray.engines.minilm import SentenceEmbedder

    return SentenceEmbedder().encode([bare(text) for text in texts])


class EmbeddingActor:
    """Holds the sentence embedder."""

    def __init__(self) -> None:
        from gcai_ray.engines.minilm import SentenceEmbedder

        self._embedder = SentenceEmbedder()

    def __call__(self, candidates: pa.Table) -> pa.Table:
        """Columns of `candidates` in, columns of `embeddings` out. Prefixes every principle shares
        are left out of the vector.
        """
        vectors = self._embedder.encode([bare(text) for text in candidates["text"].to_pylist()])
        column = pa.FixedSizeListArray.from_arrays(
            pa.array(vectors.ravel(), pa.float32()), EMBEDDING_DIM
        )
        names = ("row_id", "annotator_id", "groups", "kind", "split", "text")
        columns = (
            {"candidate_id": candidates["id"]}
            | {name: candidates[name] for name in names}
            | {"vector": column}
        )
        schema = arrow_schema(Embedding)
        return pa.Table.from_arrays([columns[name] for name in schema.names], names=schema.names)
