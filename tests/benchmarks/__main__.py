"""`make bench`: every benchmark, one after the other, each printing its table.

Timings on a shared machine are noisy: compare only what stands in one table.
"""

from __future__ import annotations

import subprocess
import sys

BENCHMARKS = (
    "bench_ingest",
    "bench_real",
    "bench_distill",
    "bench_statement_clusters",
    "bench_openai",
    "bench_vote_layout",
    "bench_votes",
    "bench_intervals",
    "planted",
    "bench_growth",
    "bench_vllm",
    "bench_tune",
    "bench_serve",
)


def main() -> None:
    """Run each in a process of its own, so that none inherits another's memory or threads."""
    for name in BENCHMARKS:
        subprocess.run([sys.executable, "-m", f"tests.benchmarks.{name}"], check=True)


if __name__ == "__main__":
    main()
