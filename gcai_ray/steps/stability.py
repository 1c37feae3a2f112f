"""The run repeated on people drawn with replacement and with other seeds → `returns` and measures
of stability. Asks no model.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from gcai_ray.config import Config
from gcai_ray.schemas import Constitution, Kind, Measure, Return, Split
from gcai_ray.steps.asking import asks_a_model
from gcai_ray.steps.constitution import contests, selection_of
from gcai_ray.steps.lookup import Inputs

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa
    from numpy.typing import NDArray
    from scipy.sparse import csr_matrix

    from gcai_ray.artifacts import Artifact
    from gcai_ray.choosing.contest import Contest
    from gcai_ray.evaluate.stability import Comparison, Listed, Repetition
    from gcai_ray.resampling import Draw

DRAWN = (
    "every repetition draws as many people as there are, with replacement (so about 63 % of them, "
    "some several times), and clusters with another seed"
)
BY_WORDS = f"{DRAWN}, then chooses as the run did, with the run's threshold for matches"
BY_CENTRE = (
    f"{DRAWN}; a model is not asked again: the most central member speaks for a cluster in place "
    "of a summary, so that this understates how often a principle would come back"
)
SAME_LIST = (
    "every repetition draws as many people as there are, with replacement, keeps the distilled "
    "principles and the model's votes, and chooses anew"
)
WHY_NOT_CHOSEN = (
    "not measured: principles of a repetition would have to be worded and voted on by the model, "
    "which would ask as much as the run each time; instead, the choice from the same principles "
    "was repeated (chosen_again_from_same_list)"
)


@dataclass(frozen=True)
class Ground:
    """What a repetition starts from, of one kind."""

    contest: Contest  # of the run; its rows are those of which the sample tells
    sample: pa.Table  # candidates the run's clusters were trained on
    places: NDArray[np.int64]  # [sample], the row of the contest each stands in, -1 for none
    chosen: tuple[int, ...]  # places of the run's chosen principles, in rank order
    num_beyond: int = 0  # candidates of the training half that the sample leaves out

    def listed(self) -> Listed:
        """The run's principles."""
        from gcai_ray.evaluate.stability import Listed

        return Listed(self.contest.texts, self.contest.vectors, self.chosen)


def stability_rows(
    config: Config, inputs: Inputs, constitution: Constitution
) -> tuple[list[Return], list[Measure]]:
    """How often each chosen principle comes back when the run is repeated
    `config.evaluate.num_resamples` times, each with people drawn anew and another seed.

    Clauses beyond the sample that clusters are trained on play no part in a repetition: with more
    than that, voices are counted over the rows the sample holds. Needs Ray. The same on any number
    of CPUs.
    """
    from gcai_ray.evaluate.measures import not_measured
    from gcai_ray.evaluate.stability import CHOSEN, FAMILY, FORMED, ORDER

    if config.evaluate.num_resamples == 0:
        why = "not measured: evaluate.num_resamples is 0"
        return [], [not_measured((FAMILY, name), why) for name in (FORMED, CHOSEN, ORDER)]
    grounds = _grounds(config, inputs, constitution)
    if not grounds:
        why = "not measured: no principle was chosen"
        return [], [not_measured((FAMILY, name), why) for name in (FORMED, CHOSEN, ORDER)]
    formed, from_same = _repetitions(config, grounds)
    return _judged(config, grounds, formed, from_same)


def _judged(
    config: Config,
    grounds: list[Ground],
    formed: list[Repetition],
    from_same: list[Repetition],
) -> tuple[list[Return], list[Measure]]:
    from gcai_ray.evaluate import stability as found
    from gcai_ray.evaluate.measures import not_measured

    ids = [[ground.contest.ids[place] for place in ground.chosen] for ground in grounds]
    how = f"{BY_CENTRE if asks_a_model(config) else BY_WORDS}{_beyond(grounds)}"
    if not asks_a_model(config):
        return found.returns(ids, formed, formed), [
            found.comes_back_formed(formed, how, config.seed),
            found.comes_back_chosen(formed, how, config.seed),
            found.order_again(formed, how),
        ]
    return found.returns(ids, formed, from_same), [
        found.comes_back_formed(formed, how, config.seed),
        not_measured((found.FAMILY, found.CHOSEN), WHY_NOT_CHOSEN),
        found.comes_back_chosen(from_same, SAME_LIST, config.seed, found.CHOSEN_FROM_SAME),
        found.order_again(from_same, SAME_LIST, found.ORDER_FROM_SAME),
    ]


