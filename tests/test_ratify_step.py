"""The step `ratify` from small artifacts: what it reads, and what it says where nothing stands."""

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gcai_ray.artifact_writer import ArtifactWriter
from gcai_ray.artifacts import Artifact
from gcai_ray.config import Config, parse_config
from gcai_ray.errors import StageError
from gcai_ray.schemas import (
    EMBEDDING_DIM,
    TABLES,
    Candidate,
    Choice,
    Constitution,
    Group,
    Kind,
    Match,
    Preference,
    Principle,
    Split,
    Statement,
    StatementVotes,
    Vote,
    VoteOutcome,
)
from gcai_ray.steps.constitution import ratify
from gcai_ray.storage import Storage

WORDS = {Kind.CONTEXTUAL: ("concise", "friendly"), Kind.GENERAL: ("honest", "patient")}
PLACE: dict[str, Any] = {"source": "s", "source_file": "f", "source_row": 1}
NUM_PEOPLE = 6


def key(name: str) -> str:
    return hashlib.blake2b(name.encode(), digest_size=16).hexdigest()


def config(root: Path, **ratify_: Any) -> Config:
    source = {"name": "s", "format": "hh_rlhf", "path": "x.jsonl"}
    raw = {"name": "n", "root": str(root), "sources": [source], "ratify": ratify_}
    return parse_config(raw, "test")


def row(person: int, kind: Kind, split: Split, preferred: Choice) -> Preference | Statement:
    common: dict[str, Any] = PLACE | {
        "id": key(f"{kind}{person}"),
        "source_id": None,
        "annotator_id": key(f"p{person}"),
        "annotator_known": True,
        "groups": [Group(name="region", value="north")],
        "sentences": [],
    }
    if kind is Kind.GENERAL:
        votes = StatementVotes(num_agree=8, num_disagree=2, num_pass=0, consensus=[])
        given = votes if person == 0 else None
        return Statement(**common, question=None, text="I want it.", votes=given)
    text = dict.fromkeys(("prompt", "response_a", "response_b"), "t")
    return Preference(**common, **text, preferred=preferred, reason="Because.", split=split)


def principles() -> list[Principle]:
    eye = np.eye(EMBEDDING_DIM).tolist()
    forms = {Kind.CONTEXTUAL: "Choose the response that is", Kind.GENERAL: "The AI should be"}
    return [
        Principle(
            id=key(word),
            kind=kind,
            text=f"{forms[kind]} {word}.",
            candidate_id=key(word),
            num_members=1,
            num_people=1,
            vector=eye[i],
            x=0.0,
            y=0.0,
        )
        for kind, words in WORDS.items()
        for i, word in enumerate(words)
    ]


def said(people: range, kind: Kind, word: str) -> tuple[list[Match], list[Candidate]]:
    matches, candidates = [], []
    for person in people:
        common: dict[str, Any] = {
            "kind": kind,
            "row_id": key(f"{kind}{person}"),
            "annotator_id": key(f"p{person}"),
            "groups": [],
            "split": Split.TRAIN,
        }
        name = key(f"{word}{person}")
        matches.append(
            Match(**common, principle_id=key(word), candidate_id=name, similarity=1 - person / 10)
        )
        quote = f"{word} number {person}"
        sentence: dict[str, Any] = {"sentence_numbers": [1], "quote": quote, "rule": "r"}
        candidates.append(Candidate(**common, **PLACE, **sentence, id=name, text=word))
    return matches, candidates


def votes(word: str, outcome: VoteOutcome) -> list[Vote]:
    return [
        Vote(
            principle_id=key(word),
            row_id=key(f"{Kind.CONTEXTUAL}{person}"),
            annotator_id=key(f"p{person}"),
            groups=[],
            preferred=Choice.A,
            a_first=None,
            b_first=None,
            outcome=outcome,
        )
        for person in range(NUM_PEOPLE)
    ]


def written(
    root: Path, stage: str, tables: dict[str, list[Any]], document: bytes | None = None
) -> Artifact:
    writer = ArtifactWriter(Storage(str(root)), (stage, "0" * 32))
    for name, rows in tables.items():
        assert all(isinstance(one, TABLES[name]) for one in rows)
        writer.write_rows(name, rows)
    if document:
        writer.write_document("thresholds.json", document)
    return writer.commit(inputs={}, config={}, seconds=0.0)


def inputs(
    root: Path, cast: list[Vote], split: Split = Split.TRAIN, preferred: Choice = Choice.A
) -> dict[str, Artifact]:
    """Six people; all but one say the first word of each kind, all but two the second."""
    people = range(NUM_PEOPLE)
    rows = {kind: [row(person, kind, split, preferred) for person in people] for kind in Kind}
    spoken = [
        said(range(place, NUM_PEOPLE - 1), kind, word)
        for kind, words in WORDS.items()
        for place, word in enumerate(words)
    ]
    matches = [match for of_one, _ in spoken for match in of_one]
    thresholds = json.dumps(dict.fromkeys(Kind, 0.9)).encode()
    tables = {"preferences": rows[Kind.CONTEXTUAL], "statements": rows[Kind.GENERAL]}
    return {
        "ingest": written(root, "ingest", tables),
        "distill": written(root, "distill", {"principles": principles()}),
        "vote": written(root, "vote", {"matches": matches, "votes": cast}, thresholds),
        "extract": written(
            root, "extract", {"candidates": [one for _, of_one in spoken for one in of_one]}
        ),
    }


