"""A question and how often it was asked → the fault its answer gets, the same in every run; and a
good answer → one with that fault. Knows no HTTP.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import Any

import orjson

REFUSED = ("429", "429-date")
FAILED = ("500", "reset")
LATE = ("slow", "stall")
LEGAL = ("fence", *LATE)  # the answer is good all the same
SPOILED = (
    "truncated",
    "length",
    "wrong_schema",
    "out_of_range",
    "empty",
    "no_json",
)
KINDS = (*REFUSED, *FAILED, *SPOILED, *LEGAL)
# A stall has to be asked for: one of 30 s would make every short test long.
USUAL_KINDS = tuple(kind for kind in KINDS if kind != "stall")
OUT_OF_RANGE = 9999


@dataclass
class Faults:
    """Which requests go wrong, and how.

    share: of the requests, drawn by a hash of seed, question id and how often it was asked.
    always: text in a question → the fault it always gets.
    only_first: faults end after this many requests of a question; 0: they never end.
    """

    share: float = 0.0
    kinds: tuple[str, ...] = USUAL_KINDS
    always: dict[str, str] = field(default_factory=dict)
    only_first: int = 0
    seed: int = 0

    def changed(self, wanted: dict[str, Any]) -> Faults:
        """These faults with some fields replaced.

        Raises:
            ValueError: no such field or no such kind.
        """
        unknown = set(wanted) - set(vars(self))
        changed = Faults(**{**vars(self), **{k: wanted[k] for k in wanted if k not in unknown}})
        unknown |= {*changed.kinds, *changed.always.values()} - set(KINDS)
        if unknown:
            raise ValueError(f"{', '.join(sorted(unknown))}: no such fault; known: {KINDS}")
        return changed

    def drawn(self, question_id: str, num_asked: int, contents: list[str]) -> str | None:
        """The fault of the `num_asked`-th request (from 1) of a question, or None."""
        if self.only_first and num_asked > self.only_first:
            return None
        for text, kind in self.always.items():
            if any(text in content for content in contents):
                return kind
        if not self.share or not self.kinds:
            return None
        drawn = hashlib.blake2b(f"{self.seed}:{question_id}:{num_asked}".encode()).digest()
        if int.from_bytes(drawn[:7]) >= self.share * 2**56:
            return None
        return self.kinds[int.from_bytes(drawn[8:16]) % len(self.kinds)]


def spoiled(kind: str | None, text: str) -> tuple[str, str]:
    """A good answer with a fault in it, and its finish reason."""
    if kind == "length":
        return text[: len(text) // 2], "length"
    return _SPOIL[kind](text) if kind in _SPOIL else text, "stop"


def _out_of_range(text: str) -> str:
    value = _json(text)
    if not isinstance(value, dict):
        return _wrong_schema(text)
    if "covers" in value:
        value["covers"].append(OUT_OF_RANGE)
    elif "principles" in value:
        first = {"principle": "is helpful to the person", "sentences": [OUT_OF_RANGE]}
        value["principles"] = [first, *value["principles"][1:]]
    else:
        value[str(OUT_OF_RANGE)] = "A"
    return orjson.dumps(value).decode()


def _wrong_schema(text: str) -> str:
    return orjson.dumps([{"result": _json(text)}]).decode()


def _json(text: str) -> Any:
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        return text


_SPOIL = {
    "truncated": lambda text: text[: len(text) * 2 // 3],
    "wrong_schema": _wrong_schema,
    "out_of_range": _out_of_range,
    "empty": lambda text: "",
    "no_json": lambda text: "I would say the first one, since it is the kinder of the two.",
    "fence": lambda text: f"Here is my answer:\n\n```json\n{text}\n```",
}
