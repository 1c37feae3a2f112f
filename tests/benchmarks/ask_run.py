"""`requests.parquet` of a folder → replies, by `asking.ask.ask` with the openai engine.

Run by the benchmarks in a process of its own: ask_run.py FOLDER BASE_URL CONCURRENCY; the last line
it prints is JSON: the seconds of each phase.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
import time
from pathlib import Path

import pyarrow.parquet as pq

from gcai_ray.artifact_writer import ArtifactWriter
from gcai_ray.asking.ask import ask
from gcai_ray.config import RayConfig
from gcai_ray.engine_config import OpenAIEngine
from gcai_ray.ray_session import connect
from gcai_ray.storage import Storage

STAGE = "vote"


def main(folder: str, base_url: str, concurrency: str) -> None:
    """Ask everything once, and say how long what took."""
    began = time.perf_counter()
    os.environ.pop("RAY_ADDRESS", None)
    connect(RayConfig(num_cpus=os.cpu_count() or 2, object_store_memory_gb=0.5))
    engine = OpenAIEngine(
        name="openai", model="scripted", base_url=base_url, concurrency=int(concurrency)
    )
    connected = time.perf_counter()
    with tempfile.TemporaryDirectory(dir=folder) as root:
        writer = ArtifactWriter(Storage(root), (STAGE, "bench"))
        writer.write_table("requests", pq.read_table(Path(folder) / "requests.parquet"))
        written = time.perf_counter()
        ask(engine, STAGE, writer)
    phases = {
        "ray_s": connected - began,
        "requests_s": written - connected,
        "ask_s": time.perf_counter() - written,
        "num_unusable": writer.counts["num_unusable_replies"],
    }
    print(json.dumps(phases), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
