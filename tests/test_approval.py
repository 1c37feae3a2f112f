"""Polis-style votes on statements: what they weigh, and what is told of them."""

from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest
from contest_rows import CONFIG, chosen_by, contest

from gcai_ray.choosing.approval import Approvals, approvals
from gcai_ray.choosing.contest import Contest
from gcai_ray.choosing.selection import choose
from gcai_ray.schemas import Kind, Statement, arrow_schema
from gcai_ray.stages.ratify import chosen_principles

ROWS = [(f"r{n}", f"p{n}", "") for n in range(5)]


def votes(agree: int, disagree: int, passed: int, **consensus: float) -> dict:
    return {
        "num_agree": agree,
        "num_disagree": disagree,
        "num_pass": passed,
        "consensus": [{"group": g.strip("_"), "share": s} for g, s in consensus.items()],
    }


def voted(
    one: Contest, cast: dict[str, dict], sources: dict[str, str] | None = None
) -> Approvals | None:
    ids = one.electorate.rows.tolist()
    table = pa.table(
        {
            "id": ids,
            "source": [(sources or {}).get(key, "polis") for key in ids],
            "votes": [cast.get(key) for key in ids],
        },
        schema=arrow_schema(Statement, ["id", "source", "votes"]),
    )
    return approvals(one.electorate, [table.slice(0, 2), table.slice(2)])


def test_a_statement_weighs_what_its_least_favourable_voters_approve() -> None:
    one = contest(ROWS, [], 1, Kind.GENERAL)
    found = voted(
        one,
        {
            "r0": votes(6, 3, 1, _0=0.9, _1=0.2),
            "r1": votes(6, 3, 1),  # no groups: all voters
            "r2": votes(0, 0, 0),  # shown to nobody
            "r4": votes(0, 5, 0, _1=0.0),
        },
    )
    assert found is not None
    np.testing.assert_allclose(found.weights(), [0.2, 0.6, 1, 1, 0])
    assert voted(one, {}) is None


def test_what_one_camp_turns_down_ranks_below_what_both_hold() -> None:
    said = [("r0", 0), ("r1", 0), ("r2", 0), ("r3", 1), ("r4", 1)]
    one = contest(ROWS, said, 2, Kind.GENERAL)
    assert chosen_by(one, 2) == [0, 1]
    cheered = dict.fromkeys(("r0", "r1", "r2"), votes(60, 40, 0, _0=0.95, _1=0.1))
    shared = dict.fromkeys(("r3", "r4"), votes(60, 40, 0, _0=0.6, _1=0.6))
    found = replace(one, approvals=voted(one, cheered | shared))
    assert found.totals() == pytest.approx([3 * 0.1 / 5, 2 * 0.6 / 5])
    assert chosen_by(found, 2) == [1, 0]
    assert chosen_by(found, 1) == [1]  # the gain is weighed as the rank is
    nobody = dict.fromkeys(("r0", "r1", "r2"), votes(0, 100, 0, _0=0.0))
    assert chosen_by(replace(one, approvals=voted(one, nobody | shared)), 2) == [1]


def test_the_approval_of_a_principle_by_hand() -> None:
    said = [("r0", 0), ("r1", 0), ("r2", 0), ("r3", 0)]
    one = contest(ROWS, said, 1, Kind.GENERAL)
    cast = {
        "r0": votes(8, 1, 1, _0=0.9, _1=0.7),
        "r1": votes(2, 2, 0, _0=0.3, _1=0.8),
        "r3": votes(0, 0, 0),
        "r4": votes(0, 50, 0, _0=0.0, _1=0.0),  # does not match
    }
    full = replace(one, approvals=voted(one, cast))
    [row] = chosen_principles(full, choose(full, 1, CONFIG, 0), {one.ids[0]: []}, CONFIG, seed=0)
    found = row.approval
    assert found is not None
    assert (found.num_statements, found.num_votes) == (2, 14)
    assert found.agree.share == pytest.approx((0.8 + 0.5) / 2)
    assert found.agree.low < found.agree.share < found.agree.high
    assert (found.least_group, found.least_agree) == ("0", 0.6)
    assert row.support.voice.share == pytest.approx((0.7 + 0.3 + 1 + 1) / 5)
    assert row.support.num_people == 4  # people are counted, whatever others voted


def test_a_principle_no_voted_statement_matches_has_no_approval() -> None:
    one = contest(ROWS, [("r0", 0)], 1, Kind.GENERAL)
    found = voted(one, {"r1": votes(1, 0, 0)})
    assert found is not None
    assert found.of(np.array([0, 2]), seed=0) is None


def test_groups_of_two_sources_are_told_apart() -> None:
    one = contest(ROWS, [], 1, Kind.GENERAL)
    cast = {"r0": votes(1, 0, 0, _0=0.9), "r1": votes(1, 0, 0, _0=0.4)}
    both = voted(one, cast, {"r0": "first", "r1": "second"})
    assert both is not None
    told = both.of(np.arange(5), seed=0)
    assert told is not None
    assert (told.least_group, told.least_agree) == ("second: 0", 0.4)
