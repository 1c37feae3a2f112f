"""A planted corpus through the whole road with the scripted server: every measure has a figure
beside its baselines, the tables behind them agree with each other, what is held out makes nothing,
and a model that leans to the first place is found out.
"""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pytest
from asking_runs import artifact, constitution, gcai, openai, ran, write_config
from servers.launch import Scripted
from servers.planted import write_corpus

from gcai_ray.config import load_config
from gcai_ray.pipeline import NAMES, plan
from gcai_ray.schemas import Constitution, Kind

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("ray_address")]
HELD_OUT = {"test_share": 0.4}
EXECUTORS = ("judge", "majority", "weighted")
WITHOUT_BASELINE = {
    ("coverage", "reasons_with_candidate"),
    ("coverage", "statements_with_candidate"),
    ("agreement", "judge and majority"),
    ("agreement", "judge and weighted"),
    ("agreement", "majority and weighted"),
    ("votes", "flip_rate"),
    ("votes", "position_bias"),
    *(("votes", f"votes_{name}") for name in ("for", "against", "both")),
    *(("votes", f"votes_{name}") for name in ("neither", "abstain", "invalid")),
    ("contradictions", "judged_to_conflict"),
    ("contradictions", "told_by_votes"),
}
COUNTED = ("contradictions", "told_by_votes")  # of the chosen principles themselves
BESIDE_ONE = {
    ("coverage", "held_out_coverage"),
    ("grounding", "evidence_confirmed"),
    ("grounding", "principles_confirmed"),
    ("stability", "comes_back_formed"),
    ("stability", "chosen_again_from_same_list"),
    ("stability", "rank_correlation_from_same_list"),
    ("pluralism", "people_covered"),
    ("pluralism", "worst_served_group"),
    ("pluralism", "homeless"),
}


def sources_in(folder: Path) -> list[dict[str, Any]]:
    return write_corpus(folder, num_annotations=200, noise=0.1, seed=1)["sources"]


@pytest.fixture(scope="module")
def server() -> Iterator[Scripted]:
    with Scripted() as running:
        yield running


@pytest.fixture(scope="module")
def run(evaluated: tuple[Path, str]) -> Path:
    return evaluated[0]


def table(run: Path, stage: str, name: str, *columns: str) -> list[dict[str, Any]]:
    return artifact(run, stage).read(name, list(columns) or None).to_pylist()


def measures(run: Path) -> dict[tuple[str, str], list[dict[str, Any]]]:
    """Rows of the evaluation by family and name."""
    found: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for row in table(run, "evaluate", "evaluation"):
        found.setdefault((row["family"], row["name"]), []).append(row)
    return found


def chosen_ids(found: Constitution, kind: Kind | None = None) -> set[str]:
    return {p.id for p in found.principles if kind in (None, p.kind)}


def ids_of(run: Path, split: str) -> set[str]:
    rows = artifact(run, "ingest").read("preferences", ["id", "split"])
    return set(rows.filter(pc.equal(rows["split"], split))["id"].to_pylist())


def test_every_measure_has_a_figure_beside_its_baselines(run: Path) -> None:
    found = measures(run)
    silent = {place for place, rows in found.items() if rows[0]["value"] is None}
    nobody_shares_a_pair = ("contradictions", "told_by_reasons")
    assert silent == {("stability", "comes_back_chosen"), nobody_shares_a_pair}
    beside = {name: [*_baselines(name)] for name in EXECUTORS}
    expected = dict.fromkeys(WITHOUT_BASELINE, 0) | dict.fromkeys(BESIDE_ONE, 1)
    expected |= {("reconstruction", name): len(others) for name, others in beside.items()}
    assert {
        place: _num_baselines(rows) for place, rows in found.items() if place not in silent
    } == (expected)
    for name in EXECUTORS:
        rows = found["reconstruction", name]
        assert [row["baseline_name"] for row in rows] == beside[name]
        assert len({(row["value"], row["low"], row["high"]) for row in rows}) == 1
        for row in rows:
            assert row["difference"] == pytest.approx(row["value"] - row["baseline"], abs=2e-6)
            assert row["difference_low"] <= row["difference"] <= row["difference_high"]
    drawn = [row for place, rows in found.items() if place not in silent for row in rows]
    known = [row for row in drawn if (row["family"], row["name"]) != COUNTED]
    assert len(drawn) == len(known) + 1
    assert all(row["low"] <= row["value"] <= row["high"] and row["note"] for row in known)


