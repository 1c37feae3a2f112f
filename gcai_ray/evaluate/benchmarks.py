"""Names of tasks and served models → figures of lm-evaluation-harness (`lm-eval`), offline.

One process of the harness per model and task, without a network: a task whose data do not lie in
the cache of Hugging Face, or that a chat endpoint cannot answer, ends that process alone, and its
row says why. No figure is ever made up. Knows no stage.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from gcai_ray.assess_config import BASE, AssessConfig
from gcai_ray.engine_config import OpenAIEngine
from gcai_ray.evaluate.figures import Place, figure, not_measured
from gcai_ray.evaluate.measures import Baseline
from gcai_ray.schemas import Benchmark, Figure
from gcai_ray.statistics import DIGITS, wilson

FAMILY = "benchmarks"
NOT_INSTALLED = "lm-eval is not installed: run `pip install 'gcai-ray[benchmarks]'`"
NO_DATA = "its data are not in the offline cache of Hugging Face"
NO_LIKELIHOOD = "it compares likelihoods of given answers, which a chat endpoint does not tell"
NO_TASK = "lm-eval knows no such task"
OFFLINE = {"HF_DATASETS_OFFLINE": "1", "HF_HUB_OFFLINE": "1", "TRANSFORMERS_OFFLINE": "1"}
# What the harness says → what it means.
_FAULTS = (
    (re.compile(r"Loglikelihood|loglikelihood", re.IGNORECASE), NO_LIKELIHOOD),
    (re.compile(r"[Tt]asks? (?:were|was)? ?not found|No tasks? found|unknown task", re.I), NO_TASK),
    (re.compile(r"offline|couldn't find|Couldn't reach|LocalEntryNotFound", re.I), NO_DATA),
)
NORMAL = 1.96
_WHOLE = 1e-6  # of a row, that a count may be off by rounding


def benchmarks(
    assess: AssessConfig, url: str, engines: Mapping[str, OpenAIEngine]
) -> Iterator[Benchmark]:
    """Every figure of every task for every model; a row without a value where there is none.

    Args:
        assess: which tasks, and how many rows of each.
        url: base URL of the application that serves the models.
        engines: name of a model → how it is asked.
    """
    for task in assess.lm_eval:
        for name, engine in engines.items():
            if find_spec("lm_eval") is None:
                yield _missing(task, name, NOT_INSTALLED)
            else:
                yield from _measured(assess, task, name, (url, engine))


def _measured(
    assess: AssessConfig, task: str, name: str, served: tuple[str, OpenAIEngine]
) -> Iterator[Benchmark]:
    with tempfile.TemporaryDirectory() as folder:
        command = [*_command(assess, task, served), "--output_path", folder]
        env = os.environ | OFFLINE | {"OPENAI_API_KEY": _key(served[1])}
        done = subprocess.run(
            command, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        results = sorted(Path(folder).rglob("results_*.json"))
        if done.returncode or not results:
            yield _missing(task, name, fault_of(done.stdout))
            return
        yield from rows_of(json.loads(results[-1].read_text(encoding="utf-8")), task, name)


def _command(assess: AssessConfig, task: str, served: tuple[str, OpenAIEngine]) -> list[str]:
    url, engine = served
    arguments = {
        "base_url": f"{url.rstrip('/')}/chat/completions",
        "model": engine.model,
        "num_concurrent": min(engine.concurrency, 16),
        "tokenizer_backend": "None",
        "max_retries": 2,
        "timeout": int(engine.timeout_s),
    }
    told = [f"{key}={value}" for key, value in arguments.items()]
    limit = ["--limit", str(assess.lm_eval_limit)] if assess.lm_eval_limit else []
    own = ["--include_path", assess.lm_eval_tasks_dir] if assess.lm_eval_tasks_dir else []
    head = [sys.executable, "-m", "lm_eval", "run", "--model", "local-chat-completions"]
    asked = ["--model_args", ",".join(told), "--tasks", task, "--apply_chat_template"]
    return [*head, *asked, *limit, *own]


def _key(engine: OpenAIEngine) -> str:
    """The harness refuses to ask without one, also where none is needed."""
    return os.environ.get(engine.api_key_env, "").strip() or "none"


def rows_of(results: Mapping[str, Any], task: str, model: str) -> Iterator[Benchmark]:
    """The figures in a file of results: `acc,none` with `acc_stderr,none` and the like."""
    rows = results.get("n-samples", {}).get(task, {}).get("effective")
    version = results.get("versions", {}).get(task, "unknown")
    found = results.get("results", {}).get(task, {})
    for key in sorted(found):
        metric, _, how = key.partition(",")
        if not how or metric.endswith("_stderr") or not isinstance(found[key], int | float):
            continue
        error = found.get(f"{metric}_stderr,{how}")
        yield Benchmark(
            task=task,
            model=model,
            metric=metric if how == "none" else f"{metric} ({how})",
            value=float(found[key]),
            stderr=float(error) if isinstance(error, int | float) else None,
            num_rows=rows,
            note=f"by lm-eval, version {version} of the task",
        )


def fault_of(output: str) -> str:
    """Why the harness gave no figure, from what it printed."""
    for pattern, meaning in _FAULTS:
        if pattern.search(output):
            return meaning
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    return f"lm-eval ended without a result: {lines[-1][:200] if lines else 'it said nothing'}"


def _missing(task: str, model: str, why: str) -> Benchmark:
    return Benchmark(
        task=task, model=model, metric="", value=None, stderr=None, num_rows=None, note=why
    )


def figures_of(rows: Sequence[Mapping[str, Any]]) -> Iterator[Figure]:
    """Rows of `benchmarks` → rows of `assessment`, each model beside the base. Intervals are over
    rows of the task: Wilson's of a share of rows, else normal ones from the harness's standard
    error. That of the difference takes the two for independent: it is wider than a paired one.
    """
    base = {(row["task"], row["metric"]): row for row in rows if row["model"] == BASE}
    for row in rows:
        place = Place(FAMILY, row["metric"], row["model"], None, "task", row["task"])
        if row["value"] is None:
            yield not_measured(place, row["note"])
            continue
        told = f"{row['note']}; {row['num_rows']} rows" if row["num_rows"] else row["note"]
        beside = base.get((row["task"], row["metric"]))
        found = _figure(row)
        if row["model"] == BASE or beside is None or beside["value"] is None:
            yield figure(place, found, row["num_rows"], told)
        else:
            yield figure(place, found, row["num_rows"], told, _beside(row, beside))


def _figure(row: Mapping[str, Any]) -> tuple[float, float | None, float | None]:
    """A share of rows has Wilson's interval: 0 of 10 rows is no certainty."""
    value, num = row["value"], row["num_rows"]
    hits = value * num if num else -1.0
    if 0 <= value <= 1 and num and abs(hits - round(hits)) < _WHOLE:
        return wilson(round(hits), num)
    return _ends(value, row["stderr"])


def _ends(value: float, stderr: float | None) -> tuple[float, float | None, float | None]:
    if stderr is None:
        return value, None, None
    reach = NORMAL * stderr
    return round(value, DIGITS), round(value - reach, DIGITS), round(value + reach, DIGITS)


def _beside(row: Mapping[str, Any], base: Mapping[str, Any]) -> Baseline:
    errors = row["stderr"], base["stderr"]
    both = None if None in errors else (errors[0] ** 2 + errors[1] ** 2) ** 0.5 or None
    if both is None:
        return Baseline(BASE, *_figure(base))
    value, reach = row["value"] - base["value"], NORMAL * both
    ends = (round(value, DIGITS), round(value - reach, DIGITS), round(value + reach, DIGITS))
    return Baseline(BASE, *_figure(base), ends)


def tasks_digest(folder: str) -> str:
    """Hash of all files of tasks of one's own: names and content, never the path."""
    digest = hashlib.blake2b(digest_size=16)
    for path in sorted(Path(folder).rglob("*")):
        if path.is_file():
            digest.update(f"{path.relative_to(folder)}\0".encode() + path.read_bytes())
    return digest.hexdigest()
