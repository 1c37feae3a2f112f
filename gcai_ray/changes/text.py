"""A changelog → plain text for a terminal, 100 columns wide. Knows no constitution and no path."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence

from gcai_ray.changes.changelog import Changelog, Move, Pair, Quote, Side, Standing
from gcai_ray.report.phrases import (
    count,
    groups_words,
    interval_words,
    join_words,
    people,
    people_of,
    percent,
    share_words,
    shorten,
)
from gcai_ray.report.terminal import MARGIN, WIDTH, printable
from gcai_ray.schemas import Ratification, Unrepresented

NUM_QUOTES = 2
QUOTE_CHARS = 300
MODES = {"gcai": "from reasons and statements", "icai": "guessed from choices (ICAI)"}


def changelog_text(found: Changelog) -> str:
    """The changes as a person reads them."""
    title = printable(f"What changed: {shorten(found.new.title, 80)}")
    lines = [title, "=" * len(title), *_head(found), "", *_wrapped(_summary(found))]
    labels = {p.new.id: _label(p.new) for p in (*found.kept, *found.reworded)}
    near = (
        "near in meaning by a sentence embedder, which does not tell like from opposite: read both"
    )
    lines += _section("Added", [_added(one) for one in found.added])
    lines += _section("Dropped", [_dropped(one) for one in found.dropped])
    lines += _section("Reworded", [_paired(one, labels) for one in found.reworded], near)
    changed = [one for one in found.kept if _differs(one)]
    same = [_block(_label(one.new), one.new.text, []) for one in found.kept if not _differs(one)]
    lines += _section("Kept", [_paired(one, labels) for one in changed])
    lines += _section("Kept, with nothing changed", [[line for block in same for line in block]])
    lines += _section("Groups", _groups(found))
    return "\n".join(lines)


def _head(found: Changelog) -> Iterator[str]:
    for name, side in (("old", found.old), ("new", found.new)):
        yield from _wrapped(f"{side.path} ({_status(side)})", f"{name}  ")
    drawn = {
        "people": (found.old.num_people, found.new.num_people),
        "choices": (found.old.num_preferences, found.new.num_preferences),
        "reasons": (found.old.num_reasons, found.new.num_reasons),
        "statements": (found.old.num_statements, found.new.num_statements),
    }
    facts = [_arrow(f"{one:,}", f"{other:,}", name) for name, (one, other) in drawn.items()]
    yield from _wrapped("drawn from " + ", ".join(facts), " " * MARGIN)
    changed = list(_instruments(found.old, found.new))
    if changed:
        words = f"read differently ({'; '.join(changed)}): a change may come of that alone"
        yield from _wrapped(words, " " * MARGIN)


def _arrow(one: str, other: str, name: str) -> str:
    return f"{one} {name}" if one == other else f"{one} → {other} {name}"


def _status(side: Side) -> str:
    told = side.balloting
    if told is None:
        return side.status
    return f"{side.status}: {people(told.num_voters)} cast {count(told.num_votes, 'vote')}"


def _instruments(old: Side, new: Side) -> Iterator[str]:
    if old.mode != new.mode:
        yield f"{MODES.get(old.mode, old.mode)} → {MODES.get(new.mode, new.mode)}"
    if old.engine != new.engine:
        yield f"engine {old.engine} → {new.engine}"
    if old.model != new.model:
        yield f"model {old.model or 'none'} → {new.model or 'none'}"


def _summary(found: Changelog) -> str:
    moves = [pair.move for pair in (*found.kept, *found.reworded)]
    moved = [
        f"{moves.count(move)} moved {words}"
        for move, words in (
            (Move.BEYOND_NOISE, "beyond noise"),
            (Move.WITHIN_NOISE, "within noise"),
        )
        if move in moves
    ]
    names = ("added", "dropped", "reworded", "kept")
    changes = [f"{len(getattr(found, name))} {name}" for name in names if getattr(found, name)]
    ratified = f"; status {found.old.status} → {found.new.status}"
    status = ratified if found.old.status != found.new.status else ""
    return f"{', '.join(changes + moved) or 'No principles on either side'}{status}."


def _section(name: str, blocks: Sequence[Sequence[str]], note: str = "") -> list[str]:
    if not any(blocks):
        return []
    lines = ["", *_wrapped(f"{name}{f' ({note})' if note else ''}")]
    return lines + [line for block in blocks for line in ("", *block)]


def _added(one: Standing) -> list[str]:
    share = f"{people_of(*_counts(one))} ({_share(one)})"
    facts = [f"{share}; {_alone(one)}", *_reserved(one)]
    return _block(
        _label(one), one.text, [*facts, *_ballots(None, one), *_quoted(one.quotes), _id(one)]
    )


def _alone(one: Standing) -> str:
    if not one.num_people_added:
        return "all of them behind one ranked before it too"
    return f"{one.num_people_added:,} of them behind none ranked before it"


def _dropped(one: Standing) -> list[str]:
    share = f"behind it: {people_of(one.num_people, one.num_people_total)} ({_share(one)})"
    return _block(_label(one), one.text, [share, *_quoted(one.quotes), _id(one)])


def _paired(pair: Pair, labels: dict[str, str]) -> list[str]:
    old, new = pair.old, pair.new
    facts = []
    if pair.cosine is not None:
        shared = f"cosine {pair.cosine:.2f}, {count(pair.num_shared_quotes, 'quote')} in both"
        facts.append(f"was {_label(old)}: {old.text} ({shared})")
    facts += [_support(pair), *_moved(pair, labels), *_reserved(new), *_ballots(old, new)]
    if pair.new_quotes:
        first = people(pair.num_people_quoted_first)
        facts.append(
            f"{count(len(pair.new_quotes), 'new quote')}, {first} quoted for the first time:"
        )
    return _block(_label(new), new.text, [*facts, *_quoted(pair.new_quotes), _id(new)])


def _differs(pair: Pair) -> bool:
    old, new = pair.old, pair.new
    return (
        pair.move is not Move.NONE
        or bool(pair.new_quotes)
        or _counts(old) != _counts(new)
        or old.ratification != new.ratification
        or old.reserved_for != new.reserved_for
    )


def _counts(one: Standing) -> tuple[int, int]:
    return one.num_people, one.num_people_total


def _support(pair: Pair) -> str:
    old, new = pair.old, pair.new
    before, after = (people_of(*_counts(one)) for one in (old, new))
    if _counts(old) == _counts(new):
        return f"{after}, as before ({_share(new)})"
    noise = "within noise" if pair.support_within_noise else "beyond noise"
    return f"{before} ({_share(old)}) → {after} ({_share(new)}): {noise}"


def _moved(pair: Pair, labels: dict[str, str]) -> list[str]:
    if pair.move is Move.NONE:
        return []
    moved = f"rank {pair.old.rank} → {pair.new.rank}"
    if pair.move is Move.RENUMBERED:
        return [f"{moved}, since others came or went; its order against those kept is the same"]
    against = join_words([labels[key] for key in pair.passed])
    if pair.move is Move.WITHIN_NOISE:
        return [f"{moved}, within noise: its order against {against} turned round, a tie"]
    return [f"{moved}, beyond noise: its order against {against} turned round"]


def _ballots(old: Standing | None, new: Standing) -> list[str]:
    said = new.ratification
    if said is None or (old is not None and old.ratification == said):
        return []
    before = f"{_cast(old.ratification)} → " if old and old.ratification else ""
    return [f"ballots: {before}{_cast(said)}; {_verdict(said)}"]


def _cast(said: Ratification) -> str:
    return f"{said.num_approve} approve, {said.num_reject} reject, {said.num_pass} pass"


def _verdict(said: Ratification) -> str:
    if not said.num_approve + said.num_reject:
        return "nobody decided"
    interval = interval_words(said.approve.low, said.approve.high)
    verdict = "approved" if said.approved else "not approved: wanted"
    return f"{verdict} by {percent(said.approve.share)} of those who decided ({interval})"


def _reserved(one: Standing) -> list[str]:
    if one.reserved_for is None:
        return []
    return [f"its place was reserved for {groups_words([one.reserved_for])}"]


def _groups(found: Changelog) -> list[list[str]]:
    now = [_group(one, "newly not represented") for one in found.newly_not_represented]
    then = [
        _group(one, "no longer named as not represented") for one in found.no_longer_not_represented
    ]
    return now + then


def _group(one: Unrepresented, words: str) -> list[str]:
    head = f"{groups_words([one.group])}: {words} by {one.kind} principles"
    wishes = [f"asked for: {wish.text} ({people(wish.num_people)})" for wish in one.wishes[:3]]
    return _block("-", f"{head} ({people(one.num_people)})", wishes)


def _share(one: Standing) -> str:
    return f"{share_words(one.support)}, {interval_words(one.support.low, one.support.high)}"


def _quoted(quotes: Sequence[Quote]) -> list[str]:
    shown = [
        f"“{shorten(item.quote, QUOTE_CHARS)}”"
        + (f" ({groups_words(item.groups)})" if item.groups else "")
        for item in quotes[:NUM_QUOTES]
    ]
    more = len(quotes) - len(shown)
    return [*shown, f"and {count(more, 'more quote')}"] if more > 0 else shown


def _label(one: Standing) -> str:
    return f"{one.kind[0].upper()}{one.rank}"


def _id(one: Standing) -> str:
    return f"id {one.id}"


def _block(label: str, text: str, facts: Sequence[str]) -> list[str]:
    margin = " " * MARGIN
    lines = [line for fact in facts for line in _wrapped(fact, margin)]
    return [*_wrapped(text, f"{label:<{MARGIN - 1}} "), *lines]


def _wrapped(text: str, start: str = "") -> list[str]:
    """Lines of at most 100 characters, the first behind `start`, the others below its end."""
    words = " ".join(printable(text).split())
    below = " " * len(start)
    return textwrap.wrap(words, WIDTH, initial_indent=start, subsequent_indent=below)
