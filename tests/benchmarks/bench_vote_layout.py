"""Our vote questions beside ICAI's → prompt tokens for each answer, and what a prefix cache saves.

Run: .venv/bin/python -m tests.benchmarks.bench_vote_layout [--pairs 698] [--corpus planted]

All ask about the same pairs (HaluQuestQA where the shared data is, else the planted corpus) and the
same 40 principles. Ours: the pair first, `per question` principles last, both orders. ICAI's: 40
principles, 3 seeds that each draw an order, its own prompts as they leave its process. An answer is
one principle judged on one pair in one order. Tokens are `engines.tokens`' estimate for all (within
6 % of OpenAI's on such text).

Cached: `server` as the scripted server bills it (512 characters a step, nothing forgotten);
`400k` tokens of prompts in blocks of 16 tokens, the least recently used forgotten: what a 7-8B
model leaves free on one GPU of 80 GB. "Paid" is what that cache leaves to be computed.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from gcai_ray.engines.tokens import TokenCounter
from gcai_ray.stages.vote import ORDERS
from tests.benchmarks.measure import print_table
from tests.benchmarks.vote_corpus import (
    HALUQUESTQA,
    ICAI_SEEDS,
    Pair,
    haluquestqa_pairs,
    planted_pairs,
    principles,
    write_votes,
)
from tests.benchmarks.vote_parties import ICAI_RUN, asked_by, icai_python

# Few at a time: which prefixes are cached must follow from the layout, not from what is in flight.
CONCURRENCY = 16
PER_QUESTION = (20, 40)
CACHE_TOKENS = 400_000
BLOCK_TOKENS = 16
CHARS_PER_TOKEN = 4
HEAD = ["", "questions", "prompt tokens", "answers/pair", "tokens/answer", "tokens/principle, pair"]
HEAD += ["cached: server", "cached: 400k", "paid/answer"]
Messages = list[dict[str, str]]


@dataclass(frozen=True)
class Layout:
    """One way to ask: its prompts in the order they were sent, and answers a principle and pair."""

    prompts: list[Messages]
    orders: int
    log: dict[str, int]


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--pairs", type=int, default=698, help="at most")
    parser.add_argument("--corpus", choices=("haluquestqa", "planted"))
    options = parser.parse_args()
    corpus = options.corpus or ("haluquestqa" if HALUQUESTQA.exists() else "planted")
    is_real = corpus == "haluquestqa"
    pairs = haluquestqa_pairs()[: options.pairs] if is_real else planted_pairs(options.pairs)
    layouts, skipped = measure(pairs)
    rows = [_row(name, layout, len(pairs)) for name, layout in layouts.items()]
    title = f"{len(pairs):,} pairs of {corpus}, {len(principles())} principles"
    print_table(title, HEAD, rows)
    if skipped:
        print(f"ICAI: skipped, {skipped}")


def measure(pairs: list[Pair]) -> tuple[dict[str, Layout], str]:
    """Each layout by name, and why ICAI's is missing, if so."""
    layouts: dict[str, Layout] = {}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for number in PER_QUESTION:
            table = write_votes(folder, pairs, number)
            run = asked_by("ask_run.py", folder, CONCURRENCY)
            _refuse_other(run.num_questions, table.num_rows)
            prompts = table["messages"].to_pylist()
            title = f"gcai_ray, {number} a question, both orders"
            layouts[title] = Layout(prompts, len(ORDERS), run.log)
        python, why = icai_python()
        if python:
            sent = folder / "sent.jsonl"
            run = asked_by(ICAI_RUN, folder, CONCURRENCY, str(sent), python=python)
            # Tried again is no further question; of its questions no two are the same: it shuffles.
            bodies = dict.fromkeys(sent.read_bytes().splitlines())
            prompts = [json.loads(body)["messages"] for body in bodies]
            _refuse_other(len(prompts), ICAI_SEEDS * len(pairs))
            title = f"inverse-cai 0.4.8, 40 a question, {ICAI_SEEDS} seeds"
            layouts[title] = Layout(prompts, ICAI_SEEDS, run.log)
    return layouts, why


def _refuse_other(num: int, wanted: int) -> None:
    if num != wanted:
        raise SystemExit(f"{wanted:,} questions wanted, {num:,} asked or answered")


def _row(name: str, layout: Layout, num_pairs: int) -> list[str]:
    count = TokenCounter()
    tokens = [count(messages) for messages in layout.prompts]
    total, each = sum(tokens), num_pairs * len(principles())
    per_answer = total / (each * layout.orders)
    cached = cached_share(layout.prompts)
    return [
        name,
        f"{len(tokens):,}",
        f"{total:,}",
        str(layout.orders),
        f"{per_answer:.1f}",
        f"{total / each:.1f}",
        f"{layout.log['num_cached_tokens'] / layout.log['num_prompt_tokens']:.1%}",
        f"{cached:.1%}",
        f"{per_answer * (1 - cached):.1f}",
    ]


def cached_share(prompts: Iterable[Messages], cache_tokens: int = CACHE_TOKENS) -> float:
    """The share of the prompts' characters that a cache of so many tokens holds when they come, one
    after the other; it works in whole blocks and forgets the least recently used.
    """
    step = BLOCK_TOKENS * CHARS_PER_TOKEN
    held: OrderedDict[int, None] = OrderedDict()
    num_cached = num_all = 0
    for messages in prompts:
        text = "\0".join(message["content"] for message in messages)
        num_all += len(text)
        key, unbroken = 0, True
        for start in range(0, len(text) - step + 1, step):
            key = hash((key, text[start : start + step]))
            unbroken = unbroken and key in held
            num_cached += step * unbroken
            held[key] = None
            held.move_to_end(key)
        while len(held) > cache_tokens // BLOCK_TOKENS:
            held.popitem(last=False)
    return num_cached / num_all if num_all else 0.0


if __name__ == "__main__":
    main()
