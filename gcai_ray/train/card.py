"""A constitution and how a model was tuned to it → `training.json` and the model card (README.md in
Hugging Face's format). Knows no trainer.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import yaml

from gcai_ray.schemas import ChosenPrinciple, Constitution
from gcai_ray.train.metrics import our_name
from gcai_ray.train.rows import Rows
from gcai_ray.train.run import Phase
from gcai_ray.training_config import TuneConfig

NAMES = {"sft": "supervised fine-tuning on revisions", "dpo": "direct preference optimisation"}


@dataclass(frozen=True)
class Tuned:
    """All that is known of a finished tuning. `inputs`: fingerprints of what it was made from."""

    constitution: Constitution
    tune: TuneConfig
    base_name: str
    rows: Rows
    phases: Sequence[Phase]
    seed: int
    inputs: Mapping[str, str]
    versions: Mapping[str, str]


def training_facts(tuned: Tuned) -> dict[str, Any]:
    """What `training.json` says."""
    return {
        "base_model": tuned.base_name,
        "inputs": dict(tuned.inputs),
        "settings": tuned.tune.model_dump(mode="json", exclude={"model", "model_id"}),
        "seed": tuned.seed,
        "num_pairs": tuned.rows.num_pairs,
        "num_rejects": len(tuned.rows.rejects),
        "rows": {
            "-".join(key): {"num_rows": file.num_rows, "num_tokens": file.num_tokens}
            for key, file in sorted(tuned.rows.files.items())
        },
        "training_rows_per_principle": tuned.rows.principle_counts,
        "phases": {phase.objective: phase_facts(phase) for phase in tuned.phases},
        "versions": dict(tuned.versions),
    }


def phase_facts(phase: Phase) -> dict[str, Any]:
    """One objective in figures: first, last and best of each."""
    told = {
        "loss": ("first", "last"),
        "eval_loss": ("first", "last", "lowest"),
        "eval_rewards/accuracies": ("first", "last"),
        "eval_rewards/margins": ("first", "last"),
    }
    facts: dict[str, Any] = {
        "num_updates": phase.num_updates,
        "checkpoint": phase.checkpoint[-1],
        "hours": round(phase.seconds / 3600, 4),
        # After which update each start began: the first after none, others after a crash.
        "starts": [e["started_after"] for e in phase.history if "started_after" in e],
    }
    for name, which in told.items():
        values = [entry[name] for entry in phase.history if name in entry]
        if values:
            found = {"first": values[0], "last": values[-1], "lowest": min(values)}
            facts[our_name(name) or name] = {key: found[key] for key in which}
    return facts


def training_json(tuned: Tuned) -> bytes:
    """`training.json`."""
    return (json.dumps(training_facts(tuned), indent=2, ensure_ascii=False) + "\n").encode()


def model_card(tuned: Tuned) -> bytes:
    """`README.md`: which constitution, whose annotations, how trained, what limits."""
    head: dict[str, Any] = {
        "base_model": tuned.base_name,
        "library_name": "peft" if tuned.tune.method == "lora" else "transformers",
        "pipeline_tag": "text-generation",
        "tags": ["constitutional-ai", "gcai", *(["lora"] if tuned.tune.method == "lora" else [])],
    }
    parts = [
        f"---\n{yaml.safe_dump(head, sort_keys=False, allow_unicode=True)}---",
        f"# {_line(tuned.base_name)}, tuned to “{_line(tuned.constitution.title)}”",
        _whose(tuned.constitution),
        "## Constitution\n\n" + _principles(tuned),
        "## Training\n\n" + _training(tuned),
        "## Limits\n\n" + _limits(tuned),
        "## Use\n\n" + _use(tuned),
    ]
    return ("\n\n".join(parts) + "\n").encode()


def _whose(of: Constitution) -> str:
    status = (
        "People ratified it on ballots."
        if of.status == "ratified"
        else "It is a candidate: no people have ratified it."
    )
    by = "rules over people's own reasons" if of.model is None else f"the model {_line(of.model)}"
    return (
        f"The constitution was made from {of.num_preferences:,} preferences ({of.num_reasons:,} "
        f"with a reason) and {of.num_statements:,} statements of {of.num_people:,} people, by {by} "
        f"(mode `{of.mode}`). {status} `constitution.json` beside this file holds every principle "
        "with the verbatim words it rests on."
    )


def _principles(tuned: Tuned) -> str:
    counts = tuned.rows.principle_counts
    head = "| principle | people | training rows |\n|---|---:|---:|"
    rows = [_principle(one, counts.get(one.id, 0)) for one in tuned.constitution.principles]
    return "\n".join([head, *rows])


def _principle(one: ChosenPrinciple, num_rows: int) -> str:
    support = one.support
    text = _line(one.text).replace("|", "\\|")
    return f"| {text} | {support.num_people:,} of {support.num_people_total:,} | {num_rows:,} |"


def _training(tuned: Tuned) -> str:
    how = (
        f"A LoRA adapter of rank {tuned.tune.lora.rank}"
        if tuned.tune.method == "lora"
        else "All weights"
    )
    lines = [
        f"{how}, in {tuned.tune.dtype}, on pairs that a model wrote: its answers, criticised "
        "and revised by the principles (Constitutional AI, arXiv 2212.08073)."
    ]
    for phase in tuned.phases:
        facts = phase_facts(phase)
        said = [f"{facts['num_updates']:,} updates"]
        for name in ("loss", "eval_loss", "eval_reward_accuracy", "eval_reward_margin"):
            if name in facts:
                found = facts[name]
                label = name.replace("eval_", "held-out ").replace("_", " ")
                said.append(f"{label} {found['first']:.3f} → {found['last']:.3f}")
        lines.append(f"- {NAMES[phase.objective]}: {', '.join(said)}")
    return "\n".join(lines)


def _limits(tuned: Tuned) -> str:
    return (
        "- The principles are those of the people above; groups that were not asked are not in "
        "them. `constitution.json` lists groups whose wishes fell out.\n"
        "- What was learnt are a model's own revisions, not people's words: it can have misread a "
        "principle. Loss and reward margin say that it learnt the pairs, not that it follows the "
        "constitution.\n"
        f"- Rows of more than {tuned.tune.max_length:,} tokens were left out."
    )


def _use(tuned: Tuned) -> str:
    name = tuned.base_name
    if tuned.tune.method == "full":
        return '```python\nAutoModelForCausalLM.from_pretrained("path/of/this/folder")\n```'
    return (
        "```python\nfrom peft import PeftModel\nfrom transformers import AutoModelForCausalLM\n\n"
        f"base = AutoModelForCausalLM.from_pretrained({name!r})\n"
        'model = PeftModel.from_pretrained(base, "path/of/this/folder")\n```\n\n'
        f"```\nvllm serve {name} --enable-lora --max-lora-rank {tuned.tune.lora.rank} "
        "--lora-modules tuned=path/of/this/folder\n```"
    )


def _line(text: str) -> str:
    """A text on one line, that closes no block of the card."""
    return " ".join(text.split()).replace("`", "'")
