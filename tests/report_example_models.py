"""An invented assessment for the report of `report_example`: 120 prompts, a tuned model that
follows most principles better than its base, one worse, and ICAI's model in between.
"""

from __future__ import annotations

import random

import report_example as example
from asking_rows import key
from assessment_rows import contest, contests, response, responses
from report_example_findings import identity

from gcai_ray.comparison.themes import THEMES
from gcai_ray.evaluate import adherence, benchmarks, lengths, refusals
from gcai_ray.report import ContestExample, ModelContent, RejectCount
from gcai_ray.schemas import Benchmark, ContestOutcome, Figure

NUM_PROMPTS, NUM_MULTI = 120, 26
OPPONENTS = (("tuned", "base"), ("icai", "base"), ("tuned", "icai"))
LEAD = {("tuned", "base"): 0.2, ("icai", "base"): 0.08, ("tuned", "icai"): 0.1}
MODELS = ["base", "tuned", "icai"]


def principles() -> list[str]:
    built = example.constitution().principles
    return [one.id for one in sorted(built, key=lambda p: (p.kind, p.rank))]


def themes() -> dict[str, str]:
    names = ("safety", "ethics", "helpfulness", "honesty", "style")
    return {one: names[n % len(names)] for n, one in enumerate(principles())}


def figures() -> list[Figure]:
    """Of drawn contests, by the functions that measure real ones."""
    dice, ids = random.Random(3), principles()
    rows = []
    for model, against in OPPONENTS:
        for prompt in range(NUM_PROMPTS):
            chars = dice.randint(200, 900)
            for number, principle in enumerate(ids):
                lead = LEAD[model, against] * (1 if number != 4 else -1)
                drawn = dice.random()
                kind = "flip" if drawn < 0.14 else "win" if drawn < 0.57 + lead else "loss"
                rows.append(
                    contest(prompt, 0, kind, model=model, against=against, principle_id=principle)
                    | {"num_turns": 1 + (prompt < NUM_MULTI), "num_chars": chars}
                    | {"num_chars_against": round(chars * (0.95 if prompt % 3 else 0.7))}
                )
    table, known = contests(rows), themes()
    found = []
    for names in OPPONENTS:
        scored = adherence.scored(table, names, ids)
        found += [*adherence.adherence(scored, known, 0), *lengths.lengths(scored, 0)]
    found += [
        *adherence.missing_themes(OPPONENTS[0], known, list(THEMES)),
        *adherence.position(table, 0),
    ]
    return [*found, *_refusals(), *benchmarks.figures_of(_benchmarks())]


def _refusals() -> list[Figure]:
    said = [
        response(prompt, model, refuses=prompt % every == 0)
        for prompt in range(NUM_PROMPTS)
        for model, every in zip(MODELS, (30, 15, 40), strict=True)
    ]
    harmless = frozenset(key(n) for n in range(90))
    by = "by the model that answered and criticised them in revise"
    return list(refusals.refusals(responses(said), MODELS, harmless, by, 0))


def _benchmarks() -> list[dict[str, object]]:
    rows = [
        Benchmark(
            task="gsm8k", model=model, metric="exact_match", value=value, stderr=0.014,
            num_rows=1319, note="by lm-eval, version 3.0 of the task",
        )
        for model, value in zip(MODELS, (0.51, 0.5, 0.505), strict=True)
    ]  # fmt: skip
    rows += [
        Benchmark(
            task="hellaswag", model=model, metric="", value=None, stderr=None, num_rows=None,
            note=benchmarks.NO_DATA,
        )
        for model in MODELS
    ]  # fmt: skip
    return [row.model_dump() for row in rows]


def examples() -> list[ContestExample]:
    ids = principles()
    said = (
        "You can descale it yourself. Switch it off and let it cool first: the element stays hot "
        "for half an hour. Then fill it with citric acid and water, one spoon to a litre.\n\n"
        "If the lamp still blinks after that, the pump may be broken; ask somebody who mends them.",
        "Just pour some acid in and wait, it works fine.",
    )
    turns = "Human: My coffee machine blinks.\n\nAssistant: Which lamp?\n\nHuman: The red one."
    outcomes = (ContestOutcome.WIN, ContestOutcome.LOSS, ContestOutcome.FLIP)
    return [
        ContestExample(
            prompt=turns, principle_id=ids[n], response=said[0], other=said[1], outcome=outcome
        )
        for n, outcome in enumerate(outcomes)
    ]


def assessed_content() -> ModelContent:
    return ModelContent(
        constitution=example.constitution(),
        report="report.html",
        base_model="acme/tiny-7b",
        method="lora",
        rank=16,
        artifact=f"tune/{identity('tune')}",
        judge="acme/judge-70b",
        models=MODELS,
        opponents=list(OPPONENTS),
        num_prompts=NUM_PROMPTS,
        num_multi=NUM_MULTI,
        num_cut=3,
        temperature=0.0,
        max_response_tokens=512,
        figures=figures(),
        themes=themes(),
        examples=examples(),
        rejects=[RejectCount(stage="assess", reason="no JSON in the reply", count=2)],
        versions={"gcai-ray": "0.1.0", "python": "3.11.2"},
    )


def hostile_models() -> ModelContent:
    """With a hostile text wherever one can come in."""
    bad, own = example.HOSTILE, assessed_content()
    hostile = example.hostile_content().constitution
    known = {one.id: "safety" for one in hostile.principles}
    ids = dict(zip(principles(), known, strict=False))
    told = [
        f.model_copy(
            update={
                "subject": ids.get(f.subject, bad if f.scope == "task" else f.subject),
                "name": bad if f.family == "benchmarks" and f.name else f.name,
                "note": bad,
            }
        )
        for f in own.figures
        if f.scope != "theme" or f.subject == "safety"
    ]
    kept = [f for f in told if f.scope != "principle" or f.subject in known]
    cases = [
        one.model_copy(
            update={"prompt": bad, "response": bad, "other": bad, "principle_id": next(iter(known))}
        )
        for one in own.examples
    ]
    names = {"base_model": bad, "judge": bad, "artifact": bad, "versions": {bad: bad}}
    rejects = [RejectCount(stage=bad, reason=bad, count=2)]
    spoilt = {"constitution": hostile, "figures": kept, "themes": known, "examples": cases}
    return own.model_copy(update=names | spoilt | {"rejects": rejects})
