"""`requests.parquet` of a folder → answers thrown away, by nothing but an aiohttp session.

What the slots allow on this machine: bodies are made before the clock starts, answers are parsed,
nothing is checked or kept. Run by the benchmarks in a process of its own:
bare_loop.py FOLDER BASE_URL CONCURRENCY; the last line it prints is JSON.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import aiohttp
import orjson
import pyarrow as pa
import pyarrow.parquet as pq

from gcai_ray.engine_config import OpenAIEngine
from gcai_ray.engines.openai.question import body, read_questions


def main(folder: str, base_url: str, concurrency: str) -> None:
    """Ask everything once."""
    table = pq.read_table(Path(folder) / "requests.parquet")
    table = table.append_column("attempt", pa.array([1] * table.num_rows, pa.int64()))
    engine = OpenAIEngine(name="openai", model="scripted", base_url=base_url)
    bodies = [body(engine, question, 1, "json_schema") for question in read_questions(table)]
    began = time.perf_counter()
    asyncio.run(_loop(f"{base_url}/chat/completions", bodies, int(concurrency)))
    print(json.dumps({"ask_s": time.perf_counter() - began}), flush=True)


async def _loop(url: str, bodies: list[bytes], concurrency: int) -> None:
    waiting = iter(bodies)
    connector = aiohttp.TCPConnector(limit=0)
    headers = {"Content-Type": "application/json"}
    async with aiohttp.ClientSession(connector=connector, headers=headers) as session:
        await asyncio.gather(*(_slot(session, url, waiting) for _ in range(concurrency)))


async def _slot(session: aiohttp.ClientSession, url: str, waiting: Iterator[bytes]) -> None:
    for data in waiting:
        async with session.post(url, data=data) as response:
            orjson.loads(await response.read())


if __name__ == "__main__":
    main(*sys.argv[1:])
