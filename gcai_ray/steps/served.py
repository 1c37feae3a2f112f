"""A run with tuned models → who is assessed, and the application that answers for them."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from gcai_ray.assess_config import BASE, ICAI, TUNED, AssessConfig
from gcai_ray.config import Config
from gcai_ray.engine_config import OpenAIEngine
from gcai_ray.errors import ConfigError, EngineError
from gcai_ray.steps.lookup import Inputs
from gcai_ray.training_config import TuneConfig

if TYPE_CHECKING:
    from gcai_ray.serving_config import ServeConfig, ServedModel

APPLICATION = "gcai-assess"
TIMEOUT_S = 600.0
NOWHERE = "http://127.0.0.1:9/v1"  # of an engine that has nothing to ask


@dataclass(frozen=True)
class Assessed:
    """One model: what it is called in results, who it is, and where its weights stand."""

    name: str
    identity: str  # never a path
    place: str  # the base, an adapter of it, or a model of its own (`tune.method: full`)
    is_adapter: bool


def wanted(config: Config) -> tuple[AssessConfig, TuneConfig]:
    """The two sections without which there is nothing to assess."""
    if config.assess is None or config.tune is None:
        raise ValueError("a run without `assess` has no steps `answer` and `assess`")
    return config.assess, config.tune


def models_of(config: Config, inputs: Inputs) -> tuple[Assessed, ...]:
    """The base, the run's own model, ICAI's where it was tuned, and other adapters, in this order.

    Raises:
        ConfigError: there is no such adapter.
    """
    from gcai_ray.engines.model_files import model_identity

    assess, tune = wanted(config)
    base, is_lora = model_identity(tune.model, tune.model_id), tune.method == "lora"
    found = [Assessed(BASE, base, tune.model, is_adapter=False)]
    for name, key in ((TUNED, "tune"), (ICAI, f"{ICAI}.tune")):
        if key in inputs:
            place = inputs[key].url
            own = model_identity(place, None)
            found.append(Assessed(name, f"{base}+{own}" if is_lora else own, place, is_lora))
    for name, identity in other_identities(assess).items():
        found.append(Assessed(name, f"{base}+{identity}", assess.others[name], is_adapter=True))
    return tuple(found)


def other_identities(assess: AssessConfig) -> dict[str, str]:
    """Other adapters by what they are: name → hash of their files.

    Raises:
        ConfigError: there is no such folder.
    """
    from gcai_ray.engines.model_files import model_identity

    try:
        return {name: model_identity(place, None) for name, place in assess.others.items()}
    except EngineError as error:
        raise ConfigError(f"assess.others: {error}") from error


@dataclass
class Application:
    """Where models are asked: the one named in the settings, or one that is started when the first
    question needs it, for as long as the context lasts.
    """

    config: Config
    models: tuple[Assessed, ...]
    url: str | None = None
    _open: ExitStack = field(default_factory=ExitStack)

    def __enter__(self) -> Application:
        """Starts nothing yet."""
        self.url = wanted(self.config)[0].base_url
        return self

    def __exit__(self, *raised: object) -> None:
        """End the application, if it was started here."""
        self._open.close()

    def start(self) -> str:
        """The base URL of the application, which runs from now on.

        Raises:
            ConfigError, EngineError: it cannot be started here.
        """
        if self.url is None:
            _refuse_several_nodes()
            from gcai_ray.serve.run import served

            self.url = self._open.enter_context(served(serve_config(self.config, self.models)))
        return self.url

    def engine(self, model: Assessed) -> OpenAIEngine:
        """Who answers for one model. Its identity decides ids, never where it is asked."""
        assess = wanted(self.config)[0]
        return OpenAIEngine(
            name="openai",
            model=served_name(model, assess),
            model_id=model.identity,
            base_url=self.url or NOWHERE,
            api_key_env=assess.api_key_env,
            temperature=assess.temperature,
            context_tokens=assess.context_tokens,
            concurrency=assess.concurrency,
            max_attempts=assess.max_attempts,
            max_rejected_share=assess.max_rejected_share,
            timeout_s=TIMEOUT_S,
        )


def served_name(model: Assessed, assess: AssessConfig) -> str:
    """What a model is called by the application that serves it."""
    usual = f"{BASE}:{model.name}" if model.is_adapter else model.name
    return assess.names.get(model.name, usual)


def serve_config(config: Config, models: tuple[Assessed, ...]) -> ServeConfig:
    """The application that serves these models on this machine alone, under their usual names."""
    from gcai_ray.engines.model_files import adapter_rank
    from gcai_ray.serving_config import LimitsConfig, ServeConfig

    assess, _ = wanted(config)
    adapters = {model.name: model.place for model in models if model.is_adapter}
    ranks = [adapter_rank(place) for place in adapters.values()]
    limits = LimitsConfig(
        max_in_flight=max(128, 2 * assess.concurrency),
        max_completion_tokens=max(4096, assess.max_response_tokens),
        max_prompt_chars=4_000_000,
        max_body_bytes=16_000_000,
        request_timeout_s=TIMEOUT_S,
    )
    served = [_served_model(assess, model) for model in models if not model.is_adapter]
    more = {"adapters": adapters, "max_adapters": max(len(adapters), 1)}
    served[0] = served[0].model_copy(update=more | {"max_lora_rank": max([16, *ranks])})
    return ServeConfig(name=APPLICATION, models=tuple(served), port=0, limits=limits)


def _served_model(assess: AssessConfig, model: Assessed) -> ServedModel:
    from gcai_ray.serving_config import ServedModel

    return ServedModel(
        id=model.name,
        model=model.place,
        context_tokens=assess.context_tokens,
        requests_per_replica=assess.concurrency,
        **assess.serve.model_dump(),
    )


def _refuse_several_nodes() -> None:
    """The application listens on this machine alone, and questions are asked from any node."""
    import ray

    nodes = sum(bool(node["Alive"]) for node in ray.nodes())
    if nodes > 1:
        raise ConfigError(
            f"assess: this cluster has {nodes} nodes, and models are served for a run on one only: "
            "start `gcai serve` with these models and give its address as assess.base_url"
        )