def _baselines(executor: str) -> Iterator[str]:
    yield from ("majority class", "longer response", "judge without constitution")
    yield f"ICAI mode, {executor}"


def _num_baselines(rows: list[dict[str, Any]]) -> int:
    return len([row for row in rows if row["baseline"] is not None])


def test_an_annotator_who_reads_right_confirms_all_evidence_and_no_random_quote(run: Path) -> None:
    found = measures(run)
    [evidence], [principles] = (
        found["grounding", name] for name in ("evidence_confirmed", "principles_confirmed")
    )
    assert (evidence["value"], principles["value"]) == (1.0, 1.0)
    assert (evidence["baseline"], principles["baseline"]) == (0.0, 0.0)
    assert [row["value"] for row in found["votes", "flip_rate"]] == [0.0]
    assert [row["value"] for row in found["votes", "position_bias"]] == [0.0]


def test_each_held_out_pair_has_one_verdict_by_each_constitution(run: Path) -> None:
    verdicts = table(run, "evaluate", "verdicts", "row_id", "constitution")
    held = ids_of(run, "test")
    wanted = {(key, name) for key in held for name in ("gcai", "icai", "none")}
    assert len(held) > 30
    assert Counter((row["row_id"], row["constitution"]) for row in verdicts) == Counter(wanted)


def test_votes_are_cast_only_on_the_pairs_they_are_for(run: Path) -> None:
    train, held = ids_of(run, "train"), ids_of(run, "test")
    ours, baseline = constitution(run), constitution(run, "icai.ratify")
    for stage in ("vote", "icai.vote"):
        cells = table(run, stage, "votes", "row_id", "principle_id")
        assert {cell["row_id"] for cell in cells} == train
        assert max(Counter((c["row_id"], c["principle_id"]) for c in cells).values()) == 1
    cells = table(run, "evaluate", "votes", "row_id", "principle_id")
    on_held = chosen_ids(ours) | chosen_ids(baseline)
    wanted = {(row, key) for row in held for key in on_held}
    wanted |= {(row, key) for row in train for key in chosen_ids(ours, Kind.GENERAL)}
    assert Counter((c["row_id"], c["principle_id"]) for c in cells) == Counter(wanted)


def test_groundings_are_the_evidence_and_as_many_random_quotes(run: Path) -> None:
    rows = table(run, "evaluate", "groundings", "principle_id", "candidate_id", "is_random")
    evidence = {(p.id, e.candidate_id) for p in constitution(run).principles for e in p.evidence}
    own = [(r["principle_id"], r["candidate_id"]) for r in rows if not r["is_random"]]
    drawn = [(r["principle_id"], r["candidate_id"]) for r in rows if r["is_random"]]
    assert Counter(own) == Counter(evidence)
    assert len(drawn) == len(own)
    assert not set(drawn) & evidence


def test_returns_groups_and_contradictions_speak_of_this_constitution(run: Path) -> None:
    ids = chosen_ids(constitution(run))
    returns = table(run, "evaluate", "returns")
    assert Counter(row["principle_id"] for row in returns) == Counter(ids)
    assert all(row["num_runs"] == 4 >= row["num_formed"] >= 0 for row in returns)
    groups = table(run, "evaluate", "group_coverage")
    [covered] = measures(run)["pluralism", "people_covered"]
    [worst] = measures(run)["pluralism", "worst_served_group"]
    shares = [row["num_covered"] / row["num_people"] for row in groups if row["num_people"] >= 5]
    assert worst["value"] == pytest.approx(min(shares), abs=1e-6)
    assert all(row["num_covered"] <= row["num_people"] <= covered["num_people"] for row in groups)
    [homeless] = measures(run)["pluralism", "homeless"]
    assert homeless["value"] == pytest.approx(1 - covered["value"], abs=1e-6)
    for row in table(run, "evaluate", "contradictions"):
        assert {row["principle_id"], row["other_id"]} <= ids
        assert len(set(row["row_ids"])) == min(row["num_opposed"], 50)


