"""Polis-style votes on statements → how far others hold what a statement says.

A statement is one person's words; where others voted on it, the votes say how many share it. Its
voice is therefore weighed by the share of voters who agree in its *least favourable* group of
voters: a constitution is to hold for everybody, and a statement that one camp cheers and the other
turns down would otherwise weigh as much as one that both hold (Polis calls this group-informed
consensus; Collective Constitutional AI chose its public principles by it). A statement nobody voted
on weighs 1: of it nothing is known but that one person said it. Knows no principle's words.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from gcai_ray.choosing.poll import interval
from gcai_ray.electorate import Electorate
from gcai_ray.schemas import Approval
from gcai_ray.statistics import DIGITS, share_intervals

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Approvals:
    """What voters said to each statement of an electorate: shares of all votes, passes included."""

    num_votes: NDArray[np.int64]  # [rows], 0 where nobody voted
    agree: Floats  # [rows], NaN where nobody voted
    by_group: dict[str, Floats]  # group of voters → [rows], NaN where none of it voted

    def weights(self) -> Floats:
        """[rows]: agreement in the least favourable group, else over all voters, else 1."""
        least = np.fmin.reduce([*self.by_group.values(), np.full(len(self.agree), np.nan)])
        return np.where(np.isnan(least), np.where(np.isnan(self.agree), 1.0, self.agree), least)

    def of(self, rows: NDArray[np.int64], seed: int) -> Approval | None:
        """The votes on these statements together; None where none of them was voted on."""
        voted = rows[self.num_votes[rows] > 0]
        if not len(voted):
            return None
        agree = interval(share_intervals(self.agree[voted][:, None], seed)[0])
        means = {
            name: round(float(np.nanmean(shares[voted])), DIGITS)
            for name, shares in self.by_group.items()
            if not np.isnan(shares[voted]).all()
        }
        least = min(means, key=lambda name: (means[name], name)) if means else None
        return Approval(
            num_statements=len(voted),
            num_votes=int(self.num_votes[voted].sum()),
            agree=agree,
            least_group=least,
            least_agree=None if least is None else means[least],
        )


def approvals(people: Electorate, parts: Iterable[pa.Table]) -> Approvals | None:
    """The votes on statements, from tables with `id`, `source` and `votes`; None where there are
    none.

    Groups of voters of two sources are two groups, named `source: group`.
    """
    tables = [part.filter(part["votes"].is_valid()) for part in parts]
    table = pa.concat_tables(tables) if tables else None
    if table is None or table.num_rows == 0:
        return None
    rows, _ = people.places(np.asarray(table["id"].to_pylist(), dtype=np.str_))
    votes = pa.concat_arrays(table["votes"].chunks)
    counts = [
        pc.struct_field(votes, f"num_{name}").to_numpy() for name in ("agree", "disagree", "pass")
    ]
    total = np.sum(counts, axis=0)
    num_votes, agree = np.zeros(len(people.rows), np.int64), np.full(len(people.rows), np.nan)
    num_votes[rows] = total
    agree[rows] = np.where(total > 0, counts[0] / np.maximum(total, 1), np.nan)
    return Approvals(num_votes, agree, _by_group(table["source"].to_pylist(), votes, rows, agree))


def _by_group(
    sources: list[str], votes: pa.StructArray, rows: NDArray[np.int64], agree: Floats
) -> dict[str, Floats]:
    consensus = pc.struct_field(votes, "consensus")
    flat, parents = pc.list_flatten(consensus), pc.list_parent_indices(consensus).to_pylist()
    several = len(set(sources)) > 1
    found: dict[str, Floats] = {}
    for entry, parent in zip(flat.to_pylist(), parents, strict=True):
        name = f"{sources[parent]}: {entry['group']}" if several else entry["group"]
        found.setdefault(name, np.full(len(agree), np.nan))[rows[parent]] = entry["share"]
    return dict(sorted(found.items()))
