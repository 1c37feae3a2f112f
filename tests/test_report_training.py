"""What a report says of training: numbers, principles, rejects, curves, and how to load the model;
and nothing at all where nothing was tuned.
"""

from __future__ import annotations

import ast
import random
import re
from itertools import pairwise
from pathlib import Path

import pytest
import report_example as example
import report_example_training as trained
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError
from test_report import Page

from gcai_ray.artifact_writer import ArtifactWriter
from gcai_ray.artifacts import Artifact
from gcai_ray.report import ReportContent, TaughtPrinciple, render_html, render_markdown
from gcai_ray.report.curves import MAX_CORNERS, bounds, chart_of, points_of, thinned
from gcai_ray.report.training import loading_lines, objectives_of, refusal_words
from gcai_ray.report_content import reject_counts
from gcai_ray.report_training import training_of
from gcai_ray.schemas import (
    Constitution,
    MadeBy,
    Message,
    Metric,
    Prompt,
    Reject,
    Split,
    TrainingPair,
)
from gcai_ray.storage import Storage


@pytest.fixture(scope="module")
def content() -> ReportContent:
    return trained.trained_content()


@pytest.fixture(scope="module")
def page(content: ReportContent) -> Page:
    return Page(render_html(content))


def words_of(page: Page) -> str:
    return " ".join(page.text.split())


def test_a_report_without_training_has_nothing_of_it() -> None:
    for text in (render_html(example.model_content()), render_markdown(example.model_content())):
        assert "taught" not in text
        assert ".charts" not in text
        assert "polyline" not in text


@pytest.mark.parametrize("render", [render_html, render_markdown])
def test_the_order_of_rows_changes_no_byte(content: ReportContent, render) -> None:  # type: ignore[no-untyped-def]
    dice, own = random.Random(5), content.training
    tuning = own.tuning.model_copy(
        update={"metrics": dice.sample(own.tuning.metrics, len(own.tuning.metrics))}
    )
    mixed = {"principles": own.principles[::-1], "rejects": own.rejects[::-1], "tuning": tuning}
    other = content.model_copy(update={"training": own.model_copy(update=mixed)})
    assert other != content
    assert render(other) == render(content)


def test_numbers_and_the_rate_of_refusals_stand_in_both(content: ReportContent, page: Page) -> None:
    markdown = " ".join(render_markdown(content).split())
    for text in (words_of(page), markdown):
        assert "63 of 612 pairs are held out" in text
        assert "of 310 responses that the critique called harmless, 9 (2.9 %) were" in text
        assert "371 pairs of a response and its revision" in text.replace("371pairs", "371 pairs")
        assert "241 pairs of two responses judged" in text.replace("241pairs", "241 pairs")


def test_where_nothing_was_called_harmless_no_rate_is_told(content: ReportContent) -> None:
    none = content.training.model_copy(update={"num_harmless": 0, "num_over_refusals": 0})
    assert "not known" in refusal_words(none)
    assert "%" not in refusal_words(none)


def test_every_principle_leads_to_its_evidence_and_has_its_pairs(
    content: ReportContent, page: Page
) -> None:
    html = render_html(content)
    section = html[html.index('<section id="training"') : html.index('<section id="rejects"')]
    links = re.findall(r'href="#((?:contextual|general)-\d)"', section)
    assert links == [f"{kind}-{rank}" for kind in ("contextual", "general") for rank in range(1, 6)]
    cells = re.findall(r'<td class="number">(\d+)</td><td class="number">(\d+)</td></tr>', section)
    assert cells[:3] == [("60", "40"), ("53", "36"), ("46", "32")]
    assert cells[9] == ("0", "0")
    assert "| G5. " in render_markdown(content)


def test_what_was_set_aside_stands_most_frequent_first(page: Page, content: ReportContent) -> None:
    text = words_of(page)
    assert text.index("Over-refusal: the revision refuses") < text.index("900 tokens, more than")
    assert "harmless.jsonl.gz, row 31, field revision: I'm sorry" in text
    markdown = render_markdown(content)
    assert (
        "| over-refusal: the revision refuses | revise | 9 | harmless.jsonl.gz, row 31" in markdown
    )


