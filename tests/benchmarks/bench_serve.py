"""Chats → tokens/s and latency of our application beside vLLM's own OpenAI server; what happens
beyond capacity; memory over time.

Run: .venv/bin/python -m tests.benchmarks.bench_serve [--quick] [--apart] [--soak MINUTES]

Both serve the same random model with the same engine arguments, adapters enabled, and are asked by
vLLM's own benchmark, streaming. They run one after the other, twice in turns, each alone on the
machine, with the benchmark on the same CPUs and all at the same priority; starting and warming up
are left out. A latency is from the request to the last word. `tiny` is the worst case: the model
takes nearly nothing, so that all that is seen is what passes requests on. With `small`, the model
takes most of the time, as in real life. With `--apart` the engine has CPUs of its own, as it has a
GPU in real life; else all share them, and whatever passes on slows the model itself. Processor
seconds are those of all processes of a server per 1,000 tokens of replies.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import statistics
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.benchmarks.bench_vllm import SEVEN_B
from tests.benchmarks.measure import print_table
from tests.benchmarks.serve_load import Level, at_once, beyond, soak, until_answered
from tests.benchmarks.serve_parties import THREADS, Ours, Party, Theirs, settings

TINY: dict[str, int] = {}
SMALL = {
    "hidden_size": 512,
    "intermediate_size": 1408,
    "num_hidden_layers": 8,
    "num_attention_heads": 8,
    "num_key_value_heads": 4,
    "head_dim": 64,
}
# Requests by how many are in flight.
NUMBERS = {
    "tiny": {1: 60, 8: 240, 32: 480, 128: 768},
    "small": {1: 16, 8: 64, 32: 192, 128: 384},
    "7b": {1: 16, 8: 64, 32: 256, 128: 512},
}
SHAPES = {"tiny": TINY, "small": SMALL, "7b": SEVEN_B}
TOKENS = 64
WARM_UP = (16, 64)  # at once, requests
BURST, CAPACITY = 256, 32
SOAK_PER_S, SAMPLE_S, SETTLED_S = 8.0, 30.0, 300.0
OURS, THEIRS = "gcai serve", "vLLM's server"
PARTIES: dict[str, type[Ours] | type[Theirs]] = {THEIRS: Theirs, OURS: Ours}


@dataclass
class Found:
    """All rounds of one party at one load; `cpu_s`: processor seconds by kind of process."""

    levels: list[Level] = field(default_factory=list)
    cpu_s: Counter[str] = field(default_factory=Counter)

    @property
    def tokens(self) -> int:
        """Tokens of all replies."""
        return sum(level.num_tokens for level in self.levels)

    @property
    def tokens_per_s(self) -> float:
        """Over all rounds."""
        return self.tokens / sum(level.seconds for level in self.levels)

    def ms(self, what: str, share: float) -> float:
        """A percentile of `latencies` or `first_tokens`, in ms."""
        values = sorted(value for level in self.levels for value in getattr(level, what))
        return 1000 * values[min(len(values) - 1, int(share * len(values)))]


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--device", choices=("cpu", "gpu"), default="cpu")
    parser.add_argument("--shape", choices=tuple(SHAPES), action="append")
    parser.add_argument("--quick", action="store_true", help="tiny, one round, few requests")
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--soak", type=float, default=0, metavar="MINUTES")
    parser.add_argument("--apart", action="store_true", help="give the engine CPUs of its own")
    parser.add_argument("--only", choices=("sides", "beyond", "soak"))
    options = parser.parse_args()
    if options.quick:
        options.rounds = 1
    if options.apart:
        os.environ[THREADS] = str(max(1, (os.cpu_count() or 2) - 1))
    usual = ["7b"] if options.device == "gpu" else ["tiny"] if options.quick else ["tiny", "small"]
    print(f"load of the machine before: {os.getloadavg()[0]:.1f} of {os.cpu_count()} cores")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for shape in options.shape or usual:
            model = write_model(folder / shape / "model", shape, options.device)
            if options.only in (None, "sides"):
                _print_sides(shape, sides(folder / shape, model, shape, options), options)
        if options.only in (None, "beyond"):
            _print_beyond(folder, model, options)
        if options.soak:
            _print_soak(folder, model, options)


def write_model(folder: Path, shape: str, device: str) -> Path:
    """Random weights, of which none says that the reply ends: replies are as long as asked for."""
    from tests.tiny_model import write_tiny_model, write_tokenizer_and_config

    if device == "gpu":
        write_tokenizer_and_config(folder, SHAPES[shape])
        return folder
    write_tiny_model(folder, SHAPES[shape])
    _endless(folder)
    return folder


def _endless(folder: Path) -> None:
    """Greedy replies never choose a control token: its row is zero, and another's is above it."""
    from safetensors.torch import load_file, save_file

    from tests.tiny_model import SPECIAL

    file = folder / "model.safetensors"
    weights = load_file(file)
    weights["lm_head.weight"][: len(SPECIAL)] = 0
    save_file(weights, file, metadata={"format": "pt"})


