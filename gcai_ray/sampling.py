"""Pairs people chose from → a seeded, stratified sample of them. Knows no stage and no path.

A sample keeps most of its pairs when others are added, so that little is voted on anew.
"""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Iterable
from typing import Any

import pyarrow as pa

Key = tuple[int, float, str]


def draw(name: str, seed: int) -> str:
    """Where a person or a pair stands in the lot; the same whatever others there are."""
    return hashlib.blake2b(f"vote\0{seed}\0{name}".encode(), digest_size=16).hexdigest()


def stratified(rows: pa.Table, num: int, seed: int) -> list[str]:
    """Sorted ids of at most `num` rows: people first, groups in proportion, prompts spread.

    Everybody's first row comes before anybody's second, so that who wrote 10,000 rows fills the
    sample no sooner than others. Within such a round every group (all of a row's groups together)
    has its proportional share at every size of the sample, and in a group every prompt comes once
    before one comes twice (proportional allocation: Cochran 1977, ch. 5).

    Args:
        rows: columns `id`, `annotator_id`, `groups`, `prompt`.
        num: size of the sample.
        seed: of the lot.
    """
    if rows.num_rows <= num:
        return sorted(rows["id"].to_pylist())
    keyed = _keys(_units(rows), seed)
    return sorted(key for key, _ in sorted(keyed.items(), key=lambda item: item[1])[:num])


def _units(rows: pa.Table) -> list[dict[str, Any]]:
    wanted = rows.select(["id", "annotator_id", "groups"]).to_pylist()
    # large: all prompts of a long table are more than the 2 GiB that one plain array holds
    whole = rows["prompt"].cast(pa.large_string()).combine_chunks()
    prompts = whole.dictionary_encode().indices.to_pylist()
    for row, prompt in zip(wanted, prompts, strict=True):
        row["prompt"] = prompt
        row["group"] = tuple(sorted((g["name"], g["value"]) for g in row["groups"]))
    return wanted


def _keys(units: list[dict[str, Any]], seed: int) -> dict[str, Key]:
    """Place of every row in the one order that samples of all sizes are heads of."""
    lots = {row["id"]: draw(row["id"], seed) for row in units}
    people: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for row in units:
        people[row["annotator_id"]].append(row)
    strata: dict[tuple[int, Any], list[tuple[str, dict[str, Any]]]] = defaultdict(list)
    for person, own in people.items():
        lot = draw(person, seed)
        for turn, row in enumerate(sorted(own, key=lambda row: lots[row["id"]])):
            strata[turn, row["group"]].append((lot, row))
    found: dict[str, Key] = {}
    for (turn, _), members in strata.items():
        members.sort(key=lambda member: (member[0], member[1]["id"]))
        ordered = _prompts_spread(row for _, row in members)
        for place, row in enumerate(ordered):
            found[row["id"]] = (turn, (place + 0.5) / len(ordered), lots[row["id"]])
    return found


def _prompts_spread(rows: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """Every prompt's first row before any prompt's second; order kept besides."""
    seen: Counter[int] = Counter()
    turns = []
    for row in rows:
        turns.append((seen[row["prompt"]], row))
        seen[row["prompt"]] += 1
    return [row for _, row in sorted(turns, key=lambda item: item[0])]
