"""Contextual extraction questions → tokens/s of our vllm engine beside raw `vllm.LLM.generate`.

Run: .venv/bin/python -m tests.benchmarks.bench_vllm [--device gpu --shape 7b] [--questions 2400]

Both answer the same prompts with the same sampling, reply schemas and engine settings. Raw: one
process, all prompts handed over at once, rendered beforehand. Ours: Ray Data, tokenizer, checks and
recorded replies included. Starting is left out of both: raw answers the first tenth before the
clock starts; ours is timed from the part of the store that completes the first tenth to the last
one. Weights are random (`load_format=dummy` from 7b on): speed does not depend on them.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import subprocess
import sys
import tempfile
import time
from functools import partial
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from gcai_ray.engine_config import VllmEngine
from gcai_ray.prompts.extract_contextual import question
from gcai_ray.schemas import Request, arrow_schema
from tests.benchmarks.measure import print_table

SAMPLE = Path(__file__).parents[2] / "gcai_ray" / "sample" / "preferences.csv"
SEVEN_B = {
    "hidden_size": 4096,
    "intermediate_size": 14336,
    "num_hidden_layers": 32,
    "num_attention_heads": 32,
    "num_key_value_heads": 8,
    "head_dim": 128,
    "vocab_size": 32768,
}
SHAPES = {"tiny": {}, "7b": SEVEN_B}
CPU_ARGS = {"dtype": "bfloat16", "max_num_seqs": 128, "max_num_batched_tokens": 4096}
CHOICES = {"Answer 1": "a", "Answer 2": "b"}
WARM_SHARE = 0.1
RAW = "--raw"


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--device", choices=("cpu", "gpu"), default="cpu")
    parser.add_argument("--shape", choices=tuple(SHAPES), default="tiny")
    parser.add_argument("--questions", type=int, default=2400)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        engine = _engine(_model(folder / "model", options.shape), options)
        rows = [_request(number, row) for number, row in _sample(options.questions)]
        pq.write_table(pa.Table.from_pylist(rows, schema=_columns()), folder / "requests.parquet")
        (folder / "engine.json").write_text(engine.model_dump_json())
        raw = _raw_in_a_process_of_its_own(folder)
        ours = _ours(folder, engine)
    title = f"{options.shape} model on {options.device}, {len(rows):,} questions"
    _print(title, raw, ours)


def _model(directory: Path, shape: str) -> Path:
    from tests.tiny_model import write_tiny_model, write_tokenizer_and_config

    if shape == "tiny":
        return write_tiny_model(directory)
    write_tokenizer_and_config(directory, SHAPES[shape])
    return directory


def _engine(model: Path, options: argparse.Namespace) -> VllmEngine:
    args: dict[str, Any] = CPU_ARGS if options.device == "cpu" else {"dtype": "bfloat16"}
    if options.shape != "tiny":
        args = args | {"load_format": "dummy"}
    settings = {"device": options.device, "context_tokens": 4096, "engine_args": args}
    return VllmEngine.model_validate({"name": "vllm", "model": str(model)} | settings)


def _sample(num_rows: int) -> list[tuple[int, dict[str, Any]]]:
    with SAMPLE.open(newline="", encoding="utf-8") as file:
        found = [
            row for row in csv.DictReader(file) if row["reason"] and row["preferred"] in CHOICES
        ]
    return [(number, found[number % len(found)]) for number in range(num_rows)]


def _request(number: int, row: dict[str, Any]) -> dict[str, Any]:
    key = f"{number:032x}"
    preference = {
        "id": key,
        "prompt": f"{row['prompt']} ({number})",
        "response_a": row["answer_1"],
        "response_b": row["answer_2"],
        "preferred": CHOICES[row["preferred"]],
        "sentences": [{"text": text} for text in row["reason"].split(". ")],
    }
    asked = question(preference, seed=0)
    return {
        "id": key,
        "stage": "extract",
        "prompt": "extract_contextual",
        "source_id": key,
        "part": 0,
        "model": "bench",
        "messages": list(asked.messages),
        "reply_schema": json.dumps(asked.reply_schema),
        "sampling": {"temperature": 0.3, "top_p": 1.0, "max_tokens": asked.max_tokens, "seed": 0},
        "num_prompt_tokens": 0,
        "attempt": 1,
    }


def _columns() -> pa.Schema:
    return arrow_schema(Request).append(pa.field("attempt", pa.int64(), nullable=False))


def _raw_in_a_process_of_its_own(folder: Path) -> dict[str, float]:
    command = [sys.executable, "-m", "tests.benchmarks.bench_vllm", RAW, str(folder)]
    # In one process, as vLLM is fastest on few cores.
    environment = os.environ | {
        "VLLM_CPU_KVCACHE_SPACE": "1",
        "VLLM_CPU_OMP_THREADS_BIND": "nobind",
        "VLLM_ENABLE_V1_MULTIPROCESSING": "0",
        "VLLM_NO_USAGE_STATS": "1",
        "HF_HUB_OFFLINE": "1",
        "OMP_NUM_THREADS": os.environ.get("OMP_NUM_THREADS", str(os.cpu_count())),
    }
    done = subprocess.run(command, check=True, env=environment, stdout=subprocess.PIPE, text=True)
    return json.loads(done.stdout.splitlines()[-1])


def _raw(folder: Path) -> None:
    """What the child process does: print one line of JSON."""
    from vllm import LLM, SamplingParams
    from vllm.sampling_params import StructuredOutputsParams

    from gcai_ray.engines.vllm import _engine_args

    engine = VllmEngine.model_validate_json((folder / "engine.json").read_text())
    rows = pq.read_table(folder / "requests.parquet").to_pylist()
    llm = LLM(model=engine.model, **_engine_args(engine))
    tokenizer = llm.get_tokenizer()
    prompts, params = [], []
    for row in rows:
        chat = row["messages"]
        prompts.append(
            tokenizer.apply_chat_template(chat, tokenize=False, add_generation_prompt=True)
        )
        schema = StructuredOutputsParams(json=row["reply_schema"])
        params.append(SamplingParams(**row["sampling"], structured_outputs=schema))
    num_warm = int(WARM_SHARE * len(rows))
    llm.generate(prompts[:num_warm], params[:num_warm], use_tqdm=False)
    began = time.perf_counter()
    outputs = llm.generate(prompts[num_warm:], params[num_warm:], use_tqdm=False)
    seconds = time.perf_counter() - began
    sums = {
        "prompt": sum(len(output.prompt_token_ids or ()) for output in outputs),
        "cached": sum(output.num_cached_tokens or 0 for output in outputs),
        "completion": sum(len(output.outputs[0].token_ids) for output in outputs),
    }
    print(json.dumps(sums | {"seconds": seconds, "questions": len(outputs)}))


def _ours(folder: Path, engine: VllmEngine) -> dict[str, float]:
    import ray.data

    from gcai_ray.asking.recorder import start_recorder
    from gcai_ray.config import RayConfig
    from gcai_ray.engines.vllm import answers
    from gcai_ray.ray_session import connect

    connect(RayConfig(num_cpus=os.cpu_count() or 2, object_store_memory_gb=0.5))
    replies = folder / "replies"
    replies.mkdir()
    recorder = start_recorder(partial(_keep, replies))
    table = pq.read_table(folder / "requests.parquet")
    began = time.perf_counter()
    outcomes = answers(ray.data.from_arrow(table), engine, recorder)
    num_parsed = sum(sum(batch["parsed"]) for batch in outcomes.iter_batches(batch_size=None))
    recorder.flush()
    elapsed = time.perf_counter() - began
    ray.shutdown()
    if num_parsed == 0:
        raise SystemExit("no reply could be parsed")
    return _steady(replies, table.num_rows) | {"with_start": elapsed}


def _keep(folder: Path, replies: pa.Table) -> None:
    pq.write_table(replies, folder / f"{time.time():.6f}.parquet")


def _steady(folder: Path, num_questions: int) -> dict[str, float]:
    """Tokens and seconds after the part that completes the first tenth."""
    parts = sorted(folder.iterdir(), key=lambda path: float(path.stem))
    tables = [pq.read_table(path) for path in parts]
    first, num_rows = 0, tables[0].num_rows
    while num_rows < WARM_SHARE * num_questions:
        first += 1
        num_rows += tables[first].num_rows
    steady = pa.concat_tables(tables[first + 1 :])
    sums = {
        name: float(sum(steady[f"num_{name}_tokens"].to_pylist()))
        for name in ("prompt", "cached", "completion")
    }
    seconds = float(parts[-1].stem) - float(parts[first].stem)
    return sums | {"seconds": seconds, "questions": steady.num_rows}


def _print(title: str, raw: dict[str, float], ours: dict[str, float]) -> None:
    head = ["", "questions", "seconds", "completion tok/s", "all tok/s", "prefix cache hits"]
    rows = []
    for name, figures in (("vllm.LLM.generate", raw), ("gcai_ray", ours)):
        rate = figures["completion"] / figures["seconds"]
        both = (figures["completion"] + figures["prompt"]) / figures["seconds"]
        rows.append(
            [
                name,
                f"{figures['questions']:,.0f}",
                f"{figures['seconds']:.1f}",
                f"{rate:,.0f}",
                f"{both:,.0f}",
                f"{figures['cached'] / figures['prompt']:.1%}",
            ]
        )
    print_table(title, head, rows)
    ratio = (ours["completion"] / ours["seconds"]) / (raw["completion"] / raw["seconds"])
    print(f"ratio {ratio:.2f}; ours with start and end {ours['with_start']:.1f} s")


if __name__ == "__main__":
    if RAW in sys.argv:
        _raw(Path(sys.argv[-1]))
    else:
        main()
