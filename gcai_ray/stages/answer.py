"""Held-out `prompts` and models → questions to each model, and their replies → `responses`.

Every model is asked the same prompts in the same words, greedily unless told otherwise. Knows no
path, no engine and no constitution.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from gcai_ray.asking.lookup import Lookup
from gcai_ray.asking.questions import Asking, counter, request
from gcai_ray.prompts import TooLong, respond
from gcai_ray.prompts.conversation import transcript
from gcai_ray.rejects import marked, reject_of
from gcai_ray.revision.filters import refuses
from gcai_ray.sampling import draw
from gcai_ray.schemas import Request, Response

STAGE = "answer"


@dataclass(frozen=True)
class Inquiry:
    """Which prompts are asked, of whom. Which question about a prompt is which follows from the
    order of the models, each a name and an identity.
    """

    prompt_ids: frozenset[str]
    models: tuple[tuple[str, str], ...]
    max_tokens: int


def drawn_prompts(ids: Iterable[str], num: int, seed: int) -> list[str]:
    """At most `num` ids, drawn by id and seed: a larger draw holds the smaller one."""
    return sorted(sorted(ids, key=lambda key: draw(f"assess {key}", seed))[:num])


def questions(rows: pa.Table, inquiry: Inquiry, place: int, asking: Asking) -> pa.Table:
    """Columns of `prompts` in, columns of `requests` and `reject` out; of one model, by its place.
    A conversation that does not fit the context is a reject, never cut.
    """
    count = counter(asking)
    found: list[dict[str, Any]] = []
    rejects = []
    for prompt in _asked(rows, inquiry):
        question = respond.question(prompt["messages"], inquiry.max_tokens)
        try:
            source = (prompt["id"], place)
            found.append(request(asking, respond.NAME, source, lambda cut, q=question: q, count))
        except TooLong as error:
            text = transcript(prompt["messages"])
            rejects.append(reject_of(STAGE, prompt, respond.NAME, text, str(error)))
    return marked(Request, found, rejects)


def _asked(rows: pa.Table, inquiry: Inquiry) -> list[dict[str, Any]]:
    return [prompt for prompt in rows.to_pylist() if prompt["id"] in inquiry.prompt_ids]


def answered(rows: pa.Table, inquiry: Inquiry, lookup: Lookup) -> pa.Table:
    """Columns of `prompts` in, columns of `responses` and `reject` out: one row per prompt and
    model with a usable reply.
    """
    found: list[dict[str, Any]] = []
    rejects = []
    for prompt in _asked(rows, inquiry):
        for reply in lookup.of(prompt["id"], respond.NAME):
            if reply["parsed"]:
                found.append(_response(prompt, inquiry.models[reply["part"]], reply))
            else:
                name = inquiry.models[reply["part"]][0]
                why = f"no usable response of {name}: {reply['error']}"
                rejects.append(reject_of(STAGE, prompt, "reply", reply["text"], why))
    return marked(Response, found, rejects)


def _response(
    prompt: dict[str, Any], model: tuple[str, str], reply: dict[str, Any]
) -> dict[str, Any]:
    text = reply["text"].strip()
    place = {name: prompt[name] for name in ("source", "source_file", "source_row")}
    return {
        "prompt_id": prompt["id"],
        **place,
        "model": model[0],
        "identity": model[1],
        "num_turns": num_turns(prompt["messages"]),
        "text": text,
        "finish_reason": reply["finish_reason"],
        "num_chars": len(text),
        "refuses": refuses(text),
    }


def num_turns(messages: Iterable[dict[str, str]]) -> int:
    """Turns of a person in a conversation."""
    return sum(turn["role"] == "user" for turn in messages)


def count_responses(rows: pa.Table) -> dict[str, int]:
    """What the manifest keeps of `responses`."""
    cut = pc.fill_null(pc.equal(rows["finish_reason"], "length"), False)
    return {
        "num_refusals": pc.sum(rows["refuses"]).as_py() or 0,
        "num_cut_at_limit": pc.sum(cut).as_py() or 0,
    }