def test_the_command_the_overview_and_the_report_tell_of_it(evaluated: tuple[Path, str]) -> None:
    folder, printed = evaluated
    found = constitution(folder)
    assert all(principle.text in " ".join(printed.split()) for principle in found.principles)
    code, overview = gcai("show", folder / "run")
    assert code == 0
    planned = plan(load_config(folder / "config.yaml"))
    assert {item.name for item in planned if not item.branch} <= set(NAMES)
    assert all(item.step.name in overview for item in planned)
    assert gcai("show", folder / "run", "verdicts", "--rows", "1")[0] == 0
    report = artifact(folder, "report")
    questions = (
        "Does it predict what people choose?",
        "Do the ways of using it agree?",
        "Do people’s words say what the principles say?",
        "Do its principles conflict?",
        "Does the order of the answers sway the model?",
        "Would it come out the same again?",
        "Whom does it leave out?",
        "What was not measured",
    )
    for name in ("report.html", "report.md"):
        text = report.document(name).decode()
        assert [question for question in questions if question not in text] == []
        assert "Where principles pull apart" in text


def turned_round(run: Path, sources: list[dict[str, Any]]) -> None:
    """Choose the other response in every held-out row, and give another reason."""
    rows = artifact(run, "ingest").read("preferences", ["source_row", "split"]).to_pylist()
    held = {row["source_row"] for row in rows if row["split"] == "test"}
    path = Path(sources[0]["path"])
    with path.open(encoding="utf-8", newline="") as file:
        [*records] = csv.DictReader(file)
    other = {"Answer 1": "Answer 2", "Answer 2": "Answer 1"}
    for number, record in enumerate(records, 1):
        if number in held:
            record["preferred"] = other[record["preferred"]]
            record["reason"] = "It is polite. It warns about what can go wrong."
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(records[0]))
        writer.writeheader()
        writer.writerows(records)


def test_held_out_choices_and_reasons_make_no_difference_to_the_constitution(
    run: Path, server: Scripted, tmp_path: Path
) -> None:
    sources = sources_in(tmp_path)
    turned_round(run, sources)
    config = write_config(tmp_path, sources, openai(server), ingest=HELD_OUT)
    ran("ratify", config)
    columns = ["prompt", "split", "preferred", "reason"]
    before, after = (table(folder, "ingest", "preferences", *columns) for folder in (run, tmp_path))
    assert sorted(map(str, before)) != sorted(map(str, after))
    assert constitution(tmp_path) == constitution(run)


def test_a_model_that_leans_to_the_first_place_is_found_out(
    ray_address: str, run: Path, scripted_server: Callable[..., Scripted], tmp_path: Path
) -> None:
    leaning = scripted_server(first_place_share=0.2)
    evaluate = {"icai": False, "num_resamples": 0}
    config = write_config(
        tmp_path, sources_in(tmp_path), openai(leaning), ingest=HELD_OUT, evaluate=evaluate
    )
    ran("evaluate", config)
    found = measures(tmp_path)
    honest, votes = (outcomes(folder) for folder in (run, tmp_path))
    flips = {cell for cell, vote in votes.items() if vote[:2] == ("a", "b")}
    assert ("b", "a") not in {vote[:2] for vote in votes.values()}
    for name in ("position_bias", "flip_rate"):
        [row] = found["votes", name]
        assert 0 < row["low"] < row["value"] < row["high"]
        assert row["value"] == pytest.approx(len(flips) / len(votes), abs=1e-6)
    shared = honest.keys() & votes.keys()
    changed = {cell for cell in shared if votes[cell] != honest[cell]}
    assert len(changed & flips) > 20
    # None turns from one response to the other: an answer stays what it is, or abstains.
    assert {votes[cell][2] for cell in changed | flips} == {"abstain"}
    abstaining = sum(vote[2] == "abstain" for vote in votes.values())
    [abstain] = found["votes", "votes_abstain"]
    assert abstain["value"] == pytest.approx(abstaining / len(votes), abs=1e-6)


def outcomes(folder: Path) -> dict[tuple[str, str], tuple[str, str, str]]:
    """What every principle said about every training pair: in each order, and what it came to."""
    rows: pa.Table = artifact(folder, "vote").read("votes")
    return {
        (row["principle_id"], row["row_id"]): (row["a_first"], row["b_first"], row["outcome"])
        for row in rows.to_pylist()
    }
