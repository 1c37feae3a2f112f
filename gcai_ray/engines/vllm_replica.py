"""One vLLM engine in one Ray Data actor: questions in, replies to the recorder. Imports vLLM.

Knows nothing of where questions come from. `ray.data.llm` starts the engine and places it; asking
goes through vLLM's own `generate`, because the worker it replaces keeps neither the finish reason
nor the cached tokens, records nothing before a whole batch is done, and hands failed rows on in
another shape.
"""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import AsyncIterator
from typing import Any

import jinja2
import pyarrow as pa
from ray.llm._internal.batch.stages.vllm_engine_stage import vLLMEngineStageUDF
from vllm import SamplingParams
from vllm.exceptions import VLLMError
from vllm.sampling_params import RequestOutputKind, StructuredOutputsParams
from vllm.v1.engine.exceptions import EngineDeadError

from gcai_ray.asking.check import fault
from gcai_ray.asking.recorder import SEND_ROWS, Recorder
from gcai_ray.engines.vllm import DIED
from gcai_ray.schemas import Reply, arrow_schema

# What a question can do to itself: its chat does not fit the template, its sampling or schema is
# refused, its prompt is too long.
OWN_FAULTS = (ValueError, TypeError, LookupError, jinja2.TemplateError, VLLMError)
MAX_ERROR_CHARS = 500


class Replica(vLLMEngineStageUDF):
    """The worker of Ray Data's vLLM stage, asking one attempt per row and recording every reply."""

    def __init__(
        self, *args: Any, recorder: Recorder, engine_name: str, adapter: str | None, **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        self._recorder = recorder
        self._engine_name = engine_name
        self._adapter = adapter
        self._tokenizer = self.llm.engine.get_tokenizer()
        self._markers = _markers(self._tokenizer.all_special_tokens)
        self._num_asked = 0
        self._unsent: list[dict[str, Any]] = []

    async def udf(self, batch: list[dict[str, Any]]) -> AsyncIterator[dict[str, Any]]:
        """Ask a batch at once; yields `parsed` per row when the replies are recorded.

        Raises:
            RuntimeError: the engine died; the message begins with `vllm.DIED`. Not retried: what
                kills an engine would kill the next one too.
        """
        self._refuse_if_dead()
        ended = await self._ended_before(batch)
        self._recorder.started([row["id"] for row in batch if row["id"] not in ended])
        asked = [asyncio.create_task(self._ask_once(row, ended)) for row in batch]
        try:
            parsed = await asyncio.gather(*asked)
        except EngineDeadError as error:
            raise RuntimeError(f"{DIED} with this batch in hand") from error
        finally:
            # Also when the engine died: what it answered before is not asked again.
            await self._send(1)
        for row, is_parsed in zip(batch, parsed, strict=True):
            yield {self.IDX_IN_BATCH_COLUMN: row[self.IDX_IN_BATCH_COLUMN], "parsed": is_parsed}

    def _refuse_if_dead(self) -> None:
        """Batches that wait behind a dead engine were never asked and come under no suspicion."""
        if self.llm.engine.errored:
            raise RuntimeError(f"{DIED} before this batch")

    async def _ended_before(self, batch: list[dict[str, Any]]) -> dict[str, bool]:
        """Questions whose attempt is recorded, by a replica on a node that died; `parsed` of it."""
        ids = [row["id"] for row in batch]
        recorded = await asyncio.to_thread(self._recorder.begin, ids)
        attempts = {row["id"]: row["attempt"] for row in batch}
        return {
            key: usable
            for key, (last, usable) in recorded.items()
            if usable or last >= attempts[key]
        }

    async def _ask_once(self, row: dict[str, Any], ended: dict[str, bool]) -> bool:
        return ended[row["id"]] if row["id"] in ended else await self._ask(row)

    async def _ask(self, row: dict[str, Any]) -> bool:
        async with self.llm.semaphore:
            began = time.perf_counter()
            try:
                found = _found(await self._generate(row), row["reply_schema"])
            except EngineDeadError:
                raise
            except OWN_FAULTS as error:
                found = _nothing(error)
            seconds = time.perf_counter() - began
        self._unsent.append(
            found
            | {
                "request_id": row["id"],
                "stage": row["stage"],
                "attempt": row["attempt"],
                "engine": self._engine_name,
                "seconds": seconds,
            }
        )
        await self._send(SEND_ROWS)
        return found["parsed"]

    async def _generate(self, row: dict[str, Any]) -> Any:
        """vLLM's finished output for a question."""
        self._num_asked += 1
        schema = row["reply_schema"]
        lora = None
        if self._adapter is not None:
            lora = await self.llm._maybe_get_lora_request({"model": self._adapter})
        params = SamplingParams(
            **row["sampling_params"],
            structured_outputs=StructuredOutputsParams(json=schema) if schema else None,
            output_kind=RequestOutputKind.FINAL_ONLY,
        )
        outputs = self.llm.engine.generate(
            {"prompt": self._prompt(row["messages"])},
            params,
            str(self._num_asked),
            lora_request=lora,
            # The chat template has written them already.
            tokenization_kwargs={"add_special_tokens": False},
        )
        async for output in outputs:
            if output.finished:
                return output
        raise ValueError("vLLM ended the question without a reply")

    def _prompt(self, messages: Any) -> str:
        chat = [
            {"role": m["role"], "content": self._markers.sub(_split, m["content"])}
            for m in messages
        ]
        return self._tokenizer.apply_chat_template(chat, tokenize=False, add_generation_prompt=True)

    async def _send(self, at_least: int) -> None:
        if len(self._unsent) < at_least:
            return
        rows, self._unsent = self._unsent, []
        table = pa.Table.from_pylist(rows, schema=arrow_schema(Reply))
        await asyncio.to_thread(self._recorder.add, table)


def _found(output: Any, reply_schema: str) -> dict[str, Any]:
    said = output.outputs[0]
    error = fault(said.text, reply_schema, said.finish_reason)
    return {
        "text": said.text,
        "parsed": error is None,
        "finish_reason": said.finish_reason,
        "num_prompt_tokens": len(output.prompt_token_ids or ()),
        "num_cached_tokens": output.num_cached_tokens or 0,
        "num_completion_tokens": len(said.token_ids),
        "error": error,
    }


def _nothing(error: Exception) -> dict[str, Any]:
    cause = error.__cause__ or error
    return {
        "text": "",
        "parsed": False,
        "finish_reason": None,
        "num_prompt_tokens": 0,
        "num_cached_tokens": 0,
        "num_completion_tokens": 0,
        "error": f"{type(cause).__name__}: {cause}"[:MAX_ERROR_CHARS],
    }


def _markers(special_tokens: list[str]) -> re.Pattern[str]:
    """Finds the tokens that only a chat template may write (`<|im_end|>` and the like)."""
    longest_first = sorted(filter(None, special_tokens), key=len, reverse=True)
    return re.compile("|".join(map(re.escape, longest_first)) or r"(?!)")


def _split(marker: re.Match[str]) -> str:
    """A marker inside someone's text stays readable but ends no message: it is cut by a zero-width
    space.
    """
    return f"{marker[0][0]}\u200b{marker[0][1:]}"
