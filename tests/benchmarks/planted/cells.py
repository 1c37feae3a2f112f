"""One corpus and one scripted server → a run of both modes → their scores.

A cell is one run up to `evaluate`, which runs the ICAI baseline beside, on the same data. The
baseline has the places of both kinds for contextual principles; its score is that of its first
`PLACES["contextual"]`, so that both modes are scored on lists of the same length.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa
from servers.launch import Scripted

from gcai_ray import pipeline, runs
from gcai_ray.config import parse_config
from gcai_ray.errors import StageError
from gcai_ray.schemas import Constitution
from tests.benchmarks.planted.corpus import Truth, corpus_of, write
from tests.benchmarks.planted.score import Score, score
from tests.benchmarks.planted.settings import CONTEXTUAL_WEIGHTS, GENERAL_WEIGHTS, Crowd, Model

PLACES = {"contextual": len(CONTEXTUAL_WEIGHTS), "general": len(GENERAL_WEIGHTS)}
MODES = {"gcai": "", "icai": "icai"}  # mode → branch of the run
EXECUTORS = ("judge", "majority", "weighted")


@dataclass(frozen=True)
class Cell:
    """One corpus and one model."""

    setting: str
    crowd: Crowd = field(default_factory=Crowd)
    model: Model = field(default_factory=Model)


@dataclass(frozen=True)
class Returned:
    """What one mode gave back. `general` is None where a mode has no general principles.

    accuracy: executor → share of held-out choices it predicts.
    """

    mode: str
    contextual: Score
    general: Score | None
    texts: tuple[str, ...]
    accuracy: dict[str, float]


@dataclass(frozen=True)
class Found:
    """The figures of a cell. `unread_judge`: accuracy of the judge without a constitution.
    `why_none`: why there are no modes, where no principle stood.
    """

    modes: dict[str, Returned]
    unread_judge: float | None
    seconds: float
    why_none: str = ""


def measured(cell: Cell, folder: Path, ray: dict[str, Any] | None = None) -> Found:
    """Run a cell in an empty folder."""
    started = time.monotonic()
    corpus = corpus_of(cell.setting, cell.crowd)
    sources = write(corpus, folder)
    with Scripted(first_place_share=cell.model.first_place, taste_share=cell.model.taste) as server:
        raw = _config(cell, folder, sources, server.base_url) | ({"ray": ray} if ray else {})
        try:
            for _ in pipeline.run(parse_config(raw, "planted"), until="evaluate"):
                pass
        except StageError as error:
            if "no principle" not in str(error):
                raise
            return Found({}, None, time.monotonic() - started, str(error))
    root = str(folder / "run")
    table = runs.open_run(root)["evaluate"].read("evaluation")
    modes = {mode: _returned(mode, root, corpus.truth, table) for mode in MODES}
    return Found(modes, _unread(table), time.monotonic() - started)


def _config(
    cell: Cell, folder: Path, sources: list[dict[str, Any]], base_url: str
) -> dict[str, Any]:
    engine = {"name": "openai", "model": "scripted", "base_url": base_url, "concurrency": 64}
    return {
        "name": f"planted {cell.setting}",
        "root": str(folder / "run"),
        "sources": sources,
        "engine": engine | {"timeout_s": 60},
        "ratify": {f"num_{kind}": num for kind, num in PLACES.items()},
        "evaluate": {"num_resamples": 0},
        "seed": cell.crowd.seed,
    }


def _returned(mode: str, root: str, truth: Truth, evaluation: pa.Table) -> Returned:
    text = runs.open_run(root, MODES[mode])["ratify"].document("constitution.json")
    found = Constitution.model_validate_json(text)
    scores = {
        kind: score(_texts(found, kind)[:num], _wishes(found, kind), truth, kind, num)
        for kind, num in PLACES.items()
        if mode == "gcai" or kind == "contextual"
    }
    return Returned(
        mode,
        scores["contextual"],
        scores.get("general"),
        tuple(principle.text for principle in found.principles),
        _accuracy(evaluation, mode),
    )


def _texts(found: Constitution, kind: str) -> list[str]:
    own = [principle for principle in found.principles if principle.kind == kind]
    return [principle.text for principle in sorted(own, key=lambda principle: principle.rank)]


def _wishes(found: Constitution, kind: str) -> list[tuple[str, str]]:
    return [
        (lost.group.value, wish.text)
        for lost in found.not_represented
        if lost.kind == kind
        for wish in lost.wishes
    ]


def _accuracy(evaluation: pa.Table, mode: str) -> dict[str, float]:
    rows = [row for row in evaluation.to_pylist() if row["family"] == "reconstruction"]
    if mode == "gcai":
        return {row["name"]: row["value"] for row in rows if row["value"] is not None}
    baselines = {row["baseline_name"]: row["baseline"] for row in rows}
    named = {name: baselines.get(f"ICAI mode, {name}") for name in EXECUTORS}
    return {name: value for name, value in named.items() if value is not None}


def _unread(evaluation: pa.Table) -> float | None:
    values = [
        row["baseline"]
        for row in evaluation.to_pylist()
        if row["baseline_name"] == "judge without constitution"
    ]
    return values[0] if values else None


def grid(
    settings: Sequence[str], sizes: Sequence[int], noises: Sequence[float], seed: int
) -> list[Cell]:
    """Every setting with every size and noise."""
    return [
        Cell(setting, Crowd(num_annotations=size, noise=noise, seed=seed))
        for setting in settings
        for size in sizes
        for noise in noises
    ]