def _beyond(grounds: list[Ground]) -> str:
    num = sum(ground.num_beyond for ground in grounds)
    return f"; {num} clauses beyond the sample for clusters play no part in it" if num else ""


def _repetitions(
    config: Config, grounds: list[Ground]
) -> tuple[list[Repetition], list[Repetition]]:
    """What each repetition formed, and with a model also what it chose from the same list."""
    import ray

    shared = ray.put(grounds)
    task = ray.remote(repeated).options(num_cpus=1)
    runs = range(1, config.evaluate.num_resamples + 1)
    done = ray.get([task.remote(shared, config, run) for run in runs])
    return [formed for formed, _ in done], [from_same for _, from_same in done]


def repeated(
    grounds: list[Ground], config: Config, run: int
) -> tuple[list[Comparison], list[Comparison]]:
    """One repetition, beside the run; `run` seeds it."""
    import numpy as np

    from gcai_ray.resampling import draw

    everybody = np.unique(np.concatenate([_people(ground) for ground in grounds]))
    drawn = draw(everybody, (config.seed, run))
    formed = [_formed(ground, config, drawn, run) for ground in grounds]
    if not asks_a_model(config):
        return formed, []
    return formed, [_from_same_list(ground, config, drawn) for ground in grounds]


def _people(ground: Ground) -> NDArray[np.str_]:
    """Everybody who may be drawn, some of them several times."""
    import numpy as np

    poll = ground.contest.poll
    voters = poll.electorate.people if poll else []
    sampled = ground.sample["annotator_id"].to_pylist()
    listed = (ground.contest.electorate.people, voters, sampled)
    return np.concatenate([np.asarray(people, dtype=np.str_) for people in listed])


def _formed(ground: Ground, config: Config, drawn: Draw, run: int) -> Comparison:
    """The kind clustered anew, and chosen from anew where no model is asked."""
    from gcai_ray.evaluate.stability import Listed, compared
    from gcai_ray.resampling import drawn_contest, drawn_table
    from gcai_ray.stages.distill import fit

    kind = ground.contest.kind
    sample = drawn_table(ground.sample, drawn)
    if sample.num_rows == 0:
        return compared(ground.listed(), replace(ground.listed(), texts=(), chosen=()))
    number, by_lot = _num_clusters(config, kind), config.mode == "icai"
    clusters = fit(sample, kind, number, config.seed + run, by_lot)
    first = {key: place for place, key in reversed(list(enumerate(clusters.ids)))}
    contest = _before_the_people(ground, clusters.speakers.take(sorted(first.values())))
    if asks_a_model(config):
        return compared(ground.listed(), Listed(contest.texts, contest.vectors, ()))
    chosen = selection_of(drawn_contest(contest, drawn), config)
    return compared(ground.listed(), Listed(contest.texts, contest.vectors, chosen.columns))


def _before_the_people(ground: Ground, speakers: pa.Table) -> Contest:
    """Other principles of the kind before the run's people."""
    from gcai_ray.clusters import principle_id
    from gcai_ray.vectors import stacked

    contest, texts = ground.contest, tuple(speakers["text"].to_pylist())
    vectors = stacked(speakers["vector"])
    return replace(
        contest,
        ids=tuple(principle_id(contest.kind, text) for text in texts),
        texts=texts,
        vectors=vectors,
        incidence=_matches(ground, vectors),
        poll=None,
    )


