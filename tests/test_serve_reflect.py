"""Critique and revision of one reply under a budget, and the principles as a system prompt."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from constitution_example import constitution

from gcai_ray.prompts.question import Question
from gcai_ray.serve.constitution import described, plain, system_text, with_system
from gcai_ray.serve.errors import Refused
from gcai_ray.serve.reflect import Mirror, Reflection, course_for, estimated_tokens
from gcai_ray.serve.replies import Usage
from gcai_ray.serving_config import ReflectConfig

CHAT = [{"role": "user", "content": "How do I begin with chess?"}]
SPENT = Usage(100, 20)


class Model:
    """Criticises, then revises by rule; keeps what it was asked."""

    def __init__(self, revision: str = "revised", reason: str = "stop") -> None:
        self.asked: list[Question] = []
        self._revision, self._reason = revision, reason

    async def ask(self, question: Question) -> tuple[str, Usage, str]:
        self.asked.append(question)
        if "Criticise" in question.messages[0]["content"]:
            return "Harmful: no\nToo long.", SPENT, "stop"
        return f"{self._revision} {len(self.asked) // 2}".strip(), SPENT, self._reason


def reflected(model: Any, id: str = "r-1", most: int = 64, **settings: Any) -> Reflection:
    told = ReflectConfig.model_validate({"max_tokens": 100_000} | settings)
    mirror = Mirror(CHAT, course_for(constitution(), told), told, most, model.ask)
    first = Reflection("first", Usage(10, 5), "length")
    return asyncio.run(mirror.reflected(first, id))


def test_an_answer_is_criticised_by_a_principle_and_revised() -> None:
    model = Model()
    found = reflected(model)
    assert (found.text, found.finish_reason, found.rounds) == ("revised 1", "stop", 1)
    assert found.usage == Usage(210, 45)
    [key] = found.principle_ids
    [text] = [one.text for one in constitution().principles if one.id == key]
    assert text in model.asked[0].messages[1]["content"]
    assert "first" in model.asked[0].messages[1]["content"]
    assert "Too long." in model.asked[1].messages[1]["content"]
    assert model.asked[1].max_tokens == 64
    assert found.facts() == {
        "rounds": 1,
        "principle_ids": [key],
        "stopped": "done",
        "tokens": 255,
    }


def test_a_further_round_goes_on_from_the_revision_and_draws_anew() -> None:
    model = Model()
    found = reflected(model, max_rounds=3)
    assert (found.text, found.rounds, len(model.asked)) == ("revised 3", 3, 6)
    assert "revised 1" in model.asked[2].messages[1]["content"]
    drawn = {tuple(reflected(Model(), f"r-{n}").principle_ids) for n in range(40)}
    assert len(drawn) > 2


def test_no_step_is_begun_that_the_budget_does_not_hold() -> None:
    """The first critique fits, its revision does not: the answer stays."""
    whole = Model()
    reflected(whole, most=900)
    critique, revision = whole.asked
    enough = 15 + critique.max_tokens + estimated_tokens(critique)
    model = Model()
    found = reflected(model, most=900, max_tokens=enough)
    assert (found.text, found.stopped, found.rounds) == ("first", "budget", 0)
    assert len(model.asked) == 1
    assert reflected(Model(), most=900, max_tokens=enough - 1).usage == Usage(10, 5)
    both = 15 + SPENT.total + revision.max_tokens + estimated_tokens(revision)
    assert reflected(Model(), most=900, max_tokens=both).text == "revised 1"
    assert reflected(Model(), most=900, max_tokens=both - 1).text == "first"


def test_a_model_without_room_for_the_principles_keeps_its_answer() -> None:
    class Small(Model):
        async def ask(self, question: Question) -> tuple[str, Usage, str]:
            raise Refused(400, "invalid_request_error", "maximum context length")

    found = reflected(Small())
    assert (found.text, found.stopped, found.rounds) == ("first", "context", 0)

    class Lost(Model):
        async def ask(self, question: Question) -> tuple[str, Usage, str]:
            raise Refused(503, "model_unavailable", "none")

    with pytest.raises(Refused, match="none"):
        reflected(Lost())


def test_a_revision_cut_by_its_length_says_so_and_an_empty_one_changes_nothing() -> None:
    assert reflected(Model(reason="length")).finish_reason == "length"

    class Silent(Model):
        async def ask(self, question: Question) -> tuple[str, Usage, str]:
            _, usage, reason = await super().ask(question)
            return "", usage, reason

    found = reflected(Silent())
    assert (found.text, found.finish_reason) == ("first", "length")


def test_the_principles_stand_before_what_the_caller_says() -> None:
    of = constitution()
    alone = with_system(CHAT, of)
    assert alone == [{"role": "system", "content": system_text(of)}, *CHAT]
    assert all(one.text in alone[0]["content"] for one in of.principles)
    own = [{"role": "system", "content": [{"type": "text", "text": "Be a pirate."}]}, *CHAT]
    both = with_system(own, of)
    assert [turn["role"] for turn in both] == ["system", "user"]
    assert both[0]["content"].startswith(system_text(of))
    assert both[0]["content"].endswith("Be a pirate.")
    assert own[0]["role"] == "system"
    assert plain(CHAT[0]["content"]) == CHAT[0]["content"]


def test_what_is_told_of_a_constitution_has_the_people_and_no_persons_words() -> None:
    of = constitution()
    told = described(of, "tiny:aligned")
    assert told["num_people"] == of.num_people
    assert [one["num_people"] for one in told["principles"]] == [
        one.support.num_people for one in of.principles
    ]
    quotes = [found.quote for one in of.principles for found in one.evidence]
    assert quotes
    assert not any(quote in str(told) for quote in quotes)


@pytest.mark.parametrize("field", ["annotator_id", "source_file"])
def test_nothing_is_told_of_a_single_person(field: str) -> None:
    assert field not in str(described(constitution(), "m"))
