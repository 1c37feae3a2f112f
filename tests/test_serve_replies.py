"""What a replica says → JSON and event streams, their tokens, and what a caller is told of them."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gcai_ray.serve.errors import Refused
from gcai_ray.serve.replies import DONE, Usage, events, raise_for_error, whole


def chunk(text: str | None, **more: Any) -> str:
    choices = [] if text is None else [{"index": 0, "delta": {"content": text}}]
    return f"data: {json.dumps({'choices': choices} | more, separators=(',', ':'))}\n\n"


LAST = chunk(None, usage={"prompt_tokens": 7, "completion_tokens": 3})


def streamed(batches: list[Any], wants_usage: bool = False) -> tuple[list[str], list[Usage]]:
    """The events a caller sees, and the tokens that were noted."""

    async def rest() -> AsyncIterator[Any]:
        for batch in batches[1:]:
            if isinstance(batch, Exception):
                raise batch
            yield {"events": "".join(batch)}

    async def collected() -> list[str]:
        return [
            e
            async for e in events(
                {"events": "".join(batches[0])}, rest(), wants_usage, "r-1", spent.append
            )
        ]

    spent: list[Usage] = []
    return asyncio.run(collected()), spent


def test_a_stream_is_passed_on_in_the_pieces_it_came_in_and_ends_once() -> None:
    batches = [[chunk("a"), chunk("b")], [chunk("c"), LAST, DONE]]
    found, spent = streamed(batches)
    assert found == [chunk("a") + chunk("b"), chunk("c"), DONE]
    assert spent == [Usage(7, 3)]
    wanted = streamed(batches, wants_usage=True)[0]
    assert wanted == [chunk("a") + chunk("b"), chunk("c") + LAST, DONE]


@given(st.lists(st.text(max_size=20), min_size=1, max_size=8), st.data())
def test_no_words_are_lost_however_chunks_are_batched(texts: list[str], data: Any) -> None:
    chunks = [chunk(text) for text in texts]
    cut = data.draw(st.integers(1, len(chunks)))
    found, _ = streamed([chunks[:cut], chunks[cut:] or [], [LAST, DONE]])
    events_told = "".join(found).split("\n\n")[:-2]
    told = [json.loads(event.removeprefix("data: ")) for event in events_told]
    assert [of["choices"][0]["delta"]["content"] for of in told] == texts
    assert found[-1] == DONE


def test_words_that_look_like_the_end_are_words() -> None:
    text = 'data: [DONE]\n\n"choices":[]'
    found, spent = streamed([[chunk(text)], [LAST, DONE]])
    assert json.loads(found[0].removeprefix("data: "))["choices"][0]["delta"]["content"] == text
    assert len(found) == 2
    assert spent == [Usage(7, 3)]


def test_a_fault_in_mid_stream_is_told_and_the_stream_does_not_look_whole() -> None:
    found, _ = streamed([[chunk("a")], Refused(504, "timeout", "the model did not answer in time")])
    assert found[0] == chunk("a")
    assert json.loads(found[1].removeprefix("data: "))["error"]["code"] == "timeout"
    assert DONE not in found


def error(code: int, message: str) -> dict[str, Any]:
    return {"error": {"code": code, "message": message}}


def test_a_clients_fault_is_400_and_any_other_says_nothing_of_its_cause() -> None:
    with pytest.raises(Refused, match="maximum context length") as told:
        raise_for_error(error(400, "This model's\nmaximum context length is 10"))
    assert told.value.status == 400
    with pytest.raises(Refused) as told:
        raise_for_error(error(500, "CUDA error in /opt/secret/path.py"))
    assert told.value.status == 500
    assert "secret" not in str(told.value)
    with pytest.raises(Refused):
        whole(error(404, "no such model"))