def _matches(ground: Ground, vectors: NDArray[np.float32]) -> csr_matrix:
    """Which rows have a clause near which of these principles: [rows, principles] of 0 and 1."""
    import numpy as np
    from scipy.sparse import csr_matrix

    from gcai_ray.vectors import products, stacked

    cosines = products(stacked(ground.sample["vector"]), vectors).round(5)
    near = (cosines >= np.float32(ground.contest.threshold)) & (ground.places >= 0)[:, None]
    clause, column = np.nonzero(near)
    shape = (len(ground.contest.electorate.rows), len(vectors))
    keys = np.unique(ground.places[clause] * len(vectors) + column)
    return csr_matrix(
        (np.ones(len(keys), np.int64), (keys // len(vectors), keys % len(vectors))), shape=shape
    )


def _from_same_list(ground: Ground, config: Config, drawn: Draw) -> Comparison:
    """The run's own principles, chosen from by the drawn people."""
    from gcai_ray.evaluate.stability import chosen_from_same
    from gcai_ray.resampling import drawn_contest

    chosen = selection_of(drawn_contest(ground.contest, drawn), config)
    return chosen_from_same(len(ground.contest.ids), ground.chosen, chosen.columns)


def _num_clusters(config: Config, kind: Kind) -> int | None:
    contextual = kind is Kind.CONTEXTUAL
    return (
        config.distill.num_contextual_clusters
        if contextual
        else config.distill.num_general_clusters
    )


def _grounds(config: Config, inputs: Inputs, constitution: Constitution) -> list[Ground]:
    """The kinds of which principles were chosen."""
    found = []
    for contest in contests(inputs, config.mode):
        place = {key: i for i, key in enumerate(contest.ids)}
        ranked = [p for p in constitution.principles if p.kind is contest.kind]
        ranked.sort(key=lambda principle: principle.rank)
        if ranked:
            chosen = tuple(place[principle.id] for principle in ranked)
            found.append(_ground(config, inputs["embed"], contest, chosen))
    return found


def _ground(
    config: Config, embeddings: Artifact, contest: Contest, chosen: tuple[int, ...]
) -> Ground:
    import numpy as np

    from gcai_ray.resampling import only, with_rows
    from gcai_ray.stages.distill import draw_sample

    total = embeddings.manifest.counts[f"num_{contest.kind}"]
    number = _num_clusters(config, contest.kind)
    sample = draw_sample(embeddings.dataset("embeddings"), contest.kind, total, number)
    rows, num_train = _rows_of(embeddings, contest.kind, sample["candidate_id"].to_pylist())
    places, is_in = contest.electorate.places(rows)
    places = np.where(is_in, places, -1)
    beyond = num_train - sample.num_rows
    if beyond == 0 or asks_a_model(config):
        return Ground(contest, sample, places, chosen, beyond)
    told = np.unique(places[is_in])
    places = np.where(is_in, np.searchsorted(told, places), -1)
    return Ground(with_rows(contest, only(told)), sample, places, chosen, beyond)


def _rows_of(
    embeddings: Artifact, kind: Kind, candidate_ids: list[str]
) -> tuple[NDArray[np.str_], int]:
    """The row of each of these candidates, and how many the training half has in all."""
    import numpy as np
    import pyarrow as pa
    import pyarrow.compute as pc

    wanted, row_of, total = pa.array(candidate_ids, pa.string()), {}, 0
    for part in embeddings.tables("embeddings", ["candidate_id", "row_id", "kind", "split"]):
        is_kind = pc.equal(part["kind"], str(kind))
        train = part.filter(pc.and_(is_kind, pc.equal(part["split"], str(Split.TRAIN))))
        total += train.num_rows
        own = train.filter(pc.is_in(train["candidate_id"], wanted))
        row_of.update(zip(own["candidate_id"].to_pylist(), own["row_id"].to_pylist(), strict=True))
    return np.asarray([row_of[key] for key in candidate_ids], dtype=np.str_), total
