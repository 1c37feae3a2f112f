"""The twelve pairs of `twelve_pairs`, computed by hand, through the whole road: `gcai run` on their
CSV file, with a server that gives the votes and verdicts written down there and answers all else as
the scripted annotator does, in one wording a principle.

Nothing is put in by hand: the pairs are split, the principles distilled and chosen, and the ICAI
baseline run, by the stages. Two settings bring that about: three clusters, and one principle a
question, so that a reply that is missing is missing for one principle only.
"""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from aiohttp import web
from asking_runs import artifact, constitution, ran, write_config
from servers.annotator import reply
from servers.planted import recognised
from told_server import Asked, said, serving
from twelve_pairs import (
    ACCURACY,
    ALL_FLIPS,
    ALL_OUTCOMES,
    DECIDED,
    DIFFERENCE,
    HELD,
    ICAI,
    KAPPA,
    OURS,
    PAIRS,
    PREDICTED,
    PRINCIPLES,
    SEED,
    TEST_SHARE,
    TRAIN,
    TRAIN_FLIPS,
    TRAIN_OUTCOMES,
    VERDICTS,
    VOTES,
    verdicts,
    votes,
)

from gcai_ray.evaluate.position_bias import vote_measures
from gcai_ray.evaluate.reconstruction import LONGER, MAJORITY_CLASS
from gcai_ray.prompts import judge, vote
from gcai_ray.schemas import ChosenPrinciple

pytestmark = pytest.mark.usefixtures("ray_address")
COLUMNS = ("name", "prompt", "response_a", "response_b", "annotator", "preferred", "reason")
NO_REPLY = "I cannot say."
Measures = dict[tuple[str, str, str | None], dict[str, Any]]
PAIR_OF_PROMPT = {row["prompt"]: row for row in PAIRS}
KEY_OF_WORDS = {words: key for key, words in PRINCIPLES.items()}
CONSTITUTIONS = {frozenset(OURS): "gcai", frozenset(ICAI): "icai", frozenset(): "none"}


def shown(content: str, tag: str) -> str:
    """What stands in a block of a message; empty without one."""
    found = re.search(rf"<({tag}-\w+)>\n(.*?)\n</\1>", content, re.DOTALL)
    return found[2] if found else ""


def principles_in(content: str) -> list[str]:
    """Keys of the principles a message lists."""
    listed = [line.partition("] ")[2] for line in shown(content, "principles").splitlines()]
    return [key for line in listed for words, key in KEY_OF_WORDS.items() if words in line]


def place_of(content: str) -> tuple[str, bool]:
    """Name of the pair a message shows, and whether its response_b stands first."""
    pair = PAIR_OF_PROMPT[shown(content, "prompt")]
    first = shown(content, "response_A")
    assert first.strip() in (pair["response_a"].strip(), pair["response_b"].strip())
    return pair["name"], first.strip() == pair["response_b"].strip()


def written_down(system: str, content: str) -> str | None:
    """The answer that is given for a vote or a verdict, as a reply; None: another question."""
    if system not in (vote.INSTRUCTIONS, judge.INSTRUCTIONS):
        return None
    (name, flipped), keys = place_of(content), principles_in(content)
    by_votes = system == vote.INSTRUCTIONS
    both = VOTES[keys[0], name] if by_votes else VERDICTS[CONSTITUTIONS[frozenset(keys)], name]
    answer = both[flipped]
    if answer is None:
        return NO_REPLY
    label = {"a": "BA"[not flipped], "b": "AB"[not flipped]}.get(answer, answer)
    return json.dumps({"1" if by_votes else "choice": label})


def in_one_wording(text: str) -> str:
    """A reply whose proposed principles all have their first wording."""
    answer = json.loads(text)
    for proposed in answer.get("principles", []):
        proposed["principle"] = recognised(proposed["principle"]).canonical
    return json.dumps(answer)


async def told(asked: Asked) -> web.StreamResponse:
    messages = asked.body["messages"]
    text = written_down(messages[0]["content"], messages[-1]["content"])
    return said(text or in_one_wording(reply(messages, None, SEED)))


def write_pairs(folder: Path) -> dict[str, Any]:
    """The pairs as a CSV file; the source that reads it."""
    path = folder / "pairs.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS)
        writer.writeheader()
        writer.writerows(PAIRS)
    columns = {"id": "name"} | {name: name for name in COLUMNS[1:]}
    return {"name": "pairs", "format": "tabular", "path": str(path), "preferences": columns}


