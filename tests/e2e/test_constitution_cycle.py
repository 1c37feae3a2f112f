"""What people do with a finished constitution: vote on it, ratify it, hold it against another one;
and corpora with which an evaluation can do little, which must say so.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from asking_runs import artifact, as_json, constitution, gcai, openai, ran, write_config
from servers.launch import Scripted
from servers.planted import write_corpus

from gcai_ray.schemas import ChosenPrinciple

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("ray_address")]


@dataclass(frozen=True)
class Ratified:
    """A run, its ballot filled in, and what the commands printed."""

    folder: Path
    config: Path
    sheet: Path
    votes: dict[str, tuple[int, int, int]]  # principle id → approve, reject, pass
    printed: str


@pytest.fixture(scope="module")
def server() -> Iterator[Scripted]:
    with Scripted() as running:
        yield running


@pytest.fixture(scope="module")
def candidate(
    ray_address: str, server: Scripted, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, Path]:
    """Folder and configuration of a run that ended with its constitution."""
    folder = tmp_path_factory.mktemp("cycle")
    sources = write_corpus(folder, num_annotations=150, seed=1)["sources"]
    config = write_config(folder, sources, openai(server))
    ran("ratify", config)
    return folder, config


def ballot_of(number: int, place: int, last: int) -> str:
    """What the voter of a number says to the principle at a place of the sheet: the first principle
    is rejected by all but the first voter, the last is left blank, the others are approved by all
    but the third voter, who passes.
    """
    if place == last:
        return ""
    if place == 0:
        return "reject" if number else "approve"
    return "pass" if number == 2 else "approve"


@pytest.fixture(scope="module")
def ratified(candidate: tuple[Path, Path]) -> Ratified:
    folder, config = candidate
    files = ran("ballot", folder / "run", "--out", folder / "ballot").split()
    [sheet] = [Path(name) for name in files if name.endswith("ballot-sheet.csv")]
    with sheet.open(encoding="utf-8", newline="") as file:
        [head] = csv.reader(file)
    filled, last = folder / "filled.csv", len(head) - 2
    with filled.open("w", encoding="utf-8", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(head)
        rows.writerows(
            [n + 1, *(ballot_of(n, place, last) for place in range(last + 1))] for n in range(4)
        )
    in_order = sheet_order(head, constitution(folder).principles)
    votes = dict.fromkeys(in_order[1:-1], (3, 0, 1)) | {in_order[0]: (1, 3, 0)}
    printed = ran("ratify", config, "--ballots", filled)
    return Ratified(folder, config, filled, votes, printed)


def sheet_order(head: list[str], principles: list[ChosenPrinciple]) -> list[str]:
    """Ids of the principles in the order of the sheet's columns."""
    ids = {principle.id[:8]: principle.id for principle in principles}
    return [ids[name.split()[-1]] for name in head[1:]]


def test_a_ballot_ratifies_and_drops_nothing(ratified: Ratified) -> None:
    found = constitution(ratified.folder)
    assert (found.status, found.balloting.num_voters) == ("ratified", 4)
    assert found.balloting.num_votes == 4 * len(ratified.votes)
    counted = {p.id: p.ratification for p in found.principles}
    assert {key: said is not None for key, said in counted.items()} == {
        key: key in ratified.votes for key in counted
    }
    for key, expected in ratified.votes.items():
        said = counted[key]
        assert (said.num_approve, said.num_reject, said.num_pass) == expected
        assert said.approved == (expected[0] > expected[1])
    assert [p.id for p in found.principles if p.ratification and not p.ratification.approved]
    assert "Ratified by the votes of 4 people" in " ".join(ratified.printed.split())


def test_without_ballots_the_constitution_is_still_a_candidate(ratified: Ratified) -> None:
    before = artifact(ratified.folder, "ratify")
    of_people = constitution(ratified.folder)
    facts = as_json(ran("ratify", ratified.config, "--json"))
    assert all(stage["skipped"] for stage in facts["stages"])
    assert artifact(ratified.folder, "ratify").url != before.url
    found = constitution(ratified.folder)
    assert (found.status, found.balloting) == ("candidate", None)
    assert [p.text for p in found.principles] == [p.text for p in of_people.principles]
    changed = as_json(ran("diff", ratified.folder / "run", before.url, "--json"))
    assert (changed["old"]["status"], changed["new"]["status"]) == ("candidate", "ratified")
    assert not changed["added"]
    assert not changed["dropped"]


@pytest.mark.parametrize(
    ("damage", "hint"),
    [
        (lambda text: text.replace("reject", "rejekt"), "write approve, reject or pass"),
        (lambda text: text.replace("participant (ballot ", "participant (ballot f"), "another"),
        (lambda text: text.split("\n")[0] + "\n", "no votes"),
        (lambda text: "", "empty"),
        (lambda text: "who,what\n1,approve\n", "no known form of ballot"),
    ],
)
def test_a_damaged_ballot_is_exit_2_and_one_line(
    ratified: Ratified, tmp_path: Path, damage: Any, hint: str
) -> None:
    path = tmp_path / "damaged.csv"
    text = damage(ratified.sheet.read_text(encoding="utf-8"))
    path.write_text(text, encoding="utf-8")
    code, output = gcai("ratify", ratified.config, "--ballots", path)
    told = [line for line in output.splitlines() if not line.startswith("  ")]  # but the stages'
    assert (code, len(told)) == (2, 1)
    assert str(path) in told[0]
    assert hint in told[0]
    assert "Traceback" not in output


