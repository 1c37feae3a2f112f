"""What the report of a tuned model says: every figure with its interval and number of prompts, what
was not measured, hostile text as text.
"""

from __future__ import annotations

import random
import re
from itertools import pairwise

import pytest
import report_example as example
import report_example_models as assessed
import report_example_training as trained
from test_report import Page

from gcai_ray.report import ModelContent, render_html, render_markdown, render_model
from gcai_ray.report import render_model_markdown as render_markdown_model
from gcai_ray.report.model_words import bouts_of, headline, value_words
from gcai_ray.schemas import Figure


@pytest.fixture(scope="module")
def content() -> ModelContent:
    return assessed.assessed_content()


@pytest.fixture(scope="module")
def page(content: ModelContent) -> Page:
    return Page(render_model(content))


def words_of(text: str) -> str:
    return " ".join(text.split())


def figure(content: ModelContent, **wanted: str) -> Figure:
    [one] = [
        f for f in content.figures if all(getattr(f, key) == value for key, value in wanted.items())
    ]
    return one


def test_every_principle_stands_beside_its_rate_on_all_prompts_and_on_longer_ones(
    content: ModelContent, page: Page
) -> None:
    texts = (words_of(page.text), words_of(render_markdown_model(content).replace("\\", "")))
    for model, against in content.opponents:
        for principle in content.constitution.principles:
            for prompts, num in (("all", 120), ("multi", 26)):
                found = figure(
                    content, model=model, against=against, subject=principle.id, prompts=prompts
                )
                told = value_words(found.value, found.low, found.high)
                for text in texts:
                    assert f"{told}, {num} prompts" in text
    assert all(principle.text in page.isolated for principle in content.constitution.principles)


def test_the_top_says_what_came_out_of_which_model_and_how(
    content: ModelContent, page: Page
) -> None:
    whole = figure(
        content, model="tuned", against="base", scope="all", family="adherence", prompts="all"
    )
    told = value_words(whole.value, whole.low, whole.high)
    for text in (words_of(page.text), words_of(render_markdown_model(content))):
        assert (
            "better than its base does: a judge preferred its responses, principle by principle, "
            f"in {told}" in text
        )
        assert "120 held-out prompts, 26 of them longer conversations" in text
        assert "a language model, acme/judge-70b, in both orders; no person" in text
        assert "a LoRA adapter of rank 16 for acme/tiny-7b" in text
    assert {"href": "report.html"} in page.named("a")


def changed(content: ModelContent, name: str, **values: object) -> ModelContent:
    """With other figures of one name for the tuned model against its base."""
    told = [
        f.model_copy(update=values)
        if (f.name, f.model, f.against, f.scope) == (name, "tuned", "base", "all")
        else f
        for f in content.figures
    ]
    return content.model_copy(update={"figures": told})


def test_the_headline_claims_no_more_than_the_interval(content: ModelContent) -> None:
    even = {"value": 0.52, "low": 0.45, "high": 0.59}
    even |= {"difference": 0.02, "difference_low": -0.05, "difference_high": 0.09}
    assert "within noise" in headline(changed(content, "win_rate", **even))
    worse = even | {"value": 0.3, "difference": -0.2, "difference_high": -0.1}
    assert "less than its base" in headline(changed(content, "win_rate", **worse))
    none = dict.fromkeys(even) | {"note": "3 held-out prompts were judged"}
    said = headline(changed(content, "win_rate", **none))
    assert "is not known: 3 held-out prompts were judged." in said


def test_the_headline_warns_where_length_may_explain_it(content: ModelContent) -> None:
    assert "length alone" not in headline(content)  # it wins at equal length too
    nothing = dict.fromkeys(("value", "low", "high", "difference_low"))
    bare = changed(content, "win_rate_equal_length", **nothing)
    assert "But the longer response won 71 % of contests: length alone may explain it." in headline(
        bare
    )
    fair = changed(bare, "longer_won", value=0.5, low=0.46)
    assert "length alone" not in headline(fair)


