"""The constitution, votes and people's reasons → principles that pull apart."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from gcai_ray.artifacts import Artifact
from gcai_ray.schemas import Constitution, Contradiction, Kind, Measure, Split
from gcai_ray.steps.lookup import Inputs, electorate_of
from gcai_ray.steps.trial import Heard

if TYPE_CHECKING:
    import pyarrow as pa

PAIR_COLUMNS = ["id", "annotator_id", "prompt", "response_a", "response_b", "preferred"]


def found_contradictions(
    inputs: Inputs, constitution: Constitution, heard: Heard | None
) -> tuple[list[Contradiction], list[Measure]]:
    """Principles that people's reasons, or a model's votes and judgement, set against each other.
    What one finding says is not folded into what another says. With them, of how many each way of
    looking could tell.
    """
    import pyarrow.compute as pc

    from gcai_ray.evaluate import conflicts, contradictions

    chosen = [principle.id for principle in constitution.principles]
    matches = _of(inputs["vote"], "matches", "principle_id", set(chosen))
    asked = {
        kind: frozenset(
            electorate_of(inputs["ingest"], kind, Split.TRAIN, constitution.mode).people.tolist()
        )
        for kind in Kind
    }
    # People behind a principle are counted as the constitution counts them.
    train = matches.filter(pc.equal(matches["split"], str(Split.TRAIN)))
    behind = contradictions.backing(constitution.principles, train, asked)
    votes = _votes(inputs, set(chosen), heard)
    wanted = set(votes["row_id"].to_pylist()) | set(matches["row_id"].to_pylist())
    preferences = _of(inputs["ingest"], "preferences", "id", wanted, PAIR_COLUMNS)
    pairs = contradictions.pairs_of([preferences])
    looked = [contradictions.by_reasons(matches, preferences, pairs, chosen, behind)]
    if heard is not None:
        looked.append(contradictions.by_votes(votes, pairs, chosen, behind))
    found = [one for way in looked for one in way.contradictions]
    judged = conflicts.by_model(heard.judgements, behind) if heard is not None else []
    return [*found, *judged], [way.measure for way in looked]


def _votes(inputs: Inputs, chosen: set[str], heard: Heard | None) -> pa.Table:
    import pyarrow as pa
    import pyarrow.compute as pc

    cast = _of(inputs["vote"], "votes", "principle_id", chosen)
    if heard is None:
        return cast
    ids = pa.array(sorted(chosen), pa.string())
    more = heard.votes.filter(pc.is_in(heard.votes["principle_id"], ids))
    return pa.concat_tables([cast, more])


def _of(
    artifact: Artifact, table: str, column: str, ids: set[str], columns: list[str] | None = None
) -> pa.Table:
    """The rows of a table whose column holds one of some ids."""
    import pyarrow as pa

    return pa.concat_tables(_parts_of(artifact, table, column, ids, columns))


def _parts_of(
    artifact: Artifact, table: str, column: str, ids: set[str], columns: list[str] | None
) -> Iterator[pa.Table]:
    import pyarrow as pa
    import pyarrow.compute as pc

    from gcai_ray.schemas import TABLES, arrow_schema

    yield arrow_schema(TABLES[table], columns).empty_table()
    wanted = pa.array(sorted(ids), pa.string())
    for part in artifact.tables(table, columns):
        yield part.filter(pc.is_in(part[column], wanted))