def test_a_missing_ballot_is_exit_2(ratified: Ratified) -> None:
    code, output = gcai("ratify", ratified.config, "--ballots", "/nowhere/votes.csv")
    assert code == 2
    assert "/nowhere/votes.csv" in output
    assert "Traceback" not in output


PUBLISHED = """\
# A list of ours
1. Choose the response that is concise and to the point.
2. The AI should tell the truth.
3. The AI should water the plants on Sundays.
"""


def test_a_run_is_held_against_a_list_of_plain_text(ratified: Ratified, tmp_path: Path) -> None:
    published = tmp_path / "published.txt"
    published.write_text(PUBLISHED, encoding="utf-8")
    page = tmp_path / "compared.html"
    run = ratified.folder / "run"
    text = ran("compare", run, published, "--page", page)
    assert "water the plants" in " ".join(text.split())
    found = json.loads(ran("compare", run, published, "--json"))
    ours, theirs = found["constitutions"]
    assert len(ours["principles"]) == len(constitution(ratified.folder).principles)
    assert len(theirs["principles"]) == 3
    labels = {p["label"]: p["text"] for one in (ours, theirs) for p in one["principles"]}
    [pair] = found["pairs"]
    matched = {labels[match["second"]] for match in pair["matched"]}
    assert matched == {
        "Choose the response that is concise and to the point.",
        "The AI should tell the truth.",
    }
    assert [labels[key] for key in theirs["only_here"]] == [
        "The AI should water the plants on Sundays."
    ]
    html = page.read_text(encoding="utf-8")
    assert html.startswith("<!doctype html>") or html.startswith("<!DOCTYPE html>")
    assert "water the plants" in html


def rewritten(source: dict[str, Any], **changes: str) -> None:
    """Put one value into a column of every row of a source's file; `{n}`: the number of the row."""
    path = Path(source["path"])
    with path.open(encoding="utf-8", newline="") as file:
        [*rows] = csv.DictReader(file)
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        for number, row in enumerate(rows):
            new = {name: value.format(n=number) for name, value in changes.items()}
            writer.writerow(row | {name: value for name, value in new.items() if name in row})


def evaluated(folder: Path, server: Scripted, changes: dict[str, str], **settings: Any) -> str:
    """Evaluate a small corpus, every row of it changed; what the command printed."""
    sources = write_corpus(folder, num_annotations=80, seed=3)["sources"]
    for source in sources:
        rewritten(source, **changes)
    short = {"icai": False, "num_resamples": 2}
    usual: dict[str, Any] = {"ingest": {"test_share": 0.3}, "evaluate": short}
    config = write_config(folder, sources, openai(server), **(usual | settings))
    return ran("evaluate", config)


def measured(folder: Path) -> dict[tuple[str, str], dict[str, Any]]:
    """The first row of every measure."""
    rows = artifact(folder, "evaluate").read("evaluation").to_pylist()
    return {(row["family"], row["name"]): row for row in reversed(rows)}


HELD_OUT_ONLY = [
    *(("reconstruction", name) for name in ("judge", "majority", "weighted")),
    ("agreement", "judge and majority"),
    ("coverage", "held_out_coverage"),
]


def test_without_a_test_split_what_needs_one_is_not_measured(
    tmp_path: Path, server: Scripted
) -> None:
    evaluated(tmp_path, server, {}, ingest={"test_share": 0.0})
    found = measured(tmp_path)
    for place in HELD_OUT_ONLY:
        assert found[place]["value"] is None
        assert "test_share" in found[place]["note"]
    assert found["grounding", "evidence_confirmed"]["value"] is not None
    assert not artifact(tmp_path, "evaluate").read("verdicts").num_rows


def test_with_ties_only_there_is_no_choice_to_predict(tmp_path: Path, server: Scripted) -> None:
    evaluated(tmp_path, server, {"preferred": "Tie"})
    assert {principle.kind for principle in constitution(tmp_path).principles} == {"general"}
    found = measured(tmp_path)
    for place in HELD_OUT_ONLY[:-1]:
        assert found[place]["value"] is None
        assert "ties" in found[place]["note"]
    for name in ("flip_rate", "position_bias"):
        assert found["votes", name]["value"] is None


@pytest.mark.long
def test_a_group_of_one_is_no_group(tmp_path: Path, server: Scripted) -> None:
    evaluated(tmp_path, server, {"region": "village {n}", "role": "mayor {n}"})
    found = measured(tmp_path)["pluralism", "worst_served_group"]
    assert found["value"] is None
    assert "no group" in found["note"]
    assert constitution(tmp_path).not_represented == []


def test_one_person_with_all_rows_is_one_voice(tmp_path: Path, server: Scripted) -> None:
    evaluated(tmp_path, server, {"annotator": "p1"}, ratify={"min_people": 1})
    found = measured(tmp_path)
    told = [row for row in found.values() if row["num_people"] is not None]
    assert {row["num_people"] for row in told} == {1}
