"""Principles, matches and votes → the constitution with its evidence."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from gcai_ray.artifact_writer import ArtifactWriter
from gcai_ray.artifacts import Artifact
from gcai_ray.config import Config, RatifyConfig
from gcai_ray.errors import StageError
from gcai_ray.schemas import (
    Balloting,
    ChosenPrinciple,
    Constitution,
    Evidence,
    Kind,
    Split,
    Unrepresented,
)
from gcai_ray.steps.lookup import Inputs, by_kind, electorate_of, rows_by_id

if TYPE_CHECKING:
    from gcai_ray.choosing.approval import Approvals
    from gcai_ray.choosing.contest import Contest
    from gcai_ray.choosing.selection import Selection
    from gcai_ray.electorate import Electorate


def ratify(config: Config, inputs: Inputs, writer: ArtifactWriter) -> None:
    """`matches` and `votes` of the training half → `constitution.json` and `constitution.md`.

    The manifest counts how many principles of each kind were left out, by why, and how many places
    stay empty. Nothing the ballots say drops a principle.

    Raises:
        StageError: no principle stands.
    """
    from gcai_ray.choosing.represented import unrepresented
    from gcai_ray.report.markdown import constitution_markdown
    from gcai_ray.stages.ratify import chosen_principles

    found: list[ChosenPrinciple] = []
    lost: list[Unrepresented] = []
    thresholds: dict[Kind, float] = {}
    for contest in contests(inputs, config.mode):
        selection = selection_of(contest, config)
        evidence = _evidence(inputs, [contest.ids[i] for i in selection.columns], config)
        found += chosen_principles(contest, selection, evidence, config.ratify, config.seed)
        lost += unrepresented(contest, selection.columns, config.ratify)
        thresholds[contest.kind] = contest.threshold
        writer.counts |= _counts(contest.kind, selection, config.ratify)
    if not found:
        raise StageError(_why_none(config, writer.counts))
    balloting, ratified = _balloted(config, found)
    ingested = inputs["ingest"]
    constitution = Constitution(
        title=config.ratify.title or f"Constitution: {config.name}",
        status="ratified" if balloting else "candidate",
        mode=config.mode,
        engine=config.engine.name,
        model=_model(config),
        num_preferences=ingested.manifest.num_rows["preferences"],
        num_reasons=ingested.manifest.counts.get("num_with_reason", 0),
        num_statements=ingested.manifest.num_rows["statements"],
        num_people=_num_people(ingested),
        match_threshold=thresholds,
        principles=ratified,
        not_represented=lost,
        balloting=balloting,
    )
    writer.write_document(
        "constitution.json", (constitution.model_dump_json(indent=2) + "\n").encode()
    )
    writer.write_document("constitution.md", constitution_markdown(constitution).encode())


def selection_of(contest: Contest, config: Config) -> Selection:
    """What stands of a contest, as the run's mode has it."""
    from gcai_ray.choosing.selection import choose, most_votes

    num_places = _num_places(contest.kind, config.ratify)
    if config.mode == "icai":
        return most_votes(contest, num_places)
    return choose(contest, num_places, config.ratify, config.seed)


def _num_places(kind: Kind, config: RatifyConfig) -> int:
    return config.num_contextual if kind is Kind.CONTEXTUAL else config.num_general


def _counts(kind: Kind, selection: Selection, config: RatifyConfig) -> dict[str, int]:
    """What the manifest keeps of a contest: all that is not 0."""
    empty = _num_places(kind, config) - len(selection.columns)
    counts = selection.left_out | {"places_empty": empty}
    return {f"num_{kind}_{why}": number for why, number in counts.items() if number}


def _why_none(config: Config, counts: dict[str, int]) -> str:
    """No principle stands: which hurdle they fell at, and what to turn."""
    fell = [
        f"{number} {name.removeprefix('num_').replace('_', ' ')}"
        for name, number in sorted(counts.items())
        if not name.endswith("places_empty")
    ]
    seen = f" ({', '.join(fell)})" if fell else " (none was distilled)"
    if config.mode == "icai":
        return (
            f"no principle speaks for more of people's choices than against{seen}: look at "
            f"`gcai show {config.root} votes`; bring more annotations, or a model that reads better"
        )
    shared = f"no principle is shared by {config.ratify.min_people} people (ratify.min_people)"
    if not any("within_chance" in name for name in counts):
        return f"{shared}{seen}: lower it, or bring more annotations"
    return (
        f"{shared} and predicts people's choices better than chance{seen}: look at "
        f"`gcai show {config.root} votes`; bring more annotations, or a model that reads better"
    )


