"""Generated embeddings → seconds, inertia and µs per candidate: ours beside sklearn.cluster.KMeans.

Run: .venv/bin/python tests/benchmarks/bench_distill.py [--clusters 64 200]
                                                        [--candidates 20000 200000]

Ours is what `distill` does with vectors: draw the sample, collapse near-duplicates, train, assign
all in batches of 4,096; always on one thread. KMeans runs as it comes (k-means++, n_init "auto") on
the same vectors in the same process, on one thread and on all. Inertia is the same for both: summed
squared distances of all vectors to the mean of their cluster.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable

import numpy as np
from rich.console import Console
from rich.table import Table
from sklearn.cluster import KMeans
from threadpoolctl import threadpool_limits

from gcai_ray.clustering import (
    assign,
    collapse_near_duplicates,
    sample_size,
    train_centroids,
)

DIM = 384
BATCH_ROWS = 4096
NUM_TOPICS = 300  # neither k: the real number of topics is not known
NOISE = 1.0  # cosine of a point to its topic about 0.7, as with clauses of the real data
SHARE_REPEATED = 0.1  # verbatim repeats, as of "The AI should be honest."


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--clusters", type=int, nargs="+", default=[64, 200])
    parser.add_argument("--candidates", type=int, nargs="+", default=[20_000, 200_000])
    options = parser.parse_args()
    table = Table("candidates", "k", "method", "threads", "seconds", "µs/candidate", "inertia")
    table.add_column("against ours")
    cluster_ours(*candidates(2_000), 8)  # imports are not timed
    for num_clusters in options.clusters:
        for num_points in options.candidates:
            for row in compare(num_points, num_clusters):
                table.add_row(*row)
            table.add_section()
    Console(width=110).print(table)


def compare(num_points: int, num_clusters: int) -> list[list[str]]:
    """The rows of the table for one size."""
    vectors, ids = candidates(num_points)
    rows: list[list[str]] = []
    ours: tuple[float, float] | None = None
    for method, threads in ((cluster_ours, 1), (cluster_sklearn, 1), (cluster_sklearn, None)):
        seconds, labels = timed(method, vectors, ids, num_clusters, threads)
        cost = inertia(vectors, labels, num_clusters)
        ours = ours or (seconds, cost)
        against = f"{seconds / ours[0]:.1f}x time, {cost / ours[1] - 1:+.1%} inertia"
        name = method.__name__.removeprefix("cluster_")
        head = [f"{num_points:,}", str(num_clusters), name, str(threads or "all")]
        figures = [f"{seconds:.2f}", f"{seconds / num_points * 1e6:.1f}", f"{cost:,.0f}"]
        rows.append([*head, *figures, against])
    return rows


def candidates(num_points: int, seed: int = 0) -> tuple[np.ndarray, list[str]]:
    """Unit vectors [n, 384] around topics of unequal size, and content ids."""
    rng = np.random.default_rng(seed)
    topics = rng.normal(size=(NUM_TOPICS, DIM)).astype(np.float32) / np.sqrt(DIM)
    share = rng.dirichlet(np.full(NUM_TOPICS, 2.0))
    vectors = topics[rng.choice(NUM_TOPICS, size=num_points, p=share)]
    vectors += rng.normal(size=vectors.shape).astype(np.float32) * (NOISE / np.sqrt(DIM))
    num_repeated = int(SHARE_REPEATED * num_points)
    vectors[:num_repeated] = vectors[rng.integers(num_repeated, num_repeated + 500, num_repeated)]
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    return vectors, [rng.bytes(16).hex() for _ in range(num_points)]


def cluster_ours(vectors: np.ndarray, ids: list[str], num_clusters: int) -> np.ndarray:
    """Labels by the functions `distill` calls."""
    sample = vectors[np.argsort(ids)[: sample_size(num_clusters)]]
    leaders = collapse_near_duplicates(sample, np.ones(len(sample)))
    kept, counts = np.unique(leaders, return_counts=True)
    centroids = train_centroids(sample[kept], num_clusters, seed=0, weights=counts.astype(float))
    batches = range(0, len(vectors), BATCH_ROWS)
    return np.concatenate([assign(vectors[i : i + BATCH_ROWS], centroids)[0] for i in batches])


def cluster_sklearn(vectors: np.ndarray, ids: list[str], num_clusters: int) -> np.ndarray:
    """Labels by KMeans with its defaults."""
    del ids
    return KMeans(num_clusters, init="k-means++", random_state=0).fit(vectors).labels_


def timed(
    method: Callable[[np.ndarray, list[str], int], np.ndarray],
    vectors: np.ndarray,
    ids: list[str],
    num_clusters: int,
    num_threads: int | None,
) -> tuple[float, np.ndarray]:
    """Seconds and labels."""
    with threadpool_limits(limits=num_threads):
        start = time.perf_counter()
        labels = method(vectors, ids, num_clusters)
        return time.perf_counter() - start, labels


def inertia(vectors: np.ndarray, labels: np.ndarray, num_clusters: int) -> float:
    """Summed squared distances of unit vectors to the mean of their cluster."""
    total = 0.0
    for cluster in range(num_clusters):
        members = vectors[labels == cluster].astype(np.float64)
        if len(members):
            total += len(members) - np.square(members.sum(axis=0)).sum() / len(members)
    return total


if __name__ == "__main__":
    main()
