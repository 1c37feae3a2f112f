"""The planted benchmark: its corpora have the properties they claim, its scores are right on
examples by hand, and one small cell comes back.
"""

from __future__ import annotations

import sys
from collections import Counter, defaultdict
from dataclasses import replace
from pathlib import Path

import orjson
import pytest
from places import ROOT
from servers import planted as words
from servers.annotator import reply
from servers.known import KNOWN, recognised, shows, spoken_of
from servers.leaning import leaning
from servers.taste import BLAND, by_taste

from gcai_ray.prompts import icai_extract, judge, vote
from gcai_ray.wording import content_stems

sys.path.append(str(ROOT))

from tests.benchmarks.planted.cells import PLACES, Cell, measured
from tests.benchmarks.planted.corpus import (
    FLOODER_ID,
    KINDS,
    MINORITY_REGION,
    Corpus,
    Truth,
    chosen_shows,
    corpus_of,
)
from tests.benchmarks.planted.score import score
from tests.benchmarks.planted.settings import FLOODER, SETTINGS, Crowd, Model

QUIET = Crowd(num_annotations=1000, noise=0.0, first_place=0.0)
TRUTH = Truth(
    weights={
        "contextual": {"concise": 0.5, "polite": 0.3, "cites_sources": 0.15, "step_by_step": 0.05},
        "general": {"tell_truth": 0.9, "treat_equally": 0.1},
    },
    demands={"contextual": "step_by_step", "general": "treat_equally"},
)
TEXTS = {planted.key: planted.canonical for planted in KNOWN}
CONCISE, POLITE, CITES, STEPS = (TEXTS[key] for key in TRUTH.weights["contextual"])
MOON, ODD = TEXTS["mentions_moon"], "has something to do with a trumpet"


def writers(corpus: Corpus) -> set[str]:
    return {row.person for row in corpus.preferences} - {FLOODER_ID}


# What the annotator knows


@pytest.mark.parametrize("planted", KNOWN, ids=lambda planted: planted.key)
def test_words_for_a_principle_mean_it_alone(planted: words.Planted) -> None:
    for text in (planted.canonical, *planted.paraphrases, *planted.reasons):
        assert spoken_of(text) == (planted,)
    for marker in planted.markers:
        assert [other for other in KNOWN if shows(marker, other)] == [planted]


@pytest.mark.parametrize("name", SETTINGS)
def test_principles_of_a_setting_share_no_word_that_carries_meaning(name: str) -> None:
    setting = SETTINGS[name]
    contextual = (*setting.contextual, setting.contextual_demand, FLOODER)
    for planted in (contextual, (*setting.general, setting.general_demand)):
        stems = Counter(stem for one in planted for stem in content_stems(one.canonical))
        assert [stem for stem, num in stems.items() if num > 1] == []


def test_what_a_model_says_instead_is_no_planted_principle() -> None:
    assert [text for text in BLAND.values() if recognised(text)] == []


# Corpora


@pytest.mark.parametrize("name", SETTINGS)
def test_weights_are_the_shares_people_give(name: str) -> None:
    corpus = corpus_of(name, QUIET)
    for kind in KINDS:
        own = [person.own[kind] for person in corpus.people]
        for key, weight in corpus.truth.weights[kind].items():
            given = [[p.key for p in of].count(key) / len(of) for of in own]
            assert weight == pytest.approx(sum(given) / len(own), abs=1e-6)
        assert sum(corpus.truth.weights[kind].values()) == pytest.approx(1, abs=1e-5)
    assert max(len(person.own["contextual"]) for person in corpus.people) > 1
    first, *_, last = SETTINGS[name].contextual
    assert (
        corpus.truth.weights["contextual"][first.key]
        > (corpus.truth.weights["contextual"][last.key])
    )


def test_a_persons_rows_are_spread_over_that_persons_principles() -> None:
    corpus = corpus_of("aligned", QUIET)
    said: dict[str, Counter[str]] = defaultdict(Counter)
    for row in corpus.preferences:
        if row.person != FLOODER_ID:
            said[row.person][row.named[0].key] += 1
    own = {person.key: {p.key for p in person.own["contextual"]} for person in corpus.people}
    assert all(set(counts) <= own[person] for person, counts in said.items())
    for person, counts in said.items():
        each = [counts[key] for key in own[person]]
        assert max(each) - min(each) <= 1


