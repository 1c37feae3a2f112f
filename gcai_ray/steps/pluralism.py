"""Matches of all people and the constitution → `group_coverage` and measures of pluralism."""

from __future__ import annotations

from gcai_ray.config import Config
from gcai_ray.schemas import Constitution, GroupCoverage, Kind, Measure
from gcai_ray.steps.lookup import Inputs, by_kind, electorate_of


def pluralism_rows(
    config: Config, inputs: Inputs, constitution: Constitution
) -> tuple[list[GroupCoverage], list[Measure]]:
    """Whom the constitution covers: everybody with a reason or a statement, of both halves; in ICAI
    mode everybody who chose, by what a model guessed from the choices.
    """
    from gcai_ray.electorate import incidence
    from gcai_ray.evaluate.pluralism import heard, pluralism

    chosen_ids = {principle.id for principle in constitution.principles}
    principles = dict(by_kind(inputs["distill"].read("principles", ["id", "kind"])))
    electorates, said, chosen = {}, {}, {}
    for kind in _kinds(config):
        ids = principles[kind]["id"].to_pylist() if kind in principles else []
        electorates[kind] = electorate_of(inputs["ingest"], kind, None, config.mode)
        matches = inputs["vote"].tables("matches", ["principle_id", "row_id"])
        said[kind] = incidence(electorates[kind], matches, ids)
        chosen[kind] = [place for place, key in enumerate(ids) if key in chosen_ids]
    return pluralism(heard(electorates, said, chosen), config.ratify.min_group_size, config.seed)


def _kinds(config: Config) -> tuple[Kind, ...]:
    return tuple(Kind) if config.mode == "gcai" else (Kind.CONTEXTUAL,)
