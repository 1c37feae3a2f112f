"""Chosen principles → the pairs of them that contradict each other: by a model's votes on pairs of
responses or by people's own reasons (by a model's judgement: `conflicts`).

Two principles oppose each other on a pair when each speaks for one response and not the same one.
Two unrelated ones do so on about half of the pairs, by chance. Two are reported that are opposed on
two thirds of the pairs on which both speak, if the 95 % interval (Wilson) of that share lies above
one half: of unrelated ones, 3 % on five pairs, 2 % on twenty, none on hundreds. A pair counts once,
however many people rated it. Knows no path and no engine.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from gcai_ray.evaluate.measures import not_measured
from gcai_ray.schemas import ChosenPrinciple, Contradiction, Kind, Measure
from gcai_ray.statistics import wilson

LEAST_PAIRS = 5  # on which both speak: the interval alone would let four of four through
LEAST_OPPOSED = 2 / 3  # of those pairs: on thousands, 51 % is beyond chance and no contradiction
LEAST_PEOPLE = 2  # who cite each, so that nobody alone makes a contradiction of reasons
MOST_ROWS = 50
FAMILY = "contradictions"
PAIR_COLUMNS = ["id", "prompt", "response_a", "response_b"]
VOTE_COLUMNS = ["principle_id", "row_id", "a_first", "b_first"]


@dataclass(frozen=True)
class Oppositions:
    """What one way of looking found, and of how many twosomes of principles it could tell."""

    found_by: str
    contradictions: list[Contradiction]
    num_told: int  # twosomes that speak together on `LEAST_PAIRS` pairs
    num_twosomes: int

    @property
    def measure(self) -> Measure:
        """`told_by_<way>`: the share of twosomes of principles of which this way could tell. It is
        counted, not drawn, so it has no interval.
        """
        place = (FAMILY, f"told_by_{self.found_by}")
        if not self.num_told:
            why = (
                f"no two of the chosen principles speak on the same {LEAST_PAIRS} pairs of "
                "responses, which telling them apart would need"
            )
            return not_measured(place, why)
        note = (
            f"{self.num_told} of {self.num_twosomes} pairs of chosen principles speak on the same "
            f"{LEAST_PAIRS} pairs of responses; of the others nothing can be told"
        )
        share = self.num_told / self.num_twosomes
        return not_measured(place, note).model_copy(update={"value": share})


@dataclass(frozen=True)
class Backing:
    """Who is behind each chosen principle, and who could be: people with a reason for contextual
    ones, people with a statement for general ones.
    """

    supporters: Mapping[str, frozenset[str]]  # principle id → ids of people, all of them asked
    asked: Mapping[str, frozenset[str]]  # principle id → ids of people

    def proposed(self, first: str, second: str) -> str | None:
        """The principle with more people behind it, among those who could support both; None within
        noise: Wilson's interval of the share of the first, among people behind just one of the two,
        holds one half. (A bootstrap would let a single person decide: every draw is alike.)
        """
        one = self.supporters[first] & self.asked[second]
        other = self.supporters[second] & self.asked[first]
        num_first, num_second = len(one - other), len(other - one)
        _, low, high = wilson(num_first, num_first + num_second)
        if num_first + num_second == 0 or low <= 0.5 <= high:
            return None
        return first if low > 0.5 else second


def backing(
    principles: Sequence[ChosenPrinciple], matches: pa.Table, people: Mapping[Kind, Collection[str]]
) -> Backing:
    """Who is behind the chosen principles.

    Args:
        principles: of the constitution.
        matches: columns `principle_id`, `annotator_id`, of the half principles are chosen on.
        people: everybody who could support a principle of each kind.
    """
    everybody = {kind: frozenset(ids) for kind, ids in people.items()}
    asked = {p.id: everybody.get(p.kind, frozenset()) for p in principles}
    by_principle = matches.group_by("principle_id").aggregate([("annotator_id", "distinct")])
    names = by_principle["principle_id"].to_pylist()
    said = dict(zip(names, by_principle["annotator_id_distinct"].to_pylist(), strict=True))
    return Backing({key: asked[key] & frozenset(said.get(key, ())) for key in asked}, asked)


def pairs_of(parts: Iterable[pa.Table]) -> pa.Table:
    """What makes two preferences one pair: the same prompt and the same two responses, in whichever
    order. Preferences between two equal responses are left out.

    Args:
        parts: tables with `id`, `prompt`, `response_a`, `response_b`.

    Returns:
        Columns `row_id`, `pair` (128-bit hash) and `swapped` (`response_a` is the second of the
        two in their canonical order).
    """
    found: list[tuple[str, bytes, bool]] = []
    for part in parts:
        columns = (part[name].to_pylist() for name in PAIR_COLUMNS)
        for row_id, prompt, one, other in zip(*columns, strict=True):
            if one != other:
                found.append((row_id, _pair_key(prompt, one, other), one > other))
    types = (pa.string(), pa.binary(16), pa.bool_())
    columns = zip(*found, strict=True) if found else ((), (), ())
    arrays = [pa.array(column, of) for column, of in zip(columns, types, strict=True)]
    return pa.table(arrays, names=["row_id", "pair", "swapped"])


def _pair_key(prompt: str, one: str, other: str) -> bytes:
    digest = hashlib.blake2b(digest_size=16)
    for text in (prompt, *sorted((one, other))):
        words = text.encode("utf-8", "surrogatepass")
        digest.update(len(words).to_bytes(8) + words)
    return digest.digest()


def by_votes(
    votes: pa.Table, pairs: pa.Table, chosen: Sequence[str], backing: Backing
) -> Oppositions:
    """Principles whose votes oppose each other. A vote speaks when it names the same response in
    both orders: not `both`, not `neither`, not one that flips.

    Args:
        votes: columns `principle_id`, `row_id`, `a_first`, `b_first`.
        pairs: of `pairs_of`; votes on other rows are left out.
        chosen: principle ids, in the order of the constitution.
        backing: people behind them.
    """
    steady = votes.filter(
        pc.and_(
            pc.equal(votes["a_first"], votes["b_first"]),
            pc.is_in(votes["a_first"], pa.array(["a", "b"])),
        )
    )
    said = steady.select(["principle_id", "row_id"]).append_column("side", steady["a_first"])
    nobody = pa.array(np.zeros(said.num_rows, dtype=np.int64))  # a model is one voter
    sides = _sides(said.append_column("person", nobody), pairs, chosen)
    return _opposed("votes", sides, chosen, backing, least_people=1)


def by_reasons(
    matches: pa.Table,
    preferences: pa.Table,
    pairs: pa.Table,
    chosen: Sequence[str],
    backing: Backing,
) -> Oppositions:
    """Principles that people cite for opposite responses of one pair. Whose reason says what a
    principle says lets it speak for the response preferred; on a pair, a principle speaks for the
    response more people cite it for. No model is asked.

    Args:
        matches: columns `principle_id`, `row_id`.
        preferences: columns `id`, `annotator_id`, `preferred`; ties say nothing.
        pairs: of `pairs_of`; matches in other rows (statements) are left out.
        chosen: principle ids, in the order of the constitution.
        backing: people behind them.
    """
    place = pc.index_in(matches["row_id"], preferences["id"].combine_chunks())
    known = matches.select(["principle_id", "row_id"]).filter(place.is_valid())
    rows = preferences.take(pc.drop_null(place))
    said = known.append_column("side", rows["preferred"]).append_column(
        "person", rows["annotator_id"]
    )
    said = said.filter(pc.is_in(said["side"], pa.array(["a", "b"])))
    sides = _sides(said, pairs, chosen)
    return _opposed("reasons", sides, chosen, backing, least_people=LEAST_PEOPLE)


@dataclass(frozen=True)
class _Sides:
    """What each principle says of each pair, and in which rows it says so."""

    net: NDArray[np.int8]  # [pairs, principles]: 1 the first response, -1 the second, 0 neither
    row_ids: NDArray[np.str_]  # [said], sorted
    people: NDArray[np.int64]  # [said]
    pair: NDArray[np.int64]  # [said]
    principle: NDArray[np.int64]  # [said]
    side: NDArray[np.int64]  # [said], 1 or -1


def _sides(said: pa.Table, pairs: pa.Table, chosen: Sequence[str]) -> _Sides:
    """From columns `principle_id`, `row_id`, `side` (`a`, `b`) and `person`."""
    row = pc.index_in(said["row_id"], pairs["row_id"].combine_chunks())
    column = pc.index_in(said["principle_id"], pa.array(chosen, pa.string()))
    wanted = pc.and_(row.is_valid(), column.is_valid())
    said, row, column = (values.filter(wanted) for values in (said, row, column))
    known = pairs.take(row)
    names_a = np.asarray(pc.equal(said["side"], "a"), dtype=bool)
    swapped = np.asarray(known["swapped"], dtype=bool)
    ids = np.asarray(said["row_id"].to_pylist(), dtype=np.str_)
    order = np.argsort(ids, kind="stable")
    pair = _numbers(known["pair"])[order]
    principle = np.asarray(column, dtype=np.int64)[order]
    side = np.where(names_a != swapped, 1, -1)[order]
    people = _numbers(said["person"])[order]
    net = _net(np.stack([pair, principle, side, people], axis=1), len(chosen))
    return _Sides(net, ids[order], people, pair, principle, side)


def _numbers(column: pa.ChunkedArray) -> NDArray[np.int64]:
    """Equal values, equal numbers from 0."""
    encoded = column.combine_chunks().dictionary_encode()
    indices = encoded.indices if isinstance(encoded, pa.DictionaryArray) else encoded
    return np.asarray(indices, dtype=np.int64)


def _net(said: NDArray[np.int64], num_principles: int) -> NDArray[np.int8]:
    """Which response more people name: from rows of pair, principle, side and person."""
    distinct = np.unique(said, axis=0)
    num_pairs = int(distinct[:, 0].max()) + 1 if len(distinct) else 0
    total = np.zeros((num_pairs, num_principles), dtype=np.int64)
    np.add.at(total, (distinct[:, 0], distinct[:, 1]), distinct[:, 2])
    return np.sign(total).astype(np.int8)


def _opposed(
    found_by: str, sides: _Sides, chosen: Sequence[str], backing: Backing, least_people: int
) -> Oppositions:
    signs = sides.net.astype(np.float64)
    both = (np.abs(signs).T @ np.abs(signs)).astype(int)
    opposed = (both - (signs.T @ signs).astype(int)) // 2
    found, twosomes = [], list(combinations(range(len(chosen)), 2))
    for one, other in twosomes:
        num, hits = int(both[one, other]), int(opposed[one, other])
        if not _contradict(num, hits):
            continue
        where = np.flatnonzero(sides.net[:, one] * sides.net[:, other] < 0)
        speaks = [_speaking(sides, column, where) for column in (one, other)]
        if any(len(np.unique(sides.people[rows])) < least_people for rows in speaks):
            continue
        rows = list(_row_ids(sides, where, speaks))[:MOST_ROWS]
        ids = (chosen[one], chosen[other])
        found.append(contradiction(found_by, ids, backing, (num, hits), rows))
    num_told = sum(int(both[one, other]) >= LEAST_PAIRS for one, other in twosomes)
    return Oppositions(found_by, found, num_told, len(twosomes))


def _contradict(num_both: int, num_opposed: int) -> bool:
    if num_both < LEAST_PAIRS or num_opposed < LEAST_OPPOSED * num_both:
        return False
    return wilson(num_opposed, num_both)[1] > 0.5


def _speaking(sides: _Sides, principle: int, where: NDArray[np.int64]) -> NDArray[np.int64]:
    """Places in `said` where the principle speaks for the response it speaks for on the whole."""
    wanted = np.zeros(len(sides.net), dtype=bool)
    wanted[where] = True
    says = sides.side == sides.net[sides.pair, principle]
    return np.flatnonzero((sides.principle == principle) & says & wanted[sides.pair])


def _row_ids(
    sides: _Sides, where: NDArray[np.int64], speaks: Sequence[NDArray[np.int64]]
) -> Iterator[str]:
    """Of each opposed pair the first row that speaks by the one principle, then by the other: two
    rows of two people where they are reasons, mostly one row where they are votes.
    """
    firsts = [dict(zip(sides.pair[rows[::-1]], rows[::-1], strict=True)) for rows in speaks]
    ordered = sorted(where, key=lambda pair: str(sides.row_ids[firsts[0][pair]]))
    places = [of[pair] for pair in ordered for of in firsts]
    yield from dict.fromkeys(str(sides.row_ids[place]) for place in places)


def contradiction(
    found_by: str,
    ids: tuple[str, str],
    backing: Backing,
    counts: tuple[int, int],
    row_ids: list[str],
    note: str = "",
) -> Contradiction:
    """Two principles (`ids`) found to contradict each other, with the people behind them; `counts`:
    pairs on which both speak, and those on which they are opposed.
    """
    return Contradiction(
        principle_id=ids[0],
        other_id=ids[1],
        found_by=found_by,
        num_both_speak=counts[0],
        num_opposed=counts[1],
        row_ids=row_ids,
        num_people=len(backing.supporters[ids[0]]),
        num_people_other=len(backing.supporters[ids[1]]),
        proposed_id=backing.proposed(*ids),
        note=note,
    )
