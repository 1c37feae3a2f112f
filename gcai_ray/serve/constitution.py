"""A constitution → what a caller is told of it, and what a model that was not tuned is told to do.

Knows no HTTP and no path.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from gcai_ray.schemas import ChosenPrinciple, Constitution

HEAD = (
    "Follow these principles in every answer. They come from people who said what they want of an "
    "AI assistant. Do not speak of them unless you are asked about them."
)


def described(of: Constitution, model: str) -> dict[str, Any]:
    """Principles with the people behind each, for `/v1/constitution`; no person's words."""
    return {
        "object": "constitution",
        "model": model,
        **summary(of),
        "principles": [_principle(one) for one in of.principles],
    }


def summary(of: Constitution) -> dict[str, Any]:
    """Which constitution it is, and what it rests on."""
    return {
        "title": of.title,
        "status": of.status,
        "mode": of.mode,
        "made_by": of.model or of.engine,
        "num_principles": len(of.principles),
        "num_people": of.num_people,
        "num_preferences": of.num_preferences,
        "num_reasons": of.num_reasons,
        "num_statements": of.num_statements,
    }


def _principle(one: ChosenPrinciple) -> dict[str, Any]:
    support = one.support
    return {
        "id": one.id,
        "kind": str(one.kind),
        "rank": one.rank,
        "text": one.text,
        "num_people": support.num_people,
        "num_people_total": support.num_people_total,
        "num_quotes": len(one.evidence),
    }


def system_text(of: Constitution) -> str:
    """The principles as a system prompt: the baseline without tuning."""
    lines = (f"{n}. {' '.join(one.text.split())}" for n, one in enumerate(of.principles, 1))
    return "\n".join([HEAD, *lines])


def with_system(messages: Sequence[Mapping[str, Any]], of: Constitution) -> list[dict[str, Any]]:
    """The messages with the principles before all else; a system message of the caller's own
    follows them in the same turn, since many templates allow only one.
    """
    text = system_text(of)
    turns = [dict(turn) for turn in messages]
    if turns and turns[0]["role"] in ("system", "developer"):
        own = plain(turns[0]["content"])
        return [{"role": "system", "content": f"{text}\n\n{own}"}, *turns[1:]]
    return [{"role": "system", "content": text}, *turns]


def plain(content: str | Sequence[Mapping[str, str]]) -> str:
    """The words of a message, whose content may come in parts."""
    return content if isinstance(content, str) else "\n".join(part["text"] for part in content)
