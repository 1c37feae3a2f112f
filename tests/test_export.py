"""Annotated pairs and DPO pairs of a run: what stands in them, and what must not."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from constitution_example import hashed
from export_runs import (
    HONEST,
    POLITE,
    SALTED,
    SHORT,
    SURE,
    match,
    ours,
    preference,
    verdict,
    vote,
    write_run,
)
from hostile import HOSTILE
from source_rows import preset
from source_rows import rows as read_back

from gcai_ray.errors import ArtifactError, ConfigError, StorageError
from gcai_ray.export import export
from gcai_ray.export.dpo import majorities
from gcai_ray.export.ordered import in_order
from gcai_ray.schemas import Preference

DEFAULT = "ba751e7b"  # where Feedback Forensics looks for people's choices
ROWS = [
    preference(1, "ann", "a"),
    preference(2, "bob", "b", reason=None),
    preference(3, "cid", "tie", prompt="how?"),
    preference(4, "dan", "b", prompt="who?", split="test", groups=[]),
    preference(5, "eve", "a", prompt="whom?"),
]


def voted(root: Path) -> str:
    votes = [
        vote(ROWS[0], SHORT, "a", "a"),
        vote(ROWS[0], SURE, "both", "both"),
        vote(ROWS[0], POLITE, "a", "b"),
        vote(ROWS[1], SHORT, "a", "a"),
        vote(ROWS[1], SURE, "neither", "neither"),
    ]
    held = [vote(ROWS[3], SHORT, "a", "b"), vote(ROWS[3], SURE, None, "b")]
    held += [vote(ROWS[0], HONEST, "b", "b"), vote(ROWS[3], POLITE, "b", "b")]
    verdicts = [verdict(ROWS[3], "gcai", "b", "b"), verdict(ROWS[3], "none", "a", "b")]
    return write_run(
        root,
        ours(),
        ingest={"preferences": ROWS},
        vote={"votes": votes},
        evaluate={"votes": held, "verdicts": verdicts},
        icai_vote={"votes": [vote(ROWS[4], POLITE, "a", "a")]},
    )


def matched(root: Path) -> str:
    said = [match(ROWS[0], SHORT), match(ROWS[1], SHORT), match(ROWS[0], HONEST, hashed("said"))]
    built = ours(SHORT, HONEST, model=None)
    return write_run(root, built, ingest={"preferences": ROWS}, vote={"matches": said})


def exported(run: str) -> dict[str, Any]:
    export(run)
    return json.loads((Path(run) / "export" / "annotated_pairs.json").read_bytes())


def trained_on(run: str) -> list[dict[str, Any]]:
    export(run, "dpo")
    return [json.loads(line) for line in open(Path(run) / "export" / "dpo.jsonl", "rb")]


def said_of(document: dict[str, Any], row: Preference) -> dict[str, Any]:
    """Annotations of one row by the annotators' descriptions."""
    [found] = [one for one in document["comparisons"] if one["id"] == row.id]
    names = {key: about["description"] for key, about in document["annotators"].items()}
    return {names[k]: it for k, it in found["annotations"].items() if k != DEFAULT}


def test_votes_are_annotations_and_no_outcome_is_taken_for_another(tmp_path: Path) -> None:
    document = exported(voted(tmp_path))
    first, second, held = (said_of(document, ROWS[n]) for n in (0, 1, 3))
    assert first[SHORT] == {"pref": "a", "outcome": "for"}
    assert second[SHORT] == {"pref": "a", "outcome": "against"}
    nothing = {"pref": None, "a_first": "both", "b_first": "both", "outcome": "both"}
    assert first[SURE] == nothing | {"no_pref_reason": "both"}
    assert second[SURE]["no_pref_reason"] == second[SURE]["outcome"] == "neither"
    flipped = {"pref": None, "a_first": "a", "b_first": "b", "outcome": "abstain"}
    assert held[SHORT] == flipped | {"no_pref_reason": "not_applicable"}
    assert held[SURE]["no_pref_reason"] == held[SURE]["outcome"] == "invalid"
    assert first[HONEST] == {"pref": "b", "outcome": "against"}
    assert said_of(document, ROWS[2]) == {}


