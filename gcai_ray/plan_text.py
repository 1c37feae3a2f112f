"""What the questions of a run will come to → text for a terminal, or JSON."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from gcai_ray.config import Config
from gcai_ray.planning import StagePlan, cost, gpu_hours


def plan_text(config: Config, planned: Sequence[StagePlan], as_json: bool) -> str:
    """A table of the stages, their sum, and what was guessed."""
    facts = [_facts(config, stage) for stage in planned]
    if as_json:
        return json.dumps({"stages": facts, "total": _total(facts)}, indent=2)
    head = ("stage", "questions", "answered", "prompt tokens", "reply tokens", "price", "hours")
    rows = [_row(fact) for fact in facts] + [_row({"stage": "total"} | _total(facts))]
    widths = [max(len(row[i]) for row in (head, *rows)) for i in range(len(head))]
    lines = [
        "  ".join(
            cell.ljust(width) if i == 0 else cell.rjust(width)
            for i, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in (head, *rows)
    ]
    return "\n".join([*lines, "", *_notes(config, planned)])


def _facts(config: Config, stage: StagePlan) -> dict[str, Any]:
    return {
        "stage": stage.stage,
        "num_questions": stage.num_questions,
        "num_answered": stage.num_answered,
        "num_prompt_tokens": stage.num_prompt_tokens,
        "num_completion_tokens": stage.num_completion_tokens,
        "is_estimate": stage.is_estimate,
        "is_done": stage.is_done,
        "dollars": cost(config, stage),
        "hours": gpu_hours(config, stage),
    }


def _total(facts: Sequence[dict[str, Any]]) -> dict[str, Any]:
    names = (
        "num_questions",
        "num_answered",
        "num_prompt_tokens",
        "num_completion_tokens",
        "dollars",
        "hours",
    )
    known = {name: [fact[name] for fact in facts] for name in names}
    return {name: None if None in found else sum(found) for name, found in known.items()}


def _row(fact: dict[str, Any]) -> tuple[str, ...]:
    sign = "~" if fact.get("is_estimate") else ""
    return (
        fact["stage"] + (" (done)" if fact.get("is_done") else ""),
        f"{sign}{fact['num_questions']:,}",
        f"{fact['num_answered']:,}",
        f"{sign}{fact['num_prompt_tokens']:,}",
        f"~{fact['num_completion_tokens']:,}",
        "" if fact["dollars"] is None else f"${fact['dollars']:,.2f}",
        "" if fact["hours"] is None else f"{fact['hours']:,.2f}",
    )


def _notes(config: Config, planned: Sequence[StagePlan]) -> list[str]:
    notes = ["Tokens, price and hours are those of the questions still to be asked, once each."]
    if any(stage.is_estimate for stage in planned):
        notes.append("~: estimated; plan again when the stages before it have run.")
    if any(stage.is_served for stage in planned):
        notes.append("answer: asked of the tuned models themselves, without price and hours here.")
    if cost(config, planned[0]) is None:
        notes.append("No price: set engine.price (dollars per million tokens).")
    if config.engine.name == "vllm" and gpu_hours(config, planned[0]) is None:
        notes.append("No hours: set engine.tokens_per_s, as a run's `seconds` and tokens give it.")
    return notes
