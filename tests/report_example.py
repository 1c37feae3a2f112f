"""An invented report for tests: 24 + 45 people in 4 + 3 groups, 5 + 5 principles, 600 points.

What the votes and the evaluation found stands in `report_example_findings`.
"""

from __future__ import annotations

import random

import report_example_findings as findings
from report_example_findings import identity, interval

from gcai_ray.report import (
    Asked,
    ClusterPoint,
    Facts,
    MapPoint,
    Poll,
    RejectCount,
    ReportContent,
    StageFacts,
)
from gcai_ray.schemas import (
    Balloting,
    ChosenPrinciple,
    Constitution,
    Evidence,
    Group,
    GroupSupport,
    Kind,
    Reject,
    Support,
    VoteOutcome,
)

REGIONS = (("North", 9), ("South", 8), ("Harbour towns", 5), ("Abroad", 2))
ROLES = (("nurse", 14), ("teacher", 19), ("retired", 12))
CONTEXTUAL = (
    ("Choose the response that explains the steps in an order one can follow.", 13),
    ("Choose the response that says plainly when it does not know.", 11),
    (
        "Choose the response that answers the question that was asked before adding anything else.",
        10,
    ),
    (
        "Choose the response that names where its facts come from, "
        "so that a reader who doubts them can look them up.",
        6,
    ),
    ("Choose the response that is kind without flattery.", 4),
)
GENERAL = (
    ("The AI should be honest, even when the truth is unwelcome.", 27),
    ("The AI should keep what people tell it private.", 19),
    ("The AI should treat everyone alike, whatever their language, age or income.", 18),
    ("The AI should leave the decision to the person whose life it is.", 12),
    ("The AI should admit its mistakes and say how it will mend them.", 7),
)
OTHERS = (
    ("Choose the response that is short.", Kind.CONTEXTUAL),
    ("Choose the response that gives an example from daily life.", Kind.CONTEXTUAL),
    ("Choose the response that warns of the risk first.", Kind.CONTEXTUAL),
    ("Choose the response that uses the units I use.", Kind.CONTEXTUAL),
    ("The AI should be free for schools.", Kind.GENERAL),
    ("The AI should not pretend to be a person.", Kind.GENERAL),
    ("The AI should speak my dialect.", Kind.GENERAL),
    ("The AI should use little energy.", Kind.GENERAL),
    ("The AI should help people find other people to talk to.", Kind.GENERAL),
)
QUOTES = (
    "The other one buried the answer under three paragraphs of history. I had a pan on the stove!",
    "It told me straight out it wasn't sure, and where to check. "
    "That is worth more than a confident guess.",
    "i liked that it went step by step, my mother could follow that",
    "A machine that flatters me is of no use on a night shift. Say what is wrong with the plan, "
    "say it once, and then help me mend it; I have forty patients and no time for applause.",
    "Honesty first.",
)


def evidence(kind: Kind, rank: int, number: int) -> Evidence:
    """One quote of one person."""
    name, values = ("region", REGIONS) if kind == Kind.CONTEXTUAL else ("role", ROLES)
    return Evidence(
        quote=QUOTES[(rank + number) % len(QUOTES)],
        sentence_numbers=[1],
        candidate_id=identity("candidate", kind, rank, number),
        row_id=identity("row", kind, rank, number),
        annotator_id=identity("person", kind, rank, number),
        source="sample",
        source_file="preferences.csv" if kind == Kind.CONTEXTUAL else "statements.csv",
        source_row=37 * rank + 11 * number,
        groups=[Group(name=name, value=values[(rank + number) % len(values)][0])],
        similarity=0.71,
    )


def principle(kind: Kind, rank: int, text: str, num: int, tied: list[int]) -> ChosenPrinciple:
    """One principle with support in every group."""
    name, values = ("region", REGIONS) if kind == Kind.CONTEXTUAL else ("role", ROLES)
    total = sum(size for _, size in values)
    groups = [
        GroupSupport(
            name=name,
            value=value,
            num_people=(own := min(size, round(num * size / total + (number - 1) * 0.6))),
            num_people_total=size,
            interval=interval(own, size),
        )
        for number, (value, size) in enumerate(values)
    ]
    support = Support(
        num_people=num,
        num_people_total=total,
        interval=interval(num, total),
        voice=interval(num, 2 * total, spread=0.6),
        num_rows=2 * num,
        groups=groups,
        consensus=0.21 if kind == Kind.GENERAL else None,
    )
    return ChosenPrinciple(
        id=identity("principle", kind, rank),
        kind=kind,
        rank=rank,
        text=text,
        support=support,
        prediction=None,
        approval=None,
        ratification=None,
        reserved_for=None,
        num_people_added=max(0, num - 3 * (rank - 1)),
        tied_with=[identity("principle", kind, other) for other in tied],
        evidence=[evidence(kind, rank, number) for number in range(3 + rank % 3)],
    )


