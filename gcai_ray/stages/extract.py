"""`preferences` and `statements` → questions, and their replies → `candidates`: each proposed
principle with the sentences of the one person it rests on.

Knows no path and no engine: who reads the words stands in `Asking`, the wording in `prompts/`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from gcai_ray.asking.check import reply_json
from gcai_ray.asking.lookup import Lookup
from gcai_ray.asking.questions import ICAI, RULES, Asking, counter, request
from gcai_ray.prompts import (
    Question,
    by_rule,
    extract_contextual,
    extract_general,
    icai_extract,
)
from gcai_ray.prompts.fitting import TooLong
from gcai_ray.rejects import marked, reject_of
from gcai_ray.schemas import Candidate, Kind, Request, Split
from gcai_ray.wording import MAX_WORDS, num_words, principle_text

STAGE = "extract"
_COPIED = ("source", "source_file", "source_row", "annotator_id", "groups")
Make = Callable[[int | None], Question]


def questions(rows: pa.Table, kind: Kind, asking: Asking) -> pa.Table:
    """Columns of `preferences` or `statements` in, columns of `requests` and `reject` out.

    Ties are not asked about, nor, outside ICAI mode, preferences without a reason.
    """
    found, rejects, count = [], [], counter(asking)
    for row in _asked(rows, kind, asking).to_pylist():
        prompt, make = _question(row, kind, asking)
        try:
            found.append(request(asking, prompt, (row["id"], 0), make, count))
        except TooLong as error:
            words = row["reason"] if kind is Kind.CONTEXTUAL else row["text"]
            rejects.append(reject_of(STAGE, row, "reason", words or "", str(error)))
    return marked(Request, found, rejects)


def _asked(rows: pa.Table, kind: Kind, asking: Asking) -> pa.Table:
    if kind is Kind.GENERAL:
        return rows
    chosen = pc.not_equal(rows["preferred"], "tie")
    if asking.method == ICAI:
        return rows.filter(chosen)
    return rows.filter(pc.and_(chosen, rows["reason"].is_valid()))


def _question(row: dict[str, Any], kind: Kind, asking: Asking) -> tuple[str, Make]:
    if asking.method == RULES:
        sentences = [sentence["text"] for sentence in row["sentences"]]
        return by_rule.NAME, lambda cut: by_rule.question(kind, sentences)
    if kind is Kind.GENERAL:
        return extract_general.NAME, lambda cut: extract_general.question(row)
    prompt = icai_extract if asking.method == ICAI else extract_contextual
    return prompt.NAME, lambda cut: prompt.question(row, asking.seed, cut)


def answered(rows: pa.Table, kind: Kind, lookup: Lookup) -> pa.Table:
    """Columns of `preferences` or `statements` in, columns of `candidates` and `reject` out."""
    found, rejects = [], []
    for row in rows.to_pylist():
        for reply in lookup.of(row["id"]):
            if reply["parsed"]:
                good, bad = row_candidates(row, kind, reply["text"])
                found += good
                rejects += bad
            else:
                rejects.append(reject_of(STAGE, row, "reply", reply["text"], reply["error"]))
    return marked(Candidate, found, rejects)


def row_candidates(
    row: dict[str, Any], kind: Kind, reply: str
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Candidates of one person's words, and rejects for principles that cannot stand.

    A principle a reply gives twice is one candidate with the sentences of both.
    """
    merged: dict[str, dict[str, Any]] = {}
    rejects = []
    for proposed in reply_json(reply)["principles"]:
        is_ours = "rule" in proposed  # worded by the engine that needs no model
        text = proposed["principle"] if is_ours else principle_text(kind, proposed["principle"])
        problem = _problem(row, text, proposed)
        if problem:
            rejects.append(reject_of(STAGE, row, "principle", proposed["principle"], problem))
            continue
        known = merged.setdefault(text, {"numbers": set(), "rule": proposed.get("rule", "model")})
        known["numbers"].update(proposed.get("sentences", ()))
    good = [
        _candidate(row, kind, text, sorted(facts["numbers"]), facts["rule"])
        for text, facts in merged.items()
    ]
    return good, rejects


def _problem(row: dict[str, Any], text: str, proposed: dict[str, Any]) -> str | None:
    """Why a proposed principle cannot stand, if it cannot."""
    numbers = proposed.get("sentences")
    if not text:
        return "says nothing"
    if numbers is not None and not all(1 <= n <= len(row["sentences"]) for n in numbers):
        return f"cites a sentence that is not among the {len(row['sentences'])}"
    if numbers == []:
        return "cites no sentence: a principle without evidence is dropped"
    if "rule" not in proposed and num_words(text) > MAX_WORDS:
        return f"is longer than {MAX_WORDS} words"
    return None


def quote(words: str, sentences: list[dict[str, Any]], numbers: list[int]) -> str:
    """The verbatim text of the numbered sentences (1-based); a gap between them is kept as it
    stands only when they are neighbours.
    """
    spans: list[tuple[int, int]] = []
    for number in numbers:
        sentence = sentences[number - 1]
        if spans and number - 1 in numbers:
            spans[-1] = (spans[-1][0], sentence["end"])
        else:
            spans.append((sentence["start"], sentence["end"]))
    return " […] ".join(words[start:end] for start, end in spans)


def _candidate(
    row: dict[str, Any], kind: Kind, text: str, numbers: list[int], rule: str
) -> dict[str, Any]:
    words = row["text"] if kind is Kind.GENERAL else row["reason"] or ""
    return {name: row[name] for name in _COPIED} | {
        "id": hashlib.blake2b(f"{row['id']}\0{text}".encode(), digest_size=16).hexdigest(),
        "kind": str(kind),
        "split": row.get("split", str(Split.TRAIN)),
        "text": text,
        "row_id": row["id"],
        "sentence_numbers": numbers,
        "quote": quote(words, row["sentences"], numbers),
        "rule": rule,
    }
