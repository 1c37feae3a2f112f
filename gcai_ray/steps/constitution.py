"""Principles and votes → the constitution with its evidence."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from gcai_ray.artifact_writer import ArtifactWriter
from gcai_ray.artifacts import Artifact
from gcai_ray.config import Config
from gcai_ray.errors import StageError
from gcai_ray.schemas import Constitution, Evidence, Kind, Split, VoteOutcome
from gcai_ray.steps.lookup import Inputs, by_kind, electorate_of, rows_by_id

if TYPE_CHECKING:
    import pyarrow as pa

    from gcai_ray.stages.ratify import Contest, Poll


def ratify(config: Config, inputs: Inputs, writer: ArtifactWriter) -> None:
    """`matches` and `votes` of the training half → `constitution.json` and `constitution.md`."""
    from gcai_ray.report.markdown import constitution_markdown
    from gcai_ray.stages.ratify import choose, chosen_principles, most_votes

    wanted = {
        Kind.CONTEXTUAL: config.ratify.num_contextual,
        Kind.GENERAL: config.ratify.num_general,
    }
    found, thresholds = [], {}
    for contest in contests(inputs, config.mode):
        pick = choose if config.mode == "gcai" else most_votes
        chosen = pick(contest, wanted[contest.kind], config.ratify)
        ids = [contest.ids[i] for i in chosen]
        # In ICAI mode a principle rests on choices, not on words: there is nothing to quote.
        quoted = _evidence(inputs, ids, config.ratify.num_quotes) if config.mode == "gcai" else {}
        evidence = {key: quoted.get(key, []) for key in ids}
        found += chosen_principles(contest, chosen, evidence, config.ratify, config.seed)
        thresholds[contest.kind] = contest.threshold
    if not found:
        raise StageError(_why_none(config))
    ingested = inputs["ingest"]
    constitution = Constitution(
        title=config.ratify.title or f"Constitution: {config.name}",
        status="candidate",
        mode=config.mode,
        engine=config.engine.name,
        model=_model(config),
        num_preferences=ingested.manifest.num_rows["preferences"],
        num_reasons=ingested.manifest.counts.get("num_with_reason", 0),
        num_statements=ingested.manifest.num_rows["statements"],
        num_people=_num_people(ingested),
        match_threshold=thresholds,
        principles=found,
    )
    writer.write_document(
        "constitution.json", (constitution.model_dump_json(indent=2) + "\n").encode()
    )
    writer.write_document("constitution.md", constitution_markdown(constitution).encode())


def _why_none(config: Config) -> str:
    from gcai_ray.steps.asking import asks_a_model

    shared = f"no principle is shared by {config.ratify.min_people} people (ratify.min_people)"
    if not asks_a_model(config):
        return f"{shared}: lower it, or bring more annotations"
    return (
        f"{shared} and speaks for more of people's choices than against: look at "
        f"`gcai show {config.root} votes`; bring more annotations, or a model that reads better"
    )


def _model(config: Config) -> str | None:
    from gcai_ray.steps.asking import asking_of, asks_a_model

    return asking_of(config, "ratify").model if asks_a_model(config) else None


def contests(inputs: Inputs, mode: str) -> Iterator[Contest]:
    """The principles of each kind with their votes of the training half."""
    import json

    import pyarrow.compute as pc

    from gcai_ray.electorate import incidence
    from gcai_ray.stages.ratify import Contest
    from gcai_ray.vectors import stacked

    thresholds = json.loads(inputs["vote"].document("thresholds.json"))
    for kind, rows in by_kind(inputs["distill"].read("principles")):
        ids = tuple(rows["id"].to_pylist())
        people = electorate_of(inputs["ingest"], kind, Split.TRAIN, mode)
        parts = inputs["vote"].tables("matches", ["principle_id", "row_id", "split"])
        train = (part.filter(pc.equal(part["split"], str(Split.TRAIN))) for part in parts)
        texts, vectors = tuple(rows["text"].to_pylist()), stacked(rows["vector"])
        poll = _poll(inputs["vote"], ids) if kind is Kind.CONTEXTUAL else None
        said = incidence(people, train, ids)
        yield Contest(kind, ids, texts, vectors, thresholds[kind], people, said, poll)


def _poll(voted: Artifact, ids: tuple[str, ...]) -> Poll | None:
    """The votes on pairs, where a model cast any."""
    import pyarrow as pa
    import pyarrow.compute as pc

    from gcai_ray.electorate import electorate, incidence
    from gcai_ray.stages.ratify import Poll

    columns = ["principle_id", "row_id", "annotator_id", "groups", "outcome"]
    parts = [part for part in voted.tables("votes", columns) if part.num_rows]
    if not parts:
        return None
    votes = pa.concat_tables(parts)
    first = votes.filter(pa.array(_first_of(votes["row_id"])))
    people = electorate([first.rename_columns({"row_id": "id"})])
    cast = {
        outcome: votes.filter(pc.equal(votes["outcome"], str(outcome))) for outcome in VoteOutcome
    }
    return Poll(people, {name: incidence(people, [rows], ids) for name, rows in cast.items()})


def _first_of(ids: pa.ChunkedArray) -> list[bool]:
    seen: set[str] = set()
    return [not (key in seen or seen.add(key)) for key in ids.to_pylist()]


def _num_people(ingested: Artifact) -> int:
    import pyarrow.compute as pc

    people: set[str] = set()
    for kind in ("preferences", "statements"):
        for part in ingested.tables(kind, ["annotator_id"]):
            people.update(pc.unique(part["annotator_id"]).to_pylist())
    return len(people)


def _evidence(inputs: Inputs, ids: list[str], num_quotes: int) -> dict[str, list[Evidence]]:
    import pyarrow as pa
    import pyarrow.compute as pc

    from gcai_ray.stages.ratify import pick_evidence

    wanted = pa.array(ids, pa.string())
    columns = ["principle_id", "candidate_id", "annotator_id", "similarity", "split"]
    parts = [
        part.filter(pc.is_in(part["principle_id"], wanted))
        for part in inputs["vote"].tables("matches", columns)
    ]
    votes = [row for row in pa.concat_tables(parts).to_pylist() if row["split"] == str(Split.TRAIN)]
    by_id = rows_by_id(
        inputs["extract"], "candidates", "id", {row["candidate_id"] for row in votes}
    )
    return {
        key: pick_evidence([v for v in votes if v["principle_id"] == key], by_id, num_quotes)
        for key in ids
    }