def constitution() -> Constitution:
    """5 contextual and 5 general principles, some tied."""
    ties = {1: [2, 3], 2: [1, 3], 3: [1, 2]}
    chosen = [
        principle(Kind.CONTEXTUAL, n, text, num, ties.get(n, []))
        for n, (text, num) in enumerate(CONTEXTUAL, 1)
    ]
    general_ties = {2: [3], 3: [2]}
    chosen += [
        principle(Kind.GENERAL, n, text, num, general_ties.get(n, []))
        for n, (text, num) in enumerate(GENERAL, 1)
    ]
    return Constitution(
        title="What the people of Aldermoor want of an AI",
        status="candidate",
        mode="gcai",
        engine="extractive",
        model=None,
        num_preferences=121,
        num_reasons=118,
        num_statements=82,
        num_people=69,
        match_threshold={Kind.CONTEXTUAL: 0.62, Kind.GENERAL: 0.58},
        principles=chosen,
        not_represented=findings.unrepresented(),
        balloting=None,
    )


def clusters(built: Constitution) -> list[ClusterPoint]:
    """The chosen principles and nine other clusters, spread over the map."""
    dice = random.Random(7)
    chosen = [(p.id, p.text, p.kind, p.support.num_people, True) for p in built.principles]
    others = [
        (identity("other", text), text, kind, dice.randint(1, 5), False) for text, kind in OTHERS
    ]
    return [
        ClusterPoint(
            principle_id=name,
            x=dice.gauss(-0.15 if kind == Kind.CONTEXTUAL else 0.2, 0.25),
            y=dice.gauss(0.0, 0.25),
            text=text,
            kind=kind,
            num_members=3 * people + 2,
            num_people=people,
            chosen=is_chosen,
        )
        for name, text, kind, people, is_chosen in chosen + others
    ]


def points(around: list[ClusterPoint], number: int = 600) -> list[MapPoint]:
    """Clauses scattered around their clusters."""
    dice = random.Random(11)
    weights = [cluster.num_members for cluster in around]
    return [
        MapPoint(
            x=dice.gauss(cluster.x, 0.07),
            y=dice.gauss(cluster.y, 0.07),
            text=f"{cluster.text[:-1]} (as person {count} put it).",
            kind=cluster.kind,
            principle_id=cluster.principle_id,
        )
        for count, cluster in enumerate(dice.choices(around, weights, k=number))
    ]


def rejects() -> list[RejectCount]:
    """Three reasons, the first with an example."""
    example = Reject(
        stage="ingest", source="sample", source_file="preferences.csv",
        source_row=64, field="preferred",
        value="Answer 3", reason="value is not in the map",
    )  # fmt: skip
    blank = example.model_copy(
        update={"field": "text", "value": "", "source_file": "statements.csv", "source_row": 0}
    )
    return [
        RejectCount(
            stage="ingest", reason="preference value is not in the map", count=4, example=example
        ),
        RejectCount(stage="ingest", reason="the statement is empty", count=2, example=blank),
        RejectCount(stage="extract", reason="no clause states a ground", count=9),
    ]


def stages() -> list[StageFacts]:
    """The stages of a run."""
    rows = {
        "ingest": (203, 6, {"duplicates_collapsed": 3, "ties": 5, "rows_without_reason": 3}),
        "extract": (611, 9, {"rows_without_candidate": 9}),
        "distill": (19, 0, {"near_duplicates_collapsed": 24}),
        "vote": (402, 0, {}),
        "ratify": (10, 0, {"people": 69}),
        "evaluate": (3, 0, {}),
    }
    return [
        StageFacts(
            name=name, num_rows=written, num_rejects=rejected,
            artifact=f"{name}/{identity(name)[:12]}",
            fingerprint=identity("fingerprint", name), counts=counts,
        )
        for name, (written, rejected, counts) in rows.items()
    ]  # fmt: skip


def example_content() -> ReportContent:
    """A whole, realistic report."""
    built = constitution()
    placed = clusters(built)
    ids = [p.id for p in built.principles]
    return ReportContent(
        constitution=built,
        points=points(placed),
        clusters=placed,
        measures=findings.measures_of_rules(),
        contradictions=[findings.by_reasons(ids)],
        returns=findings.returns(ids),
        group_coverage=findings.group_coverage(REGIONS, ROLES),
        rejects=rejects(),
        stages=stages(),
        facts=Facts(
            engine="extractive (rules over parsed clauses, no generation)",
            versions={
                "gcai-ray": "0.1.0",
                "ray": "2.60.0",
                "spacy": "3.8.7",
                "all-MiniLM-L6-v2": "1.0",
            },
        ),
    )


