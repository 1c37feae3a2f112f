"""Clusters of candidates → questions what each says, and their replies → clusters that a model has
summed up (GCAI, arXiv 2601.18760: each cluster is summarised into one principle).

A member that its summary does not cover goes back: the members left over are clustered and summed
up once more; what is left then belongs to no principle. Knows no path and no engine.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from gcai_ray.asking.check import reply_json
from gcai_ray.asking.lookup import Lookup
from gcai_ray.asking.questions import Asking, counter, request
from gcai_ray.cluster_map import project_2d
from gcai_ray.clustering import assign, centered
from gcai_ray.clusters import Clusters, principle_id
from gcai_ray.errors import StageError
from gcai_ray.prompts import TooLong, summarise_cluster
from gcai_ray.schemas import EMBEDDING_DIM, Kind
from gcai_ray.vectors import stacked
from gcai_ray.wording import principle_text

LEFT_OUT = -1


@dataclass(frozen=True)
class Summary:
    """What came of one cluster: its principle, and which of the texts shown it covers."""

    text: str
    shown: tuple[str, ...]
    covered: frozenset[str]
    is_summed_up: bool  # false: the words of the member that speaks for it


def shown_texts(sample: pa.Table, clusters: Clusters, num_shown: int) -> list[list[str]]:
    """The distinct texts of each cluster a model is to read: half of them nearest to its centre,
    half spread evenly over the rest, so that a second idea in it can be seen.
    """
    points = centered(stacked(sample["vector"]), clusters.mean)
    index, similarity = assign(points, clusters.centroids)
    texts = sample["text"].to_pylist()
    return [
        _spread(_ranked(np.flatnonzero(index == place), similarity, texts), num_shown)
        for place in range(len(clusters.centroids))
    ]


def _ranked(
    rows: NDArray[np.int64], similarity: NDArray[np.float32], texts: list[str]
) -> list[str]:
    order = sorted(rows.tolist(), key=lambda row: (-round(float(similarity[row]), 5), texts[row]))
    return list(dict.fromkeys(texts[row] for row in order))


def _spread(texts: list[str], limit: int) -> list[str]:
    if len(texts) <= limit:
        return texts
    near = texts[: limit // 2]
    rest = texts[limit // 2 :]
    places = np.linspace(0, len(rest) - 1, limit - len(near)).round().astype(int)
    return near + [rest[place] for place in places]


def cluster_id(kind: Kind, texts: Sequence[str]) -> str:
    """The id of a cluster as it is shown: a hash of its kind and texts."""
    return hashlib.blake2b("\0".join([kind, *texts]).encode(), digest_size=16).hexdigest()


def questions(kind: Kind, shown: Sequence[Sequence[str]], asking: Asking) -> list[dict[str, Any]]:
    """Rows of `requests`: one per cluster of at least two texts.

    Raises:
        StageError: the texts of a cluster are longer than the model's context.
    """
    count = counter(asking)
    try:
        return [
            request(
                asking,
                summarise_cluster.NAME,
                (cluster_id(kind, texts), 0),
                lambda cut, texts=texts: summarise_cluster.question(kind, texts),
                count,
            )
            for texts in shown
            if len(texts) > 1
        ]
    except TooLong as error:
        raise StageError(
            f"{asking.stage}: the members of a cluster that a model is to read are too long: "
            f"{error}; or lower distill.num_shown"
        ) from error


def summaries(clusters: Clusters, shown: Sequence[Sequence[str]], lookup: Lookup) -> list[Summary]:
    """What each cluster says; the words of its speaker where no usable summary came back."""
    speakers = clusters.speakers["text"].to_pylist()
    return [
        _summary(clusters.kind, speaker, texts, lookup)
        for speaker, texts in zip(speakers, shown, strict=True)
    ]


def _summary(kind: Kind, speaker: str, texts: Sequence[str], lookup: Lookup) -> Summary:
    as_it_is = Summary(speaker, tuple(texts), frozenset(texts), False)
    replies = lookup.of(cluster_id(kind, texts)) if len(texts) > 1 else []
    if not replies or not replies[0]["parsed"]:
        return as_it_is
    reply = reply_json(replies[0]["text"])
    text = principle_text(kind, reply["principle"])
    covered = frozenset(texts[number - 1] for number in reply["covers"])
    return Summary(text, tuple(texts), covered, True) if text and covered else as_it_is


def left_over(sample: pa.Table, found: Sequence[Summary]) -> pa.Table:
    """Rows of the sample whose text was shown and not covered, one per text."""
    wanted = {text for summary in found for text in summary.shown if text not in summary.covered}
    texts = sample["text"].to_pylist()
    first = {text: row for row, text in reversed(list(enumerate(texts))) if text in wanted}
    return sample.take(pa.array(sorted(first.values()), pa.int64()))


def summed_up(
    rounds: Sequence[tuple[Clusters, Sequence[Summary]]], vectors: NDArray[np.float32]
) -> Clusters:
    """The clusters of all rounds as one, each spoken for by its summary.

    Args:
        rounds: clusters and their summaries, first round first.
        vectors: embeddings of the summaries' texts [clusters of all rounds, dim].
    """
    first = rounds[0][0]
    centroids = np.concatenate([clusters.centroids for clusters, _ in rounds])
    found = [summary for _, summaries_ in rounds for summary in summaries_]
    candidates = pa.concat_tables([clusters.speakers for clusters, _ in rounds])["candidate_id"]
    texts = [summary.text for summary in found]
    column = pa.FixedSizeListArray.from_arrays(
        pa.array(vectors.ravel(), pa.float32()), EMBEDDING_DIM
    )
    return replace(
        first,
        centroids=centroids,
        layout=project_2d(centroids),
        speakers=pa.table({"candidate_id": candidates, "text": texts, "vector": column}),
        ids=tuple(principle_id(first.kind, text) for text in texts),
        decided=_decided(found),
    )


def _decided(found: Sequence[Summary]) -> dict[str, int]:
    """The cluster of every text a model read: the last that covers it, or none. What was left over
    and then not summed up is open again: its cluster speaks in the words of a member.
    """
    decided: dict[str, int] = {}
    for place, summary in enumerate(found):
        for text in summary.shown:
            if summary.is_summed_up:
                decided[text] = place if text in summary.covered else LEFT_OUT
            else:
                decided.pop(text, None)
    return decided


def num_left_out(clusters: Clusters) -> int:
    """Texts that were read and that no principle covers."""
    return sum(place == LEFT_OUT for place in clusters.decided.values())
