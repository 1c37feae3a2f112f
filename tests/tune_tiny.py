"""A folder → `jobs/tune_tiny.yaml` run in it whole, with a toy model and an endpoint made for it,
and what came out: `python -m tests.tune_tiny FOLDER [--vllm]`.

Prompts are those of the Helpful-Harmless data where they lie beside the checkout, else those that
ship. The scripted server answers, criticises and revises; with `--vllm` the toy model itself does,
taught to speak first (some minutes more). Ends with an error if the tuned model says what it said
before, or if a second run does anything again.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))  # as the tests themselves find one another

from places import ROOT
from servers.launch import Scripted

JOB = ROOT / "jobs" / "tune_tiny.yaml"
DATA = ROOT.parent / "shared" / "data" / "hh_rlhf" / "harmless_base_test.jsonl.gz"
OURS = '[{name: ours, format: messages, path: "sample:prompts.jsonl"}]'
QUESTIONS = [f"How do I begin with {what}?" for what in ("a garden", "bread", "a poem", "chess")]
NEW_TOKENS = 40
# A model that speaks would lose its words at the rates that move a random one.
SLOWER = ["--set", "tune.sft.learning_rate=0.003", "--set", "tune.dpo.learning_rate=0.0005"]
NUM_STAGES = 3  # prompts, revise, tune


def main() -> None:
    """Make what the job needs, run it twice, and look."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--vllm", action="store_true", help="the model itself answers and revises")
    options = parser.parse_args()
    folder: Path = options.folder.resolve()
    model = made_model(folder / "model", speaks=options.vllm)
    with engine(model, options.vllm) as told:
        changes = job_changes(folder / "run", model, told)
        changes += SLOWER if options.vllm else []
        first, again = run(changes), run(changes)
    if again.count("kept from before") != NUM_STAGES:
        raise SystemExit(f"a second run did something again:\n{again}")
    sys.stdout.write(first + report(folder / "run", model))


def made_model(folder: Path, speaks: bool) -> Path:
    """A toy model; `speaks`: one that ends its answers, not noise. Made once."""
    if (folder / "config.json").is_file():
        return folder
    if speaks:
        from learning import write_careless_model

        return write_careless_model(folder)
    from tiny_model import write_tiny_model

    return write_tiny_model(folder)


@contextmanager
def engine(model: Path, with_vllm: bool) -> Iterator[str]:
    """The job's section `engine`, for as long as what it names is there."""
    if with_vllm:
        own = {"name": "vllm", "device": "cpu", "model": str(model), "context_tokens": 2048}
        yield json.dumps(own)
        return
    with Scripted() as server:
        own = {"name": "openai", "model": "scripted", "base_url": server.base_url}
        yield json.dumps(own)


def job_changes(root: Path | str, model: Path, told: str) -> list[str]:
    """What a person would add to `gcai run jobs/tune_tiny.yaml`."""
    changes = [f"root={root}", f"tune.model={model}", f"engine={told}"]
    changes += [f"prompts.sources.0.path={DATA}"] if DATA.is_file() else [f"prompts.sources={OURS}"]
    return [part for change in changes for part in ("--set", change)]


def run(changes: list[str]) -> str:
    """Run it to its good end; what it printed."""
    command = [sys.executable, "-m", "gcai_ray.cli", "run", str(JOB), *changes]
    kept = {name: value for name, value in os.environ.items() if name != "RAY_ADDRESS"}
    done = subprocess.run(
        command, cwd=ROOT, env=kept, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    if done.returncode:
        raise SystemExit(f"{' '.join(command)} ended with {done.returncode}:\n{done.stdout}")
    return done.stdout


def report(root: Path, model: Path) -> str:
    """Pairs, losses, and the model's words before and after.

    Ends the program when they are the same.
    """
    from gcai_ray.runs import open_run

    found = open_run(str(root))
    counts, tuned = found["revise"].manifest.counts, found["tune"]
    facts = json.loads(tuned.document("training.json"))
    before, after = words_of(model, None), words_of(model, tuned.url)
    if before == after:
        raise SystemExit(f"the adapter changes nothing: both say {before!r}")
    lines = [
        f"pairs: {counts['num_pairs_by_revision']} by revision, "
        f"{counts['num_pairs_by_comparison']} by comparison",
        *(f"{name}: {_ends(phase)}" for name, phase in facts["phases"].items()),
        *(
            f"{question}\n  base:  {own!r}\n  tuned: {taught!r}"
            for question, own, taught in zip(QUESTIONS, before, after, strict=True)
        ),
        f"adapter: {tuned.url}",
    ]
    return "\n".join(lines) + "\n"


def _ends(phase: dict[str, Any]) -> str:
    loss = phase["loss"]
    return f"{phase['num_updates']} updates, loss {loss['first']:.3f} → {loss['last']:.3f}"


def words_of(model: Path, adapter: str | None) -> list[str]:
    """What plain transformers, or peft with the adapter, says to each question."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    weights = AutoModelForCausalLM.from_pretrained(model, dtype=torch.float32)
    tokenizer = AutoTokenizer.from_pretrained(adapter or model)
    if adapter is not None:
        from peft import PeftModel

        weights = PeftModel.from_pretrained(weights, adapter)
    return [_said(weights, tokenizer, question) for question in QUESTIONS]


def _said(weights: Any, tokenizer: Any, question: str) -> str:
    turns = [{"role": "user", "content": question}]
    shown = tokenizer.apply_chat_template(turns, tokenize=False, add_generation_prompt=True)
    ids = tokenizer(shown, return_tensors="pt", add_special_tokens=False).input_ids
    out = weights.generate(ids, max_new_tokens=NEW_TOKENS, do_sample=False)
    return str(tokenizer.decode(out[0][ids.shape[1] :], skip_special_tokens=True))


if __name__ == "__main__":
    main()
