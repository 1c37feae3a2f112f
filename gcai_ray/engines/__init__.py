"""Engines answer the questions that stages ask: one module or package per engine.

This file alone knows all of them. An engine is a function from a dataset of questions to a dataset
of `request_id` and `parsed`; its replies go to the recorder as they come.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from gcai_ray.causes import causes
from gcai_ray.engine_config import (
    AnyEngine,
    BatchFileEngine,
    ExtractiveEngine,
    ModelEngine,
    OpenAIEngine,
    VllmEngine,
)
from gcai_ray.errors import EngineError

if TYPE_CHECKING:
    import ray.data

    from gcai_ray.asking.recorder import Recorder


def answers(requests: ray.data.Dataset, engine: AnyEngine, recorder: Recorder) -> ray.data.Dataset:
    """Ask these questions, lazily.

    Args:
        requests: columns of `requests`, and `attempt`, the number of the attempt to make next.
        engine: who answers, and how.
        recorder: takes every reply.

    Returns:
        One row per question: `request_id`, `parsed`.
    """
    match engine:
        case ExtractiveEngine():
            from gcai_ray.engines import extractive

            return extractive.answers(requests, engine, recorder)
        case VllmEngine():
            from gcai_ray.engines import vllm

            return vllm.answers(requests, engine, recorder)
        case OpenAIEngine():
            from gcai_ray.engines import openai

            return openai.answers(requests, engine, recorder)
        case BatchFileEngine():
            raise TypeError("batch files are written and read, not driven")


def check(engine: AnyEngine) -> None:
    """Refuse an engine that can be seen to fail before it is started.

    Raises:
        EngineError: vLLM is not installed, its model cannot be used, or there are too few GPUs.
    """
    if isinstance(engine, VllmEngine):
        from gcai_ray.engines import vllm

        vllm.check(engine)


def few_at_a_time(engine: AnyEngine, num_questions: int) -> AnyEngine:
    """The same engine with so few questions in hand, where a question can kill it."""
    if isinstance(engine, VllmEngine):
        few = {"batch_size": num_questions, "max_concurrent_batches": 1, "num_replicas": 1}
        return engine.model_copy(update=few)
    return engine


def died(engine: AnyEngine, error: BaseException) -> bool:
    """Whether an execution ended because an engine died, perhaps on a question it was asked."""
    if not isinstance(engine, VllmEngine):
        return False
    from gcai_ray.engines import vllm

    return any(vllm.died(cause) for cause in causes(error))


def start_failure(engine: AnyEngine, error: BaseException) -> EngineError | None:
    """The one message for an execution that ended because an engine could not be started."""
    if not isinstance(engine, VllmEngine):
        return None
    from gcai_ray.engines import vllm

    found = (vllm.start_failure(cause) for cause in causes(error))
    return next((failure for failure in found if failure is not None), None)


def identity(engine: AnyEngine) -> str:
    """Who answers, for ids and fingerprints; never a path."""
    if not isinstance(engine, ModelEngine):
        from gcai_ray import __version__

        return f"{engine.name}-{__version__}"
    from gcai_ray.engines.model_files import model_identity

    if not isinstance(engine, VllmEngine):
        return engine.model_id or engine.model
    base = model_identity(engine.model, engine.model_id)
    if engine.adapter is None:
        return base
    return f"{base}+{model_identity(engine.adapters[engine.adapter], None)}"
