"""The benchmarks of voting run on a few questions, and their cache forgets as it says."""

from __future__ import annotations

import subprocess
import sys

import pytest
from places import ROOT

sys.path.append(str(ROOT))

from tests.benchmarks.bench_vote_layout import BLOCK_TOKENS, CHARS_PER_TOKEN, cached_share

BLOCK = BLOCK_TOKENS * CHARS_PER_TOKEN


def prompt(*blocks: str) -> list[dict[str, str]]:
    return [{"role": "user", "content": "".join(block * BLOCK for block in blocks)}]


def test_only_whole_blocks_of_a_known_beginning_are_cached() -> None:
    asked = [prompt("a", "b", "c"), prompt("a", "b", "d"), prompt("d", "b", "c")]
    assert cached_share(asked) == pytest.approx(2 / 9)


def test_what_was_not_asked_for_long_is_forgotten() -> None:
    asked = [prompt("a", "b"), prompt("c", "d"), prompt("a", "b")]
    assert cached_share(asked, cache_tokens=4 * BLOCK_TOKENS) == pytest.approx(1 / 3)
    assert cached_share(asked, cache_tokens=2 * BLOCK_TOKENS) == 0


@pytest.mark.slow
def test_a_tiny_run_answers_every_question_of_every_party() -> None:
    """Starts a Ray of its own, as the benchmark does; without ICAI, which comes from PyPI."""
    small = ("--questions", "40", "--icai-questions", "0", "--latency-ms", "1")
    command = [sys.executable, "-m", "tests.benchmarks.bench_openai", *small]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    lines = [line for line in done.stdout.splitlines() if line.startswith(("bare", "gcai_ray, "))]
    assert [line.split("  ")[0] for line in lines] == [
        "bare aiohttp loop",
        "gcai_ray, asking.ask",
        "bare aiohttp loop, again",
    ]
    assert all(" 40 " in line for line in lines)
