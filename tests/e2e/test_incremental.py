"""A finished run to which a tenth more is added: only new cells are asked about, and the changelog
of the constitution can be read.

A cell is one principle put to one pair in one order. Cells are counted from the questions as they
were worded, and which questions were asked from what the server got.
"""

from __future__ import annotations

import csv
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from asking_runs import artifact, as_json, openai, ran, write_config
from servers.launch import Scripted
from servers.planted import write_corpus

from gcai_ray.artifacts import Artifact
from gcai_ray.schemas import VoteOutcome

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("ray_address")]
NUM = 160
Cell = tuple[str, str, str]  # principle, pair, response shown first
_LISTED = re.compile(r"^\[\d+\] (.*)$", re.MULTILINE)


@dataclass(frozen=True)
class Grown:
    """A run before and after rows were added, and what the server was asked."""

    folder: Path
    config: Path
    server: Scripted
    before: dict[str, Artifact]
    after: dict[str, Artifact]


def add_rows(sources: list[dict[str, Any]], folder: Path) -> None:
    """Append a tenth more rows, of other people, to the files of the sources."""
    more = write_corpus(folder, num_annotations=NUM // 10, seed=7)["sources"]
    for source, new in zip(sources, more, strict=True):
        with Path(new["path"]).open(encoding="utf-8", newline="") as file:
            [*rows] = csv.DictReader(file)
        with Path(source["path"]).open("a", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, list(rows[0]))
            for row in rows:
                named = {name: f"new-{row[name]}" for name in ("id", "annotator")}
                writer.writerow(row | named)


def stages(folder: Path) -> dict[str, Artifact]:
    names = ("ingest", "extract", "distill", "vote", "ratify", "evaluate")
    return {name: artifact(folder, name) for name in names}


@pytest.fixture(scope="module")
def grown(ray_address: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Grown]:
    folder = tmp_path_factory.mktemp("grown")
    sources = write_corpus(folder, num_annotations=NUM, noise=0.1, seed=1)["sources"]
    with Scripted() as server:
        evaluate = {"icai": False, "num_resamples": 0}
        config = write_config(
            folder, sources, openai(server), ingest={"test_share": 0.3}, evaluate=evaluate
        )
        ran("run", config)
        before = stages(folder)
        add_rows(sources, folder / "more")
        ran("run", config)
        yield Grown(folder, config, server, before, stages(folder))


def cells(found: Artifact, pairs: dict[str, dict[str, Any]], asked: set[str]) -> Iterator[Cell]:
    """The cells of the questions about votes that were really asked, each question once."""
    rows = found.read("requests", ["id", "prompt", "source_id", "messages"]).to_pylist()
    questions = {row["id"]: row for row in rows if row["prompt"] == "vote" and row["id"] in asked}
    for row in questions.values():
        content = row["messages"][-1]["content"]
        first = content.partition("<response_A-")[2].partition("\n")[2].partition("\n</response_A")
        shown = "a" if first[0] == pairs[row["source_id"]]["response_a"] else "b"
        for text in _LISTED.findall(content.rpartition("<principles-")[2]):
            yield text, row["source_id"], shown


def test_no_cell_is_asked_about_twice(grown: Grown) -> None:
    pairs = {row["id"]: row for row in grown.after["ingest"].read("preferences").to_pylist()}
    log = grown.server.log()["questions"]
    assert all(question["num_requests"] == 1 for question in log.values())
    done: set[str] = set()
    counted: Counter[Cell] = Counter()
    for found in (grown.before, grown.after):
        for stage in ("vote", "evaluate"):
            ids = set(found[stage].read("requests", ["id"])["id"].to_pylist())
            counted.update(cells(found[stage], pairs, ids & set(log) - done))
            done |= ids
    assert len(pairs) > grown.before["ingest"].manifest.num_rows["preferences"]
    assert max(counted.values()) == 1
    texts = {
        row["id"]: row["text"].partition("response that ")[2]
        for row in grown.after["distill"].read("principles", ["id", "text"]).to_pylist()
    }
    voted = grown.after["vote"].read("votes", ["principle_id", "row_id"]).to_pylist()
    wanted = {
        (texts[row["principle_id"]], row["row_id"], shown) for row in voted for shown in ("a", "b")
    }
    assert wanted <= counted.keys()


def test_what_is_known_is_taken_over_and_what_is_new_is_asked(grown: Grown) -> None:
    before, after = (found["vote"].manifest.counts for found in (grown.before, grown.after))
    assert before["num_answers_from_before"] == 0
    num_cells = 2 * grown.after["vote"].manifest.num_rows["votes"]
    assert 0.5 * num_cells < after["num_answers_from_before"] < num_cells
    assert 0 < after["num_attempts_now"] < before["num_attempts_now"] / 2
    assert after["num_invalid"] == 0
    assert sum(after[f"num_{outcome}"] for outcome in VoteOutcome) == num_cells / 2
    old = {vote_key(row): row for row in grown.before["vote"].read("votes").to_pylist()}
    new = {vote_key(row): row for row in grown.after["vote"].read("votes").to_pylist()}
    assert all(new[key] == old[key] for key in old.keys() & new.keys())
    assert old.keys() & new.keys()


def vote_key(row: dict[str, Any]) -> tuple[str, str]:
    return row["principle_id"], row["row_id"]


def test_the_same_command_again_asks_nothing(grown: Grown) -> None:
    first = grown.server.log()["num_requests"]
    facts = as_json(ran("run", grown.config, "--json"))
    assert all(stage["skipped"] for stage in facts["stages"])
    assert grown.server.log()["num_requests"] == first


def test_the_changelog_says_what_became_of_every_principle(grown: Grown) -> None:
    old, new = (found["ratify"] for found in (grown.before, grown.after))
    assert old.url != new.url
    found = as_json(ran("diff", old.url, new.url, "--json"))
    assert as_json(ran("diff", grown.folder / "run", "--json")) == found
    assert found["new"]["num_people"] > found["old"]["num_people"]
    both = [*found["kept"], *found["reworded"]]
    for side, others in (("old", found["dropped"]), ("new", found["added"])):
        assert len(both) + len(others) == found[side]["num_principles"]
    text = ran("diff", grown.folder / "run")
    assert "Traceback" not in text
    told = " ".join(text.split())
    assert all(pair["new"]["text"] in told for pair in both)
    assert all(principle["text"] in told for principle in (*found["added"], *found["dropped"]))
