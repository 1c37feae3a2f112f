"""What constitutions share and whom they cover, against counts by hand, and from end to end."""

from __future__ import annotations

import json
from itertools import combinations
from pathlib import Path

import constitution_example as example
import numpy as np
import pytest
from compare_example import Said, axis, write_icai_result, write_run
from numpy.typing import NDArray

from gcai_ray.comparison import compare
from gcai_ray.comparison.coverage import Drawn, covered, expected_share
from gcai_ray.comparison.jury import drawn_clauses, jury_of, matched_people
from gcai_ray.comparison.matching import matching
from gcai_ray.comparison.reading import Run, read_constitution
from gcai_ray.errors import ConfigError, StorageError
from gcai_ray.schemas import Kind
from gcai_ray.stages.embed import embedded

NO_DRAWS = Drawn(np.zeros((4, 0), bool), np.zeros((0, 0), np.int64))
SAID = (
    Said("ann", "it names its sources"),
    Said("ann", "be honest with us", "general"),
    Said("bob", "this one is short"),
    Said("cid", "does not lie to people", "general"),
    Said("dot", "the cat in the story is funny", split="test"),
    Said("eve", "it cites where the facts come from", split="test"),
)


def of_angle(cosine: float, first: int = 0, second: int = 1) -> NDArray[np.float32]:
    """A unit vector with this cosine to `axis(first)`, else along `axis(second)`."""
    return (cosine * axis(first) + np.sqrt(1 - cosine**2) * axis(second)).astype(np.float32)


def run_of(path: Path) -> Run:
    run = read_constitution(str(path)).run
    if run is None:
        raise TypeError(f"{path} is no run")
    return run


# Matching


def test_each_principle_is_matched_once_and_what_is_left_is_told_apart() -> None:
    first = np.stack([axis(0), of_angle(0.9), axis(5)])
    second = np.stack([axis(0), axis(6)])
    found = matching((first, second), (["x", "y", "z"], ["x", "w"]))
    assert [(m.first, m.second, m.cosine) for m in found.matches] == [(0, 0, 1.0)]
    assert [(x.place, x.nearest, x.cosine) for x in found.also_first] == [(1, 0, 0.9)]
    assert [x.place for x in found.only_first] == [2]
    assert [x.place for x in found.only_second] == [1]
    assert not found.also_second


def test_a_match_of_a_ban_and_a_demand_is_marked() -> None:
    same = np.stack([axis(0), axis(1)])
    found = matching((same, same), (["Be long.", "Never lie."], ["Not be long.", "Do not lie."]))
    assert [match.opposed for match in found.matches] == [True, False]


# Coverage


def test_coverage_counts_people_and_differences_are_of_the_same_people() -> None:
    first = np.array([[1, 0], [1, 0], [0, 1], [0, 0]], dtype=bool)
    second = np.array([[0, 0, 1], [0, 0, 0], [0, 0, 0], [0, 0, 0]], dtype=bool)
    one, two = covered([first, second], NO_DRAWS, seed=0)
    assert (one.num_principles, one.share[0], one.difference) == (2, 0.75, None)
    assert two.share[0] == 0.25
    assert two.difference is not None
    assert two.difference[0] == -0.5
    assert two.difference[1] < -0.5 < two.difference[2]
    assert one.random is two.random is None


def test_at_one_size_a_long_list_has_no_advantage() -> None:
    generator = np.random.default_rng(3)
    matched = generator.random((12, 6)) < 0.3
    by_hand = np.mean([matched[:, kept].any(axis=1) for kept in combinations(range(6), 2)], axis=0)
    assert expected_share(matched, 2) == pytest.approx(by_hand)
    padded = np.concatenate([matched, matched], axis=1)
    short, long = covered([matched, padded], NO_DRAWS, seed=0)
    assert long.share == short.share
    assert long.equal_share[0] < short.equal_share[0]


def test_random_clauses_are_taken_in_sets_of_the_same_size() -> None:
    matched = np.array([[1, 0, 0], [0, 1, 0], [0, 0, 0], [0, 0, 0]], dtype=bool)
    drawn = Drawn(matched, np.array([[0, 1], [2, 0]]))
    assert drawn.coverage(1) == pytest.approx((0.125, 0.00625, 0.24375))
    assert drawn.coverage(2) == pytest.approx((0.375, 0.25625, 0.49375))
    assert drawn.coverage(3) is None


# The people of a run


def test_everybody_who_spoke_is_asked_once_whatever_they_wrote(tmp_path: Path) -> None:
    flood = [Said("ann", f"reason {n}") for n in range(30)]
    said = [*flood, Said("bob", "a reason"), Said("bob", "a statement", "general")]
    vectors = np.stack([axis(n % 30) for n in range(30)] + [axis(40), axis(41)])
    run = run_of(write_run(tmp_path / "run", said, vectors, silent=["mute"]))
    jury = jury_of(run, held_out=False)
    assert len(jury.people) == 3
    matched = matched_people(jury, np.stack([axis(2), axis(40), axis(41), axis(50)]))
    assert matched.sum(axis=0).tolist() == [1, 1, 1, 0]
    assert matched.any(axis=1).sum() == 2


