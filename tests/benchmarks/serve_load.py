"""A server → how fast it answers under load (`vllm bench serve`), what it says beyond its capacity,
and what it takes over time. Knows nothing of how it was started.
"""

from __future__ import annotations

import asyncio
import contextlib
import io
import json
import os
import random
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp

from tests.benchmarks.serve_parties import ADAPTER, MODEL
from tests.tiny_model import WORDS

PROMPT_WORDS = 96
TIMEOUT_S = 600


@dataclass(frozen=True)
class Level:
    """One load: what came back of it. Latencies in seconds, one a request."""

    num_failed: int
    seconds: float
    num_tokens: int
    latencies: list[float]
    first_tokens: list[float]
    errors: Counter[str]

    @property
    def tokens_per_s(self) -> float:
        """Tokens of replies a second."""
        return self.num_tokens / self.seconds


def prompt(chance: random.Random) -> str:
    """Words that no prompt before it began with, so that no cache knows them."""
    return " ".join(chance.choices(WORDS, k=PROMPT_WORDS))


def at_once(url: str, model: Path, num_at_once: int, num: int, num_tokens: int, seed: int) -> Level:
    """`num` streamed chats, `num_at_once` at a time, by vLLM's own benchmark. Its random data set
    would have it ask with `ignore_eos`, which only vLLM knows: prompts are given, and the model
    never ends by itself.
    """
    os.environ.setdefault("VLLM_LOGGING_LEVEL", "ERROR")
    from vllm.benchmarks import serve
    from vllm.utils.argparse_utils import FlexibleArgumentParser

    chance = random.Random(seed)
    asked = model.with_name(f"prompts-{seed}.jsonl")
    asked.write_text("".join(json.dumps({"prompt": prompt(chance)}) + "\n" for _ in range(num)))
    told = f"--backend openai-chat --endpoint /v1/chat/completions --base-url {url} "
    told += f"--model {MODEL} --tokenizer {model} --temperature 0 --disable-tqdm "
    told += f"--dataset-name custom --dataset-path {asked} --skip-chat-template "
    told += f"--output-len {num_tokens} --num-prompts {num} --max-concurrency {num_at_once} "
    told += f"--num-warmups {min(num_at_once, 8)} --save-detailed"
    parser = FlexibleArgumentParser()
    serve.add_cli_args(parser)
    with contextlib.redirect_stdout(io.StringIO()):
        found = serve.main(parser.parse_args(told.split()))
    errors = [error for error in found["errors"] if error]
    done = [
        (first, first + sum(later))
        for first, later, error in zip(found["ttfts"], found["itls"], found["errors"], strict=True)
        if not error
    ]
    return Level(
        num_failed=len(errors),
        seconds=found["duration"],
        num_tokens=found["total_output_tokens"],
        latencies=[whole for _, whole in done],
        first_tokens=[first for first, _ in done],
        errors=Counter(error.strip().splitlines()[-1][:100] for error in errors),
    )


@dataclass
class Asked:
    """What came of requests: statuses (0: no whole reply), and the seconds of those answered."""

    statuses: Counter[int] = field(default_factory=Counter)
    seconds: list[float] = field(default_factory=list)
    without_retry_after: int = 0
    tries: int = 0


def _body(chance: random.Random, **more: Any) -> dict[str, Any]:
    turns = [{"role": "user", "content": prompt(chance)}]
    usual = {"model": MODEL, "messages": turns, "max_tokens": 32, "temperature": 0}
    return usual | more


def _session(url: str) -> aiohttp.ClientSession:
    timeout = aiohttp.ClientTimeout(total=TIMEOUT_S)
    return aiohttp.ClientSession(url, connector=aiohttp.TCPConnector(limit=0), timeout=timeout)


async def _ask(session: aiohttp.ClientSession, body: dict[str, Any]) -> tuple[int, float | None]:
    """The status, 0 where the reply was not whole; and what `Retry-After` says."""
    try:
        async with session.post("/v1/chat/completions", json=body) as reply:
            text = await reply.text()
            wait = reply.headers.get("Retry-After")
            told = "data: [DONE]" in text if body.get("stream") else bool(json.loads(text))
            return (reply.status if told or reply.status != 200 else 0), wait and float(wait)
    except (aiohttp.ClientError, TimeoutError, ValueError):
        return 0, None