def test_only_the_minority_makes_its_demand() -> None:
    corpus = corpus_of("unaligned", QUIET)
    demand = SETTINGS["unaligned"].contextual_demand
    regions = {row.region for row in corpus.preferences if demand in row.named}
    assert regions == {MINORITY_REGION}
    minority = [person for person in corpus.people if person.region == MINORITY_REGION]
    assert len(minority) == 8
    assert all(person.own["contextual"] == (demand,) for person in minority)


def test_people_are_the_same_whatever_they_write() -> None:
    crowds = (QUIET, replace(QUIET, num_annotations=100), replace(QUIET, noise=0.4))
    first, *others = (corpus_of("orthogonal", crowd) for crowd in crowds)
    assert all(other.truth == first.truth for other in others)
    assert corpus_of("orthogonal", QUIET) == first
    assert corpus_of("orthogonal", replace(QUIET, seed=1)).truth != first.truth


@pytest.mark.parametrize("noise", [0.0, 0.1, 0.4])
def test_noise_is_odd_and_chooses_by_chance(noise: float) -> None:
    corpus = corpus_of("orthogonal", replace(QUIET, noise=noise, flood=0.0))
    for rows, column in ((corpus.preferences, "reason"), (corpus.statements, "statement")):
        odd = [row for row in rows if not row.named]
        assert len(odd) == round(len(rows) * noise)
        assert not any(spoken_of(row.columns[column]) for row in odd)
    assert len(corpus.preferences) == 700
    assert len(corpus.statements) == 300


def test_a_choice_shows_what_its_reason_names() -> None:
    corpus = corpus_of("orthogonal", QUIET)
    assert all(chosen_shows(row, row.named[0]) for row in corpus.preferences)
    assert all(row.named[0] in spoken_of(row.columns["reason"]) for row in corpus.preferences)


def test_who_takes_the_first_place_does_so_against_the_own_reason() -> None:
    corpus = corpus_of("orthogonal", replace(QUIET, first_place=0.4, flood=0.0))
    against = [row for row in corpus.preferences if not chosen_shows(row, row.named[0])]
    assert len(against) / len(corpus.preferences) == pytest.approx(0.2, abs=0.05)
    assert {row.columns["preferred"] for row in against} == {"Answer 1"}


def test_one_person_floods() -> None:
    corpus = corpus_of("aligned", replace(QUIET, noise=0.2, flood=0.5))
    flood = [row for row in corpus.preferences if FLOODER in row.named]
    assert len(flood) == 350
    assert {row.person for row in flood} == {FLOODER_ID}
    assert len(writers(corpus)) > 70
    assert all(chosen_shows(row, FLOODER) for row in flood)


# Scores


def test_score_of_a_perfect_list() -> None:
    found = score([CONCISE, POLITE, CITES], [], TRUTH, "contextual", 3)
    assert (found.precision, found.recall, found.tau, found.num_twice) == (1.0, 1.0, 1.0, 0)
    assert (found.demand, found.flooded) == ("lost", False)


def test_score_of_a_poor_list() -> None:
    """Four chosen: three are planted, one of them twice; of the top three, two; in false order."""
    found = score([POLITE, MOON, CONCISE, POLITE], [], TRUTH, "contextual", 3)
    assert found.precision == 0.75
    assert found.recall == pytest.approx(2 / 3)
    assert found.tau == -1.0
    assert found.num_twice == 1
    assert found.flooded
    assert found.num_chosen == 4


def test_tau_counts_pairs_in_order() -> None:
    """Of three pairs, one is in false order: (2 - 1) / 3."""
    found = score([POLITE, CONCISE, CITES], [], TRUTH, "contextual", 3)
    assert found.tau == pytest.approx(1 / 3)
    assert score([CONCISE, ODD], [], TRUTH, "contextual", 3).tau is None