def model_content() -> ReportContent:
    """The same report of a run in which a model read, summed up and voted."""
    content = example_content()
    principles = [
        p.model_copy(update=findings.standing(p.kind, p.rank))
        for p in content.constitution.principles
    ]
    ids = [p.id for p in principles]
    told = {"engine": "openai", "model": "judge-7b", "principles": principles}
    asked = Asked(
        stage="extract", num_questions=180, num_repeated_questions=20, num_attempts=190,
        num_prompt_tokens=123_456, num_cached_tokens=65_432, num_completion_tokens=7_890,
        num_unusable_replies=4,
    )  # fmt: skip
    reply = Reject(
        stage="extract", source="sample", source_file="preferences.csv", source_row=8,
        field="reply", value="I would rather not", reason="no JSON in the reply",
    )  # fmt: skip
    outcomes = dict(zip(VoteOutcome, (900, 300, 200, 1400, 150, 50), strict=True))
    return content.model_copy(
        update={
            "constitution": content.constitution.model_copy(update=told),
            "facts": Facts(engine="openai", versions=content.facts.versions),
            "poll": Poll(
                num_votes=3000, outcomes=outcomes, num_flips_to_first=110, num_flips_to_second=25
            ),
            "measures": findings.measures_of_model(),
            "contradictions": findings.contradictions(ids),
            "asked": [asked, asked.model_copy(update={"stage": "vote", "num_questions": 820})],
            "rejects": [
                *content.rejects[:2],
                RejectCount(stage="extract", reason="no JSON in the reply", count=4, example=reply),
            ],
        }
    )


def guessed_content() -> ReportContent:
    """The same report of a run in ICAI mode: votes and nothing else, no words of people."""
    content = model_content()
    principles = [
        p.model_copy(update={"evidence": []})
        for p in content.constitution.principles
        if p.kind == Kind.CONTEXTUAL
    ]
    alone = {"mode": "icai", "principles": principles, "not_represented": []}
    told = content.constitution.model_copy(update=alone)
    known = {p.id for p in principles}
    kept = [c for c in content.clusters if c.kind == Kind.CONTEXTUAL]
    return content.model_copy(
        update={
            "constitution": told,
            "clusters": [c.model_copy(update={"chosen": c.principle_id in known}) for c in kept],
            "points": [p for p in content.points if p.kind == Kind.CONTEXTUAL],
            "contradictions": content.contradictions[:1],
            "returns": [back for back in content.returns if back.principle_id in known],
        }
    )


def ratified_content() -> ReportContent:
    """The model's report after people voted: 8 principles approved, 2 not."""
    content = model_content()
    principles = [
        p.model_copy(update={"ratification": findings.ratification(number)})
        for number, p in enumerate(content.constitution.principles)
    ]
    told = {
        "status": "ratified",
        "principles": principles,
        "balloting": Balloting(num_voters=96, num_votes=912, num_changed=7, ballots="0" * 64),
    }
    return content.model_copy(update={"constitution": content.constitution.model_copy(update=told)})


HOSTILE = (
    '</script></title><script>window.pwned = 1</script><img src="http://127.0.0.1:9/x" '
    'onerror="window.pwned = 1"> | `a` \u202egnp.exe \x00\ud800 {{ 7*7 }} <!-- '
    + "W" * 1500
    + "שלום"
)


def hostile_content() -> ReportContent:
    """A model's report with a hostile text in every place that a person's or a model's text can
    reach.
    """
    content, bad = model_content(), HOSTILE
    first = content.constitution.principles[0]
    group = first.support.groups[0].model_copy(update={"name": bad, "value": bad})
    words = {"quote": bad, "source_file": bad, "groups": [Group(name=bad, value=bad)]}
    spoilt = {
        "text": bad,
        "evidence": [item.model_copy(update=words) for item in first.evidence],
        "support": first.support.model_copy(update={"groups": [group]}),
        "reserved_for": Group(name=bad, value=bad),
        "approval": findings.approval().model_copy(update={"least_group": bad}),
    }
    principles = [first.model_copy(update=spoilt), *content.constitution.principles[1:]]
    titled = {
        "title": bad, "model": bad, "engine": bad, "principles": principles,
        "not_represented": [findings.hostile_wish(bad)],
    }  # fmt: skip
    reject = Reject(
        stage=bad, source=bad, source_file=bad, source_row=3, field=bad, value=bad, reason=bad
    )
    named = {"name": bad, "artifact": bad, "fingerprint": bad, "counts": {bad: 3}}
    measured = {"family": bad, "name": bad, "note": bad, "baseline_name": bad}
    conflict = findings.hostile_conflict(content.contradictions[2], bad)
    covered = content.group_coverage[0].model_copy(update={"name": bad, "value": bad})
    return ReportContent.model_construct(
        constitution=content.constitution.model_copy(update=titled),
        points=[point.model_copy(update={"text": bad}) for point in content.points[:40]],
        clusters=[cluster.model_copy(update={"text": bad}) for cluster in content.clusters],
        measures=[measure.model_copy(update=measured) for measure in content.measures[-2:]]
        + content.measures,
        contradictions=[conflict],
        returns=content.returns,
        group_coverage=[covered],
        rejects=[RejectCount.model_construct(stage=bad, reason=bad, count=1, example=reject)],
        stages=[stage.model_copy(update=named) for stage in content.stages],
        poll=content.poll,
        asked=[content.asked[0].model_copy(update={"stage": bad, "num_prompt_tokens": 10**12})],
        facts=Facts.model_construct(engine=bad, versions={bad: bad}),
    )
