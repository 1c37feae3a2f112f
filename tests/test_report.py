from __future__ import annotations

import base64
import hashlib
import random
import re
from collections.abc import Callable
from html.parser import HTMLParser
from itertools import pairwise

import pytest
import report_example as example
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from gcai_ray.report import (
    ClusterPoint,
    MapPoint,
    RejectCount,
    ReportContent,
    constitution_markdown,
    figures,
    phrases,
    prose,
    render_html,
    render_markdown,
)
from gcai_ray.report.markdown import plain
from gcai_ray.report.page import HERE
from gcai_ray.schemas import Interval, Kind

VOID = {"meta", "link", "br", "hr", "img", "input"}


class Page(HTMLParser):
    """A parsed page: its elements as (tag, attributes), all its text, the text of each bdi."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.text, self.code, self.isolated = "", {"style": "", "script": ""}, [""]
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        self.isolated += [""] if tag == "bdi" else []
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] in self.code:
            self.code[self.open[-1]] += data
        else:
            self.text += data
        if "bdi" in self.open:
            self.isolated[-1] += data

    def named(self, *tags: str) -> list[dict[str, str | None]]:
        return [attributes for tag, attributes in self.elements if tag in tags]


def with_principles(content: ReportContent, *principles) -> ReportContent:
    built = content.constitution.model_copy(update={"principles": list(principles)})
    bare = {name: [] for name in ("clusters", "points", "contradictions", "returns")}
    return content.model_copy(update={"constitution": built, **bare})


@pytest.fixture(scope="module")
def content() -> ReportContent:
    return example.example_content()


@pytest.fixture(scope="module")
def page(content: ReportContent) -> Page:
    return Page(render_html(content))


@pytest.fixture(scope="module")
def hostile_page() -> Page:
    return Page(render_html(example.hostile_content()))


@pytest.mark.parametrize("render", [render_html, render_markdown])
@pytest.mark.parametrize("make", [example.example_content, example.ratified_content])
def test_the_order_of_rows_does_not_change_a_byte(
    make: Callable[[], ReportContent], render: Callable[[ReportContent], str]
) -> None:
    content = make()
    dice = random.Random(3)
    shuffled = {
        name: dice.sample(rows, len(rows))
        for name in (
            "points",
            "clusters",
            "rejects",
            "measures",
            "contradictions",
            "returns",
            "group_coverage",
        )
        for rows in [getattr(content, name)]
    }
    principles = content.constitution.principles
    mixed = content.constitution.model_copy(
        update={
            "principles": dice.sample(principles, len(principles)),
            "not_represented": content.constitution.not_represented[::-1],
        }
    )
    other = content.model_copy(update=shuffled | {"constitution": mixed})
    assert other != content
    assert render(other) == render(content)


def test_every_quote_is_verbatim_and_beside_its_place_in_the_source(
    content: ReportContent, page: Page
) -> None:
    for principle in content.constitution.principles:
        assert principle.text in page.isolated
        for item in principle.evidence:
            place = f"{item.quote}\n{item.source_file}, row {item.source_row:,} · "
            assert place + f"{item.groups[0].name}: {item.groups[0].value}" in page.text


def test_principles_stand_in_the_order_of_their_ranks(page: Page) -> None:
    texts = [text for text, _ in example.CONTEXTUAL + example.GENERAL]
    assert [text for text in page.isolated if text in texts][:10] == texts
    cards = [attributes["id"] for attributes in page.named("article") if "id" in attributes]
    assert cards == [f"{kind}-{rank}" for kind in Kind for rank in range(1, 6)]


def test_support_is_told_in_people(page: Page) -> None:
    text = " ".join(page.text.split())
    assert "13 of 24 people (54 %; 95 % interval 34–74 %)" in text
    assert "It holds 27 % of all voices (95 % interval 20–35 %)." in text
    assert "8 of them are not covered by a principle ranked before it" in text
    assert "Share in the least favourable group among those large enough to tell: 21 %." in text


def test_the_page_says_what_it_is(page: Page) -> None:
    assert "Candidate — for people to ratify" in page.text
    assert "Nothing here was written by a language model." in page.text
    assert "The extractive engine generates nothing." in page.text


@pytest.mark.parametrize("name", ["page", "hostile_page"])
def test_nothing_runs_or_loads_but_the_pages_own_style_and_script(
    name: str, request: pytest.FixtureRequest
) -> None:
    page: Page = request.getfixturevalue(name)
    policy = page.named("meta")[1]["content"] or ""
    digests = [
        base64.b64encode(hashlib.sha256(page.code[tag].encode()).digest()).decode()
        for tag in ("style", "script")
    ]
    assert policy.startswith(
        f"default-src 'none'; style-src 'sha256-{digests[0]}'; script-src 'sha256-{digests[1]}'; "
    )
    assert len(page.named("script")) == len(page.named("style")) == 1
    assert not page.named("img", "iframe", "object", "embed", "form", "base")
    for _, attributes in page.elements:
        assert not [key for key in attributes if key.startswith("on") or key in ("src", "style")]
        assert re.match("#|data:,$|$", attributes.get("href") or "")
    assert page.code["script"].rstrip().endswith("})();")


def test_hostile_text_is_shown_isolated_and_unchanged_but_for_the_unprintable(
    hostile_page: Page,
) -> None:
    shown = phrases.printable(example.HOSTILE)
    assert shown.count("\ufffd") == 2
    assert hostile_page.isolated.count(shown) >= 10  # title, principle, quotes, sources, groups
    assert "{{ 7*7 }}" in hostile_page.text


def test_unprintable_text_can_be_written(content: ReportContent) -> None:
    hostile = example.hostile_content()
    for text in (render_html(hostile), render_markdown(hostile)):
        text.encode("utf-8")
        assert "\x00" not in text
        assert "\r" not in text


def test_headings_descend_by_one_and_links_have_targets(page: Page) -> None:
    levels = [int(tag[1]) for tag, _ in page.elements if re.fullmatch("h[1-6]", tag)]
    assert levels.count(1) == 1
    assert levels[0] == 1
    assert all(after - before <= 1 for before, after in pairwise(levels))
    ids = [attributes["id"] for _, attributes in page.elements if "id" in attributes]
    assert len(ids) == len(set(ids))
    links = {href[1:] for _, a in page.elements if (href := a.get("href") or "").startswith("#")}
    assert links <= set(ids)
    assert {"contextual-1", "contextual-5", "general-1", "general-5"} <= links


def test_tables_name_their_headers_and_charts_have_words(page: Page) -> None:
    assert all(header.get("scope") for header in page.named("th"))
    bars = [svg for svg in page.named("svg") if (svg.get("class") or "").startswith("bar ")]
    principles, groups = 10 + 10 + 5 * 4 + 5 * 3, 4 + 3
    assert len(bars) == principles + groups + 2 * 5 + 4  # measures with a baseline and without
    assert all("%" in (bar["aria-label"] or "") for bar in bars)


def test_every_mark_of_the_map_has_its_text_without_javascript(
    content: ReportContent, page: Page
) -> None:
    marks = [attributes for _, attributes in page.elements if "data-mark" in attributes]
    assert len(marks) == len(content.points) + len(content.clusters)
    for point in content.points:
        assert point.text in page.text


@pytest.mark.parametrize("kind", list(Kind))
def test_a_kind_without_principles_has_no_part(content: ReportContent, kind: Kind) -> None:
    left = [p for p in content.constitution.principles if p.kind != kind]
    only = with_principles(content, *left)
    heading = prose.HEADINGS[kind]
    bare = only.model_copy(update={"measures": []})
    for text in (
        render_html(bare),
        render_markdown(bare),
        constitution_markdown(bare.constitution),
    ):
        assert heading not in text
    assert heading in render_html(content)


def test_an_empty_report_says_so(content: ReportContent) -> None:
    empty = with_principles(content).model_copy(
        update={"measures": [], "rejects": [], "stages": [], "group_coverage": []}
    )
    for text in (render_html(empty), render_markdown(empty)):
        assert "The constitution holds no principles." in text
        assert "No figure was measured on held-out data" in text
        assert "No row was set aside" in text
        assert "Groups are unknown." in text


def test_one_group_of_one_person_and_one_quote(content: ReportContent) -> None:
    first = content.constitution.principles[0]
    alone = first.support.groups[0].model_copy(update={"num_people": 1, "num_people_total": 1})
    support = first.support.model_copy(update={"groups": [alone]})
    one = first.model_copy(
        update={"support": support, "evidence": first.evidence[:1], "tied_with": []}
    )
    text = render_html(with_principles(content, one))
    assert "The smallest group shown has 1 person." in text
    assert "more quote" not in text
    assert "Tie with" not in text


def test_sixty_principles(content: ReportContent) -> None:
    sixty = [
        example.principle(kind, rank, f"Principle number {rank}.", 9, list(range(1, 31)))
        for kind in Kind
        for rank in range(1, 31)
    ]
    page = Page(render_html(with_principles(content, *sixty)))
    assert len([a for a in page.named("article") if "id" in a]) == 60
    assert "general principles 1–30:" in page.text


def test_seconds_are_shown_only_when_given(content: ReportContent) -> None:
    timed = [content.stages[0].model_copy(update={"seconds": 1.25}), *content.stages[1:]]
    for render in (render_html, render_markdown):
        assert "Seconds" not in render(content)
        assert "1.2" in render(content.model_copy(update={"stages": timed}))


def test_rejects_show_count_reason_and_example(page: Page) -> None:
    text = " ".join(page.text.split())
    assert "15 rows could not be used." in text
    assert "for example preferences.csv, row 64, field preferred: Answer 3" in text
    assert "for example statements.csv, field text, empty" in text


def test_a_quote_of_megabytes_is_cut_and_says_so(content: ReportContent) -> None:
    first = content.constitution.principles[0]
    long = first.evidence[0].model_copy(update={"quote": "a" * 2_000_000})
    one = with_principles(content, first.model_copy(update={"evidence": [long]}))
    for text in (render_html(one), render_markdown(one)):
        assert len(text) < 200_000
        assert "1,998,000 more characters in the source" in text


def test_constitution_markdown(content: ReportContent) -> None:
    text = constitution_markdown(content.constitution)
    assert text.startswith("# What the people of Aldermoor want of an AI\n")
    assert len(re.findall(r"^### \d\. ", text, re.MULTILINE)) == 10
    assert "\n13 of 24 people (95 % interval 34–74 %); 27 % of all voices" in text
    assert "Tie with contextual principles 2 and 3:" in text
    assert "> “Honesty first.”\n> — preferences.csv, row 70; region: North\n" in text
    assert text.endswith("\n")


def test_hostile_text_breaks_no_markdown() -> None:
    text = render_markdown(example.hostile_content())
    assert not re.search(r"(?<!\\)<(script|img|/script)", text)
    for table in re.findall(r"(?:^\|.*\n)+", text, re.MULTILINE):
        columns = {len(re.findall(r"(?<!\\)\|", line)) for line in table.splitlines()}
        assert len(columns) == 1


@given(st.text())
def test_plain_text_is_one_line_whose_markup_is_escaped(text: str) -> None:
    line = plain(text)
    assert "\n" not in line
    bare = re.sub(r"\\[\\`*_\[\]<>|~$&]", "", line)
    assert not re.search(r"[\\`*_\[\]<>|~$]", bare)
    assert not re.search(r"&#?\w+;", bare)


def test_right_to_left_text_is_isolated_in_markdown() -> None:
    assert plain("safe \u202egnp.exe") == "\u2068safe \u202egnp.exe\u2069"
    assert plain("safe") == "safe"


@pytest.mark.parametrize(
    ("ranks", "words"),
    [
        ([2], "2"),
        ([3, 2], "2 and 3"),
        ([4, 2, 7, 5, 6, 9], "2, 4–7 and 9"),
        ([1, 2, 4, 5], "1, 2, 4 and 5"),
    ],
)
def test_rank_ranges(ranks: list[int], words: str) -> None:
    assert phrases.rank_ranges(ranks) == words


@pytest.mark.parametrize(
    ("share", "low", "high", "words", "interval"),
    [
        (0.21, 0.14, 0.29, "21 %", "95 % interval 14–29 %"),
        (0.021, 0.004, 0.051, "2.1 %", "95 % interval 0.4–5.1 %"),
        (1.0, 1.0, 1.0, "100 %", "95 % interval 100–100 %"),
    ],
)
def test_small_shares_get_a_decimal(
    share: float, low: float, high: float, words: str, interval: str
) -> None:
    assert phrases.share_words(Interval(share=share, low=low, high=high)) == words
    assert phrases.interval_words(low, high) == interval


def test_counts_of_one_are_singular() -> None:
    assert phrases.people_of(1, 1) == "1 of 1 person"
    assert phrases.people_of(1204, 5000) == "1,204 of 5,000 people"


def test_a_scale_holds_its_values_and_clips_what_lies_outside() -> None:
    scale = figures.scale_for([0.3, 0.45])
    assert scale.top == 0.6
    assert scale.ticks == ["0", "30 %", "60 %"]
    assert [scale.place(value) for value in (-1, 0.3, 2)] == ["0.00", "50.00", "100.00"]
    assert figures.scale_for([0.04]).ticks == ["0", "2.5 %", "5 %"]
    assert figures.scale_for([]).top == 1.0


def test_map_marks_stay_on_the_map_and_up_is_up(content: ReportContent) -> None:
    drawn = figures.map_of(content.points, content.clusters, content.constitution)
    marks = [*drawn.points, *drawn.clusters, *drawn.chosen]
    assert all(5 <= float(place) <= 95 for mark in marks for place in (mark.x, mark.y))
    highest = max(content.points, key=lambda point: point.y)
    assert min(drawn.points, key=lambda mark: float(mark.y)).text == highest.text
    assert [mark.label for mark in drawn.chosen[4:6]] == ["C5", "G1"]
    most = max(drawn.chosen, key=lambda mark: mark.num_people)
    assert float(most.radius) == max(float(mark.radius) for mark in marks)


def test_a_map_of_one_place_is_centred(content: ReportContent) -> None:
    drawn = figures.map_of(content.points[:1], [], content.constitution)
    assert (drawn.points[0].x, drawn.points[0].y) == ("50.00", "50.00")


def test_content_refuses_what_it_cannot_show(content: ReportContent) -> None:
    stray = content.clusters[0].model_copy(update={"principle_id": "0" * 32})
    with pytest.raises(ValidationError, match=f"not in the constitution: {'0' * 32}"):
        ReportContent(constitution=content.constitution, clusters=[stray], facts=content.facts)
    place = {"y": 0.0, "text": "t", "kind": Kind.GENERAL, "principle_id": "0" * 32}
    with pytest.raises(ValidationError):
        MapPoint(x=float("nan"), **place)
    with pytest.raises(ValidationError):
        ClusterPoint(x=float("inf"), num_members=1, num_people=1, chosen=False, **place)
    with pytest.raises(ValidationError):
        RejectCount(stage="s", reason="r", count=-1)


def luminance(colour: str) -> float:
    channels = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return sum(
        weight * channel for weight, channel in zip((0.2126, 0.7152, 0.0722), linear, strict=True)
    )


@pytest.mark.parametrize("scheme", [0, 1], ids=["light", "dark"])
def test_contrast_is_wcag_aa(scheme: int) -> None:
    css = (HERE / "page.css").read_text(encoding="utf-8")
    block = re.findall(r":root \{(.*?)\}", css, re.DOTALL)[scheme]
    colour = dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6});", block))

    def contrast(one: str, other: str) -> float:
        high, low = sorted((luminance(colour[one]), luminance(colour[other])), reverse=True)
        return (high + 0.05) / (low + 0.05)

    texts = [(text, ground) for text in ("ink", "soft", "link") for ground in ("paper", "panel")]
    texts += [("on-mark", "contextual"), ("on-mark", "general")]
    assert {pair: contrast(*pair) for pair in texts if contrast(*pair) < 4.5} == {}
    shapes = [
        ("contextual", "paper"),
        ("general", "paper"),
        ("ink", "track"),
        ("ink", "contextual-soft"),
    ]
    shapes += [("ink", "general-soft"), ("ink", "baseline-soft")]
    assert {pair: contrast(*pair) for pair in shapes if contrast(*pair) < 3} == {}
