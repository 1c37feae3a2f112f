"""A prompt and its chain → rows of `revisions` and `training_pairs`, and rejects."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from typing import Any

from gcai_ray.rejects import reject_of
from gcai_ray.revision import filters
from gcai_ray.revision.chain import COMPARED, FIRST, REVISED, SECOND, Chain
from gcai_ray.revision.course import COMPARISON, Course
from gcai_ray.schemas import MadeBy

STAGE = "revise"
Rows = tuple[list[dict[str, Any]], list[dict[str, Any]]]  # rows, rejects


def revisions(
    prompt: Mapping[str, Any], chain: Chain, course: Course, model: str
) -> Iterator[dict[str, Any]]:
    """One row of `revisions` per finished round."""
    first = chain.answer(0)
    for number in range(1, chain.num_rounds() + 1):
        before, after, found = (
            chain.answer(number - 1),
            chain.answer(number),
            chain.critique(number),
        )
        if first is None or before is None or after is None or found is None:
            return
        harmful, critique = found
        yield {
            "prompt_id": prompt["id"],
            "round": number,
            "principle_ids": _ids(course, prompt, number),
            "response": before.text,
            "critique": critique,
            "harmful": harmful,
            "revision": after.text,
            "fault": filters.fault_of(first, after, harmful, course.settings.max_growth),
            "model": model,
        }


def pairs(prompt: Mapping[str, Any], chain: Chain, course: Course, model: str) -> Rows:
    """Rows of `training_pairs` from one prompt, and what could not become any."""
    rows, rejects = _revised(prompt, chain, course)
    if course.settings.compare:
        more, refused = _compared(prompt, chain, course)
        rows, rejects = rows + more, rejects + refused
    return [_row(prompt, found, model) for found in rows], rejects


def _revised(prompt: Mapping[str, Any], chain: Chain, course: Course) -> Rows:
    """The first response against its last faultless revision."""
    first, number = chain.answer(0), chain.num_rounds()
    if first is None or number == 0:
        broken = _broken(chain, course)
        return [], [_rejected(prompt, "response", *broken)] if broken else []
    if first.is_cut:
        why = "truncated: the response ends at the token limit (revise.max_response_tokens)"
        return [], [_rejected(prompt, "response", first.text, why)]
    done = kept_round(chain, course)
    if done:
        return _if_better(prompt, chain, course, done)
    last = chain.answer(number)
    fault = _fault(chain, course, number)
    return [], [_rejected(prompt, "revision", last.text if last else "", fault or "")]


def _if_better(prompt: Mapping[str, Any], chain: Chain, course: Course, done: int) -> Rows:
    first, revision = chain.answer(0), chain.answer(done)
    texts = (revision.text, first.text) if first and revision else ("", "")
    if course.settings.judge and chain.better(REVISED) != "b":
        why = "not judged better than the response in both orders (revise.judge)"
        return [], [_rejected(prompt, "revision", texts[0], why)]
    ids = [key for number in range(1, done + 1) for key in _ids(course, prompt, number)]
    found = {"made_by": MadeBy.REVISION, "round": done, "principle_ids": list(dict.fromkeys(ids))}
    return [found | {"chosen": texts[0], "rejected": texts[1]}], []


def kept_round(chain: Chain, course: Course) -> int:
    """The last round whose revision has no fault; 0: none."""
    first = chain.answer(0)
    if first is None or first.is_cut:
        return 0
    rounds = range(chain.num_rounds(), 0, -1)
    return next((number for number in rounds if _fault(chain, course, number) is None), 0)


def _fault(chain: Chain, course: Course, number: int) -> str | None:
    first, revision, found = chain.answer(0), chain.answer(number), chain.critique(number)
    if first is None or revision is None or found is None:
        return "no revision"
    return filters.fault_of(first, revision, found[0], course.settings.max_growth)


def _compared(prompt: Mapping[str, Any], chain: Chain, course: Course) -> Rows:
    """Two responses of the model itself, judged by a principle in both orders."""
    first, second = chain.of("respond", FIRST), chain.of("respond", SECOND)
    if first is None or second is None:
        return [], []
    if first.is_cut or second.is_cut:
        why = "truncated: a response ends at the token limit (revise.max_response_tokens)"
        return [], [_rejected(prompt, "comparison", second.text, why)]
    if filters.same(first.text, second.text):
        return [], [_rejected(prompt, "comparison", second.text, "both responses are equal")]
    better = chain.better(COMPARED)
    if better is None:
        why = "neither response was judged better in both orders"
        return [], [_rejected(prompt, "comparison", second.text, why)]
    chosen, rejected = (first, second) if better == "a" else (second, first)
    found = {"made_by": MadeBy.COMPARISON, "round": 0, "principle_ids": _ids(course, prompt, 0)}
    return [found | {"chosen": chosen.text, "rejected": rejected.text}], []


def _broken(chain: Chain, course: Course) -> tuple[str, str] | None:
    """What came back where a chain ended, and why it cannot be used; None where a question was
    never asked: it was rejected when it was worded.
    """
    for name, number in course.waves:
        part = max(number - 1, 0)
        said = chain.said.get((name, part))
        if said is not None and said.error is not None:
            return said.text, f"no usable reply to {name}: {said.error}"
    return None


def _ids(course: Course, prompt: Mapping[str, Any], draw: int) -> list[str]:
    return [one.id for one in course.drawn(prompt["id"], COMPARISON if draw == 0 else draw)]


def _row(prompt: Mapping[str, Any], found: dict[str, Any], model: str) -> dict[str, Any]:
    content = "\0".join((prompt["id"], str(found["made_by"]), found["chosen"], found["rejected"]))
    digest = hashlib.blake2b(content.encode("utf-8", "replace"), digest_size=16)
    return found | {
        "id": digest.hexdigest(),
        "prompt_id": prompt["id"],
        "source": prompt["source"],
        "split": prompt["split"],
        "prompt": prompt["messages"],
        "made_by": str(found["made_by"]),
        "model": model,
    }


def _rejected(prompt: Mapping[str, Any], field: str, value: str, why: str) -> dict[str, Any]:
    return reject_of(STAGE, dict(prompt), field, value, why)
