"""The report of a run with a language model, and of the baseline that reads no words of people."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
import report_example as example
import report_example_findings as findings

from gcai_ray.report import (
    Poll,
    ReportContent,
    constitution_markdown,
    figures,
    phrases,
    render_html,
    render_markdown,
    votes,
)
from gcai_ray.report.terminal import constitution_text
from gcai_ray.schemas import Interval, Kind, VoteOutcome

CLAIMS_OF_RULES = ("Nothing here was written by a language model", "generates nothing", "clause")
CLAIMS_OF_WORDS = (
    "own words",
    "voices",
    "Quotes are",
    "said it unprompted",
    "and said why",
    "In people",
    "whose words",
    "One person’s words",
    "one person’s words",
    "drawn from what",
)
TAGS = re.compile(r"<style>.*?</style>|<script>.*?</script>|<[^>]*>", re.DOTALL)
SHOWN = {
    "html": lambda content: " ".join(TAGS.sub(" ", render_html(content)).split()),
    "report markdown": render_markdown,
    "markdown": lambda content: constitution_markdown(content.constitution),
    "terminal": lambda content: " ".join(constitution_text(content.constitution).split()),
}


@pytest.fixture(params=list(SHOWN))
def shown(request: pytest.FixtureRequest) -> Callable[[ReportContent], str]:
    return SHOWN[request.param]


def changed(content: ReportContent, **facts: object) -> ReportContent:
    return content.model_copy(
        update={"constitution": content.constitution.model_copy(update=facts)}
    )


def test_a_model_is_named_and_nothing_is_said_of_rules(
    shown: Callable[[ReportContent], str],
) -> None:
    text = shown(example.model_content())
    assert "judge-7b" in text
    assert "openai" in text
    assert not [claim for claim in CLAIMS_OF_RULES if claim in text]


def test_the_baseline_claims_no_words_of_people(shown: Callable[[ReportContent], str]) -> None:
    content = example.guessed_content().model_copy(update={"measures": []})
    text = shown(content)
    assert "guessed" in text
    assert not [claim for claim in (*CLAIMS_OF_RULES, *CLAIMS_OF_WORDS) if claim in text]


def test_rules_claim_no_model(shown: Callable[[ReportContent], str]) -> None:
    text = shown(example.example_content())
    assert "guessed" not in text
    assert "margin" not in text.lower()
    assert "the model" not in text.lower()


@pytest.mark.parametrize("content", [example.model_content(), example.guessed_content()])
def test_every_outcome_of_every_vote_is_told_apart(
    content: ReportContent, shown: Callable[[ReportContent], str]
) -> None:
    text = shown(content).replace("\u00a0", " ")
    for principle in content.constitution.principles:
        if principle.prediction:
            for name, number in zip(votes.OUTCOMES.values(), _numbers(principle), strict=True):
                assert re.search(rf"{name[0]}:? {number}\b", text)
            assert votes.margin_words(principle.prediction) in text


def _numbers(principle) -> list[int]:
    return [principle.prediction.outcomes[outcome] for outcome in VoteOutcome]


def test_a_general_principle_has_voices_and_a_contextual_one_a_margin() -> None:
    text = SHOWN["html"](example.model_content())
    assert len(re.findall(r"people; \d+ % of voices", text)) == 5
    assert text.count("of all voices") == 5
    assert text.count("What it predicts") == 5
    assert "13 of 24 people; margin +34 points (tie)" in text


def test_a_margin_that_may_be_nothing_says_so() -> None:
    said = findings.prediction(1)
    doubtful = said.model_copy(
        update={
            "voice": Interval(share=0.02, low=-0.04, high=0.08),
            "accuracy": Interval(share=0.52, low=0.47, high=0.57),
        }
    )
    assert "may as well predict nothing" not in votes.prediction_words(said)
    words = votes.prediction_words(doubtful)
    assert "+2 points (95 % interval −4 to +8)" in words
    assert "may as well predict nothing" in words


@pytest.mark.parametrize("name", ["html", "report markdown"])
def test_position_bias_is_told_in_numbers(name: str) -> None:
    text = SHOWN[name](example.model_content())
    assert "changed 150 of 3,000 votes (5.0 %)" in text
    assert "110 went to whichever answer was shown first" in text
    assert "25 to whichever was shown second; 15 changed in another way" in text
    assert "1,400" in text


def test_no_change_with_the_order_is_said_in_words() -> None:
    poll = Poll(num_votes=9, outcomes={}, num_flips_to_first=0, num_flips_to_second=0)
    words = votes.poll_words(poll, example.model_content().constitution)
    assert words[1] == "The order of the two answers changed no vote."


@pytest.mark.parametrize("name", ["html", "report markdown"])
def test_questions_and_tokens_are_told_by_stage_and_in_all(name: str) -> None:
    text = " ".join(SHOWN[name](example.model_content()).replace("|", " ").split())
    for row in (
        "Questions 180 820 1,000",
        "Tokens read 123,456 123,456 246,912",
        "Tokens written 7,890 7,890 15,780",
        "without a usable reply 4 4 8",
    ):
        assert row in text


def test_an_unusable_reply_is_set_aside_in_plain_words() -> None:
    text = SHOWN["html"](example.model_content())
    assert "10 rows, replies of the model or grounds could not be used." in text
    assert "preferences.csv , row 8, the model’s reply : I would rather not" in text


def test_only_what_was_asked_of_a_model_has_a_table() -> None:
    for render in (render_html, render_markdown):
        assert "What the model was asked" in render(example.model_content())
        assert "What the model was asked" not in render(example.example_content())
        assert "How the model voted" not in render(example.example_content())


def test_a_model_without_votes_ranks_by_voices(shown: Callable[[ReportContent], str]) -> None:
    content = example.model_content()
    bare = [p.model_copy(update={"prediction": None}) for p in content.constitution.principles]
    text = shown(changed(content, principles=bare).model_copy(update={"poll": None}))
    assert "margin" not in text.lower()
    assert "How the model voted" not in text


def test_a_principle_without_quotes_is_shown_without_them(
    shown: Callable[[ReportContent], str],
) -> None:
    content = example.model_content()
    bare = [p.model_copy(update={"evidence": []}) for p in content.constitution.principles]
    text = shown(changed(content, principles=bare))
    assert example.GENERAL[4][0] in text
    assert "In people’s own words" not in text


def test_the_segments_of_a_bar_fill_it_and_stand_apart() -> None:
    parts = figures.segments(findings.prediction(2))
    assert [part.tone for part in parts] == ["for", *["aside"] * 4, "against"]
    ends = [float(part.start) + float(part.width) for part in parts]
    assert ends[:-1] == pytest.approx([float(part.start) for part in parts[1:]], abs=0.02)
    assert ends[-1] == pytest.approx(100, abs=0.02)
    none = dict.fromkeys(VoteOutcome, 0)
    assert figures.segments(findings.prediction(2).model_copy(update={"outcomes": none})) == []


def test_the_facts_of_the_baseline_say_what_was_not_read() -> None:
    for name in ("html", "report markdown"):
        text = SHOWN[name](example.guessed_content())
        assert "with a reason, not read" in text
        assert "arXiv 2406.06560" in text
        assert "arXiv 2601.18760" not in text


def test_no_text_steers_the_terminal() -> None:
    bad = f"{example.HOSTILE}\x1b[2J\x1b]0;owned\x07\r"
    content = example.hostile_content().constitution
    first = content.principles[0]
    quote = first.evidence[0].model_copy(update={"quote": bad})
    spoilt = first.model_copy(update={"text": bad, "evidence": [quote]})
    told = content.model_copy(
        update={"title": bad, "model": bad, "principles": [spoilt, *content.principles[1:]]}
    )
    text = constitution_text(told)
    assert all(c.isprintable() or c == "\n" for c in text)
    assert "\\x1b[2J" in text
    text.encode("utf-8")


def test_the_kinds_of_the_example_are_those_it_claims() -> None:
    kinds = {p.kind for p in example.guessed_content().constitution.principles}
    assert kinds == {Kind.CONTEXTUAL}
    assert phrases.field_words("preferred") == "field preferred"
