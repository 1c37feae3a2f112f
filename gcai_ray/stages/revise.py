"""`prompts` and a constitution → questions, wave by wave, and their replies → `revisions` and
`training_pairs`.

A wave needs the replies of those before it: response, critique, revision, …, judgement. Knows no
path and no engine.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from gcai_ray.asking.lookup import Lookup
from gcai_ray.asking.questions import Asking, Count, counter, request
from gcai_ray.prompts import Question, TooLong, critique, judge, respond, revise
from gcai_ray.prompts.conversation import transcript
from gcai_ray.rejects import marked, reject_of
from gcai_ray.revision.chain import COMPARED, FIRST, REVISED, SECOND, Chain, chain_of
from gcai_ray.revision.course import COMPARISON, Course, Principle
from gcai_ray.revision.filters import OVER_REFUSAL
from gcai_ray.revision.outcome import STAGE, kept_round, pairs, revisions
from gcai_ray.schemas import Request, Revision, TrainingPair

Asked = Iterator[tuple[int, Question]]


@dataclass(frozen=True)
class Wave:
    """Questions of one kind, about all prompts: name of the prompt in `prompts/`, and round."""

    course: Course
    name: str
    number: int


def questions(rows: pa.Table, wave: Wave, asking: Asking, lookup: Lookup | None) -> pa.Table:
    """Columns of `prompts` in, columns of `requests` and `reject` out. Nothing for prompts whose
    chain broke before, or whose replies stand in another slice of the lookup.
    """
    count = counter(asking)
    found: list[dict[str, Any]] = []
    rejects = []
    for prompt in rows.to_pylist():
        if lookup is not None and not lookup.covers(prompt["id"]):
            continue
        chain = chain_of(lookup.of(prompt["id"]) if lookup is not None else ())
        try:
            found += _requests(prompt, chain, wave, asking, count)
        except TooLong as error:
            text = transcript(prompt["messages"])
            rejects.append(reject_of(STAGE, prompt, wave.name, text, str(error)))
    return marked(Request, found, rejects)


def _requests(
    prompt: dict[str, Any], chain: Chain, wave: Wave, asking: Asking, count: Count
) -> list[dict[str, Any]]:
    worded = {"respond": _respond, "critique": _critique, "revise": _revise, "judge": _judge}
    made = []
    for part, question in worded[wave.name](prompt, chain, wave):
        of = _answering(asking, part) if wave.name == respond.NAME else asking
        place = (prompt["id"], part)
        made.append(request(of, wave.name, place, lambda cut, q=question: q, count))
    return made


def _answering(asking: Asking, part: int) -> Asking:
    seed = asking.seed + part * respond.OTHER_SEED
    return replace(asking, temperature=respond.TEMPERATURE, seed=seed)


def _respond(prompt: dict[str, Any], chain: Chain, wave: Wave) -> Asked:
    settings = wave.course.settings
    question = respond.question(prompt["messages"], settings.max_response_tokens)
    yield FIRST, question
    if settings.compare:
        yield SECOND, question


def _critique(prompt: dict[str, Any], chain: Chain, wave: Wave) -> Asked:
    before = chain.answer(wave.number - 1)
    if before is None:
        return
    texts = _texts(wave.course.drawn(prompt["id"], wave.number))
    yield wave.number - 1, critique.question(prompt["messages"], before.text, texts)


def _revise(prompt: dict[str, Any], chain: Chain, wave: Wave) -> Asked:
    before, found = chain.answer(wave.number - 1), chain.critique(wave.number)
    if before is None or found is None:
        return
    texts = _texts(wave.course.drawn(prompt["id"], wave.number))
    most = wave.course.settings.max_response_tokens
    question = revise.question(prompt["messages"], before.text, found[1], texts, most)
    yield wave.number - 1, question


def _judge(prompt: dict[str, Any], chain: Chain, wave: Wave) -> Asked:
    """Two responses of the model under one draw of principles; with `judge`, the response against
    the revision kept, under the principles of all its rounds.
    """
    course, first, second = wave.course, chain.of("respond", FIRST), chain.of("respond", SECOND)
    if course.settings.compare and first and second and first.text != second.text:
        drawn = course.drawn(prompt["id"], COMPARISON)
        yield from _both_orders(prompt, (first.text, second.text), drawn, COMPARED)
    done = kept_round(chain, course) if course.settings.judge else 0
    revision = chain.answer(done) if done else None
    if first and revision:
        rounds = range(1, done + 1)
        drawn = tuple(
            dict.fromkeys(one for number in rounds for one in course.drawn(prompt["id"], number))
        )
        yield from _both_orders(prompt, (first.text, revision.text), drawn, REVISED)


def _both_orders(
    prompt: dict[str, Any],
    texts: tuple[str, str],
    principles: tuple[Principle, ...],
    parts: tuple[int, int],
) -> Asked:
    pair = {"response_a": texts[0], "response_b": texts[1]}
    row = pair | {"prompt": transcript(prompt["messages"])}
    for part, flipped in zip(parts, (False, True), strict=True):
        yield part, judge.question(row, flipped, _texts(principles))


def _texts(principles: tuple[Principle, ...]) -> list[str]:
    return [one.text for one in principles]


def revised(rows: pa.Table, course: Course, lookup: Lookup, model: str) -> pa.Table:
    """Columns of `prompts` in, columns of `revisions` out."""
    found = [
        row
        for prompt in rows.to_pylist()
        if lookup.covers(prompt["id"])
        for row in revisions(prompt, chain_of(lookup.of(prompt["id"])), course, model)
    ]
    return marked(Revision, found, [])


def paired(rows: pa.Table, course: Course, lookup: Lookup, model: str) -> pa.Table:
    """Columns of `prompts` in, columns of `training_pairs` and `reject` out."""
    found: list[dict[str, Any]] = []
    rejects: list[dict[str, Any]] = []
    for prompt in rows.to_pylist():
        if lookup.covers(prompt["id"]):
            made, refused = pairs(prompt, chain_of(lookup.of(prompt["id"])), course, model)
            found, rejects = found + made, rejects + refused
    return marked(TrainingPair, found, rejects)


def count_revisions(rows: pa.Table) -> dict[str, int]:
    """What the manifest keeps of `revisions`: over-refusals are counted among the rounds in which
    the critique called the response harmless.
    """
    refusals = pc.equal(rows["fault"], OVER_REFUSAL)
    return {
        "num_harmless": _num(pc.invert(rows["harmful"])),
        "num_harmful": _num(rows["harmful"]),
        "num_over_refusals": _num(refusals),
    }


def count_pairs(rows: pa.Table) -> dict[str, int]:
    """What the manifest keeps of `training_pairs`."""
    return {
        "num_pairs_by_revision": _num(pc.equal(rows["made_by"], "revision")),
        "num_pairs_by_comparison": _num(pc.equal(rows["made_by"], "comparison")),
        "num_pairs_held_out": _num(pc.equal(rows["split"], "test")),
    }


def _num(flags: pa.ChunkedArray) -> int:
    return pc.sum(flags).as_py() or 0