def _balloted(
    config: Config, found: list[ChosenPrinciple]
) -> tuple[Balloting | None, list[ChosenPrinciple]]:
    """The principles with what people said to them on the ballots, where there are any."""
    if config.ratify.ballots is None:
        return None, found
    from gcai_ray.ballots import read_ballots

    balloting, said = read_ballots(config.ratify.ballots, found)
    return balloting, [
        principle.model_copy(update={"ratification": said.get(principle.id)}) for principle in found
    ]


def _model(config: Config) -> str | None:
    from gcai_ray.steps.asking import asking_of, asks_a_model

    return asking_of(config, "ratify").model if asks_a_model(config) else None


def contests(inputs: Inputs, mode: str) -> Iterator[Contest]:
    """The principles of each kind with their votes of the training half."""
    import json

    import pyarrow.compute as pc

    from gcai_ray.choosing.contest import Contest
    from gcai_ray.choosing.poll import VOTE_COLUMNS, poll_of
    from gcai_ray.electorate import incidence
    from gcai_ray.vectors import stacked

    thresholds = json.loads(inputs["vote"].document("thresholds.json"))
    for kind, rows in by_kind(inputs["distill"].read("principles")):
        ids = tuple(rows["id"].to_pylist())
        people = electorate_of(inputs["ingest"], kind, Split.TRAIN, mode)
        parts = inputs["vote"].tables("matches", ["principle_id", "row_id", "split"])
        train = (part.filter(pc.equal(part["split"], str(Split.TRAIN))) for part in parts)
        contextual = kind is Kind.CONTEXTUAL
        yield Contest(
            kind=kind,
            ids=ids,
            texts=tuple(rows["text"].to_pylist()),
            vectors=stacked(rows["vector"]),
            threshold=thresholds[kind],
            electorate=people,
            incidence=incidence(people, train, ids),
            poll=poll_of(inputs["vote"].tables("votes", VOTE_COLUMNS), ids) if contextual else None,
            approvals=None if contextual else _approvals(inputs["ingest"], people),
        )


def _approvals(ingested: Artifact, people: Electorate) -> Approvals | None:
    from gcai_ray.choosing.approval import approvals

    return approvals(people, ingested.tables("statements", ["id", "source", "votes"]))


def _num_people(ingested: Artifact) -> int:
    import pyarrow.compute as pc

    people: set[str] = set()
    for kind in ("preferences", "statements"):
        for part in ingested.tables(kind, ["annotator_id"]):
            people.update(pc.unique(part["annotator_id"]).to_pylist())
    return len(people)


def _evidence(inputs: Inputs, ids: list[str], config: Config) -> dict[str, list[Evidence]]:
    """Quotes for each principle, by id. In ICAI mode a principle rests on choices, not on words:
    there is nothing to quote.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    from gcai_ray.choosing.evidence import nearest, pick_evidence

    if config.mode == "icai" or not ids:
        return {key: [] for key in ids}
    wanted = pa.array(ids, pa.string())
    columns = ["principle_id", "candidate_id", "annotator_id", "similarity", "split"]
    train = pc.field("split") == str(Split.TRAIN)
    parts = inputs["vote"].tables("matches", columns)
    table = pa.concat_tables(
        part.filter(train & pc.field("principle_id").isin(wanted)) for part in parts
    )
    votes = {key: nearest(table.filter(pc.equal(table["principle_id"], key))) for key in ids}
    read = {vote["candidate_id"] for of_one in votes.values() for vote in of_one}
    by_id = rows_by_id(inputs["extract"], "candidates", "id", read)
    num_quotes = config.ratify.num_quotes
    return {key: pick_evidence(of_one, by_id, num_quotes) for key, of_one in votes.items()}