def test_a_clause_matches_from_the_threshold_of_its_kind(tmp_path: Path) -> None:
    built = example.constitution(match_threshold={Kind.CONTEXTUAL: 0.5, Kind.GENERAL: 0.7})
    said = [Said("ann", "a reason"), Said("bob", "a statement", "general")]
    vectors = np.stack([of_angle(0.5), of_angle(0.6, second=2)])
    run = run_of(write_run(tmp_path / "run", said, vectors, built))
    jury = jury_of(run, held_out=False)
    people = dict(zip(jury.people.tolist(), matched_people(jury, axis(0)[None])[:, 0], strict=True))
    assert people == {example.hashed("ann"): True, example.hashed("bob"): False}


def test_a_run_of_one_kind_of_annotations_has_people_too(tmp_path: Path) -> None:
    built = example.constitution(match_threshold={Kind.CONTEXTUAL: 0.5})
    run = run_of(write_run(tmp_path / "run", [Said("ann", "a reason")], axis(0)[None], built))
    assert matched_people(jury_of(run, held_out=False), axis(0)[None]).tolist() == [[True]]


def test_held_out_people_are_held_against_held_out_reasons_only(tmp_path: Path) -> None:
    said = [
        Said("ann", "seen"),
        Said("ann", "unseen", split="test"),
        Said("bob", "unseen too", split="test"),
        Said("cid", "seen too"),
    ]
    run = run_of(write_run(tmp_path / "run", said, np.stack([axis(n) for n in range(4)])))
    jury = jury_of(run, held_out=True)
    assert len(jury.people) == 2
    matched = matched_people(jury, np.stack([axis(n) for n in range(4)]))
    assert matched.sum(axis=0).tolist() == [0, 1, 1, 0]


def test_random_clauses_come_from_the_training_half_alone(tmp_path: Path) -> None:
    said = [Said(f"p{n}", f"r{n}", split="test" if n < 3 else "train") for n in range(8)]
    run = run_of(write_run(tmp_path / "run", said, np.stack([axis(n) for n in range(8)])))
    vectors, sets = drawn_clauses(run, 4, seed=1)
    assert set(vectors.argmax(axis=1).tolist()) == {3, 4, 5, 6, 7}
    assert all(len(set(chosen)) == 4 for chosen in sets.tolist())
    again, same = drawn_clauses(run, 4, seed=1)
    assert np.array_equal(vectors, again)
    assert np.array_equal(sets, same)
    assert drawn_clauses(run, 99, seed=1)[1].shape[1] == 5


# From end to end


@pytest.fixture(scope="module")
def paths(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    folder = tmp_path_factory.mktemp("compare")
    run = write_run(folder / "run", SAID, embedded([one.text for one in SAID]), silent=["mute"])
    listed = folder / "list.txt"
    listed.write_text("- Be honest.\n- Do not discriminate against anyone.\n- Cite sources.\n")
    return [str(run), str(listed), str(write_icai_result(folder / "icai"))]


def test_three_kinds_of_constitution_are_compared(paths: list[str], tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    found = json.loads(compare(paths, str(page), as_json=True))
    assert [(one["letter"], len(one["principles"])) for one in found["constitutions"]] == [
        ("A", 5),
        ("B", 3),
        ("C", 3),
    ]
    shared = {(m["first"], m["second"]) for pair in found["pairs"] for m in pair["matched"]}
    assert {("A1", "B3"), ("A4", "B1"), ("B3", "C2")} <= shared
    only = [one["only_here"] for one in found["constitutions"]]
    assert only == [["A2", "A3", "A5"], ["B2"], ["C1", "C3"]]
    themes = [p["theme"] for p in found["constitutions"][1]["principles"]]
    assert themes == ["honesty", "non-discrimination", "accuracy"]
    whole, held_out = found["coverage"]
    assert (whole["num_people"], held_out["num_people"]) == (6, 2)
    assert whole["equal_size"] == 3
    assert whole["made_from_their_words"] == ["A"]
    assert [row["num_principles"] for row in whole["rows"]] == [5, 3, 3]
    assert whole["rows"][0]["share"]["value"] > whole["rows"][2]["share"]["value"]
    assert whole["rows"][2]["difference"]["value"] < 0
    assert page.read_text().startswith("<!DOCTYPE html>")


def test_the_text_fits_a_terminal_and_the_same_inputs_give_the_same_bytes(
    paths: list[str], tmp_path: Path
) -> None:
    pages = tmp_path / "one.html", tmp_path / "two.html"
    text, again = (compare(paths, str(page)) for page in pages)
    assert text == again
    assert pages[0].read_bytes() == pages[1].read_bytes()
    assert max(map(len, text.splitlines())) <= 100
    assert "The 6 people of A" in text


def test_without_people_the_rest_is_told_and_why_nobody_was_asked(paths: list[str]) -> None:
    text = compare(paths[1:])
    assert "A and B: 1 matched" in text
    assert "nobody to ask" in text
    assert json.loads(compare(paths[1:], as_json=True))["coverage"] == []


def test_one_constitution_is_no_comparison(paths: list[str], tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="name 2 to 26"):
        compare(paths[:1])
    with pytest.raises(StorageError, match="cannot write"):
        compare(paths[1:], str(tmp_path / "none" / "page.html"))


def test_an_icai_run_of_ours_has_no_reasons_to_hold_others_against(tmp_path: Path) -> None:
    built = example.constitution(mode="icai")
    said = [Said("ann", "a guess of the model")]
    run = write_run(tmp_path / "run", said, axis(0)[None], built)
    found = json.loads(compare([str(run), str(run)], as_json=True))
    assert found["constitutions"][0]["origin"] == "run in ICAI mode"
    assert found["coverage"] == []
