"""`embeddings` → `principles` and `members`: candidates that say the same become one cluster, one
of them speaks for it.

Centroids are trained on a bounded sample; every candidate is then assigned to one in a stream.
Knows no path and no engine.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from gcai_ray.cluster_map import place_points, project_2d
from gcai_ray.clustering import (
    assign,
    centered,
    choose_num_clusters,
    collapse_near_duplicates,
    sample_bound,
    sample_size,
    train_centroids,
)
from gcai_ray.clusters import Clusters, principle_id
from gcai_ray.representative import document_frequencies, representative
from gcai_ray.schemas import Kind, Member, Principle, Split, arrow_schema
from gcai_ray.vectors import stacked

if TYPE_CHECKING:
    import ray.data

# A person's clauses that may shape the centroids: who writes without end must not make the
# clusters.
SAMPLE_ROWS_PER_PERSON = 50
SAMPLE_COLUMNS = ["candidate_id", "annotator_id", "kind", "split", "text", "vector"]
SPEAKER_COLUMNS = ["candidate_id", "text", "vector"]


def draw_sample(
    embeddings: ray.data.Dataset, kind: Kind, num_candidates: int, num_clusters: int | None
) -> pa.Table:
    """The training sample of one kind, in canonical order: the candidates of the train split with
    the smallest ids, capped per person.
    """
    import ray

    k = num_clusters or choose_num_clusters(num_candidates)
    bound = sample_bound(num_candidates, sample_size(k))
    chosen = embeddings.map_batches(_sampled, fn_args=(str(kind), bound), batch_format="pyarrow")
    parts = [
        part
        for part in ray.get(chosen.select_columns(SAMPLE_COLUMNS).to_arrow_refs())
        if part.num_rows
    ]
    if not parts:
        return pa.table({name: [] for name in SAMPLE_COLUMNS})
    return cap_per_person(pa.concat_tables(parts).sort_by("candidate_id"))


def _sampled(rows: pa.Table, kind: str, bound: str) -> pa.Table:
    keep = pc.and_(pc.equal(rows["kind"], kind), pc.equal(rows["split"], str(Split.TRAIN)))
    return rows.filter(pc.and_(keep, pc.less_equal(rows["candidate_id"], bound)))


def cap_per_person(sample: pa.Table, limit: int = SAMPLE_ROWS_PER_PERSON) -> pa.Table:
    """The first `limit` rows of every person, order kept."""
    seen: dict[str, int] = {}
    keep = []
    for person in sample["annotator_id"].to_pylist():
        seen[person] = seen.get(person, 0) + 1
        keep.append(seen[person] <= limit)
    return sample.filter(pa.array(keep, pa.bool_()))


def fit(
    sample: pa.Table, kind: Kind, num_clusters: int | None, seed: int, draw_speaker: bool = False
) -> Clusters:
    """Train the centroids of one kind and choose who speaks for each cluster; `draw_speaker`: by
    lot, as ICAI does (arXiv 2406.06560, step 3).

    What all vectors share is taken out first: it tells nothing of what one asks for, and clusters
    made without it agree better with topics people gave (docs/method.md).
    """
    vectors = stacked(sample["vector"])
    mean = vectors.mean(axis=0, dtype=np.float64)
    leaders = collapse_near_duplicates(vectors, np.ones(len(vectors)))
    kept, weights = np.unique(leaders, return_counts=True)
    points = centered(vectors, mean)
    k = num_clusters or choose_num_clusters(len(vectors))
    centroids = train_centroids(points[kept], k, seed=seed, weights=weights.astype(float))
    found = _clusters(sample, kind, mean, points, centroids)
    return _drawn(found, sample, points, seed) if draw_speaker else found


def _drawn(
    clusters: Clusters, sample: pa.Table, points: NDArray[np.float32], seed: int
) -> Clusters:
    """The clusters spoken for by a member drawn by a seeded hash of its id."""
    index, _ = assign(points, clusters.centroids)
    lots = [
        principle_id(clusters.kind, f"{seed}\0{key}") for key in sample["candidate_id"].to_pylist()
    ]
    speakers = [
        min(np.flatnonzero(index == place).tolist(), key=lots.__getitem__)
        for place in range(len(clusters.centroids))
    ]
    rows = sample.take(pa.array(speakers, pa.int64())).select(SPEAKER_COLUMNS)
    ids = tuple(principle_id(clusters.kind, text) for text in rows["text"].to_pylist())
    return replace(clusters, speakers=rows, ids=ids)


def fit_rest(sample: pa.Table, clusters: Clusters, seed: int) -> Clusters:
    """Clusters of rows that found no place in `clusters`, in the same space."""
    points = centered(stacked(sample["vector"]), clusters.mean)
    num_clusters = min(len(points), max(2, round((len(points) / 2) ** 0.5)))
    centroids = train_centroids(points, num_clusters, seed=seed, weights=np.ones(len(points)))
    return _clusters(sample, clusters.kind, clusters.mean, points, centroids)


def _clusters(
    sample: pa.Table,
    kind: Kind,
    mean: NDArray[np.float64],
    points: NDArray[np.float32],
    centroids: NDArray[np.float32],
) -> Clusters:
    index, similarity = assign(points, centroids)
    speakers = _speakers(sample, index, similarity)
    occupied = centroids[index[speakers]]
    rows = sample.take(pa.array(speakers, pa.int64())).select(SPEAKER_COLUMNS)
    ids = tuple(principle_id(kind, text) for text in rows["text"].to_pylist())
    return Clusters(kind, mean, occupied, project_2d(occupied), rows, ids, {})


def _speakers(
    sample: pa.Table, index: NDArray[np.int32], similarity: NDArray[np.float32]
) -> list[int]:
    """The row of the sample that speaks for each cluster; a person's repeats count once."""
    texts, people = sample["text"].to_pylist(), sample["annotator_id"].to_pylist()
    first = {pair: row for row, pair in reversed(list(enumerate(zip(people, texts, strict=True))))}
    frequencies = document_frequencies(texts)
    clusters: dict[int, list[int]] = {}
    for row in sorted(first.values()):
        clusters.setdefault(int(index[row]), []).append(row)
    return [
        rows[representative([texts[i] for i in rows], similarity[rows], frequencies, len(texts))]
        for _, rows in sorted(clusters.items())
    ]


