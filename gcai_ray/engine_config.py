"""Who answers the stages' questions: one frozen section per engine. Knows no stage, opens nothing.

What decides a reply (model, sampling, context) is part of a fingerprint; how fast and where it is
asked is not.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from gcai_ray.section import Section

Count = Annotated[int, Field(ge=1)]
Seconds = Annotated[float, Field(gt=0)]
Share = Annotated[float, Field(ge=0, le=1)]


class Price(Section):
    """What a provider charges, in dollars per million tokens."""

    prompt: Annotated[float, Field(ge=0)]
    completion: Annotated[float, Field(ge=0)]


class ExtractiveEngine(Section):
    """Rules over a dependency parse; no language model."""

    name: Literal["extractive"] = "extractive"


class ModelEngine(Section):
    """What every engine that asks a language model shares.

    `model_id` names the model in ids and fingerprints where `model` is a path.
    """

    model: Annotated[str, Field(min_length=1)]
    model_id: Annotated[str, Field(min_length=1)] | None = None
    tokenizer: str | None = None
    temperature: Annotated[float, Field(ge=0, le=2)] = 0.3
    top_p: Annotated[float, Field(gt=0, le=1)] = 1.0
    seed: int = 0
    context_tokens: Annotated[int, Field(ge=256)] = 8192
    max_attempts: Count = 3
    max_rejected_share: Share = 0.1
    stall_timeout_s: Seconds = 900.0
    price: Price | None = None


class VllmEngine(ModelEngine):
    """vLLM inside Ray Data: replicas × tensor parallel size, on GPUs or CPUs.

    `num_replicas`: one number, or `[min, max]` for a pool that grows and shrinks. `adapters`: LoRA
    adapters by name; `adapter` says which of them answers. `engine_args` go to vLLM as they stand.
    `tokens_per_s`: prompt and completion tokens one replica was measured to do, for `gcai plan`.
    """

    name: Literal["vllm"]
    device: Literal["gpu", "cpu"] = "gpu"
    num_replicas: Count | tuple[Count, Count] = 1
    tensor_parallel_size: Count = 1
    accelerator_type: str | None = None
    batch_size: Count = 32
    max_concurrent_batches: Count = 16
    adapters: dict[str, str] = Field(default_factory=dict)
    adapter: str | None = None
    engine_args: dict[str, Any] = Field(default_factory=dict)
    tokens_per_s: Annotated[float, Field(gt=0)] | None = None

    @model_validator(mode="after")
    def _pool_can_grow(self) -> VllmEngine:
        if isinstance(self.num_replicas, tuple) and self.num_replicas[0] > self.num_replicas[1]:
            least, most = self.num_replicas
            raise ValueError(f"num_replicas [{least}, {most}]: the smaller number comes first")
        return self

    @model_validator(mode="after")
    def _adapter_is_known(self) -> VllmEngine:
        if self.adapter is not None and self.adapter not in self.adapters:
            known = ", ".join(self.adapters) or "none"
            raise ValueError(f"adapter '{self.adapter}' is not among `adapters` ({known})")
        if self.engine_args.get("trust_remote_code"):
            raise ValueError("trust_remote_code stays off: code of a model is never run")
        return self


class OpenAIEngine(ModelEngine):
    """Any OpenAI-compatible endpoint. The key comes from the environment variable `api_key_env`.

    `concurrency`: questions in flight over all actors; so are both limits a minute.
    """

    name: Literal["openai"]
    base_url: Annotated[str, Field(pattern=r"^https?://\S+$")] = "https://api.openai.com/v1"
    api_key_env: Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")] = "OPENAI_API_KEY"
    num_actors: Count = 1
    concurrency: Count = 64
    requests_per_minute: Annotated[float, Field(gt=0)] | None = None
    tokens_per_minute: Annotated[float, Field(gt=0)] | None = None
    timeout_s: Seconds = 120.0
    max_retries: Annotated[int, Field(ge=0)] = 8
    response_format: Literal["auto", "json_schema", "json_object", "none"] = "auto"


class BatchFileEngine(ModelEngine):
    """OpenAI Batch files: questions out as JSONL, replies in by `gcai replies import`."""

    name: Literal["batch_file"]
    max_lines: Annotated[int, Field(ge=1, le=50_000)] = 50_000
    max_file_mb: Annotated[float, Field(gt=0, le=200)] = 190.0


AnyEngine = ExtractiveEngine | VllmEngine | OpenAIEngine | BatchFileEngine
EngineConfig = Annotated[AnyEngine, Field(discriminator="name")]
