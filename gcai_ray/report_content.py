"""Artifacts of a run → the content of its report. Knows no page and no markup."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, TypeVar

import pyarrow as pa
import pyarrow.compute as pc

from gcai_ray.artifacts import Artifact
from gcai_ray.report.content import (
    Asked,
    ClusterPoint,
    Conflict,
    Facts,
    MapPoint,
    PairExcerpt,
    Place,
    Poll,
    RejectCount,
    ReportContent,
    StageFacts,
)
from gcai_ray.report_training import OF_TRAINING, training_of
from gcai_ray.schemas import (
    Constitution,
    Contradiction,
    GroupCoverage,
    Measure,
    Reject,
    Return,
    Row,
    VoteOutcome,
)
from gcai_ray.steps.lookup import rows_by_id

MAP_POINTS = 3000
PAIRS_PER_CONTRADICTION = 3
REASONS_PER_STAGE = 20
FURTHER = "other reasons, each rarer than those shown"
# What a model wrote and what it was measured by differ from reply to reply; the fault is the same.
_PARTICULARS = re.compile(r'"(?:[^"\\]|\\.)*(?:"|$)|\d+')
ASKED = tuple(name for name in Asked.model_fields if name != "stage")
FLIPS = ("num_flips_to_first", "num_flips_to_second")
OUTCOME_COUNTS = tuple(f"num_{outcome}" for outcome in VoteOutcome)
# Told elsewhere in the report; `num_attempts_now` differs between a run and its resumption.
NOT_OF_STAGES = {*ASKED, *FLIPS, *OUTCOME_COUNTS, "num_attempts_now"}
AnyRow = TypeVar("AnyRow", bound=Row)
OF_MODELS = ("answer", "assess")
NOT_RESULTS = {"rejects", "requests", "replies"}


def report_content(inputs: Mapping[str, Artifact]) -> ReportContent:
    """All that the report of a finished run shows. The map holds the candidates with the smallest
    ids, at most 3,000.
    """
    constitution = Constitution.model_validate_json(inputs["ratify"].document("constitution.json"))
    chosen = {principle.id for principle in constitution.principles}
    return ReportContent(
        constitution=constitution,
        points=list(_points(inputs)),
        clusters=list(_clusters(inputs["distill"], chosen)),
        measures=_rows(inputs["evaluate"], "evaluation", Measure),
        contradictions=list(conflicts_of(inputs)),
        returns=_rows(inputs["evaluate"], "returns", Return),
        group_coverage=_rows(inputs["evaluate"], "group_coverage", GroupCoverage),
        rejects=reject_counts(_others(inputs)),
        stages=[stage_facts(name, inputs[name]) for name in reversed(list(inputs))],
        poll=_poll(inputs["vote"]),
        asked=list(asked_of(inputs)) if constitution.model else [],
        training=training_of(inputs, reject_counts),
        facts=Facts(engine=constitution.engine, versions=inputs["ingest"].manifest.versions),
    )


def _others(inputs: Mapping[str, Artifact]) -> dict[str, Artifact]:
    """Without the stages of training and of tuned models, whose rejects stand with those."""
    apart = {*OF_TRAINING, *OF_MODELS}
    return {name: of for name, of in inputs.items() if name not in apart}


def _rows(artifact: Artifact, table: str, row_type: type[AnyRow]) -> list[AnyRow]:
    return [row_type.model_validate(row) for row in artifact.read(table).to_pylist()]


def conflicts_of(inputs: Mapping[str, Artifact]) -> Iterator[Conflict]:
    """Contradictions with their first three pairs."""
    found = _rows(inputs["evaluate"], "contradictions", Contradiction)
    ids = {row_id for one in found for row_id in one.row_ids}
    rows = rows_by_id(inputs["ingest"], "preferences", "id", ids) if ids else {}
    for one in found:
        yield Conflict(found=one, pairs=_pairs([rows[row_id] for row_id in one.row_ids]))


def _pairs(rows: Sequence[dict[str, Any]]) -> list[PairExcerpt]:
    """Rows of preferences by the pair of answers they choose from."""
    pairs: dict[tuple[str, ...], list[dict[str, Any]]] = {}
    for row in rows:
        answers = sorted((row["response_a"], row["response_b"]))
        pairs.setdefault((row["prompt"], *answers), []).append(row)
    return [
        PairExcerpt(
            prompt=key[0],
            places=[Place(**{name: row[name] for name in Place.model_fields}) for row in own],
        )
        for key, own in list(pairs.items())[:PAIRS_PER_CONTRADICTION]
    ]


def _points(inputs: Mapping[str, Artifact]) -> Iterator[MapPoint]:
    kept: list[pa.Table] = []
    for part in inputs["distill"].tables("members"):
        kept = [pa.concat_tables([*kept, part]).sort_by("candidate_id").slice(0, MAP_POINTS)]
    rows = kept[0].to_pylist() if kept else []
    texts = rows_by_id(inputs["extract"], "candidates", "id", {row["candidate_id"] for row in rows})
    for row in rows:
        text = texts[row["candidate_id"]]["text"]
        yield MapPoint(
            x=row["x"], y=row["y"], text=text, kind=row["kind"], principle_id=row["principle_id"]
        )


def _clusters(distilled: Artifact, chosen: set[str]) -> Iterator[ClusterPoint]:
    for row in distilled.read("principles").to_pylist():
        facts = {
            name: row[name] for name in ("x", "y", "text", "kind", "num_members", "num_people")
        }
        yield ClusterPoint(principle_id=row["id"], chosen=row["id"] in chosen, **facts)


def reject_counts(inputs: Mapping[str, Artifact]) -> list[RejectCount]:
    """What was set aside, by stage and reason, the 20 most frequent reasons of each stage."""
    parts = [part for artifact in inputs.values() for part in artifact.tables("rejects")]
    if not parts:
        return []
    rejects = _by_kind_of_fault(pa.concat_tables(parts)).sort_by(
        [
            (name, "ascending")
            for name in ("stage", "fault", "source", "source_file", "source_row", "field", "value")
        ]
    )
    keys = ["stage", "fault"]
    counted = rejects.group_by(keys, use_threads=False).aggregate([([], "count_all")]).to_pylist()
    found: list[RejectCount] = []
    for stage in sorted({row["stage"] for row in counted}):
        own = [row for row in counted if row["stage"] == stage]
        own.sort(key=lambda row: (-row["count_all"], row["fault"]))
        found += [_reject_count(row, rejects) for row in own[:REASONS_PER_STAGE]]
        if rest := sum(row["count_all"] for row in own[REASONS_PER_STAGE:]):
            found.append(RejectCount(stage=stage, reason=FURTHER, count=rest))
    return found


def _by_kind_of_fault(rejects: pa.Table) -> pa.Table:
    """With a column `fault`: the reason, without what a model happened to write."""
    pairs = zip(rejects["field"].to_pylist(), rejects["reason"].to_pylist(), strict=True)
    of_model = ("reply", "principle")
    faults = [_PARTICULARS.sub("…", why) if field in of_model else why for field, why in pairs]
    return rejects.append_column("fault", pa.array(faults, pa.string()))


def _reject_count(row: dict[str, Any], rejects: pa.Table) -> RejectCount:
    same = pc.and_(
        pc.equal(rejects["stage"], row["stage"]), pc.equal(rejects["fault"], row["fault"])
    )
    first = rejects.filter(same).slice(0, 1).drop_columns(["fault"]).to_pylist()[0]
    return RejectCount(
        stage=row["stage"],
        reason=row["fault"],
        count=row["count_all"],
        example=Reject.model_validate(first),
    )


def stage_facts(name: str, artifact: Artifact) -> StageFacts:
    """What a stage wrote, without questions and replies, and without what is told elsewhere."""
    manifest = artifact.manifest
    rows = {
        f"num_{table}": number
        for table, number in manifest.num_rows.items()
        if table not in NOT_RESULTS
    }
    counts = {key: number for key, number in manifest.counts.items() if key not in NOT_OF_STAGES}
    return StageFacts(
        name=name,
        num_rows=sum(rows.values()),
        num_rejects=manifest.num_rejects,
        artifact="/".join(artifact.directory),
        fingerprint=manifest.fingerprint,
        counts=rows | counts,
    )


def _poll(voted: Artifact) -> Poll | None:
    counts, num_votes = voted.manifest.counts, voted.manifest.num_rows.get("votes", 0)
    if not num_votes:
        return None
    return Poll(
        num_votes=num_votes,
        outcomes={outcome: counts.get(f"num_{outcome}", 0) for outcome in VoteOutcome},
        **{name: counts.get(name, 0) for name in FLIPS},
    )


def asked_of(inputs: Mapping[str, Artifact]) -> Iterator[Asked]:
    """What each stage asked, in the order of the stages."""
    for name in reversed(list(inputs)):
        counts = inputs[name].manifest.counts
        if name == "answer":  # tuned models were asked, not the one that made the constitution
            continue
        if counts.get("num_questions"):
            yield Asked(stage=name, **{key: counts.get(key, 0) for key in ASKED})
