"""Held-out `prompts` and tuned models → `requests`, `replies`, `responses`, `benchmarks`."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from gcai_ray.artifact_writer import ArtifactWriter
from gcai_ray.config import Config
from gcai_ray.engine_config import OpenAIEngine
from gcai_ray.errors import ConfigError, StageError
from gcai_ray.steps.asking import mapped
from gcai_ray.steps.lookup import Inputs
from gcai_ray.steps.served import Application, Assessed, models_of, other_identities, wanted

if TYPE_CHECKING:
    import pyarrow as pa

    from gcai_ray.asking.questions import Asking
    from gcai_ray.stages.answer import Inquiry

STAGE = "answer"


def answer(config: Config, inputs: Inputs, writer: ArtifactWriter) -> None:
    """Put held-out prompts to the base and every tuned model, one model after the other.

    Raises:
        ConfigError, EngineError: the models cannot be served or asked.
        StageError: no prompt is held out.
    """
    from gcai_ray.asking.lookup import lookups
    from gcai_ray.stages.answer import answered, count_responses

    models = models_of(config, inputs)
    inquiry, asked = _inquiry(config, inputs, models), inputs["prompts"].dataset("prompts")
    drawn = _drawn(inputs, inquiry)
    with Application(config, models) as application:
        for place, model in enumerate(models):
            _ask(config, application, (model, place), (drawn, inquiry), writer)
        _measure(config, application, models, writer)
    for lookup in lookups(writer):
        rows = mapped(asked, answered, inquiry, lookup)
        writer.write_dataset("responses", rows, count_responses)


def _ask(
    config: Config,
    application: Application,
    model: tuple[Assessed, int],
    of: tuple[pa.Table, Inquiry],
    writer: ArtifactWriter,
) -> None:
    """One model's questions. They are worded here, not by tasks: the models that are served may
    hold every CPU of a small machine, and tasks would wait for ever.
    """
    from gcai_ray.asking.ask import ask
    from gcai_ray.stages.answer import questions
    from gcai_ray.table_sink import split_rejects

    (assessed, place), (drawn, inquiry) = model, of
    asking = asking_model(config, application.engine(assessed))
    requests, rejects = split_rejects(questions(drawn, inquiry, place, asking))
    writer.write_table("requests", requests)
    if rejects.num_rows:
        writer.write_table("rejects", rejects)
    if _has_open_questions(writer, asking_engine=application.engine(assessed)):
        application.start()
    ask(application.engine(assessed), STAGE, writer)


def _has_open_questions(writer: ArtifactWriter, asking_engine: OpenAIEngine) -> bool:
    """Whether anything written so far is still to be asked: else no model need be served."""
    from gcai_ray.asking.ledger import open_ledger, store_status

    ledger = open_ledger(writer, STAGE)
    return ledger.todo(store_status(writer, ledger), asking_engine.max_attempts).num_rows > 0


def _measure(
    config: Config, application: Application, models: tuple[Assessed, ...], writer: ArtifactWriter
) -> None:
    """Benchmarks, where any are named."""
    assess, _ = wanted(config)
    if not assess.lm_eval:
        return
    from gcai_ray.evaluate.benchmarks import benchmarks

    url = application.start()
    engines = {model.name: application.engine(model) for model in models}
    writer.write_rows("benchmarks", benchmarks(assess, url, engines))


def _drawn(inputs: Inputs, inquiry: Inquiry) -> pa.Table:
    """The rows of the prompts that are asked: 20,000 at most."""
    import pyarrow as pa
    import pyarrow.compute as pc

    from gcai_ray.schemas import Prompt, arrow_schema

    ids = pa.array(sorted(inquiry.prompt_ids), pa.string())
    found = [part.filter(pc.is_in(part["id"], ids)) for part in inputs["prompts"].tables("prompts")]
    return pa.concat_tables([arrow_schema(Prompt).empty_table(), *found])


def _inquiry(config: Config, inputs: Inputs, models: tuple[Assessed, ...]) -> Inquiry:
    from gcai_ray.stages.answer import Inquiry

    assess, _ = wanted(config)
    drawn = held_out_prompts(config, inputs)
    if not drawn:
        raise StageError(
            f"{STAGE}: no prompt is held out: raise prompts.test_share or give more prompts"
        )
    names = tuple((model.name, model.identity) for model in models)
    return Inquiry(frozenset(drawn), names, assess.max_response_tokens)


def held_out_prompts(config: Config, inputs: Inputs) -> list[str]:
    """Ids of the held-out prompts that are put to the models."""
    import pyarrow.compute as pc

    from gcai_ray.schemas import Split
    from gcai_ray.stages.answer import drawn_prompts

    parts = inputs["prompts"].tables("prompts", ["id", "split"])
    held = (part.filter(pc.equal(part["split"], str(Split.TEST))) for part in parts)
    ids = [key for part in held for key in part["id"].to_pylist()]
    return drawn_prompts(ids, wanted(config)[0].num_prompts, config.seed)


def asking_model(config: Config, engine: OpenAIEngine, counted: bool = True) -> Asking:
    """How a served model is asked. `counted`: by its own tokenizer, where that lies within
    reach.
    """
    from gcai_ray.asking.questions import Asking
    from gcai_ray.engines import identity
    from gcai_ray.engines.model_files import place

    _, tune = wanted(config)
    model = place(tune.model)
    return Asking(
        stage=STAGE,
        model=identity(engine),
        temperature=engine.temperature,
        top_p=engine.top_p,
        seed=config.seed,
        context_tokens=engine.context_tokens,
        tokenizer=None if "://" in model or not counted else model,
        method=config.mode,
    )


def answer_settings(config: Config) -> dict[str, Any]:
    """What decides the responses beside the tuned models: the prompts drawn, the sampling, other
    adapters by what they are; never where anything is served.
    """
    from gcai_ray.prompts import prompt_hash

    assess, _ = wanted(config)
    decides = ("num_prompts", "temperature", "max_response_tokens", "context_tokens")
    settings = {"seed": config.seed, "prompts": {"respond": prompt_hash("respond")}}
    settings |= assess.model_dump(mode="json", include={*decides, "max_attempts"})
    settings |= {"others": other_identities(assess)}
    return settings | _benchmark_settings(config)


def _benchmark_settings(config: Config) -> dict[str, Any]:
    assess, _ = wanted(config)
    if not assess.lm_eval:
        return {}
    from gcai_ray.evaluate.benchmarks import tasks_digest

    own = assess.lm_eval_tasks_dir
    if own is not None and not os.path.isdir(own):
        raise ConfigError(f"assess.lm_eval_tasks_dir: there is no folder {own}")
    return {
        "lm_eval": list(assess.lm_eval),
        "lm_eval_limit": assess.lm_eval_limit,
        "lm_eval_tasks": tasks_digest(own) if own else None,
    }
