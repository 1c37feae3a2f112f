"""A configuration → what its questions to a model will come to, before any is asked.

Questions of a stage whose inputs stand are made and counted; those of later stages are estimated
from what stands, and say so. Knows what the stages ask, not how a plan is shown.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from gcai_ray.artifacts import Artifact, open_artifact
from gcai_ray.config import Config
from gcai_ray.engine_config import ModelEngine, VllmEngine
from gcai_ray.errors import ConfigError
from gcai_ray.pipeline import ICAI, plan, run, users_errors
from gcai_ray.schemas import Kind, Split
from gcai_ray.steps import baseline_config
from gcai_ray.steps.asking import asking_of
from gcai_ray.storage import Storage

if TYPE_CHECKING:
    import pyarrow as pa
    import ray.data

# Until a stage has replies of its own: candidates of one text, tokens of one reply (vote: for each
# principle).
CANDIDATES_PER_TEXT = 1.2
REPLY_TOKENS = {"extract": 45, "distill": 70, "vote": 7, "evaluate": 8, "revise": 200}
REPLY_TOKENS |= {"answer": 200, "assess": 8}
TYPICAL_PRINCIPLE = "Choose the response that gives a concrete example the reader can follow."
SAMPLE_PAIRS = 200
FEW_TOKENS = 300  # of a question about one quote, or about two principles
LEFT_OVER_SHARE = 0.2  # of the clusters, asked about again in the second round


@dataclass(frozen=True)
class StagePlan:
    """What one stage will ask. Tokens are those of the questions still to be asked."""

    stage: str
    num_questions: int
    num_answered: int
    num_prompt_tokens: int
    num_completion_tokens: int
    is_estimate: bool
    is_done: bool = False
    is_served: bool = False  # asked of tuned models, not of the engine


def question_plan(config: Config) -> list[StagePlan]:
    """What each stage will ask. Runs `ingest` when it has not been run: it asks nothing.

    Raises:
        ConfigError: the engine asks no model.
    """
    if not isinstance(config.engine, ModelEngine):
        raise ConfigError(
            f"engine.name: '{config.engine.name}' asks no model: there is nothing to plan"
        )
    from gcai_ray.asking.questions import counter
    from gcai_ray.ray_session import connect

    for stage in [
        *(["ingest"] if config.sources else []),
        *(["prompts"] if config.prompts else []),
    ]:
        for _ in run(config, stage):
            pass
    connect(config.ray)  # `run` does not where ingest was kept from before
    storage = Storage(config.root)
    done = {item.name: open_artifact(storage, item.directory) for item in plan(config)}
    found = {name: artifact for name, artifact in done.items() if artifact is not None}
    baseline = baseline_config(config)
    with users_errors(storage):
        counter(asking_of(config, "extract"))  # a tokenizer that cannot be loaded is refused here
        planned = _road(config, found) if config.sources else []
        if baseline is not None:
            beside = {"ingest": found["ingest"], **_of_branch(found)}
            planned += [
                replace(stage, stage=f"{ICAI}.{stage.stage}") for stage in _road(baseline, beside)
            ]
        planned += [_evaluate(config, found)] if config.sources else []
        planned += [_revise(config, found)] if config.prompts else []
        return [*planned, *(_of_models(config, found, baseline) if config.assess else [])]


def _road(config: Config, inputs: Mapping[str, Artifact]) -> list[StagePlan]:
    summed_up = [_distill(config, inputs)] if config.mode == "gcai" else []
    return [_extract(config, inputs), *summed_up, _vote(config, inputs)]


def _of_branch(found: Mapping[str, Artifact]) -> dict[str, Artifact]:
    head = f"{ICAI}."
    return {name.removeprefix(head): of for name, of in found.items() if name.startswith(head)}


def cost(config: Config, planned: StagePlan) -> float | None:
    """Dollars, from the price table of the configuration; None without one. Of questions to models
    that are served by oneself: nothing.
    """
    price = config.engine.price if isinstance(config.engine, ModelEngine) else None
    if price is None:
        return None
    if planned.is_served:
        return 0.0
    prompt = planned.num_prompt_tokens * price.prompt
    return (prompt + planned.num_completion_tokens * price.completion) / 1e6


def gpu_hours(config: Config, planned: StagePlan) -> float | None:
    """GPU-hours (CPU: machine-hours), from the measured tokens/s of one replica; None without. Not
    of tuned models that are served.
    """
    engine = config.engine
    if not isinstance(engine, VllmEngine) or engine.tokens_per_s is None:
        return None
    if planned.is_served:
        return 0.0
    tokens = planned.num_prompt_tokens + planned.num_completion_tokens
    return tokens / engine.tokens_per_s / 3600 * engine.tensor_parallel_size


def finished(stage: str, artifact: Artifact) -> StagePlan:
    """Of a stage that has been run: what it asked, and nothing more to ask."""
    counts = artifact.manifest.counts
    questions = counts.get("num_questions", 0)
    return StagePlan(stage, questions, questions, 0, 0, False, True)


def _extract(config: Config, inputs: Mapping[str, Artifact]) -> StagePlan:
    from gcai_ray.steps.principles import extract_questions

    if "extract" in inputs:
        return finished("extract", inputs["extract"])
    return _counted(config, "extract", extract_questions(config, inputs), REPLY_TOKENS["extract"])


def _counted(
    config: Config, stage: str, requests: ray.data.Dataset, reply_tokens: float
) -> StagePlan:
    """Made, not guessed: every question of a stage, and which of them the store answers."""
    import pyarrow as pa
    import pyarrow.compute as pc

    from gcai_ray.asking.ledger import IDS

    ids = pa.concat_tables([IDS.empty_table(), *(part.cast(IDS) for part in _ids(requests))])
    rows = ids.group_by("id", use_threads=False)
    questions = rows.aggregate([("num_prompt_tokens", "min")])
    answered, spent = _answered(config, stage, questions["id"].combine_chunks())
    still_open = questions.filter(pc.invert(pc.is_in(questions["id"], answered)))
    return StagePlan(
        stage=stage,
        num_questions=questions.num_rows,
        num_answered=len(answered),
        num_prompt_tokens=pc.sum(still_open["num_prompt_tokens_min"]).as_py() or 0,
        num_completion_tokens=round(still_open.num_rows * (spent or reply_tokens)),
        is_estimate=False,
    )


def _ids(requests: ray.data.Dataset) -> Iterator[pa.Table]:
    columns = ["id", "num_prompt_tokens"]
    for batch in requests.iter_batches(batch_format="pyarrow", batch_size=None):
        if batch.num_rows:
            yield batch.filter(batch["id"].is_valid()).select(columns)


def _answered(config: Config, stage: str, ids: pa.Array) -> tuple[pa.Array, float | None]:
    """Which questions the store answers, and the mean tokens of all replies it holds."""
    import pyarrow as pa
    import pyarrow.compute as pc

    from gcai_ray.asking.store import stored_parts

    columns = ["request_id", "parsed", "num_completion_tokens"]
    found = list(stored_parts(Storage(config.root), stage, columns))
    if not found:
        return pa.array([], pa.string()), None
    replies = pa.concat_tables(found)
    usable = replies.filter(replies["parsed"])["request_id"]
    known = pc.unique(usable.filter(pc.is_in(usable, ids)))
    return known, pc.mean(replies["num_completion_tokens"]).as_py()


def _num_clusters(config: Config, inputs: Mapping[str, Artifact], kind: Kind) -> int:
    """Clusters of one kind: as configured, or chosen from the number of candidates to expect."""
    from gcai_ray.clustering import choose_num_clusters

    asked = {
        Kind.CONTEXTUAL: config.distill.num_contextual_clusters,
        Kind.GENERAL: config.distill.num_general_clusters,
    }[kind]
    counts = inputs["ingest"].manifest.num_rows | inputs["ingest"].manifest.counts
    train = 1 - counts.get("num_test", 0) / max(counts["preferences"], 1)
    texts = {
        Kind.CONTEXTUAL: counts.get("num_with_reason", 0) * train
        if config.mode == "gcai"
        else counts["preferences"] * train,
        Kind.GENERAL: counts["statements"] if config.mode == "gcai" else 0,
    }[kind]
    if texts < 1:
        return 0
    return asked or choose_num_clusters(round(texts * CANDIDATES_PER_TEXT))


def _distill(config: Config, inputs: Mapping[str, Artifact]) -> StagePlan:
    """A guess: the clusters are not known before their members are."""
    from gcai_ray.asking.questions import counter
    from gcai_ray.prompts import summarise_cluster

    if "distill" in inputs:
        return finished("distill", inputs["distill"])
    count = counter(asking_of(config, "distill"))
    clusters = {kind: _num_clusters(config, inputs, kind) for kind in Kind}
    total = round(sum(clusters.values()) * (1 + LEFT_OVER_SHARE))
    shown = [TYPICAL_PRINCIPLE] * config.distill.num_shown
    each = count(summarise_cluster.question(Kind.CONTEXTUAL, shown).messages)
    return StagePlan(
        "distill", total, 0, each * total, REPLY_TOKENS["distill"] * total, is_estimate=True
    )


def _vote(config: Config, inputs: Mapping[str, Artifact]) -> StagePlan:
    """Counted on real pairs; typical principles stand in while the real ones are not known."""
    from gcai_ray.steps.voting import vote_motion, vote_questions

    if "vote" in inputs:
        return finished("vote", inputs["vote"])
    if "distill" in inputs:
        motion = vote_motion(config, inputs)
        per_reply = REPLY_TOKENS["vote"] * min(len(motion.texts), motion.per_question)
        return _counted(config, "vote", vote_questions(config, inputs, motion), per_reply)
    return _vote_estimate(config, inputs)


def _vote_estimate(config: Config, inputs: Mapping[str, Artifact]) -> StagePlan:
    num_principles = _num_clusters(config, inputs, Kind.CONTEXTUAL)
    num_pairs, mean = _vote_tokens(config, inputs, num_principles, Split.TRAIN)
    per_pair = -(-num_principles // config.vote.principles_per_question) * 2
    total = num_pairs * per_pair
    replies = REPLY_TOKENS["vote"] * num_principles * 2 * num_pairs
    return StagePlan("vote", total, 0, math.ceil(mean * total), replies, is_estimate=True)


def _vote_tokens(
    config: Config, inputs: Mapping[str, Artifact], num_principles: int, split: Split
) -> tuple[int, float]:
    """How many pairs of one half will be voted on, and the mean tokens of a question on them."""
    from gcai_ray.cells import no_cells
    from gcai_ray.stages.vote import Motion, questions
    from gcai_ray.steps.voting import drawn_pairs

    limit = config.vote.num_pairs if split is Split.TRAIN else config.evaluate.num_pairs
    ids = drawn_pairs(config, inputs["ingest"], split, limit)
    motion = Motion(
        principle_ids=("0" * 32,) * num_principles,
        texts=(TYPICAL_PRINCIPLE,) * num_principles,
        per_question=config.vote.principles_per_question,
        row_ids=frozenset(ids[:SAMPLE_PAIRS]),
        known=no_cells(),
    )
    asking = asking_of(config, "vote")
    made = [questions(part, motion, asking) for part in inputs["ingest"].tables("preferences")]
    tokens = [n for part in made for n in part["num_prompt_tokens"].drop_null().to_pylist()]
    return len(ids), sum(tokens) / max(len(tokens), 1)


def _evaluate(config: Config, inputs: Mapping[str, Artifact]) -> StagePlan:
    """A guess: judges read constitutions that are not chosen yet; a judge's question is about as
    long as a vote on as many principles.
    """
    if "evaluate" in inputs:
        return finished("evaluate", inputs["evaluate"])
    wanted, size = config.ratify, config.ratify.num_contextual + config.ratify.num_general
    num_judges = 3 if baseline_config(config) else 2
    held, each = _vote_tokens(config, inputs, max(size, 1), Split.TEST)
    train, general = _vote_tokens(config, inputs, max(wanted.num_general, 1), Split.TRAIN)
    num_grounded = size * wanted.num_quotes * 2
    num_conflicts = size * (size - 1)  # each two of them in both orders
    few = round((num_grounded + num_conflicts) * FEW_TOKENS)
    on_pairs = held * 2 * (num_judges + 1)
    total = on_pairs + train * 2 + num_grounded + num_conflicts
    prompts = math.ceil(on_pairs * each + train * 2 * general) + few
    votes = 2 * REPLY_TOKENS["vote"] * (held * size * (num_judges - 1) + train * wanted.num_general)
    short = REPLY_TOKENS["evaluate"] * (held * 2 * num_judges + num_grounded + num_conflicts)
    return StagePlan("evaluate", total, 0, prompts, votes + short, is_estimate=True)


def _revise(config: Config, inputs: Mapping[str, Artifact]) -> StagePlan:
    """The responses are counted; what is asked about them is guessed from their number."""
    from gcai_ray.asking.questions import counter
    from gcai_ray.revision.price import further_questions
    from gcai_ray.steps.revising import first_questions

    if "revise" in inputs:
        return finished("revise", inputs["revise"])
    settings, num_prompts = config.revise, inputs["prompts"].manifest.num_rows["prompts"]
    most = min(REPLY_TOKENS["revise"], settings.max_response_tokens)
    first = _counted(config, "revise", first_questions(config, inputs), most)
    asked = first.num_questions or 1
    each = first.num_prompt_tokens / max(asked - first.num_answered, 1)
    count = counter(asking_of(config, "revise"))
    further = further_questions(settings, num_prompts, each, most, count)
    return replace(
        first,
        num_questions=first.num_questions + further.num_questions,
        num_prompt_tokens=first.num_prompt_tokens + further.num_prompt_tokens,
        num_completion_tokens=first.num_completion_tokens + further.num_completion_tokens,
        is_estimate=True,
    )


def _of_models(
    config: Config, inputs: Mapping[str, Artifact], baseline: Config | None
) -> Iterator[StagePlan]:
    """What assessing tuned models adds: pairs for the baseline's, their responses, the judge."""
    from gcai_ray.planning_models import answer_plan, assess_plan

    icai = baseline if config.assess is not None and config.assess.icai else None
    if icai is not None:
        beside = {"prompts": inputs["prompts"], **_of_branch(inputs)}
        revise = _revise(icai, beside)
        yield replace(revise, stage=f"{ICAI}.{revise.stage}")
    num_models = 2 + (icai is not None) + len(config.assess.others if config.assess else {})
    yield answer_plan(config, inputs, num_models)
    yield assess_plan(config, inputs, num_models)
