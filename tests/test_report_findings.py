"""Measures, contradictions, ballots and groups without a principle, as the report tells them."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
import report_example as example
import report_example_findings as findings
from pydantic import ValidationError
from test_report_model import SHOWN

from gcai_ray import statistics
from gcai_ray.choosing import poll
from gcai_ray.evaluate.measures import Baseline, measure, not_measured
from gcai_ray.report import (
    ReportContent,
    evaluation,
    figures,
    phrases,
    render_html,
    render_markdown,
)
from gcai_ray.report.comparisons import difference_words, verdict_of
from gcai_ray.report.conflicts import conflict_words, oppositions, unheard_words
from gcai_ray.report.evaluation import answers_of, figure_of
from gcai_ray.report.meanings import meaning_of
from gcai_ray.report.standing import approval_words, ballot_words, fragile_words, return_words
from gcai_ray.report.summary import summary
from gcai_ray.report.terminal import constitution_text
from gcai_ray.report.votes import speaking_words
from gcai_ray.schemas import Measure, Return

REPORTS = ("html", "report markdown")


def shown(name: str, content: ReportContent) -> str:
    """The words of a report without markup, on one line."""
    text = re.sub(r"</?bdi>", "", SHOWN[name](content).replace("\u00a0", " "))
    return " ".join(text.replace("**", "").replace("|", " ").split())


def without_measures(content: ReportContent) -> ReportContent:
    return content.model_copy(update={"measures": []})


def row(family: str, name: str, difference: tuple[float, float, float] | None = None) -> Measure:
    beside = Baseline("longer response", 0.62, 0.5, 0.7, difference)
    return measure((family, name), (0.74, 0.63, 0.84), 11, "share of pairs", beside)


@pytest.mark.parametrize("name", REPORTS)
def test_each_way_of_using_it_stands_beside_each_baseline_with_what_the_difference_says(
    name: str,
) -> None:
    text = shown(name, example.model_content())
    assert "74 % (95 % interval 63–84 %)" in text
    for words in (
        "+19 points (95 % interval +9 to +28): better",
        "+6 points (95 % interval −4 to +15): within noise",
        "−25 points (95 % interval −35 to −16): worse",
        "Better than the majority class and the longer response; within noise of the judge without "
        "constitution and ICAI mode.",
    ):
        assert words in text


@pytest.mark.parametrize(
    ("name", "difference", "verdict"),
    [
        ("judge", (0.1, 0.01, 0.2), "better than"),
        ("judge", (-0.1, -0.2, -0.01), "worse than"),
        ("judge", (0.1, 0.0, 0.2), "within noise of"),
        ("judge", (0.1, -0.1, 0.2), "within noise of"),
        ("some other", (0.1, 0.01, 0.2), "higher than"),
        ("some other", (-0.1, -0.2, -0.01), "lower than"),
        ("judge", None, "not clearly apart from"),
    ],
)
def test_a_verdict_follows_the_interval_of_the_paired_difference(
    name: str, difference: tuple[float, float, float] | None, verdict: str
) -> None:
    one = row("reconstruction", name, difference)
    assert verdict_of(one, meaning_of(one.family, one.name)) == verdict


def test_less_is_better_where_people_are_left_out() -> None:
    one = row("pluralism", "homeless", (-0.1, -0.2, -0.01))
    assert verdict_of(one, meaning_of(one.family, one.name)) == "better than"
    assert difference_words(one, True, "better than").endswith("(95 % interval −20 to −1): better")


def test_one_persons_difference_settles_nothing() -> None:
    one = row("reconstruction", "judge", (0.12, 0.12, 0.12)).model_copy(update={"num_people": 1})
    assert verdict_of(one, meaning_of("reconstruction", "judge")) == "not clearly apart from"


def test_unpaired_ranges_that_meet_are_not_called_better() -> None:
    apart = row("coverage", "held_out_coverage").model_copy(
        update={"baseline": 0.2, "baseline_low": 0.1, "baseline_high": 0.3}
    )
    meaning = meaning_of("coverage", "held_out_coverage")
    assert verdict_of(apart, meaning) == "better than"
    assert (
        difference_words(apart, True, "better than") == "+54 points; the two ranges do not overlap"
    )
    meet = apart.model_copy(update={"baseline_high": 0.63})
    assert verdict_of(meet, meaning) == "not clearly apart from"


def test_ranges_of_repetitions_and_of_draws_are_not_called_intervals() -> None:
    figure = figure_of(example.model_content().measures, "stability", "comes_back_chosen")
    assert figure is not None
    assert [line.words for line in figure.lines] == [
        "78 % (95 % range 60–90 %)",
        "37 % (95 % range 11–56 %)",
    ]
    covered = figure_of(example.model_content().measures, "coverage", "held_out_coverage")
    assert covered is not None
    assert [line.words for line in covered.lines] == [
        "48 % (95 % interval 36–61 %)",
        "17 % (95 % range 11–24 %)",
    ]


@pytest.mark.parametrize("name", REPORTS)
def test_what_needs_a_model_is_told_once_with_its_reason(name: str) -> None:
    text = shown(name, example.example_content())
    assert text.count("extractive engine reads only people’s words") == 2  # summary and list
    assert "Prediction of choices: Judge, Majority and Weighted; agreement: Judge and maj" in text
    assert "Votes on pairs: Votes that flipped and Position bias" in text
    assert "This was not measured for this constitution" in text
    assert "62 % (95 % interval 47–75 %)" in text


def test_every_measure_is_shown_or_listed_as_not_measured() -> None:
    for content in (example.example_content(), example.model_content()):
        told = {
            line.words
            for answer in answers_of(content.measures)
            for figure in answer.figures
            for line in figure.lines
        }
        assert len(told) > 10
        for name in REPORTS:
            text = shown(name, content)
            assert all(words in text for words in told)
            for gap in evaluation.not_measured(content.measures):
                assert phrases.as_sentence(gap.reason) in text
        names = {(m.family, m.name) for m in content.measures if m.value is not None}
        titles = {meaning_of(*name).title for name in names if not name[1].startswith("votes_")}
        assert all(title in render_html(content) for title in titles)


@pytest.mark.parametrize("name", REPORTS)
def test_unknown_names_and_families_keep_their_own_name(name: str) -> None:
    text = shown(name, example.model_content())
    assert "Adjusted mutual information" in text
    assert "TF-IDF and k-means" in text
    assert re.search(r"Other figures.*New words per principle.*2\.40", text)


@pytest.mark.parametrize("name", REPORTS)
def test_no_measure_at_all_says_so(name: str) -> None:
    text = shown(name, without_measures(example.model_content()))
    assert "No figure was measured on held-out data" in text
    assert "What was not measured" not in text


def test_notes_that_say_the_same_are_told_once() -> None:
    text = shown("html", example.model_content())
    assert text.count("range that 95 % of the 20 repetitions lie in") == 1
    assert text.count("an undecided pair counts one half. The baseline is decided") == 1


def test_all_shares_that_answer_one_question_have_one_axis() -> None:
    answers = answers_of(example.model_content().measures)
    for answer in answers:
        scales = {figures.figure_scale(figure, answer) for figure in answer.figures if figure.share}
        assert len(scales) <= 1
    kappa = next(a for a in answers if a.question.family == "agreement").figures[1]
    assert kappa.lines[0].value < 0
    assert figures.figure_scale(kappa, answers[1]) is None


def test_small_values_are_as_fine_as_their_interval() -> None:
    flips = figure_of(example.model_content().measures, "votes", "flip_rate")
    assert flips is not None
    assert flips.words == "4.7 % (95 % interval 3.1–6.6 %)"


@pytest.mark.parametrize("name", REPORTS)
def test_principles_that_pull_apart_stand_with_their_pairs_and_the_proposal(name: str) -> None:
    text = shown(name, example.model_content())
    for words in (
        "on 31 of the 46 pairs on which both speak for an answer, they speak for opposite ones",
        "on 8 of the 9 pairs where people gave reasons that match the one and the other",
        "By a model that read the two and was asked whether they conflict. It said: "
        f"{findings.MODEL_SAID}.",
        "More people stand behind C1 (13 people) than behind C5 (4). Where both cannot be "
        "followed, C1 is proposed.",
        "Within noise: 11 people behind C2 and 6 people behind C4. People must decide.",
        "preferences.csv, row 37; preferences.csv, row 88",
    ):
        assert text.count(words) == 1
    assert "She is frightened" in text
    assert "answer the telephone" not in text  # prompts are shortened


def test_findings_on_the_same_two_principles_stand_together() -> None:
    content = example.model_content()
    other = content.contradictions[2]
    swapped = other.found.model_copy(
        update={
            "principle_id": other.found.other_id,
            "other_id": other.found.principle_id,
            "num_people": other.found.num_people_other,
            "num_people_other": other.found.num_people,
        }
    )
    conflicts = [*content.contradictions[:2], other.model_copy(update={"found": swapped})]
    for found in (oppositions(content), oppositions(replaced(content, contradictions=conflicts))):
        assert [len(one.findings) for one in found] == [2, 1]
        assert [len(one.proposals) for one in found] == [1, 1]


def replaced(content: ReportContent, **fields: object) -> ReportContent:
    return content.model_copy(update=fields)


def test_where_nothing_was_found_the_report_says_where_it_looked() -> None:
    bare = {"contradictions": []}
    rules = conflict_words(replaced(example.example_content(), **bare))
    assert rules == (
        "No two principles were found to pull apart. Looked for in the reasons people gave. Others "
        "may still do so."
    )
    assert "model’s votes" in conflict_words(replaced(example.model_content(), **bare))
    unvoted = replaced(example.model_content(), **bare, poll=None)
    assert "model’s votes" not in conflict_words(unvoted)
    assert "reasons" not in conflict_words(replaced(example.guessed_content(), **bare))


def test_a_report_that_could_not_look_for_contradictions_reassures_nobody() -> None:
    content = example.example_content()
    told = [
        not_measured(("contradictions", "told_by_reasons"), "no two speak on the same 5 pairs"),
        not_measured(("contradictions", "judged_to_conflict"), "needs a model"),
    ]
    others = [row for row in content.measures if row.family != "contradictions"]
    blind = replaced(content, contradictions=[], measures=[*others, *told])
    assert conflict_words(blind).startswith("Whether any two principles pull apart could not be")
    assert dict(summary(blind))["Do its principles agree?"] == (
        "Whether any two principles pull apart could not be told."
    )


def test_content_refuses_findings_on_principles_it_does_not_hold() -> None:
    content = example.example_content()
    stray = Return(principle_id="0" * 32, num_runs=1, num_formed=1, num_chosen=1)
    for fields in (
        {"returns": [stray]},
        {"contradictions": [findings.by_reasons(["1" * 32, "0" * 32, "2" * 32, "3" * 32])]},
    ):
        with pytest.raises(ValidationError, match="not in the constitution: 0000"):
            ReportContent(constitution=content.constitution, facts=content.facts, **fields)


@pytest.mark.parametrize("name", list(SHOWN))
def test_groups_without_a_principle_are_named_with_what_they_asked_for(name: str) -> None:
    text = shown(name, example.example_content())
    assert "role: retired, 12 people" in text
    assert re.search(r"The AI should speak my dialect\. \(?7 of them", text)
    assert re.search(r"Choose the response that uses the units I use\. \(?4 of them", text)


def test_no_group_left_out_and_no_group_known_are_not_the_same() -> None:
    built = example.constitution().model_copy(update={"not_represented": []})
    bare = [
        p.model_copy(update={"support": p.support.model_copy(update={"groups": []})})
        for p in built.principles
    ]
    assert "lost all of its" in unheard_words(built)
    assert "name no groups" in unheard_words(built.model_copy(update={"principles": bare}))


@pytest.mark.parametrize("name", list(SHOWN))
def test_ballots_are_told_in_counts(name: str) -> None:
    text = shown(name, example.ratified_content())
    assert "On the ballot: 80 approve, 9 reject, 7 pass. Approved: 90 % of those" in text
    assert text.count("No majority:") == 2
    assert "96 people" in text
    assert "for people to ratify" not in text
    assert "On the ballot" not in shown(name, example.model_content())


def test_the_page_says_how_many_principles_people_approve() -> None:
    text = shown("html", example.ratified_content())
    assert "96 people voted on it (912 votes). More of them approve than reject 8 of 10" in text
    assert "7 votes replaced an earlier one." in text
    assert "no person voted on a principle" not in text


@pytest.mark.parametrize("name", REPORTS)
def test_the_baseline_says_nothing_of_what_groups_asked_for(name: str) -> None:
    text = shown(name, example.guessed_content())
    assert "cannot say what any group asked for" in text
    assert "More people’s choices stand behind C1" in text


def test_no_side_taken_is_no_majority_and_no_share() -> None:
    none = findings.ratification(0).model_copy(
        update={"num_approve": 0, "num_reject": 0, "num_pass": 4, "approved": False}
    )
    assert ballot_words(none).endswith("No majority: no one took a side.")


def test_votes_of_the_source_name_the_least_favourable_group() -> None:
    words = approval_words(findings.approval())
    assert "3 statements behind it (1,210 votes): 78 % of votes agree on average" in words
    assert "in the least favourable group of voters, “B”, 61 %." in words
    assert "over statements" not in approval_words(findings.approval(1))


@pytest.mark.parametrize("name", list(SHOWN))
def test_a_principle_says_how_often_it_speaks_and_is_right(name: str) -> None:
    text = shown(name, example.model_content())
    assert "on 46 % (95 % interval 39–52 %) of the choices of 24 people" in text
    assert "right in 88 % (90 % interval 81–95 %)" in text
    assert "This place is reserved for region: South" in text
    silent = findings.prediction(1).model_copy(update={"num_people_spoken": 0})
    assert speaking_words(silent) == "It speaks for neither answer on any pair."


@pytest.mark.parametrize("name", REPORTS)
def test_a_principle_says_how_often_it_comes_back(name: str) -> None:
    text = shown(name, example.example_content())
    assert (
        "Of 20 repeated runs, 18 choose it again and 20 find a principle that says the same."
        in (text)
    )
    assert "Chosen again in fewer than half of the repeated runs: C4 (6 of 20)." in text


def test_half_of_the_runs_is_not_fewer_than_half() -> None:
    built = example.constitution()
    half = Return(principle_id=built.principles[0].id, num_runs=20, num_formed=20, num_chosen=10)
    assert fragile_words(built, [half]) == ""
    assert "1 repeated run," in return_words(half.model_copy(update={"num_runs": 1}))


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (example.example_content, "Not measured: needs a model"),
        (example.model_content, "A model that reads it names 74 % (95 % interval 63–84 %)"),
    ],
)
def test_the_summary_answers_in_four_lines_that_both_reports_hold(
    make: Callable[[], ReportContent], said: str
) -> None:
    content = make()
    told = dict(summary(content))
    assert len(told) == 4
    assert told["Does it predict what people choose?"].startswith(said)
    assert (
        "role: retired (12 people) and region: Harbour towns (5 people)" in told["Who is left out?"]
    )
    assert "33 % of people are covered by no principle." in told["Who is left out?"]
    for name in REPORTS:
        text = shown(name, content)
        assert all(answer in text for answer in told.values())


def test_an_interval_is_explained_once_and_as_it_is_computed() -> None:
    for render in (render_html, render_markdown):
        text = render(example.model_content())
        assert text.count("What is an interval?") == 1
        assert "1,000 times" in text
    assert phrases.NUM_DRAWS == statistics.NUM_DRAWS
    assert f"{100 * statistics.LEVEL:.0f} %" == phrases.LEVEL
    assert f"{100 * poll.ACCURACY_LEVEL:.0f} %" == phrases.ACCURACY_LEVEL


def test_the_terminal_shows_no_hostile_character() -> None:
    text = constitution_text(example.hostile_content().constitution)
    assert all(c.isprintable() or c == "\n" for c in text)