def test_charts_show_both_rows_and_say_so_without_sight(page: Page, content: ReportContent) -> None:
    charts = [svg for svg in page.named("svg") if svg.get("class") == "lines"]
    assert [chart["aria-label"].partition(":")[0] for chart in charts] == [
        "Loss",
        "Loss",
        "Reward margin",
        "Reward accuracy",
    ]
    for chart in charts:
        assert re.search(
            r"rows it learns: \S+( %)? → \S+( %)?; held-out rows:", chart["aria-label"]
        )
    assert len(page.named("polyline")) == 2 * len(charts)
    marks = [circle for circle in page.named("circle") if circle.get("cx", "").endswith("%")]
    held = [m for m in content.training.tuning.metrics if m.name.startswith("eval_")]
    assert len(marks) == len(held)


def test_the_loss_ends_lower_on_the_page_than_it_began(content: ReportContent) -> None:
    (sft, dpo) = objectives_of(content.training.tuning)
    loss = sft.charts[0].curves[0].corners.split()
    tops = [float(corner.split(",")[1]) for corner in loss]
    assert tops[0] < 30
    assert tops[-1] > 70  # from the top of the drawing down
    accuracy = dpo.charts[2]
    assert accuracy.ticks == ("100 %", "50 %", "0 %")
    assert ("Reward accuracy, held-out rows", "62 %", "78 %", "78 %") in dpo.rows


def test_headings_descend_and_links_have_targets(page: Page) -> None:
    levels = [int(tag[1]) for tag, _ in page.elements if re.fullmatch("h[1-6]", tag)]
    assert all(after - before <= 1 for before, after in pairwise(levels))
    ids = {attributes["id"] for _, attributes in page.elements if "id" in attributes}
    links = {href[1:] for _, a in page.elements if (href := a.get("href") or "").startswith("#")}
    assert links <= ids
    assert "training" in links


@pytest.mark.parametrize("method", ["lora", "full"])
def test_the_lines_that_load_it_are_python_whatever_it_is_called(method: str) -> None:
    tuning = trained.hostile_training().training.tuning.model_copy(update={"method": method})
    tree = ast.parse("\n".join(loading_lines(tuning)))
    named = [node.value for node in ast.walk(tree) if isinstance(node, ast.Constant)]
    assert f"ROOT/{tuning.artifact}" in named
    assert (tuning.base_model in named) == (method == "lora")


def test_hostile_text_is_isolated_and_breaks_no_markdown() -> None:
    hostile = trained.hostile_training()
    page = Page(render_html(hostile))
    assert not page.named("img", "iframe")
    text = render_markdown(hostile)
    text.encode("utf-8")
    assert not re.search(r"(?<!\\)<(script|img|/script)", text)
    for table in re.findall(r"(?:^\|.*\n)+", text, re.MULTILINE):
        assert len({len(re.findall(r"(?<!\\)\|", line)) for line in table.splitlines()}) == 1


def test_pairs_without_a_tuned_model_say_so(content: ReportContent) -> None:
    untuned = content.training.model_copy(update={"tuning": None, "rejects": []})
    for render in (render_html, render_markdown):
        text = render(content.model_copy(update={"training": untuned}))
        assert "No model was tuned on these pairs in this run." in text
        assert "Nothing: every prompt, response and revision could be used." in text
        assert "How it learnt" not in text


def test_a_principle_of_another_constitution_is_refused(content: ReportContent) -> None:
    stray = TaughtPrinciple(principle_id="0" * 32, num_by_revision=1, num_by_comparison=0)
    own = content.training.model_copy(update={"principles": [stray]})
    with pytest.raises(ValidationError, match=f"pairs but not in the constitution: {'0' * 32}"):
        ReportContent(constitution=content.constitution, facts=content.facts, training=own)


def test_many_updates_are_drawn_as_means_of_neighbours() -> None:
    points = [(step, float(step)) for step in range(1, 10_001)]
    drawn = thinned(points)
    assert len(drawn) <= MAX_CORNERS
    assert drawn[0][1] == pytest.approx(42.5)  # of updates 1 to 84
    assert drawn[-1][0] == 10_000
    assert thinned(points[:3]) == points[:3]


@given(st.lists(st.floats(-1e6, 1e6, allow_subnormal=False), min_size=1, max_size=20))
def test_an_axis_holds_all_values(values: list[float]) -> None:
    low, high = bounds(values)
    assert low <= min(values)
    assert high >= max(values)
    assert high > low


