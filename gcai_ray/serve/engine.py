"""One replica of a model: `ray.serve.llm`'s server, with weights and adapters brought by our own
storage. Knows no HTTP, no key and no rollout: it is asked for a version by its number.

Doors speak to it in plain dicts, so that none of them has to import vLLM.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from functools import partial
from typing import Any

from ray.llm._internal.serve.core.protocol import RawRequestInfo
from ray.llm._internal.serve.engines.vllm.vllm_engine import VLLMEngine
from ray.llm._internal.serve.engines.vllm.vllm_models import VLLMEngineConfig
from ray.serve.llm import LLMConfig
from ray.serve.llm.deployment import LLMServer
from ray.serve.llm.openai_api_models import ChatCompletionRequest, CompletionRequest

from gcai_ray.serve.control import control_tokens, disarmed_messages, disarming
from gcai_ray.serve.loader import AdapterLoader
from gcai_ray.serve.pace import Paced, together
from gcai_ray.serving_config import ServedModel

REQUESTS = {"chat": ChatCompletionRequest, "completions": CompletionRequest}


class InOneProcess(VLLMEngineConfig):
    """On CPUs `ray.serve.llm` would put the model into a process of its own: more memory, a minute
    more to start, and slower for small models.
    """

    def get_initialization_kwargs(self) -> dict[str, Any]:
        """vLLM's arguments, with the executor that was asked for."""
        wanted = self.engine_kwargs.get("distributed_executor_backend")
        found = super().get_initialization_kwargs()
        return found | ({"distributed_executor_backend": wanted} if wanted else {})


class PacedEngine(VLLMEngine):
    """vLLM, whose streams come in fewer pieces the more there are."""

    def _start_async_llm_engine(self, *told: Any, **named: Any) -> Any:
        client = super()._start_async_llm_engine(*told, **named)
        Paced(client)
        return client


class Engine(LLMServer):
    """vLLM with the weights of one base model, and adapters as they are asked for."""

    async def __init__(
        self,
        llm_config: LLMConfig,
        model: ServedModel,
        registry: str | None,
        request_timeout_s: float,
    ):
        """Load the model; returns when it can answer."""
        from transformers import AutoTokenizer

        from gcai_ray.train.places import local_copy

        llm_config.model_loading_config.model_source = local_copy(model.model)  # type: ignore[union-attr]
        own = VLLMEngineConfig.from_llm_config(llm_config)
        if model.device == "cpu":
            own = InOneProcess.model_validate(own.model_dump())
        llm_config._engine_config = own
        loader = partial(
            AdapterLoader, model=model, registry=registry, request_timeout_s=request_timeout_s
        )
        source = llm_config.model_loading_config.model_source  # type: ignore[union-attr]
        tokenizer = AutoTokenizer.from_pretrained(source, trust_remote_code=False)
        self._disarmed = disarming(control_tokens(tokenizer))
        await super().__init__(llm_config, engine_cls=PacedEngine, model_downloader=loader)

    async def answer(
        self, method: str, fields: dict[str, Any], request_id: str
    ) -> AsyncIterator[dict[str, Any]]:
        """Ask vLLM; `fields` are those of its own request, `method` is `chat` or `completions`.

        Yields one `{"json", "usage"}`, or pieces of a stream `{"events"}`, or `{"error"}` with
        code and message.
        """
        if "messages" in fields:
            fields["messages"] = disarmed_messages(fields["messages"], self._disarmed)
        request = REQUESTS[method](**fields)
        told = RawRequestInfo(headers={"x-request-id": request_id})
        async for items in together(await getattr(self, method)(request, told)):
            yield said([of for item in items for of in (item if type(item) is list else [item])])


def said(items: list[Any]) -> dict[str, Any]:
    """What vLLM's server hands out at one moment, as plain data."""
    item = next((of for of in items if not isinstance(of, str)), None)
    if item is None:
        return {"events": "".join(items)}
    error = getattr(item, "error", None)
    if error is not None:
        return {"error": {"code": int(error.code), "message": str(error.message)}}
    usage = item.usage
    tokens = (usage.prompt_tokens or 0, usage.completion_tokens or 0) if usage else (0, 0)
    return {"json": item.model_dump_json(exclude_none=True), "usage": tokens}
