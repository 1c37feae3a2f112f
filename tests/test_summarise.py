from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from asking_rows import asking, key, lookup_of, reply, request, vector_column, vectors_of

from gcai_ray.asking.lookup import Lookup
from gcai_ray.clusters import Clusters, principle_id
from gcai_ray.errors import StageError
from gcai_ray.schemas import EMBEDDING_DIM, Kind
from gcai_ray.stages.distill import assigned, fit_rest
from gcai_ray.stages.summarise import (
    LEFT_OUT,
    Summary,
    cluster_id,
    left_over,
    num_left_out,
    questions,
    shown_texts,
    summaries,
    summed_up,
)

KIND = Kind.CONTEXTUAL
CLEAR = "Choose the response that is clear."


def rows_of(*rows: tuple[str, tuple[float, ...]]) -> pa.Table:
    """A sample: texts with the first dimensions of their vectors."""
    texts = [text for text, _ in rows]
    return pa.table(
        {
            "candidate_id": [key(n) for n in range(len(rows))],
            "annotator_id": [key(n) for n in range(len(rows))],
            "kind": ["contextual"] * len(rows),
            "split": ["train"] * len(rows),
            "text": texts,
            "vector": vector_column(vectors_of([place for _, place in rows])),
        }
    )


def clusters_of(*centres: tuple[float, ...], speakers: str = "") -> Clusters:
    centroids = vectors_of(centres)
    words = [f"speaker {speakers}{n}" for n in range(len(centres))]
    table = pa.table(
        {
            "candidate_id": [key(n) for n in range(len(centres))],
            "text": words,
            "vector": vector_column(centroids),
        }
    )
    ids = tuple(principle_id(KIND, text) for text in words)
    mean = np.zeros(EMBEDDING_DIM)
    return Clusters(KIND, mean, centroids, np.zeros((len(centres), 2)), table, ids, {})


def angled(degrees: float) -> tuple[float, float]:
    return float(np.cos(np.radians(degrees))), float(np.sin(np.radians(degrees)))


FAN = rows_of(*((f"text {n}", angled(4 * n)) for n in range(10)))
ONE = clusters_of((1, 0), (0, 0, 1))


def test_a_model_reads_the_nearest_and_some_of_the_rest() -> None:
    [shown, none] = shown_texts(FAN, ONE, 6)
    assert shown[:3] == ["text 0", "text 1", "text 2"]
    assert shown[3] == "text 3"
    assert shown[-1] == "text 9"
    assert len(set(shown)) == 6
    assert none == []


def test_all_texts_are_shown_once_where_there_are_few() -> None:
    twice = pa.concat_tables([FAN, FAN])
    [shown, _] = shown_texts(twice, ONE, 10)
    assert shown == [f"text {n}" for n in range(10)]


@pytest.mark.parametrize("limit", [2, 3, 6, 9, 10, 50])
def test_what_is_shown_does_not_depend_on_the_order_of_rows(limit: int) -> None:
    order = pa.array(np.random.default_rng(0).permutation(10))
    assert shown_texts(FAN.take(order), ONE, limit) == shown_texts(FAN, ONE, limit)
    assert len(set(shown_texts(FAN, ONE, limit)[0])) == min(limit, 10)


def test_equal_places_are_ordered_by_words() -> None:
    sample = rows_of(*((text, (1.0,)) for text in ("b", "c", "a")))
    assert shown_texts(sample, ONE, 9)[0] == ["a", "b", "c"]


def test_only_clusters_of_several_texts_are_asked_about() -> None:
    asked = questions(KIND, [["one"], [], ["a", "b"], ["b", "a"]], asking(stage="distill"))
    assert [row["source_id"] for row in asked] == [
        cluster_id(KIND, ["a", "b"]),
        cluster_id(KIND, ["b", "a"]),
    ]
    assert len({row["id"] for row in asked}) == 2
    assert cluster_id(Kind.GENERAL, ["a", "b"]) != cluster_id(KIND, ["a", "b"])
    assert cluster_id(KIND, ["a b"]) != cluster_id(KIND, ["a", "b"])


def test_members_too_long_for_the_model_are_one_clear_error() -> None:
    long = [f"Choose the response that {'is very clear ' * 20}{n}." for n in range(20)]
    with pytest.raises(StageError, match=r"distill: .*1,000.*distill\.num_shown"):
        questions(KIND, [long], asking(stage="distill", context_tokens=1000))


def said(tmp_path: Path, texts: list[str], text: str, error: str | None = None) -> Lookup:
    source = cluster_id(KIND, texts)
    asked = request(1) | {"source_id": source}
    return lookup_of(tmp_path, [asked], [reply(1, error=error, text=text)])


def summary_json(principle: str, *covers: int) -> str:
    return json.dumps({"principle": principle, "covers": list(covers)})


def test_a_summary_speaks_for_the_members_it_covers(tmp_path: Path) -> None:
    texts = ["a", "b", "c"]
    lookup = said(tmp_path, texts, summary_json("Is clear", 3, 1, 1))
    [found] = summaries(clusters_of((1,)), [texts], lookup)
    assert found == Summary(CLEAR, ("a", "b", "c"), frozenset("ac"), True)