def ratified(
    settings: Config, found: dict[str, Artifact], root: Path
) -> tuple[Constitution, dict[str, int]]:
    writer = ArtifactWriter(Storage(str(root)), ("ratify", "0" * 32))
    ratify(settings, found, writer)
    done = writer.commit(inputs={}, config={}, seconds=0.0)
    return Constitution.model_validate_json(
        done.document("constitution.json")
    ), done.manifest.counts


def test_without_votes_people_decide_and_voters_of_the_source_are_told(tmp_path: Path) -> None:
    found, counts = ratified(config(tmp_path), inputs(tmp_path, []), tmp_path)
    # The second word of each kind is said by people whom the first explains: it adds nobody.
    assert [(p.kind, p.text.split()[-1]) for p in found.principles] == [
        (Kind.CONTEXTUAL, "concise."),
        (Kind.GENERAL, "honest."),
    ]
    contextual, general = found.principles
    assert contextual.prediction is None
    assert contextual.approval is None
    assert [e.quote for e in contextual.evidence] == [f"concise number {n}" for n in range(5)]
    assert general.approval is not None
    assert (general.approval.num_votes, general.approval.agree.share) == (10, 0.8)
    assert general.support.voice.share == pytest.approx((0.8 + 4) / 6, abs=1e-6)
    assert (found.status, found.balloting, found.not_represented) == ("candidate", None, [])
    assert counts == {
        "num_contextual_adds_nobody": 1,
        "num_contextual_places_empty": 4,
        "num_general_adds_nobody": 1,
        "num_general_places_empty": 4,
    }


def test_a_group_with_no_place_is_named_in_the_constitution(tmp_path: Path) -> None:
    settings = config(tmp_path, num_contextual=0)
    found, _ = ratified(settings, inputs(tmp_path, []), tmp_path)
    [lost] = found.not_represented
    assert (lost.kind, lost.group.value, lost.num_people) == (Kind.CONTEXTUAL, "north", NUM_PEOPLE)
    assert [(wish.text.split()[-1], wish.num_people) for wish in lost.wishes] == [
        ("concise.", 5),
        ("friendly.", 4),
    ]


def test_votes_of_a_model_decide_what_people_said_is_still_what_is_quoted(tmp_path: Path) -> None:
    cast = votes("concise", VoteOutcome.AGAINST) + votes("friendly", VoteOutcome.FOR)
    found, counts = ratified(config(tmp_path), inputs(tmp_path, cast), tmp_path)
    first = found.principles[0]
    assert first.text.endswith("friendly.")
    assert first.prediction is not None
    assert (first.prediction.voice.share, first.prediction.num_pairs) == (1, NUM_PEOPLE)
    assert first.evidence[0].quote == "friendly number 1"
    assert counts["num_contextual_within_chance"] == 1


def test_ballots_ratify_and_drop_nothing(tmp_path: Path) -> None:
    path = tmp_path / "votes.csv"
    lines = [f"v{n},{key('honest')},{'approve' if n else 'reject'}" for n in range(3)]
    lines += [f"v{n},{key('concise')},{'pass' if n else 'reject'}" for n in range(3)]
    path.write_text("\n".join(["voter,principle-id,vote", *lines]) + "\n")
    settings = config(tmp_path, ballots=str(path))
    found, _ = ratified(settings, inputs(tmp_path, []), tmp_path)
    assert (found.status, len(found.principles)) == ("ratified", 2)
    assert found.balloting is not None
    assert (found.balloting.num_voters, found.balloting.num_votes) == (3, 6)
    concise, honest = (p.ratification for p in found.principles)
    assert concise is not None
    assert honest is not None
    assert (concise.num_approve, concise.num_reject, concise.num_pass) == (0, 1, 2)
    assert (concise.approved, honest.approved, honest.num_approve) == (False, True, 2)


@pytest.mark.parametrize(
    ("ratify_", "cast", "expected"),
    [
        (
            {"min_people": 9},
            [],
            ["shared by 9 people", "ratify.min_people", "2 contextual too few"],
        ),
        (
            {"num_general": 0},
            [*votes("concise", VoteOutcome.ABSTAIN), *votes("friendly", VoteOutcome.AGAINST)],
            ["better than chance", "2 contextual within chance", "gcai show"],
        ),
    ],
)
def test_one_message_says_why_nothing_stands(
    tmp_path: Path, ratify_: dict[str, int], cast: list[Vote], expected: list[str]
) -> None:
    with pytest.raises(StageError) as error:
        ratified(config(tmp_path, **ratify_), inputs(tmp_path, cast), tmp_path)
    assert all(words in str(error.value) for words in expected), str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("split", "preferred"), [(Split.TEST, Choice.A), (Split.TRAIN, Choice.TIE)]
)
def test_no_training_half_or_ties_only_leave_the_general_principles(
    tmp_path: Path, split: Split, preferred: Choice
) -> None:
    found, counts = ratified(config(tmp_path), inputs(tmp_path, [], split, preferred), tmp_path)
    assert [p.kind for p in found.principles] == [Kind.GENERAL]
    assert counts["num_contextual_too_few_people"] == 2
