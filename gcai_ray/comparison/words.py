"""Figures of a comparison → words shared by the terminal and the page. Knows neither."""

from __future__ import annotations

from gcai_ray.comparison.build import Compared, Comparison, Pair, Polled
from gcai_ray.report.phrases import count, join_words, people, percent
from gcai_ray.same_meaning import SAME_COSINE
from gcai_ray.statistics import Triple

ALONE = (
    "No run of ours with people’s words is among them, so there is nobody to ask whom each covers. "
    "Give the root of a finished run as one of the constitutions. A run in ICAI mode does not "
    "serve: it reads no reasons."
)
HOW_MATCHED = (
    f"Two principles are matched when their nearness in meaning is {SAME_COSINE} or more (the "
    "cosine of their sentence embeddings; 1 for the same words), each with one at most. This sees "
    "the topic better than the demand: a match may miss a “not”, and of two wordings of one "
    "demand less than half are found."
)
HOW_THEMED = (
    "Each principle is counted under the one theme whose description is nearest to it in meaning. "
    "On principles that were not used to set this up, about four in five stand where a person "
    "put them."
)
OPPOSED = "one of the two forbids, the other does not: they may ask for opposite things"


def label(compared: Compared, place: int) -> str:
    """`A3`: the third principle of A."""
    return f"{compared.letter}{place + 1}"


def about(compared: Compared) -> str:
    """`run, 10 principles`; with what was left out."""
    listed = compared.listed
    repeats = f", {count(listed.num_repeats, 'repeat')} left out" if listed.num_repeats else ""
    return f"{listed.origin}, {count(compared.num_principles, 'principle')}{repeats}"


def gist_words(comparison: Comparison, place: int) -> str:
    """`Most about safety (9 of 16). Covers 42 % of the 48 people of A.`"""
    one = comparison.constitutions[place]
    largest = max(map(one.count, comparison.themes))
    most = [theme for theme in comparison.themes if one.count(theme) == largest]
    words = f"Most about {join_words(most)} ({largest} of {one.num_principles}{_each(most)})."
    if len(most) > 3:
        words = f"About {len(most)} themes alike."
    whole = [polled for polled in comparison.polled if not polled.held_out]
    covers = [
        f"{percent(polled.rows[place].share[0])} of t{whose_words(polled, comparison)[1:]}"
        for polled in whole
    ]
    return f"{words} Covers {join_words(covers)}." if covers else words


def _each(themes: list[str]) -> str:
    return " each" if len(themes) > 1 else ""


def triple_words(figure: Triple) -> str:
    """`31 % (20–45)`: a share in per cent with its interval."""
    share, low, high = figure
    return f"{percent(share)} ({100 * low:.0f}–{100 * high:.0f})"


def difference_words(figure: Triple | None) -> str:
    """`-48 (-61 to -32)`: points of per cent; empty for the first constitution itself."""
    if figure is None:
        return ""
    value, low, high = (_points(share) for share in figure)
    return f"{value} ({low} to {high})"


def gap_words(figure: Triple, letter: str) -> str:
    """`48 points below A (95 % interval 32 to 61)`; an interval that holds 0 is within noise."""
    value, low, high = (round(100 * share) for share in figure)
    side = "below" if value < 0 else "above"
    if figure[1] <= 0 <= figure[2]:
        place = f"{abs(value)} points {side} {letter}" if value else f"level with {letter}"
        return f"{place}, within noise ({_signed(low)} to {_signed(high)})"
    ends = sorted((abs(low), abs(high)))
    return f"{abs(value)} points {side} {letter} (95 % interval {ends[0]} to {ends[1]})"


def _points(share: float) -> str:
    return _signed(round(100 * share))


def _signed(number: int) -> str:
    return f"+{number}" if number > 0 else f"−{-number}" if number < 0 else "0"


def range_words(figure: Triple | None) -> str:
    """The mean and 95 % range of random draws; `–` where there were too few clauses."""
    return triple_words(figure) if figure else "–"


def pair_words(pair: Pair, comparison: Comparison) -> str:
    """`A and B: 6 matched, 4 only in A, 10 only in B`."""
    first, second = comparison.constitutions[pair.first], comparison.constitutions[pair.second]
    matching = pair.matching
    words = f"{first.letter} and {second.letter}: {len(matching.matches)} matched"
    for one, only in ((first, matching.only_first), (second, matching.only_second)):
        words += f", {len(only)} only in {one.letter}"
    return words


def also_words(pair: Pair, comparison: Comparison) -> list[str]:
    """`B3 is as near to C5, B4 to C5`: for each of the two that has any, what is near a principle
    of the other that is matched to another.
    """
    first, second = comparison.constitutions[pair.first], comparison.constitutions[pair.second]
    sides = (
        (first, second, pair.matching.also_first),
        (second, first, pair.matching.also_second),
    )
    return [
        f"Near a principle of {other.letter} that is matched to another: "
        + join_words([f"{label(own, x.place)} ({label(other, x.nearest)})" for x in also])
        for own, other, also in sides
        if also
    ]


def whose_words(polled: Polled, comparison: Comparison) -> str:
    """`The 48 people of A`, `The 18 people of A with a held-out reason`."""
    owner = comparison.constitutions[polled.owner].letter
    which = " with a reason held out while A was made".replace("A", owner)
    return f"The {people(polled.num_people)} of {owner}{which if polled.held_out else ''}"


def home_words(polled: Polled, comparison: Comparison) -> str:
    """Whose own people these are, and what follows from it."""
    letters = join_words([comparison.constitutions[place].letter for place in polled.home])
    verb = "was" if len(polled.home) == 1 else "were"
    if polled.held_out:
        return (
            f"{letters} {verb} made without these reasons, though partly from other words of the "
            "same people and of people like them."
        )
    return f"{letters} {verb} made from these very words, which favours {_it(polled)}."


def _it(polled: Polled) -> str:
    return "it" if len(polled.home) == 1 else "them"


def unmatched(comparison: Comparison, place: int) -> list[int]:
    """Principles of one constitution that are near to none of any other."""
    found = set(range(comparison.constitutions[place].num_principles))
    for pair in comparison.pairs:
        if pair.first == place:
            found &= {left.place for left in pair.matching.only_first}
        if pair.second == place:
            found &= {left.place for left in pair.matching.only_second}
    return sorted(found)
