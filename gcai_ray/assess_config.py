"""What can be set of assessing tuned models. Knows no stage, opens nothing.

What decides a result is part of a fingerprint; where and how fast models are served (`base_url`,
`serve`) is not.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, field_validator, model_validator

from gcai_ray.section import Section
from gcai_ray.serving_config import AdapterName

BASE, TUNED, ICAI = OURS = ("base", "tuned", "icai")
Count = Annotated[int, Field(ge=1)]


class ServedHere(Section):
    """How the step serves the models itself, for as long as they are asked. `engine_args` go to
    vLLM as they stand.
    """

    device: Literal["gpu", "cpu"] = "gpu"
    dtype: Literal["auto", "bfloat16", "float16", "float32"] = "auto"
    replicas: Count = 1
    tensor_parallel_size: Count = 1
    accelerator_type: str | None = None
    engine_args: dict[str, Any] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _runs_no_code_of_a_model(self) -> ServedHere:
        if self.engine_args.get("trust_remote_code"):
            raise ValueError("trust_remote_code stays off: code of a model is never run")
        return self


class AssessConfig(Section):
    """Does the tuned model follow its constitution? `num_prompts` held-out prompts are put to the
    base and to every tuned model, and `engine` judges their responses by each principle.

    `icai`: also tune to the ICAI baseline's constitution, where the run has one, and judge that
    model too. `others`: further LoRA adapters of the same base, name → folder or `s3://` folder.
    `base_url`: an OpenAI-compatible application that serves them already, where each is called as
    `names` says (default: `base`, `base:tuned`, `base:icai`, …). `harmless`: sources of prompts
    that are harmless throughout; none: what `revise` found harmless. `lm_eval`: tasks of
    lm-evaluation-harness, `lm_eval_limit` rows each; `lm_eval_tasks_dir`: tasks of one's own.
    """

    num_prompts: Annotated[int, Field(ge=1, le=20_000)] = 100
    icai: bool = True
    others: dict[AdapterName, str] = Field(default_factory=dict)
    temperature: Annotated[float, Field(ge=0, le=2)] = 0.0
    max_response_tokens: Annotated[int, Field(ge=16)] = 512
    context_tokens: Annotated[int, Field(ge=256)] = 8192
    harmless: tuple[str, ...] = ()
    base_url: Annotated[str, Field(pattern=r"^https?://\S+$")] | None = None
    api_key_env: Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")] = "GCAI_API_KEY"
    names: dict[str, str] = Field(default_factory=dict)
    serve: ServedHere = ServedHere()
    concurrency: Count = 64
    max_attempts: Count = 3
    max_rejected_share: Annotated[float, Field(ge=0, le=1)] = 0.1
    lm_eval: tuple[str, ...] = ()
    lm_eval_limit: Count | None = None
    lm_eval_tasks_dir: str | None = None

    @field_validator("others")
    @classmethod
    def _no_other_is_called_as_ours(cls, others: dict[str, str]) -> dict[str, str]:
        taken = sorted({name for name in others if name in OURS})
        if taken:
            raise ValueError(f"'{taken[0]}' is a model of the run itself: rename the adapter")
        return others

    @model_validator(mode="after")
    def _names_are_of_models(self) -> AssessConfig:
        unknown = sorted({name for name in self.names if name not in {*OURS, *self.others}})
        if unknown:
            known = ", ".join((*OURS, *self.others))
            raise ValueError(f"`names` has '{unknown[0]}', which is none of the models ({known})")
        return self