def test_the_baseline_and_the_judges_annotate_beside(tmp_path: Path) -> None:
    document = exported(voted(tmp_path))
    polite = f"{POLITE} (of the ICAI baseline)"
    assert said_of(document, ROWS[4]) == {polite: {"pref": "a", "outcome": "for"}}
    assert said_of(document, ROWS[0])[polite]["outcome"] == "abstain"
    held = said_of(document, ROWS[3])
    assert held["A model that read the constitution chooses"]["pref"] == "b"
    assert held["A model that read no constitution chooses"]["outcome"] == "abstain"
    described = [about["description"] for about in document["annotators"].values()]
    assert described[1:5] == [SHORT, SURE, HONEST, polite]
    assert not any("of the ICAI baseline chooses" in text for text in described)


def test_people_are_the_default_annotator_with_groups_beside(tmp_path: Path) -> None:
    document = exported(voted(tmp_path))
    found = {one["id"]: one for one in document["comparisons"]}
    assert document["metadata"]["default_annotator"] == DEFAULT
    choices = [found[row.id]["annotations"][DEFAULT]["pref"] for row in ROWS]
    assert choices == ["a", "b", "tie", "b", "a"]
    about = [found[row.id]["metadata"] for row in ROWS]
    assert [of["voted"] for of in about] == ["train", "train", "no", "test", "no"]
    assert [of["has reason"] for of in about] == ["yes", "no", "yes", "yes", "yes"]
    assert [of.get("group: land") for of in about] == ["Kenya"] * 3 + [None, "Kenya"]
    keys = document["metadata"]["available_metadata_keys_per_comparison"]
    assert set(keys) == set().union(*about)


def test_people_leave_only_as_hashes(tmp_path: Path) -> None:
    run = voted(tmp_path)
    text = json.dumps(exported(run)) + json.dumps(trained_on(run))
    for row in ROWS:
        assert str(row.source_id) not in text
    assert text.count(SALTED) == len(ROWS)


def test_reasons_speak_where_no_model_voted(tmp_path: Path) -> None:
    run = matched(tmp_path)
    assert HONEST in export(run)
    document = exported(run)
    short = f"{SHORT} (matched in people's own reasons, no model voted)"
    assert [about["description"] for about in document["annotators"].values()][1:] == [short]
    assert [said_of(document, row) for row in ROWS[:3]] == [
        {short: {"pref": "a"}},
        {short: {"pref": "b"}},
        {},
    ]
    assert "voted" not in document["comparisons"][0]["metadata"]


def test_principles_of_one_wording_stay_apart(tmp_path: Path) -> None:
    """Feedback Forensics drops a final stop and knows a row by the rest."""
    votes = [vote(ROWS[0], SHORT, "a", "a"), vote(ROWS[0], SHORT[:-1], "b", "b")]
    built = ours(SHORT, SHORT[:-1])
    run = write_run(tmp_path, built, ingest={"preferences": ROWS}, vote={"votes": votes})
    said = said_of(exported(run), ROWS[0])
    assert {text: it["pref"] for text, it in said.items()} == {
        SHORT: "a",
        f"{SHORT[:-1]} (contextual 2)": "b",
    }


def test_our_own_export_reads_back_as_the_same_preferences(tmp_path: Path) -> None:
    unknown = preference(6, "fay", "a", annotator_known=False, prompt="")
    texts = [
        text.replace("\x00", "").encode("utf-8", "ignore").decode() for text in HOSTILE.values()
    ]
    hostile = [
        preference(10 + n, text, "b", prompt=text, response_a=text, reason=text)
        for n, text in enumerate(texts)
    ]
    given = [*ROWS, unknown, *hostile]
    run = write_run(tmp_path, ours(), ingest={"preferences": given}, vote={"votes": []})
    export(run, out=str(tmp_path / "pairs.json"))
    found = {
        row["source_id"]: row
        for row in read_back(preset(tmp_path / "pairs.json", "annotated_pairs"))
    }
    assert len(found) == len(given)
    for row in given:
        back = found[row.id]
        assert back.get("annotator") == (row.annotator_id if row.annotator_known else None)
        assert back.get("groups", {}) == {group.name: group.value for group in row.groups}
        for name in ("prompt", "response_a", "response_b", "preferred", "reason"):
            assert back.get(name) == getattr(row, name)


