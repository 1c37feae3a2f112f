"""What a stage wants to know → rows of `requests`, their ids the hash of all that decides a reply.

Knows neither the wording of a question (`prompts/`) nor who answers it (`engines/`).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from gcai_ray.prompts import Question
from gcai_ray.prompts.fitting import TooLong, fitted
from gcai_ray.rejects import marked, reject_of
from gcai_ray.schemas import Request

Messages = Sequence[Mapping[str, str]]
Count = Callable[[Messages], int]
RULES, GCAI, ICAI = "rules", "gcai", "icai"


@dataclass(frozen=True)
class Asking:
    """Who is asked, and how: all that, beside its words, decides the reply to a question."""

    stage: str
    model: str  # identity, never a path
    temperature: float
    top_p: float
    seed: int
    context_tokens: int
    tokenizer: str | None
    method: str  # RULES, GCAI or ICAI

    def settings(self) -> dict[str, Any]:
        """For fingerprints."""
        return {
            "model": self.model,
            "temperature": self.temperature,
            "top_p": self.top_p,
            "seed": self.seed,
            "context_tokens": self.context_tokens,
        }


def counter(asking: Asking) -> Count:
    """Counts the prompt tokens of messages, exactly where the tokenizer is known; 0 where no model
    reads them.
    """
    if asking.method == RULES:
        return _nothing
    from gcai_ray.engines.tokens import token_counter

    return token_counter(asking.tokenizer)


def _nothing(messages: Messages) -> int:
    return 0


def question_id(
    model: str, messages: Messages, reply_schema: str, sampling: Mapping[str, Any]
) -> str:
    """128-bit hash of model, messages, reply schema and sampling."""
    facts = [model, [dict(message) for message in messages], reply_schema, dict(sampling)]
    text = json.dumps(facts, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.blake2b(text.encode("utf-8", "replace"), digest_size=16).hexdigest()


def pair_questions(
    stage: str, rows: Iterable[dict[str, Any]], made: Callable[[dict[str, Any]], list[Any]]
) -> pa.Table:
    """All questions (rows of `requests`) on each of these rows of `preferences`; a row of which one
    does not fit the model's context becomes a reject, so that it is asked of by all or by none.

    Returns:
        Columns of `requests` and `reject`.
    """
    found: list[dict[str, Any]] = []
    rejects = []
    for row in rows:
        try:
            found += made(row)
        except TooLong as error:
            rejects.append(reject_of(stage, row, "prompt", row["prompt"], str(error)))
    return marked(Request, found, rejects)


def request(
    asking: Asking,
    prompt: str,
    source: tuple[str, int],
    make: Callable[[int | None], Question],
    count: Count,
) -> dict[str, Any]:
    """One row of `requests`.

    Args:
        asking: who is asked, and how.
        prompt: name of the prompt.
        source: id of what the question is about, and which of the questions about it this is.
        make: the question with responses of at most so many characters, None for whole.
        count: tokens of messages.

    Raises:
        TooLong: even with short responses it is longer than the model's context.
    """
    known: dict[str, int] = {}

    def counted(messages: Messages) -> int:
        """Fitting has counted what is asked in the end: a tokenizer is slow."""
        text = messages[-1]["content"]
        if text not in known:
            known[text] = count(messages)
        return known[text]

    question = fitted(make, counted, asking.context_tokens)
    schema = json.dumps(question.reply_schema) if question.reply_schema else ""
    sampling = {
        "temperature": asking.temperature,
        "top_p": asking.top_p,
        "max_tokens": question.max_tokens,
        "seed": asking.seed,
    }
    return {
        "id": question_id(asking.model, question.messages, schema, sampling),
        "stage": asking.stage,
        "prompt": prompt,
        "source_id": source[0],
        "part": source[1],
        "model": asking.model,
        "messages": [dict(message) for message in question.messages],
        "reply_schema": schema,
        "sampling": sampling,
        "num_prompt_tokens": counted(question.messages),
    }