@pytest.fixture(scope="module")
def finished(ray_address: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Folder of the finished run."""
    folder = tmp_path_factory.mktemp("twelve")
    with serving(told) as server:
        engine = {"name": "openai", "model": "told", "base_url": server.base_url}
        config = write_config(
            folder,
            [write_pairs(folder)],
            engine | {"max_attempts": 2},
            seed=SEED,
            ingest={"test_share": TEST_SHARE},
            distill={"num_contextual_clusters": 3},
            vote={"principles_per_question": 1},
            evaluate={"num_resamples": 2},
        )
        ran("run", config)
        yield folder


@pytest.fixture(scope="module")
def measures(finished: Path) -> Measures:
    """Rows of the evaluation by family, name and baseline."""
    rows = artifact(finished, "evaluate").read("evaluation").to_pylist()
    return {(row["family"], row["name"], row["baseline_name"]): row for row in rows}


def key_of(principle: ChosenPrinciple) -> str:
    return recognised(principle.text).key.replace("concrete_", "").replace("cites_", "")


def test_the_pairs_are_split_and_the_principles_chosen_as_expected(finished: Path) -> None:
    pairs = artifact(finished, "ingest").read("preferences", ["prompt", "split"]).to_pylist()
    halves = {PAIR_OF_PROMPT[row["prompt"]]["name"]: row["split"] for row in pairs}
    assert len(halves) == 12
    assert {name for name, half in halves.items() if half == "train"} == set(TRAIN)
    assert {name for name, half in halves.items() if half == "test"} == set(HELD)
    assert tuple(map(key_of, constitution(finished).principles)) == OURS
    assert tuple(map(key_of, constitution(finished, "icai.ratify").principles)) == ICAI
    counts = artifact(finished, "ratify").manifest.counts
    assert counts["num_contextual_within_chance"] == 1  # polite


@pytest.mark.parametrize("stage", ["ratify", "icai.ratify"])
def test_principles_predict_the_training_choices_as_computed(finished: Path, stage: str) -> None:
    for principle in constitution(finished, stage).principles:
        expected, found = PREDICTED[key_of(principle)], principle.prediction
        assert {str(name): number for name, number in found.outcomes.items()} == expected.outcomes
        assert found.num_pairs == len(TRAIN)
        assert found.num_people_spoken == expected.num_people_spoken
        assert found.accuracy.share == pytest.approx(expected.accuracy, abs=1e-6)
        assert found.coverage.share == pytest.approx(expected.coverage, abs=1e-6)
        assert found.voice.share == pytest.approx(expected.voice, abs=1e-6)


def names_of(rows: list[dict[str, Any]], finished: Path) -> list[dict[str, Any]]:
    """Rows with the names of their pairs and principles in place of ids."""
    columns = ["id", "prompt"]
    pairs = artifact(finished, "ingest").read("preferences", columns).to_pylist()
    named = {row["id"]: PAIR_OF_PROMPT[row["prompt"]]["name"] for row in pairs}
    for stage in ("distill", "icai.distill"):
        found = artifact(finished, stage).read("principles", ["id", "text"])
        named |= {principle["id"]: principle["text"] for principle in found.to_pylist()}
    keys = {
        key: next((k for words, k in KEY_OF_WORDS.items() if words in text), text)
        for key, text in named.items()
    }
    return [row | {n: keys[row[n]] for n in ("row_id", "principle_id") if n in row} for row in rows]


def all_votes(finished: Path) -> pa.Table:
    """Of every stage that votes: training pairs, those of the baseline, held-out pairs."""
    stages = [artifact(finished, name) for name in ("vote", "icai.vote", "evaluate")]
    return pa.concat_tables([stage.read("votes") for stage in stages])


def test_votes_and_verdicts_are_those_written_down_whatever_the_order(finished: Path) -> None:
    columns = ["principle_id", "row_id", "a_first", "b_first", "outcome"]
    found = names_of(all_votes(finished).select(columns).to_pylist(), finished)
    expected = votes().select(columns).to_pylist()
    assert sorted(map(str, found)) == sorted(map(str, expected))
    columns = ["constitution", "row_id", "a_first", "b_first"]
    judged = artifact(finished, "evaluate").read("verdicts", columns).to_pylist()
    expected = verdicts().select(columns).to_pylist()
    assert sorted(map(str, names_of(judged, finished))) == sorted(map(str, expected))


def test_reconstruction_agreement_and_flips_are_as_computed(measures: Measures) -> None:
    rows = {key[1:]: row for key, row in measures.items() if key[0] == "reconstruction"}
    assert set(rows) == set(DIFFERENCE)
    for (name, other), row in rows.items():
        figures = (ACCURACY[name], ACCURACY[other], DIFFERENCE[name, other])
        found = (row["value"], row["baseline"], row["difference"])
        assert found == pytest.approx(figures, abs=1e-6)
        assert row["num_people"] == 3
        assert "decided on {} pairs ({} of voices)".format(*DECIDED[name]) in row["note"]
    for pair, kappa in KAPPA.items():
        assert measures["agreement", pair, None]["value"] == pytest.approx(kappa, abs=1e-6)
    for name, share in TRAIN_FLIPS.items():
        assert measures["votes", name, None]["value"] == pytest.approx(share, abs=1e-6)
    for outcome, number in TRAIN_OUTCOMES.items():
        row = measures["votes", f"votes_{outcome}", None]
        assert row["value"] == pytest.approx(number / 21, abs=1e-6)


def test_flips_of_all_votes_are_as_computed(finished: Path) -> None:
    found = {row.name: row.value for row in vote_measures(all_votes(finished), SEED)}
    expected = ALL_FLIPS | {f"votes_{name}": num / 43 for name, num in ALL_OUTCOMES.items()}
    assert found == pytest.approx(expected, abs=1e-6)


def percent(share: float) -> str:
    return f"{100 * share:.0f} %"


def points(difference: float) -> str:
    sign = "−" if difference < 0 else "+"
    return f"{sign}{abs(100 * difference):.0f} points"


def table_of(text: str, heading: str) -> list[list[str]]:
    """Cells of the first table below a heading, without its head; a row begins with the name that
    stands in it or in a row above.
    """
    below = text.partition(f"### {heading}\n")[2].partition("\n### ")[0]
    lines = [line for line in below.splitlines() if line.startswith("| ")]
    found, name = [], ""
    for line in lines[2:]:
        first, *others = [cell.strip() for cell in line.strip("|").split("|")]
        name = first or name
        found.append([name, *others])
    return found


def test_the_report_shows_the_computed_figures(finished: Path) -> None:
    text = artifact(finished, "report").document("report.md").decode()
    shown_as = {
        MAJORITY_CLASS: "the majority class",
        LONGER: "the longer response",
        "judge without constitution": "the judge without constitution",
    }
    told = {
        tuple(row[:2]): row[2:] for row in table_of(text, "Does it predict what people choose?")
    }
    assert len(told) == len(DIFFERENCE) + 3
    for (name, other), difference in DIFFERENCE.items():
        own = told[name.capitalize(), "This constitution"][0]
        assert own.startswith(f"{percent(ACCURACY[name])} (")
        figure, against = told[name.capitalize(), shown_as.get(other, "ICAI mode")]
        assert figure.startswith(f"{percent(ACCURACY[other])} (")
        assert against.startswith(f"{points(difference)} (")
    told = {row[0].lower(): row[2] for row in table_of(text, "Do the ways of using it agree?")}
    for pair, kappa in KAPPA.items():
        assert told[pair].startswith(f"{kappa:.2f} (".replace("-", "−"))
    heading = "Does the order of the answers sway the model?"
    told = {(row[0], row[1]): row[2] for row in table_of(text, heading)}
    own = "This constitution"
    assert told["Votes that flipped", own].startswith(f"{percent(TRAIN_FLIPS['flip_rate'])} (")
    assert told["Position bias", own].startswith(f"{TRAIN_FLIPS['position_bias']:.2f} (")
    outcomes = [row[2].partition(" (")[0] for row in table_of(text, heading)[2:]]
    assert outcomes == [percent(TRAIN_OUTCOMES[name] / 21) for name in TRAIN_OUTCOMES]
    first, second = (PREDICTED[key].outcomes for key in OURS)
    for counts in (first, second):
        told_of = f"the person chose in {counts['for']} of 7 pairs, and the other answer in "
        assert f"{told_of}{counts['against']}." in text