def test_dpo_counts_people_once_and_leaves_out_what_would_leak(tmp_path: Path) -> None:
    swapped = {"response_a": "because", "response_b": "so"}
    given = [
        *ROWS,
        preference(6, "cid", "b", **swapped),  # so
        *(preference(n, "bob", "b") for n in (7, 8, 9)),  # because, three times more
        preference(10, "ann", "b", prompt="whom?"),  # against eve
        preference(11, "eve", "a", prompt=" "),
    ]
    run = write_run(tmp_path, ours(), ingest={"preferences": given})
    [line] = trained_on(run)
    assert line == {
        "prompt": [{"role": "user", "content": "why?"}],
        "chosen": [{"role": "assistant", "content": "so"}],
        "rejected": [{"role": "assistant", "content": "because"}],
        "num_people": 3,
        "share": round(2 / 3, 6),
    }
    told = export(run, "dpo")
    for part in ("1 held-out choice", "1 tie", "1 pair on which", "1 choice without a prompt"):
        assert part in told


def test_a_person_who_chose_both_counts_for_neither() -> None:
    keys = np.array(["p", "p", "p", "q", "q"], "S32")
    people = np.array(["x", "x", "y", "x", "x"], "S32")
    found = majorities(keys, people, np.array([True, False, False, True, False]))
    assert found.keys.tolist() == [b"p"]
    assert (found.first_wins.tolist(), found.num_people.tolist()) == ([False], [1])
    assert found.num_even == 1


def test_the_same_bytes_whatever_the_order_of_rows(tmp_path: Path) -> None:
    files = []
    for seed in range(3):
        given = [preference(n, f"p{n}", "ab"[n % 2], prompt=f"q{n // 3}") for n in range(1, 40)]
        random.Random(seed).shuffle(given)
        (tmp_path / str(seed)).mkdir()
        votes = [vote(row, SHORT, "a", "a") for row in given]
        root = tmp_path / str(seed)
        run = write_run(root, ours(), ingest={"preferences": given}, vote={"votes": votes})
        export(run)
        export(run, "dpo")
        files.append([path.read_bytes() for path in sorted((root / "export").iterdir())])
    assert len(files[0]) == 2
    assert files[0] == files[1] == files[2]


def test_lines_are_merged_in_order_from_more_than_memory_holds() -> None:
    lines = [(f"{n:04d}", b"x\t%d" % n) for n in range(1000)]
    random.Random(0).shuffle(lines)
    assert list(in_order(iter(lines), max_bytes=700)) == [b"x\t%d" % n for n in range(1000)]


def test_nothing_is_overwritten(tmp_path: Path) -> None:
    run = voted(tmp_path)
    path = tmp_path / "export" / "dpo.jsonl"
    export(run, "dpo")
    export(run, "dpo")  # the same again is no harm
    path.write_bytes(path.read_bytes() + b"\n")
    mine = path.read_bytes()
    with pytest.raises(StorageError, match="--out"):
        export(run, "dpo")
    assert path.read_bytes() == mine
    assert [one.name for one in path.parent.iterdir()] == ["dpo.jsonl"]
    for folder in (str(tmp_path), f"{tmp_path}/new/", "memory://bucket"):
        with pytest.raises(StorageError, match="is a directory"):
            export(run, "dpo", folder)


def test_a_file_goes_to_a_store_of_another_kind(tmp_path: Path) -> None:
    fsspec = pytest.importorskip("fsspec")
    run = voted(tmp_path)
    told = export(run, "dpo", "memory://exports/of/pairs.jsonl")
    assert "memory://exports/of/pairs.jsonl" in told
    stored = fsspec.filesystem("memory").cat_file("/exports/of/pairs.jsonl")
    export(run, "dpo")
    assert stored == (tmp_path / "export" / "dpo.jsonl").read_bytes()
    export(run, "dpo", "memory://exports/of/pairs.jsonl")
    with pytest.raises(StorageError, match="other content"):
        export(run, out="memory://exports/of/pairs.jsonl")


def test_what_cannot_be_exported_is_told_in_a_line(tmp_path: Path) -> None:
    run = write_run(tmp_path, None, ingest={"preferences": ROWS[2:4]})
    with pytest.raises(ConfigError, match="annotated-pairs or dpo"):
        export(run, "csv")
    with pytest.raises(ArtifactError, match="'ratify' is not finished"):
        export(run)
    with pytest.raises(ArtifactError, match=r"1 tie$"):
        export(run, "dpo")
    (tmp_path / "empty").mkdir()
    empty = write_run(tmp_path / "empty", None, ingest={"preferences": []})
    with pytest.raises(ArtifactError, match="holds no preferences"):
        export(empty)
