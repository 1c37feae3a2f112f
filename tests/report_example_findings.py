"""Invented votes, ballots, contradictions and measures for `report_example`."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from gcai_ray.evaluate.measures import Baseline, Triple, measure, not_measured
from gcai_ray.report import Conflict, PairExcerpt
from gcai_ray.report.content import Place
from gcai_ray.schemas import (
    Approval,
    Contradiction,
    Group,
    GroupCoverage,
    Interval,
    Kind,
    Measure,
    Prediction,
    Ratification,
    Return,
    Unrepresented,
    VoteOutcome,
    Wish,
)

PROMPTS = (
    "My mother was told to stop her blood thinner before surgery but the leaflet says never to "
    "stop it. She is frightened and wants to know tonight what to do, and the ward does not "
    "answer the telephone. What should I tell her?",
    "Is it true that the harbour tax was dropped?",
    "Write a note to my neighbour about the fence.",
)
NEEDS_MODEL = (
    "needs a model: to predict a choice somebody must read both responses, and the extractive "
    "engine reads only people’s words"
)


def identity(*parts: object) -> str:
    """A 128-bit id for the parts."""
    return hashlib.sha256(repr(parts).encode()).hexdigest()[:32]


def interval(num: int, total: int, spread: float = 1.0) -> Interval:
    """A share with an interval of plausible width."""
    share = num / total
    half = spread * 1.96 * (max(share * (1 - share), 0.02) / total) ** 0.5
    return Interval(share=share, low=max(0.0, share - half), high=min(1.0, share + half))


def prediction(rank: int) -> Prediction:
    """Votes on 200 pairs, every outcome a number of its own."""
    numbers = (90 - 10 * rank, 10 + rank, 21, 22, 23, 0)
    outcomes = dict(zip(VoteOutcome, numbers, strict=True))
    outcomes[VoteOutcome.INVALID] = 200 - sum(numbers)
    spoken = outcomes[VoteOutcome.FOR] + outcomes[VoteOutcome.AGAINST]
    margin = (outcomes[VoteOutcome.FOR] - outcomes[VoteOutcome.AGAINST]) / 200
    return Prediction(
        num_pairs=200,
        num_people=24,
        num_people_spoken=24 - rank,
        outcomes=outcomes,
        accuracy=interval(outcomes[VoteOutcome.FOR], spoken),
        coverage=interval(spoken, 200),
        voice=Interval(share=margin, low=margin - 0.1, high=margin + 0.1),
    )


def approval(num_statements: int = 3) -> Approval:
    """What voters of the source said."""
    agree = Interval(share=0.78, low=0.7, high=0.85)
    return Approval(
        num_statements=num_statements,
        num_votes=1210,
        agree=agree,
        least_group="B",
        least_agree=0.61,
    )


def standing(kind: Kind, rank: int) -> dict[str, object]:
    """What a run with a model knows of a principle beyond its support."""
    if kind == Kind.CONTEXTUAL:
        reserved = Group(name="region", value="South") if rank == 5 else None
        return {"prediction": prediction(rank), "reserved_for": reserved}
    return {"approval": approval(rank) if rank < 3 else None}


def ratification(number: int) -> Ratification:
    """Votes of 96 people; the fourth and the last principle find no majority."""
    approve = (31, 44)[number == 9] if number in (3, 9) else 80 - 3 * number
    reject = 48 if number in (3, 9) else 9 + number
    return Ratification(
        num_approve=approve,
        num_reject=reject,
        num_pass=96 - approve - reject,
        approve=interval(approve, approve + reject),
        approved=approve > reject,
    )


def unrepresented() -> list[Unrepresented]:
    """One group of each kind."""
    abroad = Unrepresented(
        group=Group(name="region", value="Harbour towns"),
        kind=Kind.CONTEXTUAL,
        num_people=5,
        wishes=[
            Wish(
                principle_id=identity("other", "units"),
                text="Choose the response that uses the units I use.",
                num_people=4,
            ),
            Wish(
                principle_id=identity("other", "risk"),
                text="Choose the response that warns of the risk first.",
                num_people=3,
            ),
        ],
    )
    wish = Wish(
        principle_id=identity("other", "dialect"),
        text="The AI should speak my dialect.",
        num_people=7,
    )
    retired = Unrepresented(
        group=Group(name="role", value="retired"),
        kind=Kind.GENERAL,
        num_people=12,
        wishes=[wish],
    )
    return [abroad, retired]


def excerpts(*prompts: int) -> list[PairExcerpt]:
    """Pairs of answers to invented prompts."""
    return [
        PairExcerpt(
            prompt=PROMPTS[number],
            places=[Place(source_file="preferences.csv", source_row=17 + 20 * number)],
        )
        for number in prompts
    ]


def contradiction(ids: Sequence[str], places: tuple[int, int], found_by: str) -> Contradiction:
    """Two principles, by their places in the constitution."""
    return Contradiction(
        principle_id=ids[places[0]],
        other_id=ids[places[1]],
        found_by=found_by,
        num_both_speak=46,
        num_opposed=31,
        row_ids=[identity("row", found_by, number) for number in range(3)],
        num_people=13,
        num_people_other=4,
        proposed_id=ids[places[0]],
        note="",
    )


def by_reasons(ids: Sequence[str]) -> Conflict:
    """Found in people's own reasons, within noise, two people on one pair."""
    found = contradiction(ids, (1, 3), "reasons").model_copy(
        update={
            "num_both_speak": 9,
            "num_opposed": 8,
            "num_people": 11,
            "num_people_other": 6,
            "proposed_id": None,
        }
    )
    first, second = excerpts(1, 2)
    both = [*first.places, Place(source_file="preferences.csv", source_row=88)]
    return Conflict(found=found, pairs=[first.model_copy(update={"places": both}), second])