def members(embeddings: ray.data.Dataset, clusters: list[Clusters]) -> ray.data.Dataset:
    """Every candidate with the principle of its cluster, as a lazy dataset."""
    return embeddings.map_batches(
        assigned, fn_args=(clusters,), batch_format="pyarrow", batch_size=4096
    )


def assigned(rows: pa.Table, clusters: list[Clusters]) -> pa.Table:
    """Columns of `embeddings` in, columns of `members` out."""
    kinds = rows["kind"].to_numpy(zero_copy_only=False)
    vectors = stacked(rows["vector"])
    found = [
        _assigned_to(rows, np.flatnonzero(kinds == group.kind), vectors, group)
        for group in clusters
    ]
    return pa.concat_tables([arrow_schema(Member).empty_table(), *found])


def _assigned_to(
    rows: pa.Table, chosen: NDArray[np.int64], vectors: NDArray[np.float32], group: Clusters
) -> pa.Table:
    chosen, decided = _with_a_place(rows, chosen, group)
    points = centered(vectors[chosen], group.mean)
    nearest, similarity = assign(points, group.centroids)
    index = np.where(decided >= 0, decided, nearest)
    elsewhere = index != nearest
    cosines = (points[elsewhere] * group.centroids[index[elsewhere]]).sum(axis=1)
    similarity[elsewhere] = cosines
    places = place_points(points, index, group.centroids, group.layout)
    columns = {
        "candidate_id": rows["candidate_id"].take(pa.array(chosen)),
        "annotator_id": rows["annotator_id"].take(pa.array(chosen)),
        "kind": pa.array([str(group.kind)] * len(chosen), pa.string()),
        "principle_id": pa.array(group.ids, pa.string()).take(pa.array(index)),
        "similarity": pa.array(similarity.astype(np.float64).round(5)),
        "x": pa.array(places[:, 0].astype(np.float64).round(4)),
        "y": pa.array(places[:, 1].astype(np.float64).round(4)),
        "confirmed": pa.array(decided >= 0),
    }
    schema = arrow_schema(Member)
    return pa.Table.from_arrays([columns[name] for name in schema.names], schema=schema)


def _with_a_place(
    rows: pa.Table, chosen: NDArray[np.int64], group: Clusters
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The rows that are not left out, and the cluster decided for each; -2 where it is open."""
    if not group.decided:
        return chosen, np.full(len(chosen), -2)
    texts = rows["text"].take(pa.array(chosen)).to_pylist()
    decided = np.array([group.decided.get(text, -2) for text in texts], dtype=np.int64)
    return chosen[decided != -1], decided[decided != -1]


def principles(clusters: list[Clusters], member_parts: Iterable[pa.Table]) -> pa.Table:
    """One row per principle, in the order of its id, with how many candidates and people its
    clusters hold.
    """
    pairs = [
        part.group_by(["principle_id", "annotator_id"]).aggregate([([], "count_all")])
        for part in member_parts
    ]
    counted = (
        pa.concat_tables(pairs)
        .group_by(["principle_id", "annotator_id"])
        .aggregate([("count_all", "sum")])
    )
    totals = counted.group_by("principle_id").aggregate(
        [("count_all_sum", "sum"), ([], "count_all")]
    )
    sizes = {
        row["principle_id"]: (row["count_all_sum_sum"], row["count_all"])
        for row in totals.to_pylist()
    }
    rows: dict[str, dict[str, object]] = {}
    for group in clusters:
        for place, speaker in enumerate(group.speakers.to_pylist()):
            num_members, num_people = sizes.get(group.ids[place], (0, 0))
            rows.setdefault(
                group.ids[place],
                _principle(group, place, speaker)
                | {"num_members": num_members, "num_people": num_people},
            )
    return pa.Table.from_pylist([rows[key] for key in sorted(rows)], schema=arrow_schema(Principle))


def _principle(group: Clusters, place: int, speaker: dict[str, object]) -> dict[str, object]:
    x, y = group.layout[place]
    chosen = {name: speaker[name] for name in ("text", "candidate_id", "vector")}
    return {
        "id": group.ids[place],
        "kind": str(group.kind),
        "x": round(float(x), 4),
        "y": round(float(y), 4),
    } | chosen
