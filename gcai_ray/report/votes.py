"""A model's votes on pairs of answers → sentences and rows of tables. Knows no HTML.

A vote says which answer of a pair a principle speaks for. Every outcome is told apart.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from gcai_ray.report.content import Asked, Poll
from gcai_ray.report.phrases import (
    ACCURACY_LEVEL,
    LEVEL,
    count,
    interval_words,
    people,
    percent,
    share_words,
)
from gcai_ray.schemas import Constitution, Interval, Kind, Prediction, VoteOutcome

OUTCOMES = {
    VoteOutcome.FOR: (
        "for the chosen answer",
        "In both orders the model said that the principle speaks for the answer the person chose.",
    ),
    VoteOutcome.AGAINST: (
        "for the other answer",
        "In both orders it said that the principle speaks for the answer the person did not "
        "choose.",
    ),
    VoteOutcome.BOTH: (
        "for both alike",
        "In both orders it said that both answers follow the principle equally well.",
    ),
    VoteOutcome.NEITHER: (
        "for neither",
        "In both orders it said that both fail it, or that it has nothing to do with them.",
    ),
    VoteOutcome.ABSTAIN: (
        "changed with the order",
        "It said one thing in one order and another in the other, so the vote counts for no side.",
    ),
    VoteOutcome.INVALID: (
        "no usable reply",
        "In one order or in both, the model gave no reply that could be used.",
    ),
}
# From left to right: what speaks for the choice, what takes no side, what speaks against it.
IN_BAR = (
    (VoteOutcome.FOR, "for"),
    (VoteOutcome.BOTH, "aside"),
    (VoteOutcome.NEITHER, "aside"),
    (VoteOutcome.ABSTAIN, "aside"),
    (VoteOutcome.INVALID, "aside"),
    (VoteOutcome.AGAINST, "against"),
)
VOTED = "The model said of pairs of answers which of the two each contextual principle speaks for."
ASKED = {
    "num_questions": "Questions",
    "num_repeated_questions": "Further rows with the same question",
    "num_attempts": "Times asked, with repeats after a bad reply",
    "num_prompt_tokens": "Tokens read",
    "num_cached_tokens": "of them from a cache",
    "num_completion_tokens": "Tokens written",
    "num_unusable_replies": "Questions without a usable reply",
}


def is_polled(constitution: Constitution) -> bool:
    """Whether a model voted on any principle."""
    return any(principle.prediction for principle in constitution.principles)


def points(share: float) -> str:
    """A margin in percentage points, `+23` or `−4`."""
    return f"{round(100 * share):+d}".replace("-", "−")


def margin_words(said: Prediction) -> str:
    """`+23 points (95 % interval +11 to +34)`."""
    low, high = points(said.voice.low), points(said.voice.high)
    return f"{points(said.voice.share)} points ({LEVEL} interval {low} to {high})"


def vote_words(said: Prediction) -> str:
    """`for 87, against 30 of 231 pairs`."""
    chosen, other = (_number(said.outcomes, o) for o in (VoteOutcome.FOR, VoteOutcome.AGAINST))
    return f"for {chosen}, against {other} of {count(said.num_pairs, 'pair')}"


def outcome_words(said: Prediction) -> str:
    """`for the chosen answer: 87; for the other answer: 30; …`: every outcome, in words."""
    return "; ".join(f"{name}: {number}" for _, name, number in outcomes_of(said))


def outcomes_of(said: Prediction) -> list[tuple[str, str, str]]:
    """Tone, name and number of each outcome, those that did not occur too."""
    tones = dict(IN_BAR)
    return [
        (tones[outcome], name, _number(said.outcomes, outcome))
        for outcome, (name, _) in OUTCOMES.items()
    ]


def prediction_words(said: Prediction) -> str:
    """What the votes on a principle come to: pairs, how often it speaks, how often it is right."""
    chosen, other = (_number(said.outcomes, o) for o in (VoteOutcome.FOR, VoteOutcome.AGAINST))
    return (
        f"By this principle alone, the model named the answer the person chose in {chosen} of "
        f"{count(said.num_pairs, 'pair')}, and the other answer in {other}. {speaking_words(said)} "
        f"{_margin(said)}"
    )


def speaking_words(said: Prediction) -> str:
    """On how many choices a principle speaks, and how often it is right there."""
    if said.num_people_spoken == 0:
        return "It speaks for neither answer on any pair."
    return (
        f"It speaks for one answer on {_share(said.coverage)} of the choices of "
        f"{people(said.num_people)}; there it is right in "
        f"{_share(said.accuracy, ACCURACY_LEVEL)}. Guessing is right in 50 %."
    )


def _share(interval: Interval, level: str = LEVEL) -> str:
    return f"{share_words(interval)} ({interval_words(interval.low, interval.high, level)})"


def _margin(said: Prediction) -> str:
    margin = f"Margin, each person counted alike: {margin_words(said)}."
    return f"{margin} It may as well predict nothing." if said.accuracy.low <= 0.5 else margin


def order_words(constitution: Constitution) -> str:
    """What decides the ranks of principles that were voted on; empty when none was."""
    if not is_polled(constitution):
        return ""
    if constitution.mode == "icai":
        return (
            f"{VOTED} Principles stand in the order of the pairs in which that was the answer the "
            "person chose, less the pairs in which it was the other. The margin is this difference "
            "as a share of pairs, each person counted alike."
        )
    words = (
        f"{VOTED} Contextual principles stand in the order of their margin: of each person’s "
        "pairs, the share in which that was the answer the person chose, less the share in which "
        "it was the other, averaged over people. One enters when the interval of how often it is "
        f"right lies above 50 %: {ACCURACY_LEVEL}, so that it is above chance with {LEVEL} "
        "confidence."
    )
    if all(principle.kind is Kind.CONTEXTUAL for principle in constitution.principles):
        return words
    return (
        f"{words} General principles stand in the order of voices: each person has one voice, "
        "spread evenly over all that the person wrote."
    )


def poll_words(poll: Poll, constitution: Constitution) -> list[str]:
    """How the votes came about, and how often the order of the answers changed one."""
    pairs = max(p.prediction.num_pairs for p in constitution.principles if p.prediction)
    shown = (
        "The model was shown pairs of answers that people had chosen from, but not the choice, and "
        "said which answer each principle speaks for. Every pair was shown twice, once in each "
        "order; a vote counts for a side only when both orders give the same answer. "
        f"Each contextual principle that was found, whether it was chosen for the constitution or "
        f"not, was put to {count(pairs, 'pair')}: {count(poll.num_votes, 'vote')} in all."
    )
    return [shown, _bias_words(poll)]


def _bias_words(poll: Poll) -> str:
    changed = poll.outcomes.get(VoteOutcome.ABSTAIN, 0)
    first, second = poll.num_flips_to_first, poll.num_flips_to_second
    if not changed:
        return "The order of the two answers changed no vote."
    rest = changed - first - second
    otherwise = f"; {rest:,} changed in another way" if rest > 0 else ""
    return (
        f"The order of the two answers changed {changed:,} of {count(poll.num_votes, 'vote')} "
        f"({percent(changed / max(poll.num_votes, 1), fine=True)}): {first:,} went to whichever "
        f"answer was shown first, {second:,} to whichever was shown second{otherwise}. Where "
        "one of the first two numbers is much larger, the model leans towards that place. Votes "
        "that changed count for no side."
    )


def poll_rows(poll: Poll) -> list[tuple[str, str, str, str]]:
    """Name, meaning, number and share of each outcome over all votes."""
    total = max(poll.num_votes, 1)
    return [
        (name, meaning, _number(poll.outcomes, o), percent(poll.outcomes.get(o, 0) / total, True))
        for o, (name, meaning) in OUTCOMES.items()
    ]


def asked_rows(asked: Sequence[Asked]) -> list[tuple[str, list[str]]]:
    """What was asked of the model: a row per figure, a column per stage, the sum last."""
    rows = []
    for field, name in ASKED.items():
        numbers = [getattr(stage, field) for stage in asked]
        rows.append((name, [f"{number:,}" for number in (*numbers, sum(numbers))]))
    return rows


def _number(outcomes: Mapping[VoteOutcome, int], outcome: VoteOutcome) -> str:
    return f"{outcomes.get(outcome, 0):,}"