def test_what_was_not_measured_is_said_and_never_drawn(content: ModelContent) -> None:
    gone = {"value": None, "low": None, "high": None, "num_prompts": 4}
    few = [
        f.model_copy(update=gone | {"note": "4 conversations were judged: at least 10 are needed"})
        if f.prompts == "multi"
        else f
        for f in content.figures
    ]
    bare = content.model_copy(update={"figures": few})
    page, text = Page(render_model(bare)), render_markdown_model(bare)
    bars = [a for tag, a in page.elements if tag == "svg" and a.get("class", "").startswith("bar")]
    assert len(bars) == 3 * (1 + 5 + 10)
    for told in (words_of(page.text), text):
        assert told.count("not measured (4 prompts)") == 3 * (1 + 5 + 10)
        assert "4 conversations were judged: at least 10 are needed." in told
        assert "its data are not in the offline cache of Hugging Face" in told
        assert "no principle of the constitution is about it: non-discrimination, accuracy" in told


def test_refusals_length_and_order_stand_beside_their_baselines(page: Page) -> None:
    text = words_of(page.text)
    assert "6 refusals on 90 held-out prompts that are harmless" in text
    assert "the base model: 3.3 % (95 % interval 1.1–9.3 %)" in text
    assert "length decides nothing: 50 %" in text
    assert "minds no order: 50 %" in text
    assert "3 responses of all models ended at the limit of 512 tokens." in text


@pytest.mark.parametrize("render", [render_model, render_markdown_model])
def test_the_order_of_rows_changes_no_byte(content: ModelContent, render) -> None:  # type: ignore[no-untyped-def]
    dice = random.Random(5)
    figures = dice.sample(content.figures, len(content.figures))
    principles = content.constitution.principles[::-1]
    built = content.constitution.model_copy(update={"principles": principles})
    other = content.model_copy(update={"figures": figures, "constitution": built})
    assert other != content
    assert render(other) == render(content)


def test_headings_descend_and_links_have_targets(page: Page) -> None:
    levels = [int(tag[1]) for tag, _ in page.elements if re.fullmatch("h[1-6]", tag)]
    assert all(after - before <= 1 for before, after in pairwise(levels))
    ids = {attributes["id"] for _, attributes in page.elements if "id" in attributes}
    links = {href[1:] for _, a in page.elements if (href := a.get("href") or "").startswith("#")}
    assert links <= ids


def test_hostile_text_is_isolated_and_breaks_no_markdown() -> None:
    hostile = assessed.hostile_models()
    page = Page(render_model(hostile))
    assert not page.named("img", "script", "iframe")
    text = render_markdown_model(hostile)
    text.encode("utf-8")
    assert not re.search(r"(?<!\\)<(script|img|/script)", text)
    for table in re.findall(r"(?:^\|.*\n)+", text, re.MULTILINE):
        assert len({len(re.findall(r"(?<!\\)\|", line)) for line in table.splitlines()}) == 1


def test_without_a_report_of_the_constitution_nothing_links_to_one(content: ModelContent) -> None:
    alone = content.model_copy(update={"report": None})
    assert "report.html" not in render_model(alone)
    assert "report.md" not in render_markdown_model(alone)


def test_the_constitutions_report_leads_to_the_models_where_there_is_one() -> None:
    plain = trained.trained_content()
    training = plain.training.model_copy(update={"assessed": "model.html"})
    linked = plain.model_copy(update={"training": training})
    assert 'href="model.html"' in render_html(linked)
    assert "[Does the model follow it?](model.md)" in render_markdown(linked)
    for content in (plain, example.model_content()):
        assert "model.html" not in render_html(content)
        assert "model.md" not in render_markdown(content)


def test_every_two_models_have_a_part_of_their_own(content: ModelContent) -> None:
    assert [bout.heading for bout in bouts_of(content)] == [
        "The tuned model against its base",
        "The model tuned to ICAI’s constitution against its base",
        "The tuned model against the model tuned to ICAI’s",
    ]