def contradictions(ids: Sequence[str]) -> list[Conflict]:
    """One of each kind; votes and model found the same two."""
    votes = Conflict(found=contradiction(ids, (0, 4), "votes"), pairs=excerpts(0, 1, 2))
    told = {"num_both_speak": 0, "num_opposed": 0, "row_ids": [], "note": MODEL_SAID}
    model = contradiction(ids, (0, 4), "model").model_copy(update=told)
    return [votes, by_reasons(ids), Conflict(found=model)]


MODEL_SAID = "Step-by-step detail can read as talking down to a person"


def returns(ids: Sequence[str]) -> list[Return]:
    """20 repeated runs; the fourth principle comes back in 6 of them."""
    chosen = (20, 18, 18, 6, 11, 20, 19, 17, 15, 12)
    return [
        Return(principle_id=name, num_runs=20, num_formed=min(20, num + 2), num_chosen=num)
        for name, num in zip(ids, chosen, strict=True)
    ]


def group_coverage(*groups: Sequence[tuple[str, int]]) -> list[GroupCoverage]:
    """Regions, then roles."""
    return [
        GroupCoverage(
            name=name,
            value=value,
            num_people=size,
            num_covered=(covered := max(1, size - 2 - 2 * number)),
            interval=interval(covered, size),
        )
        for name, values in zip(("region", "role"), groups, strict=True)
        for number, (value, size) in enumerate(values)
    ]


def coverage(baseline: str) -> list[Measure]:
    """Held-out coverage beside random candidates, and how many reasons gave a ground."""
    note = "share of 31 held-out reasons that match a contextual principle"
    drawn = f"{note}; baseline: mean and 95 % range over 200 random draws"
    beside = Baseline(baseline, 0.17, 0.11, 0.24)
    found = "share of 118 reasons that yielded at least one candidate"
    return [
        measure(("coverage", "held_out_coverage"), (0.48, 0.36, 0.61), 11, drawn, beside),
        measure(("coverage", "reasons_with_candidate"), (0.92, 0.87, 0.97), 24, found),
    ]


def spread() -> list[Measure]:
    """Stability and pluralism, which every engine can measure."""
    random = Baseline("random principles", 0.45, 0.37, 0.54, (0.22, 0.12, 0.31))
    fewer = Baseline("random principles", 0.55, 0.46, 0.63, (-0.22, -0.31, -0.12))
    runs = "matched by embedding; low and high: the range that 95 % of the 20 repetitions lie in"
    drawn = Baseline(
        "as many principles drawn at random from all that were distilled", 0.37, 0.11, 0.56
    )
    said = "share of 69 people"
    return [
        measure(("stability", "comes_back_chosen"), (0.78, 0.6, 0.9), None, runs, drawn),
        measure(("stability", "comes_back_formed"), (0.66, 0.5, 0.85), None, runs, drawn),
        measure(("stability", "rank_correlation"), (0.64, 0.41, 0.8), None, runs),
        measure(("pluralism", "people_covered"), (0.67, 0.57, 0.78), 69, said, random),
        measure(("pluralism", "worst_served_group"), (0.2, 0.0, 0.55), 5, "region: Harbour towns"),
        measure(("pluralism", "homeless"), (0.33, 0.22, 0.43), 69, said, fewer),
    ]