async def beyond(url: str, num: int) -> tuple[Asked, float]:
    """`num` requests at the same moment, and the seconds from the last answer until a request is
    answered again.
    """
    found, chance = Asked(), random.Random(1)
    async with _session(url) as session:

        async def one(body: dict[str, Any]) -> None:
            began = time.perf_counter()
            status, wait = await _ask(session, body)
            found.statuses[status] += 1
            if status == 200:
                found.seconds.append(time.perf_counter() - began)
            found.without_retry_after += status == 429 and not wait

        await asyncio.gather(*(one(_body(chance, stream=n % 2 == 0)) for n in range(num)))
        ended = time.perf_counter()
        while (await _ask(session, _body(chance, max_tokens=1)))[0] != 200:
            await asyncio.sleep(0.05)
        return found, time.perf_counter() - ended


async def until_answered(url: str, num: int) -> Asked:
    """`num` callers at the same moment, each of whom comes again when told to, until answered."""
    found = Asked()
    async with _session(url) as session:

        async def one(seed: int) -> None:
            chance = random.Random(seed)
            body, began, tries = _body(chance), time.perf_counter(), 1
            while (asked := await _ask(session, body))[0] == 429:
                found.statuses[429] += 1
                tries += 1
                await asyncio.sleep((asked[1] or 1.0) * chance.uniform(1, 1.5))
            found.statuses[asked[0]] += 1
            found.seconds.append(time.perf_counter() - began)
            found.tries = max(found.tries, tries)

        await asyncio.gather(*(one(seed) for seed in range(num)))
    return found


@dataclass(frozen=True)
class Sample:
    """What is seen now and then: seconds and requests so far, resident MB by process."""

    seconds: float
    num_requests: int
    resident_mb: dict[str, float]


async def soak(
    url: str,
    seconds: float,
    per_s: float,
    every_s: float,
    resident_mb: Callable[[], dict[str, float]],
) -> tuple[list[Sample], Counter[str]]:
    """Mixed requests at a steady rate: whole and streamed chats, of the base and of an adapter,
    streams that the caller leaves, requests that are refused.
    """
    came: Counter[str] = Counter()
    samples: list[Sample] = []
    chance = random.Random(0)
    began = time.monotonic()
    async with _session(url) as session:
        running: set[asyncio.Task[None]] = set()
        sampled_s, num = 0.0, 0
        while (now := time.monotonic() - began) < seconds:
            if now >= sampled_s:
                samples.append(Sample(now, sum(came.values()), resident_mb()))
                sampled_s += every_s
            if now >= num / per_s and len(running) < 64:
                task = asyncio.create_task(_mixed(session, num, chance, came))
                running.add(task)
                task.add_done_callback(running.discard)
                num += 1
            await asyncio.sleep(max(0.005, num / per_s - (time.monotonic() - began)))
        if running:
            await asyncio.wait(running)
        samples.append(Sample(time.monotonic() - began, sum(came.values()), resident_mb()))
    return samples, came


async def _mixed(
    session: aiohttp.ClientSession, number: int, chance: random.Random, came: Counter[str]
) -> None:
    kind = number % 10
    more: dict[str, Any] = {"stream": kind in (1, 3, 5)}
    if kind in (2, 3, 4):
        more["model"] = f"{MODEL}:{ADAPTER}"
    if kind == 9:
        more["max_tokens"] = -1
    if kind in (6, 7):
        came[await _left(session, _body(chance, stream=True, max_tokens=512))] += 1
        return
    status, _ = await _ask(session, _body(chance, **more))
    came[str(status)] += 1


async def _left(session: aiohttp.ClientSession, body: dict[str, Any]) -> str:
    """A stream whose caller leaves at its first event."""
    try:
        async with session.post("/v1/chat/completions", json=body) as reply:
            await reply.content.readline()
            reply.close()
            return f"{reply.status}, left" if reply.status == 200 else str(reply.status)
    except (aiohttp.ClientError, TimeoutError):
        return "0"
