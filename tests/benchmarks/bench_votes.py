"""Generated votes of 5,000 pairs, 50 principles and both orders → seconds and memory to aggregate,
rank and bootstrap them, against the bound of 10 s and 1 GB.

Run: .venv/bin/python -m tests.benchmarks.bench_votes [--pairs 5000] [--principles 50]

300 people in 5 countries and 3 age groups; one of them wrote a tenth of the pairs. Half of the
principles agree with people's choices in 45 to 75 % of cases, the others toss coins. The process
measured reads the table, does what `ratify` and `evaluate` do with it, and imports what they need.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from gcai_ray.choosing.contest import Contest
from gcai_ray.choosing.poll import poll_of
from gcai_ray.choosing.selection import choose
from gcai_ray.config import RatifyConfig
from gcai_ray.electorate import electorate, incidence
from gcai_ray.evaluate.position_bias import vote_measures
from gcai_ray.schemas import Kind, Vote, VoteOutcome, arrow_schema
from gcai_ray.stages.ratify import chosen_principles
from tests.benchmarks.measure import measured, print_table

NUM_PEOPLE = 300
FLOOD = 0.1
NUM_PLACES = 20
BOUND_S, BOUND_MB = 10, 1024
VOTES = "votes.parquet"
COUNTRIES, AGES = ("BR", "DE", "IN", "KE", "US"), ("18-34", "35-59", "60+")


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description="Print the table.")
    parser.add_argument("--pairs", type=int, default=5000)
    parser.add_argument("--principles", type=int, default=50)
    parser.add_argument("--work", type=Path, help="a folder with votes: measure here, print JSON")
    options = parser.parse_args()
    if options.work:
        print(json.dumps(work(options.work)))
        return
    with tempfile.TemporaryDirectory() as folder:
        table = votes(options.pairs, options.principles)
        pq.write_table(table, Path(folder) / VOTES)
        found = measured(
            [sys.executable, "-m", "tests.benchmarks.bench_votes", "--work", folder], every_s=0.05
        )
    seconds = json.loads(found.output.splitlines()[-1])
    rows = [[name, f"{spent:.2f}"] for name, spent in seconds.items()]
    rows += [["all", f"{sum(seconds.values()):.2f}"], ["with imports", f"{found.seconds:.2f}"]]
    title = f"{table.num_rows:,} votes in both orders, {NUM_PEOPLE} people, 1,000 draws"
    print_table(title, ["", "seconds"], rows)
    is_within = sum(seconds.values()) < BOUND_S and found.peak_mb < BOUND_MB
    verdict = "within" if is_within else "OVER"
    print(f"peak {found.peak_mb:.0f} MB; {verdict} the bound of {BOUND_S} s and {BOUND_MB} MB")


def work(folder: Path) -> dict[str, float]:
    """Seconds of each step."""
    seconds: dict[str, float] = {}
    started = time.perf_counter()

    def lap(name: str) -> None:
        nonlocal started
        seconds[name] = time.perf_counter() - started
        started = time.perf_counter()

    table = pq.read_table(folder / VOTES)
    lap("read the table")
    contest = contest_of(table)
    lap("aggregate")
    config = RatifyConfig(num_contextual=NUM_PLACES)
    selection = choose(contest, NUM_PLACES, config, seed=0)
    lap("rank: which beat chance, greedy choice")
    if not selection.columns:
        raise SystemExit(f"no principle was chosen: {selection.left_out}")
    evidence = {key: [] for key in contest.ids}
    chosen_principles(contest, selection, evidence, config, seed=0)
    lap(f"intervals and ties of the {len(selection.columns)} chosen")
    vote_measures(table, seed=0)
    lap("flips, position bias, outcomes")
    return seconds


def contest_of(table: pa.Table) -> Contest:
    """The contest these votes decide; the reasons say each principle equally often."""
    ids = tuple(sorted(set(table["principle_id"].to_pylist())))
    first = table.slice(0, table.num_rows // len(ids))
    said = pa.table({"row_id": first["row_id"], "principle_id": np.resize(ids, first.num_rows)})
    people = electorate([first.rename_columns({"row_id": "id"})])
    vectors = np.random.default_rng(1).normal(size=(len(ids), 384)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    texts = tuple(f"Choose the response that is {_word(place)}." for place in range(len(ids)))
    matches = incidence(people, [said], ids)
    poll = poll_of([table], ids)
    return Contest(Kind.CONTEXTUAL, ids, texts, vectors, 0.8, people, matches, poll)


def _word(number: int) -> str:
    """One of its own for each principle, or they would pass for the same."""
    return "".join("bdfgklmnpr"[int(digit)] + "aeiouaeiou"[int(digit)] for digit in f"{number:03}")


def votes(num_pairs: int, num_principles: int) -> pa.Table:
    """Rows of `votes`, principle by principle; the pairs of each in the same order."""
    generator = np.random.default_rng(0)
    person = generator.integers(NUM_PEOPLE, size=num_pairs)
    person[generator.random(num_pairs) < FLOOD] = 0
    prefers_a = generator.random(num_pairs) < 0.5
    pairs = {
        "row_id": [f"{number:032x}" for number in range(num_pairs)],
        "annotator_id": [f"{number:032x}" for number in person],
        "groups": [_groups(number) for number in person.tolist()],
        "preferred": np.where(prefers_a, "a", "b").tolist(),
    }
    schema = arrow_schema(Vote)
    parts = [
        pa.table({**pairs, **_cast(generator, number, num_principles, prefers_a)}).select(
            schema.names
        )
        for number in range(num_principles)
    ]
    return pa.concat_tables([part.cast(schema) for part in parts])


def _cast(
    generator: np.random.Generator, number: int, num_principles: int, prefers_a: np.ndarray
) -> dict[str, Any]:
    """What one principle says of each pair: nothing on a third, 5 % flips to the first."""
    accuracy = 0.45 + 0.6 * number / num_principles if number < num_principles // 2 else 0.5
    num_pairs = len(prefers_a)
    right = generator.random(num_pairs) < accuracy
    said = np.where(prefers_a == right, "a", "b")
    fate = generator.random(num_pairs)
    silent = np.where(fate < 0.2, "neither", "both")
    answer = np.where(fate < 0.3, silent, said)
    flips = fate > 0.95
    outcome = np.where(right, str(VoteOutcome.FOR), str(VoteOutcome.AGAINST))
    outcome = np.where(fate < 0.3, silent, outcome)
    return {
        "principle_id": [f"{number:032x}"] * num_pairs,
        "a_first": np.where(flips, "a", answer).tolist(),
        "b_first": np.where(flips, "b", answer).tolist(),
        "outcome": np.where(flips, str(VoteOutcome.ABSTAIN), outcome).tolist(),
    }


def _groups(person: int) -> list[dict[str, str]]:
    return [
        {"name": "age", "value": AGES[person % len(AGES)]},
        {"name": "country", "value": COUNTRIES[person % len(COUNTRIES)]},
    ]


if __name__ == "__main__":
    main()
