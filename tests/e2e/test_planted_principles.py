"""The whole road with the scripted annotator: planted principles must come back."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from asking_runs import artifact, openai, ran, write_config
from servers.launch import Scripted
from servers.planted import PLANTED, recognised, write_corpus

from gcai_ray.schemas import Constitution, Kind

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("ray_address")]
TWENTY = {"num_contextual": 10, "num_general": 10}


def recovered(folder: Path, server: Scripted, noise: float, **others: object) -> set[str]:
    """Wordings of the planted principles that a constitution of 20 from 400 annotations holds."""
    sources = write_corpus(folder, num_annotations=400, noise=noise, seed=1)["sources"]
    config = write_config(folder, sources, openai(server, timeout_s=20), ratify=TWENTY, **others)
    ran("ratify", config)
    text = artifact(folder, "ratify").document("constitution.json")
    found = [recognised(p.text) for p in Constitution.model_validate_json(text).principles]
    return {planted.canonical for planted in found if planted}


def test_planted_principles_come_back_in_spite_of_noise_and_faults(
    tmp_path: Path, scripted_server: Callable[..., Scripted]
) -> None:
    server = scripted_server(faults=0.1, slow_ms=100)
    assert len(recovered(tmp_path, server, 0.2)) >= 11
    asked = server.log()["questions"].values()
    assert any(question["faults"] for question in asked)


def test_evidence_is_verbatim_though_a_model_read_it(
    tmp_path: Path, scripted_server: Callable[..., Scripted]
) -> None:
    assert len(recovered(tmp_path, scripted_server(), 0.0)) == len(PLANTED)
    words = {
        row["id"]: row["reason"] or ""
        for row in artifact(tmp_path, "ingest").read("preferences", ["id", "reason"]).to_pylist()
    } | {
        row["id"]: row["text"]
        for row in artifact(tmp_path, "ingest").read("statements", ["id", "text"]).to_pylist()
    }
    text = artifact(tmp_path, "ratify").document("constitution.json")
    principles = Constitution.model_validate_json(text).principles
    for evidence in [e for principle in principles for e in principle.evidence]:
        assert all(piece in words[evidence.row_id] for piece in evidence.quote.split(" […] "))
    assert all(p.evidence for p in principles)
    assert all((p.prediction is not None) == (p.kind is Kind.CONTEXTUAL) for p in principles)


def test_icai_mode_reads_no_reasons_and_ranks_by_votes(
    tmp_path: Path, scripted_server: Callable[..., Scripted]
) -> None:
    server = scripted_server()
    assert len(recovered(tmp_path, server, 0.0, mode="icai")) >= 4
    requests = artifact(tmp_path, "extract").read("requests", ["prompt"])
    assert set(requests["prompt"].to_pylist()) == {"icai_extract"}
    text = artifact(tmp_path, "ratify").document("constitution.json")
    chosen = Constitution.model_validate_json(text).principles
    nets = [p.prediction.outcomes["for"] - p.prediction.outcomes["against"] for p in chosen]
    assert nets == sorted(nets, reverse=True)
    assert not any(p.evidence for p in chosen)
