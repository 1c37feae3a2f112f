"""A configuration → who is asked, and how; questions of a stage → their replies, row by row."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from gcai_ray.artifact_writer import ArtifactWriter
from gcai_ray.config import Config
from gcai_ray.engine_config import ModelEngine, VllmEngine

if TYPE_CHECKING:
    import pyarrow as pa
    import ray.data

    from gcai_ray.asking.lookup import Lookup
    from gcai_ray.asking.questions import Asking
    from gcai_ray.table_sink import Counter

PROMPTS = {
    "extract": ("extract_contextual", "extract_general", "icai_extract"),
    "distill": ("summarise_cluster",),
    "vote": ("vote",),
    "evaluate": ("judge", "vote", "ground", "conflict"),
    "revise": ("respond", "critique", "revise", "judge"),
    "assess": ("judge",),
}
QUESTION_ROWS = 256


def asks_a_model(config: Config) -> bool:
    """Whether the engine can be asked anything, not only to read clauses."""
    return isinstance(config.engine, ModelEngine)


def baseline_config(config: Config) -> Config | None:
    """The configuration of the ICAI baseline on the same data and budget: as many principles in
    all, as many pairs voted on; None where none is run.
    """
    wanted = config.mode == "gcai" and bool(config.sources) and config.evaluate.icai
    if not wanted or not asks_a_model(config):
        return None
    total = config.ratify.num_contextual + config.ratify.num_general
    other = {"num_contextual": total, "num_general": 0, "title": None, "floor": 0, "ballots": None}
    ratify = config.ratify.model_copy(update=other)
    return config.model_copy(update={"mode": "icai", "ratify": ratify})


def asking_of(config: Config, stage: str) -> Asking:
    """Who a stage asks, and how."""
    from gcai_ray.asking.questions import RULES, Asking
    from gcai_ray.engines import identity

    engine, model = config.engine, identity(config.engine)
    if not isinstance(engine, ModelEngine):
        return Asking(stage, model, 0.0, 1.0, config.seed, 1, None, RULES)
    return Asking(
        stage=stage,
        model=model,
        temperature=engine.temperature,
        top_p=engine.top_p,
        seed=engine.seed + config.seed,
        context_tokens=engine.context_tokens,
        tokenizer=_tokenizer(engine),
        method=config.mode,
    )


def _tokenizer(engine: ModelEngine) -> str | None:
    """What counts tokens: the model's own where it lies within reach, None for an estimate."""
    from gcai_ray.engines.model_files import place

    if engine.tokenizer is not None or not isinstance(engine, VllmEngine):
        return engine.tokenizer
    model = place(engine.model)
    return None if "://" in model else model


def asking_settings(config: Config, stage: str) -> dict[str, Any]:
    """What of the asking decides a stage's result: the engine's identity, sampling, prompts."""
    from gcai_ray.prompts import prompt_hash

    engine = config.engine
    if not isinstance(engine, ModelEngine):
        return {"engine": engine.name}
    prompts = {name: prompt_hash(name) for name in PROMPTS[stage]}
    asked = asking_of(config, stage).settings()
    return {"engine": engine.name, "mode": config.mode, "prompts": prompts, "asking": asked} | {
        "max_attempts": engine.max_attempts
    }


def ask_and_answer(
    config: Config,
    writer: ArtifactWriter,
    requests: ray.data.Dataset,
    table: str,
    answered: Callable[[Lookup], ray.data.Dataset],
    count: Counter | None = None,
) -> None:
    """Write `requests`, have them answered, write `table` from the replies."""
    from gcai_ray.asking.ask import ask
    from gcai_ray.asking.lookup import lookups

    stage = writer.directory[0]
    check_engine(config, stage)
    writer.write_dataset("requests", requests)
    ask(config.engine, stage, writer)
    for lookup in lookups(writer):
        writer.write_dataset(table, answered(lookup), count)


def check_engine(config: Config, stage: str) -> None:
    """Refuse an engine or a tokenizer that cannot be used here, before questions are worded on
    every node.

    Raises:
        EngineError, ConfigError: what is missing.
    """
    from gcai_ray.asking.questions import counter
    from gcai_ray.engines import check

    check(config.engine)
    counter(asking_of(config, stage))


def mapped(
    rows: ray.data.Dataset, function: Callable[..., pa.Table], *args: Any
) -> ray.data.Dataset:
    """A stage's function over batches of rows; what it is given beside them is stored once."""
    import ray

    refs = [ray.put(arg) for arg in args]
    return rows.map_batches(
        _with_refs, fn_args=(function, refs), batch_size=QUESTION_ROWS, batch_format="pyarrow"
    )


def _with_refs(rows: pa.Table, function: Callable[..., pa.Table], refs: list[Any]) -> pa.Table:
    import ray

    return function(rows, *ray.get(refs))