def sides(
    folder: Path, model: Path, shape: str, options: argparse.Namespace
) -> dict[tuple[int, str], Found]:
    """What both did at every load, round by round."""
    wanted, numbers = settings(model, options.device), NUMBERS[shape]
    found = {(at, party): Found() for at in numbers for party in PARTIES}
    for turn in range(options.rounds):
        for name, kind in PARTIES.items():
            with kind(folder / f"{turn}-{kind.__name__}", wanted) as party, _apart(options, party):
                at_once(party.url, model, *WARM_UP, TOKENS, seed=1000 + turn)
                for at, num in numbers.items():
                    num = max(at, num // 4) if options.quick else num
                    _load(party, model, (at, num, 10 * at + turn), found[at, name])
    return found


@contextmanager
def _apart(options: argparse.Namespace, party: Party) -> Iterator[None]:
    usual = os.sched_getaffinity(0)
    if options.apart:
        party.keep_engine_apart()
    yield
    os.sched_setaffinity(0, usual)


def _load(party: Party, model: Path, load: tuple[int, int, int], found: Found) -> None:
    at, num, seed = load
    before = party.cpu_s()
    found.levels.append(at_once(party.url, model, at, num, TOKENS, seed))
    found.cpu_s += party.cpu_s() - before


def _print_sides(
    shape: str, found: dict[tuple[int, str], Found], options: argparse.Namespace
) -> None:
    head = ["at once", "", "requests", "failed", "tokens/s", "of vLLM", "p50 ms", "added"]
    head += ["p99 ms", "added", "first p50", "first p99", "CPU s/1,000"]
    rows = [_row(found, at, party) for at, party in found]
    title = f"{shape} model on {options.device}, {TOKENS} tokens a reply, streamed"
    print_table(title, head, rows)
    for at in dict.fromkeys(at for at, _ in found):
        both = zip(found[at, OURS].levels, found[at, THEIRS].levels, strict=True)
        ratios = ", ".join(
            f"{ours.tokens_per_s / theirs.tokens_per_s:.2f}" for ours, theirs in both
        )
        print(f"{at} at once: of vLLM, round by round: {ratios}")
        for party in PARTIES:
            of = found[at, party]
            parts = ", ".join(
                f"{role} {1000 * seconds / of.tokens:.3f}"
                for role, seconds in of.cpu_s.most_common()
            )
            print(f"  CPU s/1,000 tokens, {party}: {parts}")
            for error, num in sum((level.errors for level in of.levels), Counter()).most_common(3):
                print(f"  {party}: {num} failed: {error}")
    print(f"load of the machine now: {os.getloadavg()[0]:.1f}")


def _row(found: dict[tuple[int, str], Found], at: int, party: str) -> list[str]:
    of, theirs = found[at, party], found[at, THEIRS]
    cells = [str(at), party, str(sum(len(level.latencies) for level in of.levels))]
    cells += [str(sum(level.num_failed for level in of.levels)), f"{of.tokens_per_s:,.0f}"]
    is_ours = party == OURS
    cells.append(f"{of.tokens_per_s / theirs.tokens_per_s:.2f}" if is_ours else "")
    for share in (0.5, 0.99):
        ms, base = of.ms("latencies", share), theirs.ms("latencies", share)
        cells += [f"{ms:,.0f}", f"{ms - base:+,.0f}" if is_ours else ""]
    cells += [f"{of.ms('first_tokens', share):,.0f}" for share in (0.5, 0.99)]
    return [*cells, f"{1000 * sum(of.cpu_s.values()) / of.tokens:.2f}"]


def _print_beyond(folder: Path, model: Path, options: argparse.Namespace) -> None:
    wanted = settings(model, options.device, max_in_flight=CAPACITY)
    with Ours(folder / "beyond", wanted) as party:
        at_once(party.url, model, *WARM_UP, TOKENS, seed=2000)
        before = party.pids()
        burst, recovered_s = asyncio.run(beyond(party.url, BURST))
        began = time.perf_counter()
        patient = asyncio.run(until_answered(party.url, BURST))
        all_s = time.perf_counter() - began
        same = party.pids() == before
    head = ["", "200", "429", "other", "p50 s", "slowest s"]
    rows = []
    for name, asked in (("at once", burst), ("until answered", patient)):
        other = {s: n for s, n in asked.statuses.items() if s not in (200, 429)}
        cells = [f"{asked.statuses[200]}", f"{asked.statuses[429]}", str(other or 0)]
        median, slowest = statistics.median(asked.seconds), max(asked.seconds)
        rows.append([name, *cells, f"{median:.2f}", f"{slowest:.2f}"])
    print_table(f"{BURST} requests at once where {CAPACITY} are let in", head, rows)
    told = (
        f"answers again {recovered_s:.2f} s after the burst; {BURST} callers who come again when "
    )
    told += f"told to were all answered in {all_s:.1f} s, after at most {patient.tries} tries; "
    told += f"{burst.without_retry_after} refusals without Retry-After; "
    print(told + ("no process died" if same else "A PROCESS DIED"))


def _print_soak(folder: Path, model: Path, options: argparse.Namespace) -> None:
    import numpy as np

    seconds = 60 * options.soak
    every_s, settled_s = min(SAMPLE_S, seconds / 20), min(SETTLED_S, seconds / 6)
    with Ours(folder / "soak", settings(model, options.device)) as party:
        at_once(party.url, model, *WARM_UP, TOKENS, seed=3000)
        samples, came = asyncio.run(
            soak(party.url, seconds, SOAK_PER_S, every_s, party.resident_mb)
        )
    settled = [sample for sample in samples if sample.seconds >= settled_s]
    rows: list[list[Any]] = []
    for role in sorted(samples[-1].resident_mb):
        if role == "rest":
            continue
        seen = [sample.resident_mb[role] for sample in settled]
        slope = np.polyfit([sample.num_requests for sample in settled], seen, 1)[0]
        first, last = samples[0].resident_mb[role], samples[-1].resident_mb[role]
        cells = [first, seen[0], last, max(seen)]
        rows.append([role, *(f"{mb:,.0f}" for mb in cells), f"{1000 * slope:+.2f}"])
    head = ["", "MB at start", "settled", "at end", "most", "MB per 1,000 requests"]
    title = f"{sum(came.values()):,} mixed requests in {samples[-1].seconds / 60:.1f} minutes"
    print_table(f"{title}; growth after the first {settled_s / 60:.1f}", head, rows)
    print("; ".join(f"{name}: {num:,}" for name, num in sorted(came.items())))
    print(f"load of the machine now: {os.getloadavg()[0]:.1f}")


if __name__ == "__main__":
    main()
