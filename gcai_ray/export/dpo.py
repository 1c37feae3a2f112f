"""`preferences` → pairs for direct preference optimisation: prompt, chosen, rejected.

One line per pair of responses to a prompt, whoever saw which first: what most people chose, each
person counted once. Held-out pairs stay out, so that they can still test what is trained. The
format is TRL 1.16's conversational one (`trl/data_utils.py`, `DPOTrainer`). Knows no principle.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import orjson
import pyarrow.compute as pc
from numpy.typing import NDArray

from gcai_ray.errors import ArtifactError
from gcai_ray.export.document import Document, counted, preferences_of
from gcai_ray.export.ordered import in_order
from gcai_ray.schemas import Choice, Split
from gcai_ray.sources.raw import content_key
from gcai_ray.statistics import DIGITS

if TYPE_CHECKING:
    import pyarrow as pa

    from gcai_ray.artifacts import Artifact

COLUMNS = ["annotator_id", "prompt", "response_a", "response_b", "preferred", "split"]
PLURALS = {"choice without a prompt": "choices without a prompt"}
KEY = "S32"  # a hash of 128 bits, hexadecimal
# Why a choice is left out, and which ones stay. Held-out ones must still test what is trained.
WANTED: tuple[tuple[str, Callable[[pa.Table], Any]], ...] = (
    ("held-out choice", lambda rows: pc.equal(rows["split"], str(Split.TRAIN))),
    ("tie", lambda rows: pc.not_equal(rows["preferred"], str(Choice.TIE))),
    (
        "choice without a prompt",
        lambda rows: pc.not_equal(pc.utf8_trim_whitespace(rows["prompt"]), ""),
    ),
)


@dataclass(frozen=True)
class Verdicts:
    """What people chose, one entry per pair they do not disagree evenly on, sorted by key."""

    keys: NDArray[np.bytes_]  # [pairs]
    first_wins: NDArray[np.bool_]  # [pairs]: the response that sorts first is the chosen one
    num_people: NDArray[np.int64]  # [pairs]
    share: NDArray[np.float64]  # [pairs], of people who chose the chosen one
    num_even: int

    def of(self, key: str) -> int | None:
        """The place of a pair; None: people are evenly divided on it."""
        place = int(np.searchsorted(self.keys, key.encode()))
        found = place < len(self.keys) and self.keys[place] == key.encode()
        return place if found else None


@dataclass
class Ledger:
    """Which choices were used, and why others were not."""

    num_used: int = 0
    left_out: dict[str, int] = field(default_factory=dict)

    def drop(self, why: str, num: int) -> None:
        """Count what is left out."""
        self.left_out[why] = self.left_out.get(why, 0) + num


def dpo_pairs(run: str, artifacts: dict[str, Artifact]) -> Document:
    """The pairs of a run as JSON Lines: `prompt`, `chosen`, `rejected` (lists of messages),
    `num_people` who chose and the `share` of them who chose the chosen one; in order of a hash.

    Raises:
        ArtifactError: no preferences, or none that can be trained on.
    """
    ingested = preferences_of(run, artifacts)
    ledger = Ledger()
    verdicts = majorities(*_choices(ingested, ledger))
    if not len(verdicts.keys):
        why = _left_out(ledger, verdicts) or "none"
        raise ArtifactError(f"{run}: no pair can be trained on; left out: {why}")
    title = (
        f"{counted(len(verdicts.keys), 'pair')} to train on, from "
        f"{counted(ledger.num_used, 'choice')}"
    )
    why = _left_out(ledger, verdicts)
    lines = in_order(_lines(ingested, verdicts))
    return Document(title, [f"left out: {why}"] if why else [], (line + b"\n" for line in lines))


def _left_out(ledger: Ledger, verdicts: Verdicts) -> str:
    parts = [counted(num, why, PLURALS.get(why)) for why, num in ledger.left_out.items() if num]
    if verdicts.num_even:
        pairs = counted(verdicts.num_even, "pair")
        parts.append(f"{pairs} on which as many people chose one response as the other")
    return "; ".join(parts)


def _choices(
    ingested: Artifact, ledger: Ledger
) -> tuple[NDArray[np.bytes_], NDArray[np.bytes_], NDArray[np.bool_]]:
    """[choices] each: the pair, the person, and whether the response that sorts first was taken."""
    keys, people, firsts = [], [], []
    for part in ingested.tables("preferences", COLUMNS):
        usable = _usable(part, ledger)
        ledger.num_used += usable.num_rows
        rows = usable.to_pylist()
        keys.append(np.array([_key(row) for row in rows], KEY))
        people.append(np.array([row["annotator_id"] for row in rows], KEY))
        firsts.append(np.array([_took_first(row) for row in rows], bool))
    return np.concatenate(keys), np.concatenate(people), np.concatenate(firsts)


def _usable(part: pa.Table, ledger: Ledger | None = None) -> pa.Table:
    """Choices that a model may learn from; the others are counted, each for the first reason."""
    for why, keeps in WANTED:
        kept = part.filter(keeps(part))
        if ledger is not None:
            ledger.drop(why, part.num_rows - kept.num_rows)
        part = kept
    return part


def majorities(
    keys: NDArray[np.bytes_], people: NDArray[np.bytes_], firsts: NDArray[np.bool_]
) -> Verdicts:
    """What most people chose of each pair.

    A person who judged a pair more than once counts once, for what that person chose more often,
    and for neither response if both equally often.

    Args:
        keys: [choices], the pair.
        people: [choices], who chose.
        firsts: [choices], whether the response that sorts first was chosen.
    """
    pairs, pair_of = np.unique(keys, return_inverse=True)
    persons, person_of = np.unique(people, return_inverse=True)
    cells, cell_of = np.unique(pair_of * max(1, len(persons)) + person_of, return_inverse=True)
    leans = np.bincount(cell_of, weights=np.where(firsts, 1, -1), minlength=len(cells))
    of_pair = cells // max(1, len(persons))
    for_first = np.bincount(of_pair[leans > 0], minlength=len(pairs))
    for_second = np.bincount(of_pair[leans < 0], minlength=len(pairs))
    decided = for_first != for_second
    num_people = (for_first + for_second)[decided]
    return Verdicts(
        keys=pairs[decided],
        first_wins=(for_first > for_second)[decided],
        num_people=num_people,
        share=np.round(np.maximum(for_first, for_second)[decided] / num_people, DIGITS),
        num_even=int((~decided).sum()),
    )


def _lines(ingested: Artifact, verdicts: Verdicts) -> Iterator[tuple[str, bytes]]:
    """(key, line) of each pair that people decided, at the first of its rows."""
    written = np.zeros(len(verdicts.keys), bool)
    for part in ingested.tables("preferences", COLUMNS):
        for row in _usable(part).to_pylist():
            key = _key(row)
            place = verdicts.of(key)
            if place is not None and not written[place]:
                written[place] = True
                yield key, orjson.dumps(_pair(row, verdicts, place))


def _pair(row: dict[str, Any], verdicts: Verdicts, place: int) -> dict[str, Any]:
    first, second = sorted((row["response_a"], row["response_b"]))
    chosen, rejected = (first, second) if verdicts.first_wins[place] else (second, first)
    return {
        "prompt": [{"role": "user", "content": row["prompt"]}],
        "chosen": [{"role": "assistant", "content": chosen}],
        "rejected": [{"role": "assistant", "content": rejected}],
        "num_people": int(verdicts.num_people[place]),
        "share": float(verdicts.share[place]),
    }


def _key(row: dict[str, Any]) -> str:
    return content_key(row["prompt"], *sorted((row["response_a"], row["response_b"])))


def _took_first(row: dict[str, Any]) -> bool:
    """Whether the chosen response is the one that sorts first."""
    return (row["response_a"] < row["response_b"]) == (row["preferred"] == Choice.A)
