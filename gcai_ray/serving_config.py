"""YAML → one frozen `ServeConfig`: which models are served, to whom, within which limits. Knows no
Ray and opens nothing.
"""

from __future__ import annotations

import ipaddress
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, field_validator, model_validator

from gcai_ray.errors import ConfigError
from gcai_ray.section import Section
from gcai_ray.yaml_file import read_yaml, validated

Count = Annotated[int, Field(ge=1)]
Seconds = Annotated[float, Field(gt=0)]
Share = Annotated[float, Field(ge=0, le=1)]
# What a model or an adapter may be called in a request. `:` parts model and adapter, `@` a version.
MODEL_ID = r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}(/[A-Za-z0-9][A-Za-z0-9_.-]{0,63})?$"
ADAPTER_NAME = r"^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$"
ModelId = Annotated[str, Field(pattern=MODEL_ID)]
AdapterName = Annotated[str, Field(pattern=ADAPTER_NAME)]


class ServedModel(Section):
    """A base model behind the API under the name `id`, and which of its adapters can be asked for
    as `id:adapter`.

    `replicas`: one number, or `[min, max]` for replicas that come and go with the load
    (`requests_per_replica` in flight are aimed at). `adapters`: folders or `s3://` folders by name,
    beside those of the registry. `max_adapters`: held by a replica at once, the least used goes.
    `engine_args` go to vLLM as they stand.
    """

    id: ModelId
    model: Annotated[str, Field(min_length=1)]
    device: Literal["gpu", "cpu"] = "gpu"
    dtype: Literal["auto", "bfloat16", "float16", "float32"] = "auto"
    context_tokens: Annotated[int, Field(ge=64)] = 8192
    replicas: Count | tuple[Count, Count] = 1
    requests_per_replica: Count = 32
    tensor_parallel_size: Count = 1
    accelerator_type: str | None = None
    adapters: dict[AdapterName, str] = Field(default_factory=dict)
    max_adapters: Count = 4
    max_lora_rank: Count = 16
    engine_args: dict[str, Any] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _replicas_grow(self) -> ServedModel:
        if isinstance(self.replicas, tuple) and self.replicas[0] > self.replicas[1]:
            least, most = self.replicas
            raise ValueError(f"replicas [{least}, {most}]: the smaller number comes first")
        if self.engine_args.get("trust_remote_code"):
            raise ValueError("trust_remote_code stays off: code of a model is never run")
        return self

    @property
    def replica_range(self) -> tuple[int, int]:
        """Fewest and most replicas."""
        given = self.replicas
        return (given, given) if isinstance(given, int) else given


class LimitsConfig(Section):
    """What one door lets through. `max_in_flight`: requests at once, beyond which one is told to
    come again; `queue_timeout_s` is what it may be told to wait at least. Tokens of a prompt are
    counted by the model; `max_prompt_chars` stops what cannot fit before it is counted.
    """

    max_in_flight: Count = 128
    retry_after_s: Seconds = 1.0
    max_body_bytes: Annotated[int, Field(ge=1024)] = 1_000_000
    max_messages: Count = 256
    max_prompt_chars: Annotated[int, Field(ge=16)] = 200_000
    max_completion_tokens: Count = 4096
    default_completion_tokens: Count = 512
    request_timeout_s: Seconds = 120.0
    body_timeout_s: Seconds = 20.0


class ReflectConfig(Section):
    """Critique and revision at inference (`reflect: true` in a request): rounds, principles drawn
    a round, and all tokens a request may cost, prompts counted.
    """

    max_rounds: Annotated[int, Field(ge=1, le=4)] = 1
    principles_per_round: Annotated[int, Field(ge=1, le=10)] = 1
    max_tokens: Annotated[int, Field(ge=64)] = 8192


class TlsConfig(Section):
    """Certificate and key, PEM files on every node that has a door. Without it, TLS ends in the
    ingress in front.
    """

    certificate: str
    key: str


class ServeConfig(Section):
    """One application. `registry`: folder or `s3://` folder that says which adapter versions are
    live; `constitution`: what `system_constitution` puts before a base model, where no adapter
    brings its own; `keys`: the file of API keys (hashes); `doors`: replicas of the HTTP ingress,
    over which rates of a key are divided evenly.
    """

    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9_.-]+$")] = "gcai"
    models: Annotated[tuple[ServedModel, ...], Field(min_length=1)]
    registry: str | None = None
    constitution: str | None = None
    keys: str | None = None
    host: str = "127.0.0.1"
    port: Annotated[int, Field(ge=0, le=65535)] = 8000
    doors: Count = 1
    tls: TlsConfig | None = None
    limits: LimitsConfig = LimitsConfig()
    reflect: ReflectConfig = ReflectConfig()
    drain_s: Seconds = 60.0
    refresh_s: Seconds = 5.0
    log_prompts: bool = False
    num_cpus: Count | None = None

    @field_validator("models")
    @classmethod
    def _ids_differ(cls, models: tuple[ServedModel, ...]) -> tuple[ServedModel, ...]:
        ids = [model.id for model in models]
        doubles = sorted({name for name in ids if ids.count(name) > 1})
        if doubles:
            raise ValueError(f"two models are called '{doubles[0]}': rename one")
        return models

    @property
    def is_loopback(self) -> bool:
        """Whether only this machine can reach the door."""
        if self.host == "localhost":
            return True
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return False

    def refuse_open_door(self, insecure: bool) -> None:
        """Refuse to listen to other machines without keys.

        Raises:
            ConfigError: with what to do instead.
        """
        if self.is_loopback or self.keys is not None or insecure:
            return
        raise ConfigError(
            f"host {self.host}: others could ask the models without a key; make keys (`gcai keys "
            "new keys.yaml NAME`) and name the file as `keys`, listen on 127.0.0.1, or say "
            "--insecure where something in front of it asks for keys"
        )


def load_serve_config(path: str | Path, overrides: tuple[str, ...] = ()) -> ServeConfig:
    """Read a YAML file, apply `a.b=c` overrides and validate.

    Raises:
        ConfigError: naming the file, the key, the value seen and the likely fix.
    """
    raw = read_yaml(path, overrides, "models, registry, keys, …")
    return validated(ServeConfig, raw, str(path))
