"""Twelve pairs that four people chose from, what principles and judges say of them, and what
follows, computed by hand.

Seven pairs are for training, five are held out, as `ingest` splits them by prompt (seed 0,
`test_share` 0.4). `VOTES` and `VERDICTS` give, for the response shown first being response_a and
response_b in turn, which response of the row was named; None: no usable reply.

    pair  person  prefers  longer  | concise  sources  polite     example (ICAI)
    t1    ann     b        a       | for      against  for        for
    t2    ann     b        b       | for      for      abstain 1) neither
    t3    ann     b        b       | abs. 2)  for      abstain 3) for
    t4    ann     b        b       | for      for      abstain 1) for
    t5    bob     a        b       | for      for      against    against
    t6    cid     a        b       | for      for      for        for
    t7    dan     a        b       | for      for      invalid    for
    1) flips to the response shown first  2) to the one shown second  3) not a flip between the two
    t6 and t7 have the same two responses under two prompts.

    pair  person  prefers  longer  | concise  sources  example | judge: gcai  none  icai
    h1    ann     a        a       | a        b        b       |        a     a     a
    h2    ann     b        a       | abs. 1)  b        b       |        1)    a     b
    h3    bob     a        equal   | b        neither  a       |        a     b     b
    h4    bob     b        b       | neither  both     invalid |        b     b     a
    h5    cid     b        b       | b        b        a       |        inv.  b     b

By voices `a` is preferred in training, by bob, cid and dan, 3 of 4; by rows it would be `b`, 4 of
7.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from gcai_ray.stages.vote import outcome

SEED = 0
TEST_SHARE = 0.4

# Key of a principle → its words, as the scripted annotator words them.
PRINCIPLES = {
    "concise": "is concise and to the point",
    "sources": "cites the sources of its claims",
    "polite": "is polite in tone",
    "example": "gives a concrete example",
}
OURS = ("concise", "sources")  # what is chosen: `polite` does not stand clear of chance
ICAI = ("example",)

_EXAMPLE = "For instance, a family of four in a small flat would start with the kitchen."
_CONCISE = "I like that it is concise."
_SOURCES = "It names its sources instead of just claiming things."
_POLITE = "It stays polite the whole way through."


def _pair(name: str, prompt: str, responses: tuple[str, str], who: str, choice: str, why: str):
    names = ("name", "prompt", "response_a", "response_b", "annotator", "preferred", "reason")
    return dict(zip(names, (name, prompt, *responses, who, choice, why), strict=True))


_SAME = (f"Ask your bank. {_EXAMPLE}", "Ask your bank, your neighbours and your insurance. " * 3)
PAIRS: list[dict[str, Any]] = [
    _pair(
        "t1",
        "How do I descale a kettle?",
        ("Boil water with vinegar, wait, and rinse the kettle well. " * 3, f"Vinegar. {_EXAMPLE}"),
        "ann",
        "b",
        _CONCISE,
    ),
    _pair(
        "t2",
        "Why is the sky blue?",
        ("Air scatters light.", "Air scatters blue light most, as Rayleigh showed in 1871."),
        "ann",
        "b",
        f"{_CONCISE} {_SOURCES}",
    ),
    _pair(
        "t3",
        "What is a mortgage?",
        ("A loan on a house.", f"A loan that a house secures. {_EXAMPLE}"),
        "ann",
        "b",
        f"{_SOURCES} {_POLITE}",
    ),
    _pair(
        "t4",
        "How do vaccines work?",
        ("They train the body.", f"They show the body a harmless part of a germ. {_EXAMPLE}"),
        "ann",
        "b",
        _CONCISE,
    ),
    _pair(
        "t5",
        "How long should I boil an egg?",
        ("Seven minutes, says the handbook of the hotel school.", f"Ten. {_EXAMPLE}"),
        "bob",
        "a",
        _SOURCES,
    ),
    _pair("t6", "What does a notary do?", _SAME, "cid", "a", f"{_CONCISE} {_SOURCES} {_POLITE}"),
    _pair("t7", "Is green tea good for me?", _SAME, "dan", "a", _CONCISE),
    _pair(
        "h1",
        "Can I freeze cooked rice?",
        ("Yes, for a month, if it is cooled within an hour.", "Yes."),
        "ann",
        "a",
        _CONCISE,
    ),
    _pair(
        "h2",
        "What causes thunder?",
        ("Lightning heats the air around it.", "Hot air expands fast."),
        "ann",
        "b",
        _SOURCES,
    ),
    _pair(
        "h3",
        "How do I stop hiccups?",
        ("Hold your breath.", "Drink some water."),
        "bob",
        "a",
        _POLITE,
    ),
    _pair(
        "h4",
        "What is inflation?",
        ("Prices rise.", "Prices rise on average over a year."),
        "bob",
        "b",
        _SOURCES,
    ),
    _pair(
        "h5",
        "How do tides work?",
        ("The moon pulls.", "The moon pulls the sea, and the sun helps."),
        "cid",
        "b",
        _CONCISE,
    ),
]

Answers = tuple[str | None, str | None]
_A, _B, _TO_FIRST, _TO_SECOND = ("a", "a"), ("b", "b"), ("a", "b"), ("b", "a")
_BOTH, _NEITHER = ("both", "both"), ("neither", "neither")
TRAIN = ("t1", "t2", "t3", "t4", "t5", "t6", "t7")
HELD = ("h1", "h2", "h3", "h4", "h5")


def _column(principle: str, pairs: tuple[str, ...], *answers: Answers):
    return {(principle, pair): both for pair, both in zip(pairs, answers, strict=True)}


# (principle, pair) → what was named with response_a first, and with response_b first.
VOTES: dict[tuple[str, str], Answers] = {
    **_column("concise", TRAIN, _B, _B, _TO_SECOND, _B, _A, _A, _A),
    **_column("sources", TRAIN, _A, _B, _B, _B, _A, _A, _A),
    **_column("polite", TRAIN, _B, _TO_FIRST, ("neither", "b"), _TO_FIRST, _B, _A, ("b", None)),
    **_column("example", TRAIN, _B, _NEITHER, _B, _B, _B, _A, _A),
    **_column("concise", HELD, _A, _TO_FIRST, _B, _NEITHER, _B),
    **_column("sources", HELD, _B, _B, _NEITHER, _BOTH, _B),
    **_column("example", HELD, _B, _B, _A, (None, "a"), _A),
}
# (constitution, pair) → what a judge named that had read it.
VERDICTS: dict[tuple[str, str], Answers] = {
    **_column("gcai", HELD, _A, _TO_FIRST, _A, _B, ("b", None)),
    **_column("none", HELD, _A, _A, _B, _B, _B),
    **_column("icai", HELD, _A, _B, _B, _A, _B),
}


@dataclass(frozen=True)
class Predicted:
    """How well a principle predicts the seven training choices."""

    outcomes: dict[str, int]
    num_people_spoken: int
    accuracy: float
    coverage: float
    voice: float


# Voices of a training pair: ann 1/4, bob 1, cid 1, dan 1; 4 people.
# concise: for on all but t3 = 3/4 + 1 + 1 + 1 = 15/4, against on none.
#   accuracy 1, coverage 15/16, voice 15/16.
# sources: for on all but t1 = 15/4, against on t1 = 1/4; it speaks on all 4.
#   accuracy 15/16, coverage 1, voice (15/4 - 1/4) / 4 = 7/8.
# polite: for on t1 t6 = 5/4, against on t5 = 1; it speaks on 9/4: of ann, bob and cid.
#   accuracy 5/9, coverage 9/16, voice 1/16.
# example: for on t1 t3 t4 t6 t7 = 11/4, against on t5 = 1; it speaks on 15/4.
#   accuracy 11/15, coverage 15/16, voice 7/16.
_NO = dict.fromkeys(("for", "against", "both", "neither", "abstain", "invalid"), 0)
PREDICTED = {
    "concise": Predicted(_NO | {"for": 6, "abstain": 1}, 4, 1.0, 15 / 16, 15 / 16),
    "sources": Predicted(_NO | {"for": 6, "against": 1}, 4, 15 / 16, 1.0, 7 / 8),
    "polite": Predicted(
        _NO | {"for": 2, "against": 1, "abstain": 3, "invalid": 1}, 3, 5 / 9, 9 / 16, 1 / 16
    ),
    "example": Predicted(_NO | {"for": 5, "against": 1, "neither": 1}, 4, 11 / 15, 15 / 16, 7 / 16),
}

# The weights of `concise` (u) and `sources` (v), where s(x) = 1 / (1 + exp(-x)), solve
#   u = 1/4 s(v-u) + 7/2 s(-u-v)               t1; t2, t4, t5, t6 and t7
#   v = -1/4 s(v-u) + 7/2 s(-u-v) + 1/4 s(-v)  t1; the same; t3
# and that of `example` alone solves w = 11/4 s(-w) - s(w).
WEIGHTS = {"concise": 0.789726, "sources": 0.643996}
ICAI_WEIGHT = 0.455342

# What each executor predicts for h1 ... h5; 0: undecided. On h1 `concise` outweighs `sources`,
# which was wrong where the two differed in training (t1).
OUR_PREDICTIONS = {
    "judge": (1, 0, 1, -1, 0),
    "majority": (0, -1, -1, 0, -1),
    "weighted": (1, -1, -1, 0, -1),
}
BASELINE_PREDICTIONS = {
    "majority class": (1, 1, 1, 1, 1),
    "longer response": (1, 1, 0, -1, -1),
    "judge without constitution": (1, 1, -1, -1, -1),
    "ICAI mode, judge": (1, -1, -1, 1, -1),
    "ICAI mode, majority": (-1, -1, 1, 0, 1),
    "ICAI mode, weighted": (-1, -1, 1, 0, 1),
}
# Share predicted of what ann (h1 a, h2 b), bob (h3 a, h4 b) and cid (h5 b) chose; the accuracy is
# their mean.
PER_PERSON = {
    "judge": (3 / 4, 1, 1 / 2),  # 3/4
    "majority": (3 / 4, 1 / 4, 1),  # 2/3
    "weighted": (1, 1 / 4, 1),  # 3/4
    "majority class": (1 / 2, 1 / 2, 0),  # 1/3
    "longer response": (1 / 2, 3 / 4, 1),  # 3/4
    "judge without constitution": (1 / 2, 1 / 2, 1),  # 2/3
    "ICAI mode, judge": (1, 0, 1),  # 2/3
    "ICAI mode, majority": (1 / 2, 3 / 4, 0),  # 5/12
    "ICAI mode, weighted": (1 / 2, 3 / 4, 0),  # 5/12
}
ACCURACY = {
    "judge": 3 / 4,
    "majority": 2 / 3,
    "weighted": 3 / 4,
    "majority class": 1 / 3,
    "longer response": 3 / 4,
    "judge without constitution": 2 / 3,
    "ICAI mode, judge": 2 / 3,
    "ICAI mode, majority": 5 / 12,
    "ICAI mode, weighted": 5 / 12,
}
# Mean of the differences of ann, bob and cid.
DIFFERENCE = {
    ("judge", "majority class"): 5 / 12,  # 1/4, 1/2, 1/2
    ("judge", "longer response"): 0.0,  # 1/4, 1/4, -1/2
    ("judge", "judge without constitution"): 1 / 12,  # 1/4, 1/2, -1/2
    ("judge", "ICAI mode, judge"): 1 / 12,  # -1/4, 1, -1/2
    ("majority", "majority class"): 1 / 3,  # 1/4, -1/4, 1
    ("majority", "longer response"): -1 / 12,  # 1/4, -1/2, 0
    ("majority", "judge without constitution"): 0.0,  # 1/4, -1/4, 0
    ("majority", "ICAI mode, majority"): 1 / 4,  # 1/4, -1/2, 1
    ("weighted", "majority class"): 5 / 12,  # 1/2, -1/4, 1
    ("weighted", "longer response"): 0.0,  # 1/2, -1/2, 0
    ("weighted", "judge without constitution"): 1 / 12,  # 1/2, -1/4, 0
    ("weighted", "ICAI mode, weighted"): 1 / 3,  # 1/2, -1/2, 1
}
# Pairs decided, and the share of voices they carry: h1 to h4 1/6 each, h5 1/3.
DECIDED = {"judge": (3, "50%"), "majority": (3, "67%"), "weighted": (4, "83%")}

# Voices of the answers (a, undecided, b): judge 2/6, 3/6, 1/6; majority 0, 2/6, 4/6;
# weighted 1/6, 1/6, 4/6.
# judge and majority agree on no pair; by chance 0 + 1/6 + 1/9 = 5/18: (0 - 5/18) / (13/18).
# judge and weighted agree on h1, 1/6; by chance 2/36 + 3/36 + 4/36 = 1/4: (1/6 - 1/4) / (3/4).
# majority and weighted differ on h1 only, 5/6; by chance 0 + 2/36 + 16/36 = 1/2: (1/3) / (1/2).
KAPPA = {
    "judge and majority": -5 / 13,
    "judge and weighted": -1 / 9,
    "majority and weighted": 2 / 3,
}

# Votes of `concise`, `sources` and `polite` on the training pairs: 21, of which 20 were answered in
# both orders (not polite on t7); to the first: polite t2 and t4; to the second: concise t3.
TRAIN_FLIPS = {"flip_rate": 3 / 20, "position_bias": 1 / 20}
# for 6 + 6 + 2; against 0 + 1 + 1; abstain 1 + 0 + 3; invalid 1.
TRAIN_OUTCOMES = _NO | {"for": 14, "against": 2, "abstain": 4, "invalid": 1}
# All votes: 21 + 10 of ours and 12 of `example`; two are invalid, and concise on h2 flips to the
# first as well. Further outcomes: of ours for 4 (h1 concise, h2 sources, h5 both), against 2 (h1
# sources, h3 concise), both 1, neither 2, abstain 1; of `example` for 5 + 2, against 1 + 2, neither
# 1, invalid 1.
ALL_FLIPS = {"flip_rate": 4 / 41, "position_bias": 2 / 41}
ALL_OUTCOMES = {"for": 25, "against": 7, "both": 1, "neither": 3, "abstain": 5, "invalid": 2}


def preferences(names: tuple[str, ...], reverse: bool = False) -> pa.Table:
    """Rows of `preferences` of some of the twelve pairs, with their names as ids."""
    rows = [row for row in PAIRS if row["name"] in names]
    table = pa.Table.from_pylist(rows[::-1] if reverse else rows)
    return table.rename_columns({"name": "id", "annotator": "annotator_id"})


def rows_of(*rows: tuple[str, str, str, int, int]) -> pa.Table:
    """Preferences from id, person, choice and the lengths of both responses."""
    return pa.table(
        {
            "id": [row[0] for row in rows],
            "annotator_id": [row[1] for row in rows],
            "preferred": [row[2] for row in rows],
            "response_a": ["é" * row[3] for row in rows],
            "response_b": ["e" * row[4] for row in rows],
        },
        schema=preferences(TRAIN)
        .select(["id", "annotator_id", "preferred", "response_a", "response_b"])
        .schema,
    )


def votes(*principles: str, held_too: bool = True) -> pa.Table:
    """Rows of `votes` of the twelve pairs."""
    choice = {row["name"]: row for row in PAIRS}
    found = [
        {
            "principle_id": principle,
            "row_id": name,
            "annotator_id": choice[name]["annotator"],
            "preferred": choice[name]["preferred"],
            "a_first": both[0],
            "b_first": both[1],
            "outcome": str(outcome(*both, choice[name]["preferred"])),
        }
        for (principle, name), both in VOTES.items()
        if principle in (principles or PRINCIPLES) and (held_too or name in TRAIN)
    ]
    return pa.Table.from_pylist(found)


def verdicts() -> pa.Table:
    columns = ("constitution", "row_id", "a_first", "b_first")
    cells = [(*place, *both) for place, both in VERDICTS.items()]
    return pa.Table.from_pylist([dict(zip(columns, cell, strict=True)) for cell in cells])
