"""One row of `evaluation` → its figures and how it stands to its baseline, in words. Knows no other
row, neither HTML nor Markdown.
"""

from __future__ import annotations

from collections.abc import Iterable

from gcai_ray.report.meanings import Meaning
from gcai_ray.report.phrases import LEVEL, interval_words, percent, share_words
from gcai_ray.schemas import Interval, Measure

INTERVAL, RANGE = f"{LEVEL} interval", f"{LEVEL} range"
SHARE_FAMILIES = {"reconstruction", "grounding", "pluralism"}
SHARE_NAMES = ("coverage", "share", "accuracy", "rate", "yield", "comes_back", "_with_candidate")
VERDICTS = BETTER, HIGHER, NOISE, UNCLEAR, LOWER, WORSE = (
    "better than",
    "higher than",
    "within noise of",
    "not clearly apart from",
    "lower than",
    "worse than",
)


def is_share(measures: Iterable[Measure]) -> bool:
    """Whether the rows of one figure are told in per cent: their family, name or note says so and
    all lie in 0 to 1.
    """
    return all(
        (
            m.family in SHARE_FAMILIES
            or any(word in m.name.lower() for word in SHARE_NAMES)
            or m.note.lower().startswith(("share", "mean share"))
        )
        and all(0 <= value <= 1 for value in (m.value, m.baseline) if value is not None)
        for m in measures
    )


def value_words(value: float, share: bool) -> str:
    """In per cent when it is a share, else with two decimals."""
    return percent(value) if share else f"{value:,.2f}".replace("-", "−")


def figure_words(
    value: float, low: float | None, high: float | None, share: bool, spread: str = INTERVAL
) -> str:
    """`48 % (95 % interval 36–61 %)`: a value with its interval, or other spread, where it has
    one.
    """
    if low is None or high is None:
        return value_words(value, share)
    if share:
        interval = Interval(share=value, low=low, high=high)
        ends = interval_words(low, high).replace(INTERVAL, spread)
        return f"{share_words(interval)} ({ends})"
    words, *ends = (value_words(number, False) for number in (value, low, high))
    return f"{words} ({spread} {ends[0]} to {ends[1]})"


def spreads_of(row: Measure) -> tuple[str, str]:
    """What low and high of a figure and of its baseline are: an interval over people, or the range
    of repetitions (stability) or of random draws, which the note tells.
    """
    if row.family == "stability":
        return RANGE, RANGE
    return INTERVAL, RANGE if RANGE in row.note else INTERVAL


def verdict_of(row: Measure, meaning: Meaning) -> str:
    """How a figure stands to its baseline: by the interval of the paired difference, else by
    whether the two ranges meet. One person's figures settle nothing.
    """
    low, high = row.difference_low, row.difference_high
    if row.num_people == 1 or (low is None and _overlap(row)):
        return UNCLEAR
    if low is not None and high is not None and low <= 0 <= high:
        return NOISE
    more = (row.value or 0.0) > (row.baseline or 0.0) if low is None else low > 0
    if not meaning.good:
        return HIGHER if more else LOWER
    return BETTER if more == (meaning.good > 0) else WORSE


def _overlap(row: Measure) -> bool:
    """Whether the two ranges meet; a figure without a range is a point."""
    value, baseline = row.value or 0.0, row.baseline or 0.0
    low = value if row.low is None else row.low
    high = value if row.high is None else row.high
    baseline_low = baseline if row.baseline_low is None else row.baseline_low
    baseline_high = baseline if row.baseline_high is None else row.baseline_high
    return low <= baseline_high and baseline_low <= high


def difference_words(row: Measure, share: bool, verdict: str) -> str:
    """`+13 points (95 % interval +4 to +22): better`."""
    if row.difference is None or row.difference_low is None or row.difference_high is None:
        words = _signed((row.value or 0.0) - (row.baseline or 0.0), share, True)
        meet = "overlap" if verdict == UNCLEAR else "do not overlap"
        return words if row.low is None else f"{words}; the two ranges {meet}"
    low, high = (_signed(end, share) for end in (row.difference_low, row.difference_high))
    words = f"{_signed(row.difference, share, True)} ({INTERVAL} {low} to {high})"
    return f"{words}: {verdict.removesuffix(' than').removesuffix(' of')}"


def _signed(value: float, share: bool, unit: bool = False) -> str:
    words = f"{round(100 * value):+d}" if share else f"{value:+.2f}"
    return words.replace("-", "−") + (" points" if unit and share else "")