def test_one_update_is_a_mark_and_no_measure_is_no_chart() -> None:
    one = [Metric(objective="sft", step=1, name="loss", value=2.0)]
    chart = chart_of(one, "sft", "loss")
    assert chart is not None
    assert [mark[2] for curve in chart.curves for mark in curve.marks] == ["update 1: 2"]
    assert chart_of(one, "dpo", "loss") is None
    assert points_of(one, "sft", "eval_loss") == []


def pair(number: int, made_by: MadeBy, principle_ids: list[str]) -> TrainingPair:
    turn = Message(role="user", content=f"Question {number}")
    return TrainingPair(
        id=f"{number:032x}",
        prompt_id=f"{number:032x}",
        source="s",
        split=Split.TRAIN,
        prompt=[turn],
        chosen="good",
        rejected="bad",
        made_by=made_by,
        principle_ids=principle_ids,
        round=0 if made_by is MadeBy.COMPARISON else 1,
        model="m",
    )


def committed(folder: Path, stage: str, **given: object) -> Artifact:
    writer = ArtifactWriter(Storage(str(folder)), (stage, "0" * 32))
    for name, value in given.items():
        if isinstance(value, bytes):
            writer.write_document(name.replace("__", "."), value)
        elif isinstance(value, int):
            writer.counts[name] = value
        else:
            writer.write_rows(name, value)
    return writer.commit(inputs={}, config={}, seconds=0.0)


@pytest.fixture
def inputs(tmp_path: Path) -> dict[str, Artifact]:
    built: Constitution = example.constitution()
    first, second = (principle.id for principle in built.principles[:2])
    pairs = [
        pair(1, MadeBy.REVISION, [first, second]),
        pair(2, MadeBy.REVISION, [first]),
        pair(3, MadeBy.COMPARISON, [second]),
    ]
    reject = Reject(
        stage="revise", source="s", source_file="f.jsonl", source_row=4, field="revision",
        value="same", reason="the revision equals the response",
    )  # fmt: skip
    prompt = Prompt(
        id="1" * 32, source="s", source_file="f.jsonl", source_row=1,
        messages=[Message(role="user", content="?")], split=Split.TEST,
    )  # fmt: skip
    measured = [
        Metric(objective="sft", step=1, name="loss", value=2.0),
        Metric(objective="sft", step=1, name="tokens_per_s", value=812.5),
    ]
    told = b'{"base_model": "b", "settings": {"method": "lora", "lora": {"rank": 8}}}'
    counts = {
        "num_harmless": 2,
        "num_over_refusals": 1,
        "num_pairs_by_revision": 2,
        "num_pairs_by_comparison": 1,
    }
    return {
        "tune": committed(tmp_path, "tune", metrics=measured, training__json=told),
        "revise": committed(
            tmp_path, "revise", training_pairs=pairs, revisions=[], rejects=[reject], **counts
        ),
        "prompts": committed(tmp_path, "prompts", prompts=[prompt], num_held_out=1),
        "ratify": committed(
            tmp_path, "ratify", constitution__json=built.model_dump_json().encode()
        ),
    }


def test_artifacts_become_what_the_report_says(inputs: dict[str, Artifact]) -> None:
    found = training_of(inputs, reject_counts)
    assert found is not None
    taught = [(one.num_by_revision, one.num_by_comparison) for one in found.principles]
    assert taught == [(2, 0), (1, 1), *[(0, 0)] * 8]
    assert (found.num_pairs, found.num_pairs_by_revision, found.num_pairs_held_out) == (3, 2, 0)
    assert (found.num_prompts, found.num_prompts_held_out) == (1, 1)
    assert (found.num_harmless, found.num_over_refusals) == (2, 1)
    assert [(r.reason, r.count) for r in found.rejects] == [("the revision equals the response", 1)]
    assert found.tuning is not None
    assert (found.tuning.base_model, found.tuning.rank) == ("b", 8)
    # Speed differs from one run to the next, and the report must not.
    assert [metric.name for metric in found.tuning.metrics] == ["loss"]


def test_a_run_that_did_not_tune_has_no_model(inputs: dict[str, Artifact]) -> None:
    found = training_of({k: v for k, v in inputs.items() if k != "tune"}, reject_counts)
    assert found is not None
    assert found.tuning is None
    assert training_of({"ratify": inputs["ratify"]}, reject_counts) is None
