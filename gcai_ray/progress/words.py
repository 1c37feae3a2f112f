"""Seconds, counts and times → words. Knows no run."""

from __future__ import annotations

from datetime import datetime

MINUTE, HOUR, DAY = 60, 3_600, 86_400


def duration(seconds: float) -> str:
    """A time that passed, such as `8 s`, `12 min 3 s`, `3 h 10 min`, `2 d 4 h`."""
    whole = round(seconds)
    if whole < MINUTE:
        return f"{whole} s"
    if whole < HOUR:
        return _two(whole, MINUTE, "min", 1, "s")
    if whole < DAY:
        return _two(whole, HOUR, "h", MINUTE, "min")
    return _two(whole, DAY, "d", HOUR, "h")


def rough(seconds: float) -> str:
    """A time that is guessed: `under a minute`, `about 7 min`, `about 3 h 10 min`."""
    if seconds < MINUTE:
        return "under a minute"
    if seconds < HOUR:
        return f"about {round(seconds / MINUTE)} min"
    return f"about {duration(10 * MINUTE * round(seconds / (10 * MINUTE)))}"


def _two(whole: int, large: int, of_large: str, small: int, of_small: str) -> str:
    rest = whole % large // small
    return f"{whole // large} {of_large}" + (f" {rest} {of_small}" if rest else "")


def large(number: int) -> str:
    """A count that is told to three places: `84,445`, `12.3 million`, `4.56 billion`."""
    if number < 1_000_000:
        return f"{number:,}"
    scale, name = (1e9, "billion") if number >= 1e9 else (1e6, "million")
    scaled = number / scale
    return f"{scaled:.3g} {name}" if scaled < 999.5 else f"{scaled:,.0f} {name}"


def rate(per_s: float, of: str) -> str:
    """A rate in the unit that gives a number to read: `230 questions/s`, `14 questions/min`."""
    if per_s >= 1:
        return f"{per_s:,.0f} {of}/s" if per_s >= 10 else f"{per_s:.1f} {of}/s"
    return f"{per_s * MINUTE:.3g} {of}/min"


def moment(time: datetime, now: datetime) -> str:
    """A time in UTC, with its day where that is not today's: `14:02:10 UTC`."""
    same_day = time.date() == now.date()
    return f"{time:%H:%M:%S} UTC" if same_day else f"{time:%Y-%m-%d %H:%M:%S} UTC"
