"""Clusters → the same, summed up by a model in two rounds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from gcai_ray.artifact_writer import ArtifactWriter
from gcai_ray.config import Config
from gcai_ray.schemas import Kind, Request
from gcai_ray.steps.asking import asking_of

if TYPE_CHECKING:
    import pyarrow as pa

    from gcai_ray.clusters import Clusters
    from gcai_ray.stages.summarise import Summary

Round = tuple["Clusters", list["Summary"]]


def summed_up(
    config: Config, writer: ArtifactWriter, samples: Mapping[Kind, pa.Table], first: list[Clusters]
) -> list[Clusters]:
    """The clusters of each kind, spoken for by a model's words. What the first round does not cover
    is clustered and asked about once more.
    """
    import numpy as np
    import ray

    from gcai_ray.stages.distill import fit_rest
    from gcai_ray.stages.embed import embedded
    from gcai_ray.stages.summarise import left_over, num_left_out
    from gcai_ray.stages.summarise import summed_up as joined

    rounds: dict[Kind, list[Round]] = {}
    for clusters, said in _round(config, writer, [samples[c.kind] for c in first], first):
        rounds[clusters.kind] = [(clusters, said)]
    rest = {kind: left_over(samples[kind], found[0][1]) for kind, found in rounds.items()}
    rest = {kind: rows for kind, rows in rest.items() if rows.num_rows}
    second = [fit_rest(rows, rounds[kind][0][0], config.seed) for kind, rows in rest.items()]
    for clusters, said in _round(config, writer, list(rest.values()), second):
        rounds[clusters.kind].append((clusters, said))
    texts = [s.text for found in rounds.values() for _, said in found for s in said]
    vectors = dict(zip(texts, ray.get(ray.remote(embedded).remote(texts)), strict=True))
    done = []
    for found in rounds.values():
        spoken = [summary.text for _, said in found for summary in said]
        done.append(joined(found, np.stack([vectors[text] for text in spoken])))
    writer.counts["num_texts_left_out"] = sum(num_left_out(clusters) for clusters in done)
    return done


def _round(
    config: Config,
    writer: ArtifactWriter,
    samples: Sequence[pa.Table],
    clusters: Sequence[Clusters],
) -> list[Round]:
    """Ask what each cluster says; all kinds in one pass of the engine."""
    import pyarrow as pa

    from gcai_ray.asking.ask import ask
    from gcai_ray.asking.lookup import lookups
    from gcai_ray.schemas import arrow_schema
    from gcai_ray.stages.summarise import questions, shown_texts, summaries

    asking, num_shown = asking_of(config, "distill"), config.distill.num_shown
    shown = [shown_texts(rows, c, num_shown) for rows, c in zip(samples, clusters, strict=True)]
    asked = [
        row
        for group, texts in zip(clusters, shown, strict=True)
        for row in questions(group.kind, texts, asking)
    ]
    writer.write_table("requests", pa.Table.from_pylist(asked, schema=arrow_schema(Request)))
    ask(config.engine, "distill", writer)
    [lookup] = lookups(writer)
    return [
        (group, summaries(group, texts, lookup))
        for group, texts in zip(clusters, shown, strict=True)
    ]
