from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from asking_rows import key, vector_column, vectors_of

from gcai_ray.schemas import Embedding, Kind, Match, arrow_schema
from gcai_ray.stages.match import Ballot, calibrated_threshold, matched

GROUPS = [{"name": "region", "value": "north"}]


def rows_of(*rows: tuple[str, tuple[float, ...]]) -> pa.Table:
    """Embeddings: kinds, and the first dimensions of vectors."""
    found = [
        {
            "candidate_id": key(n),
            "row_id": key(100 + n),
            "annotator_id": key("a"),
            "groups": GROUPS,
            "kind": kind,
            "split": "train",
            "text": f"text {n}",
        }
        for n, (kind, _) in enumerate(rows)
    ]
    schema = arrow_schema(Embedding)
    column = vector_column(vectors_of([place for _, place in rows]))
    plain = pa.Table.from_pylist(found, schema=schema.remove(schema.get_field_index("vector")))
    return plain.append_column("vector", column)


def ballot(kind: Kind = Kind.CONTEXTUAL, **confirmed: str) -> Ballot:
    """Two principles, `x` and `y`, one on each axis; a clause matches from a cosine of 0.6."""
    vectors = vectors_of([(1, 0), (0, 1)])
    return Ballot(kind, (key("c"), key("d")), vectors, 0.6, confirmed)


def found(table: pa.Table) -> list[tuple[str, str, float]]:
    return [
        (row["candidate_id"], row["principle_id"], row["similarity"]) for row in table.to_pylist()
    ]


ROWS = rows_of(
    ("contextual", (1.0, 0.0)),
    ("contextual", (1.0, 1.0)),
    ("contextual", (0.0, 0.0, 1.0)),
    ("general", (1.0, 0.0)),
    ("contextual", (0.6, 0.0, 0.8)),
)


def test_a_clause_matches_every_principle_of_its_kind_it_is_near_to() -> None:
    table = matched(ROWS, [ballot()])
    assert found(table) == [
        (key(0), key("c"), 1.0),
        (key(1), key("c"), pytest.approx(0.70711)),
        (key(1), key("d"), pytest.approx(0.70711)),
        (key(4), key("c"), pytest.approx(0.6)),
    ]
    assert table.schema == arrow_schema(Match)
    assert table["row_id"][0].as_py() == key(100)
    assert table["groups"][0].as_py() == GROUPS


def test_each_kind_has_its_own_principles() -> None:
    assert found(matched(ROWS, [ballot(Kind.GENERAL)])) == [(key(3), key("c"), 1.0)]
    assert matched(ROWS, []).num_rows == 0
    assert matched(ROWS.slice(0, 0), [ballot()]).schema == arrow_schema(Match)


def test_what_a_model_found_covered_matches_however_far_and_once() -> None:
    confirmed = {f"text {n}": key(to) for n, to in ((2, "d"), (0, "c"), (77, "c"), (3, "d"))}
    table = matched(ROWS, [ballot(**confirmed)])
    pairs = [(one, other) for one, other, _ in found(table)]
    assert (key(2), key("d"), 0.0) in found(table)
    assert pairs.count((key(0), key("c"))) == 1
    assert key(3) not in dict(pairs)
    assert len(pairs) == 5


def test_matches_do_not_depend_on_how_rows_are_batched() -> None:
    rng = np.random.default_rng(0)
    rows = rows_of(*(("contextual", tuple(rng.normal(size=8))) for _ in range(200)))
    ballots = [ballot(**{key(3): key("c")})]
    parts = [matched(rows.slice(start, 7), ballots) for start in range(0, 200, 7)]
    assert pa.concat_tables(parts).equals(matched(rows, ballots))


def test_the_threshold_is_what_clauses_of_different_people_seldom_reach() -> None:
    rng = np.random.default_rng(1)
    vectors = vectors_of(rng.normal(size=(60, 8)))
    people = [str(n) for n in range(60)]
    threshold = calibrated_threshold(vectors, people, 0.05)
    cosines = (vectors @ vectors.T)[np.triu_indices(60, k=1)]
    assert 0.03 < (cosines >= threshold).mean() < 0.07


def test_a_person_who_repeats_themself_does_not_move_the_threshold() -> None:
    vectors = vectors_of([(1, 0), (1, 0), (1, 0), (0, 1)])
    assert calibrated_threshold(vectors, ["a", "a", "a", "b"], 0.01) == 0.0
    assert calibrated_threshold(vectors, ["a"] * 4, 0.01) == 1.0
    assert calibrated_threshold(vectors[:0], [], 0.01) == 1.0