@pytest.mark.parametrize(
    ("text", "error"),
    [("Sorry", "no JSON in the reply"), (summary_json("...", 1), None)],
)
def test_without_a_usable_summary_a_member_speaks_for_all(
    tmp_path: Path, text: str, error: str | None
) -> None:
    lookup = said(tmp_path, ["a", "b"], text, error)
    [found] = summaries(clusters_of((1,)), [["a", "b"]], lookup)
    assert found == Summary("speaker 0", ("a", "b"), frozenset("ab"), False)


def test_a_single_text_speaks_for_itself(tmp_path: Path) -> None:
    lookup = said(tmp_path, ["a", "b"], summary_json("is clear", 1))
    [found] = summaries(clusters_of((1,)), [["a"]], lookup)
    assert found == Summary("speaker 0", ("a",), frozenset("a"), False)


def test_what_is_left_over_is_what_was_read_and_not_covered_once() -> None:
    sample = rows_of(*((text, (1.0,)) for text in ("x", "a", "b", "c", "b")))
    found = [
        Summary(CLEAR, ("a", "c"), frozenset("c"), True),
        Summary(CLEAR, ("b",), frozenset(), True),
        Summary("x", ("x",), frozenset("x"), False),
    ]
    rest = left_over(sample, found)
    assert list(zip(rest["candidate_id"].to_pylist(), rest["text"].to_pylist(), strict=True)) == [
        (key(1), "a"),
        (key(2), "b"),
    ]
    assert left_over(sample, found[2:]).num_rows == 0


def both_rounds(second: Summary) -> Clusters:
    """A first round that covers `a` and leaves `b` and `c` over, then a second."""
    first = Summary(CLEAR, ("a", "b", "c"), frozenset("a"), True)
    vectors = vectors_of([(1, 1), (0, 1, 1)])
    rounds = [(clusters_of((1,)), [first]), (clusters_of((0, 1), speakers="x"), [second])]
    return summed_up(rounds, vectors)


KIND_ONE = "Choose the response that is kind."


def test_the_last_round_decides_where_a_text_belongs() -> None:
    found = both_rounds(Summary(KIND_ONE, ("b", "c"), frozenset("c"), True))
    assert found.decided == {"a": 0, "b": LEFT_OUT, "c": 1}
    assert num_left_out(found) == 1
    assert found.speakers["text"].to_pylist() == [CLEAR, KIND_ONE]
    assert found.ids == (principle_id(KIND, CLEAR), principle_id(KIND, KIND_ONE))
    assert found.centroids.shape == (2, EMBEDDING_DIM)
    assert found.layout.shape == (2, 2)


def test_what_a_member_speaks_for_in_the_end_is_not_left_out() -> None:
    found = both_rounds(Summary("b", ("b", "c"), frozenset("bc"), False))
    assert found.decided == {"a": 0}
    assert num_left_out(found) == 0


def members(found: Clusters, *rows: tuple[str, tuple[float, ...]]) -> list[tuple[str, str, bool]]:
    table = assigned(rows_of(*rows), [found]).to_pylist()
    return [(row["candidate_id"], row["principle_id"], row["confirmed"]) for row in table]


def test_members_follow_the_model_and_others_the_nearest_centre() -> None:
    found = both_rounds(Summary(KIND_ONE, ("b", "c"), frozenset("c"), True))
    near_first, near_second = (1.0, 0.1), (0.1, 1.0)
    rows: list[tuple[str, tuple[float, ...]]] = [
        ("c", near_first),  # read: it belongs to the second, however near the first
        ("b", near_first),  # read and covered by none
        ("not read", near_second),
        ("a", near_first),
    ]
    clear, kind = found.ids
    wanted = [(key(0), kind, True), (key(2), kind, False), (key(3), clear, True)]
    assert members(found, *rows) == wanted
    one = assigned(rows_of(*rows).slice(0, 1), [found])
    [only] = one.to_pylist()
    assert only["similarity"] == pytest.approx(0.0995, abs=1e-3)  # to the cluster it is in


def test_what_is_left_over_is_clustered_in_the_same_space() -> None:
    rest = rows_of(("a", (0, 1)), ("b", (0, 1, 0.01)), ("c", (0, 0, 1)), ("d", (0, 0.01, 1)))
    found = fit_rest(rest, clusters_of((1,)), seed=0)
    assert len(found.centroids) == 2
    assert set(found.speakers["text"].to_pylist()) <= {"a", "b", "c", "d"}
    single = fit_rest(rest.slice(0, 1), clusters_of((1,)), seed=0)
    assert single.speakers["text"].to_pylist() == ["a"]


def test_a_reply_written_with_floats_is_read(tmp_path: Path) -> None:
    lookup = said(tmp_path, ["a", "b"], '{"principle": "is clear", "covers": [2.0]}')
    [found] = summaries(clusters_of((1,)), [["a", "b"]], lookup)
    assert found.covered == frozenset("b")
