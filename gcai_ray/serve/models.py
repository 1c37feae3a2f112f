"""A served model's settings → the deployment of `ray.serve.llm` that runs it in vLLM. Knows no HTTP
and no key.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gcai_ray.engines.model_files import is_hub_id
from gcai_ray.engines.vllm_arguments import common_arguments, environment, kernel_rank
from gcai_ray.serving_config import ServeConfig, ServedModel

if TYPE_CHECKING:
    from ray.serve.deployment import Application
    from ray.serve.llm import LLMConfig

QUEUED_PER_REPLICA = 4  # times what a replica takes at once; the door bounds what comes before
HEALTH_PERIOD_S, HEALTH_TIMEOUT_S = 5.0, 20.0


def deployment(model: ServedModel, config: ServeConfig) -> Application:
    """The deployment of one model: vLLM replicas that load adapters when they are asked for."""
    from ray.serve.llm import build_llm_deployment

    from gcai_ray.serve.engine import Engine

    timeout_s = config.limits.request_timeout_s
    bound = {"model": model, "registry": config.registry, "request_timeout_s": timeout_s}
    return build_llm_deployment(
        llm_config(model, config), bind_kwargs=bound, deployment_cls=Engine, name_prefix="model-"
    )


def llm_config(model: ServedModel, config: ServeConfig) -> LLMConfig:
    """The same model in the words of `ray.serve.llm`."""
    from ray.serve.llm import LLMConfig

    on_cpus = {"bundles": [{"CPU": 1}] * model.tensor_parallel_size}
    return LLMConfig(
        model_loading_config={"model_id": model.id, "model_source": model.model},
        engine_kwargs=engine_arguments(model),
        accelerator_type=model.accelerator_type,
        placement_group_config=on_cpus if model.device == "cpu" else None,
        lora_config={"max_num_adapters_per_replica": model.max_adapters},
        deployment_config=_deployment_options(model, config),
        runtime_env={"env_vars": _environment(model, config)},
        log_engine_metrics=True,
        experimental_configs={"stream_batching_interval_ms": 0},  # see `pace`
    )


def engine_arguments(model: ServedModel) -> dict[str, Any]:
    """vLLM's arguments; those of the configuration win."""
    ours = common_arguments(model.device, model.tensor_parallel_size, model.context_tokens)
    ours |= {
        "dtype": model.dtype,
        "load_format": "safetensors",
        "enable_lora": True,
        "max_loras": model.max_adapters,
        "max_cpu_loras": model.max_adapters,
        "max_lora_rank": kernel_rank(model.max_lora_rank),
        "enable_log_requests": False,
    }
    return ours | model.engine_args


def _deployment_options(model: ServedModel, config: ServeConfig) -> dict[str, Any]:
    least, most = model.replica_range
    grown = {
        "min_replicas": least,
        "max_replicas": most,
        "target_ongoing_requests": model.requests_per_replica,
    }
    # On CPUs the engine's own bundle holds the replica too.
    own = {"ray_actor_options": {"num_cpus": 0}} if model.device == "cpu" else {}
    return own | {
        "autoscaling_config": grown,
        "max_ongoing_requests": QUEUED_PER_REPLICA * model.requests_per_replica,
        "health_check_period_s": HEALTH_PERIOD_S,
        "health_check_timeout_s": HEALTH_TIMEOUT_S,
        "graceful_shutdown_timeout_s": config.drain_s,
        "graceful_shutdown_wait_loop_s": 1.0,
    }


def _environment(model: ServedModel, config: ServeConfig) -> dict[str, str]:
    found = environment(model.device, model.tensor_parallel_size, model.replica_range[1])
    found |= {"RAYLLM_ENABLE_REQUEST_PROMPT_LOGS": "1" if config.log_prompts else "0"}
    if not is_hub_id(model.model):
        found["HF_HUB_OFFLINE"] = "1"
    return found
