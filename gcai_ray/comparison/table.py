"""A comparison → text for a terminal of 100 columns. Knows no file.

Text of people and of models must not steer the terminal: control characters are shown, not sent.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence

from gcai_ray.comparison.build import Compared, Comparison, Pair, Polled
from gcai_ray.comparison.words import (
    ALONE,
    HOW_MATCHED,
    HOW_THEMED,
    OPPOSED,
    about,
    also_words,
    difference_words,
    home_words,
    label,
    pair_words,
    range_words,
    triple_words,
    unmatched,
    whose_words,
)
from gcai_ray.report.phrases import percent, shorten
from gcai_ray.report.terminal import WIDTH, printable

COLUMNS = 6  # constitutions beside each other in the table of themes
SHOWN = 240  # characters of a principle


def comparison_text(comparison: Comparison) -> str:
    """What the constitutions share, what only one has, their themes, and whom they cover."""
    listed = comparison.constitutions
    lines = [f"{len(listed)} constitutions compared", ""]
    lines += [line for one in listed for line in _entry(one)]
    lines += ["", "What they share", *_filled(HOW_MATCHED)]
    lines += [line for pair in comparison.pairs for line in _pair(pair, comparison)]
    for place in range(len(listed)):
        lines += _alone(comparison, place)
    lines += ["", "Themes", *_filled(HOW_THEMED), ""]
    for start in range(0, len(listed), COLUMNS):
        lines += _themes(comparison, listed[start : start + COLUMNS])
    lines += ["", "People covered"]
    for polled in comparison.polled:
        lines += _polled(polled, comparison)
    if not comparison.polled:
        lines += _filled(ALONE)
    return "\n".join(line.rstrip() for line in lines)


def _entry(one: Compared) -> list[str]:
    words = printable(f"{shorten(one.listed.name, 120)} ({about(one)})")
    return textwrap.wrap(
        words, WIDTH, initial_indent=f"  {one.letter}  ", subsequent_indent=" " * 5
    )


def _pair(pair: Pair, comparison: Comparison) -> Iterator[str]:
    first, second = comparison.constitutions[pair.first], comparison.constitutions[pair.second]
    yield ""
    yield f"  {pair_words(pair, comparison)}"
    for match in pair.matching.matches:
        yield from _principle(first, match.first, f"{match.cosine:.2f}")
        yield from _principle(second, match.second)
        if match.opposed:
            yield f"{' ' * 15}({OPPOSED})"
    for words in also_words(pair, comparison):
        yield from _filled(words, "    ")


def _alone(comparison: Comparison, place: int) -> Iterator[str]:
    one, only = comparison.constitutions[place], unmatched(comparison, place)
    yield ""
    yield f"  Only in {one.letter}" + ("" if only else ": nothing, each is near one of another")
    for number in only:
        yield from _principle(one, number)


def _principle(one: Compared, place: int, mark: str = "") -> list[str]:
    head = f"    {mark:<5} {label(one, place):<5}"
    words = printable(shorten(one.listed.texts[place], SHOWN))
    return textwrap.wrap(words, WIDTH, initial_indent=head, subsequent_indent=" " * len(head))


def _themes(comparison: Comparison, listed: Sequence[Compared]) -> Iterator[str]:
    yield f"  {'':<19}" + "".join(f"{one.letter:>12}" for one in listed)
    for theme in comparison.themes:
        yield f"  {theme:<19}" + "".join(f"{_counted(one, theme):>12}" for one in listed)
    yield f"  {'principles':<19}" + "".join(f"{one.num_principles:>7}{'':5}" for one in listed)


def _counted(one: Compared, theme: str) -> str:
    number = one.count(theme)
    return f"{number} {f'({percent(number / one.num_principles)})':>7}" if number else f"–{'':8}"


def _polled(polled: Polled, comparison: Comparison) -> Iterator[str]:
    size, first = polled.equal_size, comparison.constitutions[0].letter
    yield ""
    yield f"  {whose_words(polled, comparison)}"
    yield from _filled(home_words(polled, comparison), "  ")
    yield f"  {'':3}{'':>4} {'covered,':>15} {'points against':>19} {'as many ran-':>15} " + (
        f"{f'{size} of each,':>15} {'points against':>19}"
    )
    yield f"  {'':3}{'of':>4} {'95 % interval':>15} {first:>19} {'dom clauses':>15} " + (
        f"{'on average':>15} {first:>19}"
    )
    for one, row in zip(comparison.constitutions, polled.rows, strict=True):
        yield (
            f"  {one.letter:<3}{row.num_principles:>4} {triple_words(row.share):>15} "
            f"{difference_words(row.difference):>19} {range_words(row.random):>15} "
            f"{triple_words(row.equal_share):>15} {difference_words(row.equal_difference):>19}"
        )
    yield f"  {'random clauses':<57}{'':4}{range_words(polled.equal_random):>15}"


def _filled(text: str, indent: str = "  ") -> list[str]:
    return textwrap.wrap(text, WIDTH, initial_indent=indent, subsequent_indent=indent)
