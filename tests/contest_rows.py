"""Contests of a few people and principles for tests of what is chosen."""

from dataclasses import replace

import numpy as np
import pyarrow as pa

from gcai_ray.choosing.contest import Contest
from gcai_ray.choosing.poll import Poll
from gcai_ray.choosing.selection import choose
from gcai_ray.config import RatifyConfig
from gcai_ray.electorate import electorate, incidence
from gcai_ray.schemas import Kind, VoteOutcome

CONFIG = RatifyConfig(min_people=1, min_group_size=2)
WORDS = ("concise", "friendly", "balanced", "thorough")
FOUR = {f"v{n}": f"p{n}" for n in range(4)}
GROUPS = pa.list_(pa.struct([("name", pa.string()), ("value", pa.string())]))


def contest(
    rows: list[tuple[str, str, str]],
    votes: list[tuple[str, int]],
    num_principles: int,
    kind: Kind = Kind.CONTEXTUAL,
    near: tuple = (),
) -> Contest:
    """rows: (row, person, region); votes: (row, principle); near: pairs of principles that say the
    same.
    """
    table = pa.table(
        {
            "id": [r[0] for r in rows],
            "annotator_id": [r[1] for r in rows],
            "groups": pa.array(
                [[{"name": "region", "value": r[2]}] if r[2] else [] for r in rows], GROUPS
            ),
        }
    )
    people = electorate([table.slice(0, 1), table.slice(1)])
    ids = tuple(f"{i:032x}" for i in range(num_principles))
    cast = pa.table(
        [[v[0] for v in votes], [ids[v[1]] for v in votes]],
        pa.schema({"row_id": pa.string(), "principle_id": pa.string()}),
    )
    vectors = np.eye(num_principles, dtype=np.float32)
    for one, other in near:
        vectors[other] = vectors[one]
    texts = tuple(f"Choose the response that is {WORDS[i]}." for i in range(num_principles))
    return Contest(kind, ids, texts, vectors, 0.9, people, incidence(people, [cast], ids))


def polled(
    people: dict[str, str],
    votes: dict[int, dict[str, str]],
    num_principles: int = 3,
    times: int = 4,
    regions: dict[str, str] | None = None,
) -> Contest:
    """A contest every person supports every principle of, with a poll on other rows.

    people: pair → person; votes: principle → pair → outcome (`abstain` where none is given); times:
    how many people alike each person stands for (fewer than four are never surely above chance);
    regions: pair → region of its person.
    """
    regions = {f"{pair}#{n}": to for pair, to in (regions or {}).items() for n in range(times)}
    votes = {
        i: {f"{pair}#{n}": said for pair, said in of_one.items() for n in range(times)}
        for i, of_one in votes.items()
    }
    people = {f"{pair}#{n}": f"{who}#{n}" for pair, who in people.items() for n in range(times)}
    rows = [(f"r{n}", person, "") for n, person in enumerate(sorted(set(people.values())))]
    said = [(row, i) for row, *_ in rows for i in range(num_principles)]
    one = contest(rows, said, num_principles)
    table = pa.table(
        {
            "id": list(people),
            "annotator_id": list(people.values()),
            "groups": pa.array(
                [
                    [{"name": "region", "value": regions[pair]}] if pair in regions else []
                    for pair in people
                ],
                GROUPS,
            ),
        }
    )
    voters = electorate([table])
    cast: dict[str, list[tuple[str, str]]] = {outcome: [] for outcome in VoteOutcome}
    for i in range(num_principles):
        for pair in people:
            cast[votes.get(i, {}).get(pair, "abstain")].append((pair, one.ids[i]))
    outcomes = {
        VoteOutcome(name): incidence(
            voters,
            [pa.table({"row_id": [p for p, _ in c], "principle_id": [i for _, i in c]})],
            one.ids,
        )
        if c
        else incidence(voters, [], one.ids)
        for name, c in cast.items()
    }
    return replace(one, poll=Poll(voters, outcomes))


def chosen_by(contest: Contest, num_principles: int, config: RatifyConfig = CONFIG) -> list[int]:
    """Columns of the chosen principles, most voices first."""
    return list(choose(contest, num_principles, config, seed=0).columns)
