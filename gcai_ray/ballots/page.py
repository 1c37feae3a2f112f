"""A constitution → one printable HTML page (A4) on which people vote with a pen.

No network, no JavaScript; people's text is escaped and isolated. Asks for nothing that says who
votes.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template
from markupsafe import Markup

from gcai_ray.ballots.names import ballot_id, label
from gcai_ray.report.phrases import people, people_of, printable, shorten
from gcai_ray.report.prose import HEADINGS, engine_words
from gcai_ray.report.terms import GUESS, RULES, Terms, explanation, terms_of
from gcai_ray.schemas import ChosenPrinciple, Constitution, Kind

HERE = Path(__file__).parent
NUM_QUOTES = 2
QUOTE_CHARS = 160  # two lines of the printed column

# Sheets come apart: each page says which ballot it is of.
FOOT = (
    '@page {{ @bottom-right {{ font: 8.5pt Arial, sans-serif; content: "Ballot {ballot}, page " '
    'counter(page) " of " counter(pages); }} }}'
)


@dataclass(frozen=True)
class Item:
    """One principle as it stands on the page."""

    label: str
    text: str
    behind: str
    quotes: list[str]


@dataclass(frozen=True)
class Part:
    """The principles of one kind."""

    heading: str
    explanation: str
    items: list[Item]


def ballot_page(constitution: Constitution, principles: Sequence[ChosenPrinciple]) -> str:
    """The page as one HTML document, to be written as UTF-8."""
    ballot = ballot_id(principles)
    style = (HERE / "page.css").read_text(encoding="utf-8") + FOOT.format(ballot=ballot)
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    parts = [_part(constitution, kind, principles) for kind in Kind]
    return _template().render(
        title=printable(constitution.title),
        about=printable(_about(constitution)),
        style=Markup(style),
        policy=f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'",
        ballot=ballot,
        num_principles=len(principles),
        parts=[part for part in parts if part.items],
    )


def _part(constitution: Constitution, kind: Kind, principles: Sequence[ChosenPrinciple]) -> Part:
    items = [_item(p, terms_of(constitution)) for p in principles if p.kind is kind]
    return Part(HEADINGS[kind], printable(explanation(constitution, kind)), items)


def _item(principle: ChosenPrinciple, terms: Terms) -> Item:
    support = principle.support
    whom = people_of(support.num_people, support.num_people_total)
    behind = "said something like it, as a language model read their words"
    if terms in (RULES, GUESS):
        behind = terms.supporters or "said something like it"
    return Item(label(principle), printable(principle.text), f"{whom} {behind}", quotes(principle))


def quotes(principle: ChosenPrinciple) -> list[str]:
    """Two quotes, the nearest of those that fit; where none fits, the nearest cut short."""
    lines = [" ".join(printable(item.quote).split()) for item in principle.evidence]
    fitting = [line for line in lines if 0 < len(line) <= QUOTE_CHARS]
    return fitting[:NUM_QUOTES] or [shorten(line, QUOTE_CHARS) for line in lines[:1]]


def _about(constitution: Constitution) -> str:
    drawn = f"It was drawn from what {people(constitution.num_people)} wrote"
    if terms_of(constitution) is GUESS:
        drawn = f"It was guessed from the choices of {people(constitution.num_people)}"
    return f"{drawn}. {engine_words(constitution)[0]}"


@cache
def _template() -> Template:
    environment = Environment(
        loader=FileSystemLoader(HERE),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("page.html.j2")