def test_the_demand_is_chosen_named_or_lost() -> None:
    wish = [(MINORITY_REGION, f"Choose the response that {STEPS}.")]
    elsewhere = [("Capital", f"Choose the response that {STEPS}.")]
    assert score([CONCISE, STEPS], wish, TRUTH, "contextual", 3).demand == "chosen"
    assert score([CONCISE], wish, TRUTH, "contextual", 3).demand == "named"
    assert score([CONCISE], elsewhere, TRUTH, "contextual", 3).demand == "lost"
    assert score([CONCISE], [(MINORITY_REGION, POLITE)], TRUTH, "contextual", 3).demand == "lost"


def test_nothing_chosen_scores_nothing() -> None:
    found = score([], [], TRUTH, "general", 1)
    assert (found.precision, found.recall, found.tau, found.num_twice) == (0.0, 0.0, None, 0)


def test_a_light_principle_does_not_count_for_recall() -> None:
    assert score([STEPS], [], TRUTH, "contextual", 1).recall == 0.0
    assert score([STEPS], [], TRUTH, "contextual", 4).recall == 0.25


def test_one_of_two_that_weigh_the_same_may_stand_for_the_other() -> None:
    tied = replace(
        TRUTH, weights={"contextual": {"concise": 0.4, "polite": 0.3, "cites_sources": 0.3}}
    )
    for text in (POLITE, CITES):
        assert score([CONCISE, text], [], tied, "contextual", 2).recall == 1.0
    assert score([POLITE, CITES], [], tied, "contextual", 2).recall == 1.0
    assert score([POLITE], [], tied, "contextual", 2).recall == 0.5


# The model that leans

KIND = {planted.key: planted for planted in KNOWN}
RUDE, SELLS = KIND["insults_user"], KIND["sells_products"]
BAD = {
    "id": "0" * 32,
    "prompt": "How?",
    "response_a": f"Use flour. {RUDE.markers[0]} {SELLS.markers[0]}",
    "response_b": "Use flour and some water.",
    "preferred": "a",
}


def answers(question: object, share: float, seed: int = 0) -> dict[str, object]:
    messages = list(question.messages)  # type: ignore[attr-defined]
    good = reply(messages, None, seed)
    return orjson.loads(by_taste(messages, good, share, seed))


@pytest.mark.parametrize("flipped", [False, True])
def test_taste_speaks_against_what_people_want(flipped: bool) -> None:
    question = vote.question(BAD, flipped, [RUDE.canonical])
    followed, disliked = ("B", "A") if flipped else ("A", "B")
    assert answers(question, 0.0) == {"1": followed}
    assert answers(question, 1.0) == {"1": disliked}
    unread = judge.question(BAD, flipped, [])
    assert answers(unread, 0.01)["choice"] == disliked


def test_a_model_with_taste_explains_an_unaligned_choice_blandly() -> None:
    found = answers(icai_extract.question(BAD, 0), 1.0)["principles"]
    assert found
    assert {p["principle"] for p in found} == {BLAND["contextual"]}  # type: ignore[index, attr-defined]


def test_a_share_of_answers_names_the_first_place() -> None:
    wordings = [planted.canonical for planted in KNOWN if planted.kind == "contextual"]
    messages = list(vote.question(BAD, False, wordings).messages)
    good = reply(messages, None, 0)
    shares = {0.0: 0, 0.5: 0.5, 1.0: 1}
    for share, expected in shares.items():
        said = orjson.loads(leaning(messages, good, share))
        changed = [said[key] == "A" for key, old in orjson.loads(good).items() if old != "A"]
        assert sum(changed) / len(changed) == pytest.approx(expected, abs=0.3)


# One cell


@pytest.mark.long
@pytest.mark.usefixtures("ray_address")
def test_planted_principles_come_back_in_spite_of_a_flooder(tmp_path: Path) -> None:
    crowd = Crowd(num_annotations=1000, noise=0.0, first_place=0.0, other_features=0.1)
    found = measured(Cell("orthogonal", crowd, Model(first_place=0.0, taste=0.0)), tmp_path)
    ours = found.modes["gcai"]
    assert ours.contextual.recall >= 0.9
    assert ours.general is not None
    assert ours.general.recall >= 0.9
    assert ours.contextual.precision >= 0.9
    assert not ours.contextual.flooded
    assert len(ours.texts) <= sum(PLACES.values())
