"""Numbers, ranks and strange text → words a policy person reads.

Knows neither HTML nor Markdown.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from gcai_ray.schemas import ChosenPrinciple, Constitution, Group, Interval

LEVEL = "95 %"
ACCURACY_LEVEL = "90 %"  # of the accuracy that decides whether a principle enters
NUM_DRAWS = 1000  # as in `statistics`, which loads what a terminal can do without
FINE_BELOW = 0.10  # an interval that ends under 10 % is told with one decimal
QUOTE_LENGTH = 2000  # a cell of the input may hold megabytes
# What no HTML document or UTF-8 file may hold: controls but tab and line feed, lone surrogates.
UNPRINTABLE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")


def printable(text: str) -> str:
    """The text with code points that no document may hold shown as U+FFFD; all others stay."""
    return UNPRINTABLE.sub("\ufffd", text.replace("\r\n", "\n").replace("\r", "\n"))


def shorten(text: str, length: int) -> str:
    """The text on one line, cut to `length` characters with an ellipsis."""
    line = " ".join(text.split())
    return line if len(line) <= length else line[: length - 1].rstrip() + "…"


def excerpt(quote: str) -> tuple[str, str]:
    """The quote, cut after 2,000 characters, and a note of how much was left out (else empty)."""
    if len(quote) <= QUOTE_LENGTH:
        return quote, ""
    left_out = len(quote) - QUOTE_LENGTH
    return quote[:QUOTE_LENGTH] + "…", f"{count(left_out, 'more character')} in the source"


def as_sentence(words: str) -> str:
    """The words with a capital at the start and a full stop at the end; empty stays empty."""
    words = words.strip()
    if not words:
        return ""
    return words[:1].upper() + words[1:] + ("" if words[-1] in ".!?" else ".")


def count(number: int, noun: str, plural: str | None = None) -> str:
    """`1,204 rows`: the number with its noun, singular for one."""
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"


def people(number: int) -> str:
    """`1 person`, `23 people`."""
    return count(number, "person", "people")


def people_of(number: int, total: int) -> str:
    """`23 of 112 people`."""
    return f"{number:,} of {people(total)}"


def percent(share: float, fine: bool = False) -> str:
    """`21 %`, or `2.1 %` when `fine`."""
    return f"{100 * share:.{1 if fine else 0}f} %"


def share_words(interval: Interval) -> str:
    """The share in per cent, as finely as its interval is told."""
    return percent(interval.share, interval.high < FINE_BELOW)


def interval_words(low: float, high: float, level: str = LEVEL) -> str:
    """`95 % interval 14–29 %`."""
    digits = 1 if high < FINE_BELOW else 0
    return f"{level} interval {100 * low:.{digits}f}–{100 * high:.{digits}f} %"


def support_words(principle: ChosenPrinciple) -> str:
    """`23 of 112 people (95 % interval 14–29 %)`."""
    support = principle.support
    interval = interval_words(support.interval.low, support.interval.high)
    return f"{people_of(support.num_people, support.num_people_total)} ({interval})"


def voice_words(principle: ChosenPrinciple) -> str:
    """`12 % of all voices (95 % interval 9–15 %)`."""
    voice = principle.support.voice
    return f"{share_words(voice)} of all voices ({interval_words(voice.low, voice.high)})"


def join_words(words: Sequence[str]) -> str:
    """`a`, `a and b`, `a, b and c`."""
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"


def rank_ranges(ranks: Iterable[int]) -> str:
    """`2, 4–7 and 9`: ranks in order, runs of three or more as ranges."""
    runs: list[list[int]] = []
    for rank in sorted(set(ranks)):
        if runs and rank == runs[-1][-1] + 1:
            runs[-1].append(rank)
        else:
            runs.append([rank])
    words: list[str] = []
    for run in runs:
        words += [f"{run[0]}–{run[-1]}"] if len(run) > 2 else [str(rank) for rank in run]
    return join_words(words)


def tie_words(principle: ChosenPrinciple, constitution: Constitution) -> str | None:
    """What a tie means, in a sentence; None when the order of the principle is clear."""
    tied, kind = set(principle.tied_with), principle.kind
    ranks = [p.rank for p in constitution.principles if p.kind == kind and p.id in tied]
    if not ranks:
        return None
    noun = "principle" if len(ranks) == 1 else "principles"
    return (
        f"Tie with {kind} {noun} {rank_ranges(ranks)}: "
        "their order is within chance, another draw of people could reverse it."
    )


def group_words(group: Group) -> str:
    """`region: North`."""
    return f"{group.name}: {group.value}"


def groups_words(groups: Sequence[Group]) -> str:
    """`region: North, role: nurse`; empty when the person has no group."""
    return ", ".join(group_words(group) for group in groups)


def count_name(name: str) -> str:
    """`num_duplicates_collapsed` → `duplicates collapsed`."""
    return name.removeprefix("num_").replace("_", " ")


def field_words(field: str) -> str:
    """Where an example of what was set aside stands: `field preferred`, `the model’s reply`."""
    of_model = {"reply": "the model’s reply", "principle": "a principle in the model’s reply"}
    return of_model.get(field, f"field {field}")


def plain_name(name: str) -> str:
    """`held_out_coverage` → `Held-out coverage`."""
    words = name.replace("held_out", "held-out").replace("_", " ").strip()
    return words[:1].upper() + words[1:]