def measures_of_rules() -> list[Measure]:
    """All that a run without a model can measure, and why it cannot measure the rest."""
    held = "share of 58 held-out choices of 11 people predicted, one voice each"
    missing = [("reconstruction", name) for name in ("judge", "majority", "weighted")]
    missing += [("agreement", f"judge and {name}") for name in ("majority", "weighted")]
    asked = [("votes", "flip_rate"), ("votes", "position_bias")]
    grounding = [("grounding", "evidence_confirmed"), ("grounding", "principles_confirmed")]
    return [
        *coverage("five clauses picked at random"),
        measure(("reconstruction", "majority class"), (0.55, 0.41, 0.69), 11, held),
        measure(("reconstruction", "longer response"), (0.62, 0.47, 0.75), 11, held),
        *spread(),
        *(not_measured(place, NEEDS_MODEL) for place in missing),
        *(not_measured(place, "needs a model, which reads both responses") for place in asked),
        *(not_measured(place, "needs a model for the second question") for place in grounding),
    ]


def reconstruction() -> list[Measure]:
    """Each executor beside each baseline."""
    note = "share of 58 held-out choices of 11 people predicted, one voice each"
    baselines: dict[str, Triple] = {
        "majority class": (0.55, 0.41, 0.69),
        "longer response": (0.62, 0.47, 0.75),
        "judge without constitution": (0.68, 0.56, 0.79),
        "ICAI mode, {}": (0.77, 0.66, 0.87),
    }
    own: dict[str, Triple] = {
        "judge": (0.74, 0.63, 0.84),
        "majority": (0.66, 0.54, 0.77),
        "weighted": (0.52, 0.4, 0.65),
    }
    found = []
    for name, figure in own.items():
        for other, (value, low, high) in baselines.items():
            gap = round(figure[0] - value, 2)
            differs = (gap, round(gap - 0.1, 2), round(gap + 0.09, 2))
            said = f"{note}; decided on 50 pairs (86% of voices), an undecided pair counts one half"
            said += "; the baseline is decided on 57 pairs (98% of voices)"
            beside = Baseline(other.format(name), value, low, high, differs)
            found.append(measure(("reconstruction", name), figure, 11, said, beside))
    return found


def measures_of_model() -> list[Measure]:
    """Every measure there is, and one of a name and one of a family that nothing here knows."""
    pairing = Baseline("random pairings", 0.12, 0.06, 0.2, (0.71, 0.6, 0.8))
    flips = (
        "2950 votes answered in both orders: 110 flipped to the response shown first, 25 to the "
        "one shown second, 15 changed otherwise"
    )
    shares = dict(zip(VoteOutcome, (0.3, 0.1, 0.07, 0.46, 0.05, 0.02), strict=True))
    beyond = "agreement beyond chance (kappa); they give the same answer to 44 of 58 held-out pairs"
    tags = Baseline("TF-IDF and k-means", 0.19)
    hand = "Agreement of the groups of statements with tags given by hand; 1 is perfect."
    by_hand = measure(("agreement", "adjusted_mutual_information"), (0.31, 0, 0), None, hand, tags)
    return [
        *coverage("five random candidates"),
        *reconstruction(),
        measure(("agreement", "judge and majority"), (0.58, 0.4, 0.71), 11, beyond),
        measure(("agreement", "judge and weighted"), (-0.04, -0.2, 0.11), 11, beyond),
        measure(
            ("votes", "flip_rate"), (0.047, 0.031, 0.066), 24, f"share that flipped of {flips}"
        ),
        measure(("votes", "position_bias"), (0.03, 0.01, 0.05), 24, flips),
        *(
            measure(("votes", f"votes_{name}"), (share, share - 0.02, share + 0.03), 24, "share")
            for name, share in shares.items()
        ),
        measure(("grounding", "evidence_confirmed"), (0.83, 0.74, 0.9), 40, "share", pairing),
        not_measured(("grounding", "principles_confirmed"), "no usable reply to 10 questions"),
        measure(("contradictions", "judged_to_conflict"), (0.02, 0.0, 0.12), None, "share of 45"),
        *spread(),
        by_hand.model_copy(update={"low": None, "high": None}),
        measure(("novelty", "new_words_per_principle"), (2.4, 2.1, 2.8), None, ""),
    ]


def hostile_wish(bad: str) -> Unrepresented:
    """A group and its wish made of hostile text."""
    first = unrepresented()[0]
    wish = first.wishes[0].model_copy(update={"text": bad})
    return first.model_copy(update={"group": Group(name=bad, value=bad), "wishes": [wish]})


def hostile_conflict(conflict: Conflict, bad: str) -> Conflict:
    """A model's note and a person's prompt made of hostile text."""
    pair = PairExcerpt(prompt=bad, places=[Place(source_file=bad, source_row=3)])
    found = conflict.found.model_copy(update={"note": bad})
    return conflict.model_copy(update={"found": found, "pairs": [pair]})
