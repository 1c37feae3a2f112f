"""A run's annotated pairs opened by Feedback Forensics 0.5.0 itself, in a venv of its own.

Two imports of its loader are set aside, for what they pull in is not needed to load and count
(gradio draws its page; the top of `inverse_cai` imports language-model clients, 400 MB together).
Everything else is theirs.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from asking_runs import artifact, ran
from export_runs import HONEST, SHORT, match, ours, preference, write_run
from hostile import HOSTILE

from gcai_ray.schemas import Constitution, Group, Kind

pytestmark = pytest.mark.slow
CONSTRAINTS = Path(__file__).parent.parent.parent / "constraints.txt"
UV = Path(sys.executable).with_name("uv")
THEIRS = ["feedback-forensics==0.5.0", "inverse-cai==0.4.8"]
NEEDED = ["ijson", "loguru", "msgspec", "pandas", "regex", "scikit-learn", "scipy"]
NO_REGISTRY = ("Failed to fetch", "error sending request", "timed out", "Could not connect")
COUNTS = ["agreed", "disagreed", "not_applicable"]
OPENED = """
import importlib.machinery, json, sys, types

def set_aside(name):
    sys.modules[name] = types.ModuleType(name)
    return sys.modules[name]

set_aside("gradio")
found = importlib.machinery.PathFinder.find_spec("inverse_cai")
set_aside("inverse_cai").__path__ = list(found.submodule_search_locations)
from feedback_forensics.data.handler import DatasetHandler

path, column = sys.argv[1:]
opened = DatasetHandler()
opened.add_data_from_path(path, "ours")
names = {key: about["annotator_in_row_name"]
         for key, about in opened.first_handler.annotator_metadata.items()}
opened.set_annotator_rows(annotator_keys=list(names))
overall = opened.get_overall_metrics()["ours"]
opened.split_by_col(column)
split = {value: {metric: {key: int(counts.get(names[key], 0)) for key in names}
                 for metric, counts in of["metrics"].items()}
         for value, of in opened.get_annotator_metrics().items()}
json.dump({"pairs": overall["Number of preference pairs"], "split": split}, sys.stdout)
"""


@pytest.fixture(scope="module")
def their_python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The interpreter of a venv that holds Feedback Forensics and what its loader needs."""
    if not UV.exists():
        pytest.skip(f"no uv at {UV}; make .venv puts one there")
    venv = tmp_path_factory.mktemp("feedback_forensics") / "venv"
    python = venv / "bin" / "python"
    uv("venv", "--quiet", "--python", sys.executable, str(venv))
    install = ("pip", "install", "--quiet", "--python", str(python))
    uv(*install, "--no-deps", *THEIRS)
    uv(*install, "--constraint", str(CONSTRAINTS), *NEEDED)
    return python


def uv(*args: str) -> None:
    done = subprocess.run([UV, *args], capture_output=True, text=True, check=False)
    if done.returncode and any(sign in done.stderr for sign in NO_REGISTRY):
        pytest.skip(f"no package registry: {done.stderr.strip().splitlines()[-1]}")
    if done.returncode:
        raise RuntimeError(done.stderr)


def opened(python: Path, document: Path, column: str) -> dict[str, Any]:
    """What Feedback Forensics counts, by value of a metadata column, count and annotator."""
    done = subprocess.run(
        [python, "-c", OPENED, document, column],
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | {"FF_AVAIL_METRICS": json.dumps(COUNTS)},
    )
    if done.returncode:
        raise RuntimeError(done.stderr)
    return json.loads(done.stdout[done.stdout.index('{"pairs"') :])


def test_a_run_with_votes_opens_and_counts_the_same(
    their_python: Path, evaluated: tuple[Path, str]
) -> None:
    voted_run, _ = evaluated
    ran("export", voted_run / "run")
    document = voted_run / "run" / "export" / "annotated_pairs.json"
    theirs = opened(their_python, document, "voted")
    keys = keys_of(document)
    text = artifact(voted_run, "ratify").document("constitution.json")
    chosen = Constitution.model_validate_json(text).principles
    contextual = [p for p in chosen if p.kind is Kind.CONTEXTUAL]
    assert len(contextual) > 1
    for principle in contextual:
        outcomes = Counter({str(k): n for k, n in principle.prediction.outcomes.items()})
        counted = [theirs["split"]["train"][metric][keys[principle.id]] for metric in COUNTS]
        others = outcomes.total() - outcomes["for"] - outcomes["against"]
        assert counted == [outcomes["for"], outcomes["against"], others]
    verdicts = artifact(voted_run, "evaluate").read("verdicts").to_pylist()
    ours = Counter(row["outcome"] for row in verdicts if row["constitution"] == "gcai")
    judge = keys["A model that read the constitution chooses"]
    assert theirs["split"]["test"]["agreed"][judge] == ours["for"] > 0


def test_reasons_and_hostile_texts_open_as_they_are(their_python: Path, tmp_path: Path) -> None:
    texts = [
        text.replace("\x00", "").encode("utf-8", "ignore").decode() for text in HOSTILE.values()
    ]
    plain = [preference(n, "ann", "ab"[n % 2], split="train") for n in range(1, 8)]
    hostile = [
        preference(
            10 + n,
            text,
            "b",
            prompt=text,
            response_a=text,
            reason=text,
            split="test",
            groups=[Group(name="text_a", value=text), Group(name=text, value="prompt")],
        )
        for n, text in enumerate(texts)
    ]
    rows = [*plain, *hostile, preference(8, "bob", "tie")]
    said = [match(row, SHORT) for row in plain[:5]]
    built = ours(SHORT, HONEST, model=None)
    run = write_run(tmp_path, built, ingest={"preferences": rows}, vote={"matches": said})
    ran("export", run, "--out", tmp_path / "pairs.json")
    theirs = opened(their_python, tmp_path / "pairs.json", "split")
    assert theirs["pairs"] == len(plain) + len(hostile)
    counts = theirs["split"]["train"]
    key = keys_of(tmp_path / "pairs.json")[built.principles[0].id]
    assert [counts[metric][key] for metric in COUNTS] == [5, 0, 2]


def keys_of(document: Path) -> dict[str, str]:
    """Annotators by the ids of principles, judges by their descriptions."""
    annotators = json.loads(document.read_text(encoding="utf-8"))["annotators"]
    return {about.get("principle_id", about["description"]): k for k, about in annotators.items()}
