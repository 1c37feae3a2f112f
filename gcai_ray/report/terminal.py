"""A constitution → plain text for a terminal. Knows no artifact or path.

Text of people and of models must not steer the terminal: control characters are shown, not sent.
"""

from __future__ import annotations

import textwrap

from gcai_ray.report.conflicts import sorted_unheard, unheard_name, wish_words
from gcai_ray.report.phrases import count, join_words, people, people_of
from gcai_ray.report.standing import standing_words
from gcai_ray.report.terms import GUESS, RULES, terms_of
from gcai_ray.report.votes import margin_words, outcome_words, speaking_words
from gcai_ray.schemas import ChosenPrinciple, Constitution, Kind

WIDTH = 100
MARGIN = 5


def printable(text: str) -> str:
    """The text with every character a terminal could act on shown by its number."""
    return "".join(c if c.isprintable() or c == "\n" else f"\\x{ord(c):02x}" for c in text)


def constitution_text(constitution: Constitution) -> str:
    """The principles, who supports them, what they predict, one quote each where there are any."""
    title = printable(constitution.title)
    lines = [title, "=" * len(title), textwrap.fill(printable(_about(constitution)), WIDTH)]
    for kind in Kind:
        chosen = [p for p in constitution.principles if p.kind is kind]
        if chosen:
            lines += ["", f"{kind.capitalize()} principles"]
        for principle in chosen:
            lines += ["", *_principle_lines(principle, constitution)]
    if constitution.not_represented:
        lines += ["", "Not represented", *_unheard(constitution)]
    return "\n".join(lines)


def _about(constitution: Constitution) -> str:
    terms, engine = terms_of(constitution), f"engine: {constitution.engine}"
    read = [
        count(constitution.num_reasons, "reason"),
        count(constitution.num_statements, "statement"),
    ]
    drawn = f"from {join_words(read)} of {people(constitution.num_people)}"
    if terms is GUESS:
        drawn = (
            f"guessed by a model from {count(constitution.num_preferences, 'choice')} between two "
            "answers, reasons and statements unread (ICAI)"
        )
    if terms is not RULES:
        worded = "" if terms is GUESS else "worded by a model; "
        engine = f"{worded}model: {constitution.model}, {engine}"
    status = "A candidate for people to ratify"
    if constitution.balloting is not None:
        status = f"Ratified by the votes of {people(constitution.balloting.num_voters)}"
    return f"{status}, {drawn}; {engine}."


def _unheard(constitution: Constitution) -> list[str]:
    lines = []
    for group in sorted_unheard(constitution):
        asked = "; ".join(
            f"{text} ({number})" if number else text for text, number in wish_words(group)
        )
        words = f"{unheard_name(group)}: no {group.kind} principle it most supported. {asked}"
        lines += textwrap.wrap(
            printable(words), WIDTH, initial_indent="   ", subsequent_indent=" " * MARGIN
        )
    return lines


def _principle_lines(principle: ChosenPrinciple, constitution: Constitution) -> list[str]:
    text = printable(f"{principle.rank}. {principle.text}")
    head = textwrap.wrap(text, WIDTH, subsequent_indent="   ")
    paragraphs = [_support(principle, constitution), *_prediction(principle)]
    paragraphs += standing_words(principle)
    if terms_of(constitution) is GUESS:  # the votes are all it rests on
        paragraphs.reverse()
    paragraphs += [f"“{' '.join(item.quote.split())}”" for item in principle.evidence[:1]]
    lines = [
        line
        for paragraph in [*paragraphs, f"id {principle.id}"]
        for line in textwrap.wrap(printable(paragraph), WIDTH - MARGIN)
    ]
    return [*head, *(f"{' ' * MARGIN}{line}" for line in lines)]


def _support(principle: ChosenPrinciple, constitution: Constitution) -> str:
    support, places = principle.support, {p.id: p.rank for p in constitution.principles}
    share = support.interval
    whom = people_of(support.num_people, support.num_people_total)
    verb = terms_of(constitution).supporters
    facts = (
        f"{whom}{f' {verb}' if verb else ''} "
        f"({share.share:.0%}, 95 % interval {share.low:.0%} to {share.high:.0%})"
    )
    if not principle.tied_with:
        return facts
    ranks = sorted(places[key] for key in principle.tied_with)
    return f"{facts}; order against {', '.join(map(str, ranks))} is within noise (tie)"


def _prediction(principle: ChosenPrinciple) -> list[str]:
    said = principle.prediction
    if said is None:
        return []
    return [
        f"model’s votes on {count(said.num_pairs, 'pair')}: {outcome_words(said)}; "
        f"margin {margin_words(said)}. {speaking_words(said)}"
    ]
