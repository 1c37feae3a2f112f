"""AnnotatedPairs read. What `gcai export` writes is read again in `test_export.py`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from source_rows import faults, preset, refused, rows

from gcai_ray.config import PresetSource

DOCUMENT = {
    "metadata": {"version": "2.0", "default_annotator": "d"},
    "annotators": {
        "d": {"name": "preferred_text", "type": "unknown"},
        "p": {"description": "is short", "type": "principle"},
    },
    "comparisons": [
        {
            "id": "c1",
            "prompt": "why?",
            "response_a": {"text": "so", "model": "m"},
            "response_b": {"text": "because"},
            "annotations": {"d": {"pref": "b"}, "p": {"pref": "a"}},
        }
    ],
}


def document(tmp_path: Path, **changes: Any) -> PresetSource:
    path = tmp_path / "pairs.json"
    path.write_text(json.dumps(DOCUMENT | changes))
    return preset(path, "annotated_pairs")


def comparison(**changes: Any) -> dict[str, Any]:
    return DOCUMENT["comparisons"][0] | changes


def test_annotated_pairs_default_annotator_is_nobody_known(tmp_path: Path) -> None:
    assert rows(document(tmp_path)) == [
        {
            "source_row": 1,
            "source_id": "c1",
            "prompt": "why?",
            "response_a": "so",
            "response_b": "because",
            "preferred": "b",
        }
    ]


def test_annotated_pairs_people_are_read_instead_of_the_default(tmp_path: Path) -> None:
    people = {name: {"name": name, "type": "human"} for name in ("h1", "h2", "h3")}
    judged = {"h2": {"pref": "text_a", "reason": "short"}, "h1": {"pref": "tie"}}
    source = document(
        tmp_path,
        annotators=DOCUMENT["annotators"] | people,
        comparisons=[comparison(annotations=judged), comparison(id="c2")],
    )
    found = rows(source)
    assert [(row["annotator"], row["preferred"]) for row in found] == [("h1", "tie"), ("h2", "a")]
    assert found[1]["reason"] == "short"


def test_annotated_pairs_broken_comparisons_are_faults(tmp_path: Path) -> None:
    none = {"d": {"pref": None, "no_pref_reason": "not_applicable"}}
    broken = [
        comparison(response_a="so"),
        comparison(annotations=none),
        comparison(annotations={}),
        comparison(id=None),
        "x",
        comparison(prompt=None),
    ]
    found = rows(document(tmp_path, comparisons=broken))
    assert faults(found).keys() == {1, 2, 3, 4, 5}
    assert found[1]["fault"]["value"] == "not_applicable"
    assert found[5]["prompt"] == ""


def test_annotated_pairs_bad_input(tmp_path: Path) -> None:
    old = {"version": "1.0", "default_annotator": "d"}
    assert "AnnotatedPairs 1.0" in refused(document(tmp_path, metadata=old))
    assert "no 'comparisons' in it" in refused(document(tmp_path, comparisons=None))
    assert "no annotator of type 'human'" in refused(document(tmp_path, annotators={}))
    source = document(tmp_path)
    path = Path(source.path)
    path.write_text(path.read_text()[:-9])
    assert "cut off" in refused(source)
