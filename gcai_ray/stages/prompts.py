"""Turns as they stood in a file → rows of `prompts`, faulty ones marked with a reject.

Knows no format, no path but the base name it is told, and no other stage.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from gcai_ray.rejects import marked
from gcai_ray.schemas import Prompt
from gcai_ray.sources.prompt_files import Read, Turns
from gcai_ray.sources.raw import Fault, fault

ROLES = ("system", "user", "assistant")
STAGE = "prompts"


@dataclass(frozen=True)
class PromptRules:
    """What decides how the rows of one source are read: part of the fingerprint."""

    source: str
    source_file: str
    take: str  # `conversation` or `first_turn`
    seed: int
    test_share: float
    max_prompt_chars: int


class _Refused(ValueError):
    def __init__(self, value: object, reason: str) -> None:
        super().__init__(reason)
        self.fault = fault("messages", value, reason)


def canonical(found: Iterable[Read], rules: PromptRules) -> pa.Table:
    """Columns of `prompts` and `reject`. Ids are hashes of the messages; the split is decided by
    the first turn of a person and the seed alone, so that conversations that begin alike are on
    one side.
    """
    rows: list[dict[str, Any]] = []
    rejects: list[dict[str, Any]] = []
    for number, turns, broken in found:
        try:
            if turns is None:
                raise _Broken(broken)
            rows.append(_row(number, prompt_of(turns, rules), rules))
        except (_Refused, _Broken) as error:
            place = {"source": rules.source, "source_file": rules.source_file}
            rejects.append({"stage": STAGE, **place, "source_row": number, **error.fault})
    return marked(Prompt, rows, rejects)


class _Broken(ValueError):
    def __init__(self, found: Fault | None) -> None:
        super().__init__()
        self.fault = found or fault("(line)", "", "cannot be read")


def prompt_of(turns: Turns, rules: PromptRules) -> Turns:
    """The turns to be answered: up to the last of a person, or the first alone; turns of one
    speaker in a row are one.
    """
    joined: Turns = []
    for turn in turns:
        role, content = turn["role"], turn["content"].strip()
        if role not in ROLES:
            raise _Refused(role, f"the role of a message is none of {', '.join(ROLES)}")
        if joined and joined[-1]["role"] == role:
            joined[-1]["content"] += f"\n\n{content}"
        else:
            joined.append({"role": role, "content": content})
    last = max((n for n, turn in enumerate(joined) if turn["role"] == "user"), default=-1)
    taken = joined[: last + 1]
    if rules.take == "first_turn":
        taken = [turn for turn in taken if turn["role"] == "user"][:1]
    _check(taken, rules)
    return taken


def _check(turns: Turns, rules: PromptRules) -> None:
    if not turns:
        raise _Refused("", "no turn of a person (role user)")
    spoken = [turn["role"] for turn in turns if turn["role"] != "system"]
    if spoken[0] != "user" or any(turn["role"] == "system" for turn in turns[1:]):
        raise _Refused(
            turns[0]["content"],
            "a conversation begins with a person's turn, or a system message and that",
        )
    blank = next((turn["role"] for turn in turns if not turn["content"]), None)
    if blank is not None:
        raise _Refused("", f"a turn ({blank}) is empty")
    if any("\0" in turn["content"] for turn in turns):
        raise _Refused(turns[-1]["content"], "contains a NUL byte")
    num_chars = sum(len(turn["content"]) for turn in turns)
    if num_chars > rules.max_prompt_chars:
        limit = rules.max_prompt_chars
        raise _Refused(
            turns[-1]["content"], f"longer than {limit} characters (prompts.max_prompt_chars)"
        )


def _row(number: int, turns: Turns, rules: PromptRules) -> dict[str, Any]:
    told = "\0".join(text for turn in turns for text in (turn["role"], turn["content"]))
    first = next(turn["content"] for turn in turns if turn["role"] == "user")
    draw = int(_hash(f"split\0{rules.seed}\0{first}")[:16], 16) / 2**64
    return {
        "id": _hash(told),
        "source": rules.source,
        "source_file": rules.source_file,
        "source_row": number,
        "messages": turns,
        "split": "test" if draw < rules.test_share else "train",
    }


def _hash(text: str) -> str:
    data = text.encode("utf-8", "replace")
    return hashlib.blake2b(data, digest_size=16).hexdigest()


def count_prompts(rows: pa.Table) -> dict[str, int]:
    """What the manifest keeps of `prompts`."""
    return {"num_held_out": pc.sum(pc.equal(rows["split"], "test")).as_py() or 0}
