"""Vote questions → questions a second of a bare aiohttp loop, of our openai engine and of ICAI.

Run: .venv/bin/python -m tests.benchmarks.bench_openai [--questions 20000] [--icai-questions 2000]

All three ask the scripted server (100 ms, as many slots as questions are in flight) about the same
pairs of the planted corpus and the same 40 principles; ICAI words its own questions. The server
runs on the same CPUs as who asks it. Rates are the server's: questions over "asking s", from
the arrival of the first to the answer of the last. "Seconds" is the whole process: imports, Ray's
start, reading and writing. The
bare loop is timed before and after the others, to show how steady the machine was; shares are of
the better of the two.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

from tests.benchmarks.measure import print_table
from tests.benchmarks.vote_corpus import (
    ICAI_SEEDS,
    num_pairs_for,
    planted_pairs,
    write_icai_pairs,
    write_votes,
)
from tests.benchmarks.vote_parties import ICAI_RUN, Asked, asked_by, icai_python

CONCURRENCY = 256
BARE = ("bare aiohttp loop", "bare aiohttp loop, again")
ICAI = "inverse-cai 0.4.8"
OURS = "gcai_ray, asking.ask"
HEAD = ["", "questions", "seconds", "asking s", "questions/s", "of bare"]
HEAD += ["prompt tokens", "tokens/question", "peak MB"]


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--questions", type=int, default=20_000)
    parser.add_argument("--icai-questions", type=int, default=2_000, help="slow; 0: without ICAI")
    parser.add_argument("--latency-ms", type=float, default=100)
    options = parser.parse_args()
    runs, skipped = measure(options.questions, options.icai_questions, options.latency_ms)
    title = f"{CONCURRENCY} questions in flight, {options.latency_ms:g} ms each"
    limit = CONCURRENCY / options.latency_ms * 1000 if options.latency_ms else float("inf")
    print_table(f"{title}: at most {limit:,.0f}/s", HEAD, _rows(runs))
    said = runs[OURS].said
    print(
        f"gcai_ray: Ray started in {said['ray_s']:.1f} s, requests written in "
        f"{said['requests_s']:.1f} s, asked in {said['ask_s']:.1f} s with actors' start and tables "
        f"written; {said['num_unusable']:,} unusable replies"
    )
    if skipped:
        print(f"ICAI: skipped, {skipped}")
    else:
        said = runs[ICAI].said
        print(
            f"inverse-cai: voted in {said['ask_s']:.1f} s by its own clock, on fewer questions "
            f"since it is slow; {said['num_failed']:,} of them failed in its own client"
        )


def measure(
    num_questions: int, num_icai_questions: int, latency_ms: float
) -> tuple[dict[str, Asked], str]:
    """Each party's run by name, and why there is none of ICAI, if so."""
    runs: dict[str, Asked] = {}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        pairs = planted_pairs(num_pairs_for(num_questions))
        write_votes(folder, pairs)
        runs[BARE[0]] = asked_by("bare_loop.py", folder, CONCURRENCY, latency_ms=latency_ms)
        runs[OURS] = asked_by("ask_run.py", folder, CONCURRENCY, latency_ms=latency_ms)
        runs[BARE[1]] = asked_by("bare_loop.py", folder, CONCURRENCY, latency_ms=latency_ms)
        python, why = icai_python() if num_icai_questions else ("", "not asked for")
        if python:
            write_icai_pairs(folder, pairs[: -(-num_icai_questions // ICAI_SEEDS)])
            runs[ICAI] = asked_by(
                ICAI_RUN, folder, CONCURRENCY, python=python, latency_ms=latency_ms
            )
    return runs, why


def _rows(runs: dict[str, Asked]) -> list[list[str]]:
    best = max(runs[name].per_second for name in BARE)
    rows = []
    for name, run in runs.items():
        tokens = run.log["num_prompt_tokens"]
        rows.append(
            [
                name,
                f"{run.num_questions:,}",
                f"{run.process.seconds:.1f}",
                f"{run.log['span_s']:.1f}",
                f"{run.per_second:,.0f}",
                f"{run.per_second / best:.0%}",
                f"{tokens:,}",
                f"{tokens / run.num_questions:,.0f}",
                f"{run.process.peak_mb:,.0f}",
            ]
        )
    return rows


if __name__ == "__main__":
    main()
