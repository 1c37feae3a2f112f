"""A run's preferences, votes and verdicts → an AnnotatedPairs 2.0 document, as Feedback Forensics
opens it.

A comparison is one person's judgement of one pair, so that groups, votes and reasons stay that
person's; the default annotator is the person. Principles and judges annotate beside. A pair that
somebody was not asked about has no annotation of theirs, which those tools count as not applicable.

Source: `inverse-cai` 0.4.8, `data/annotated_pairs_format.py`; `feedback-forensics` 0.5.0,
`data/loader.py`. The counterpart that reads it back is `sources/annotated_pairs.py`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

import orjson

from gcai_ray.artifacts import Artifact
from gcai_ray.export.annotators import Annotator
from gcai_ray.export.document import Document, counted, preferences_of
from gcai_ray.export.ordered import in_order
from gcai_ray.export.panel import Artifacts, Panel, panel
from gcai_ray.sources.annotated_pairs import DEFAULT_ANNOTATOR, DEFAULT_DESCRIPTION, VERSION

Json = dict[str, Any]
COLUMNS = [
    *("id", "source", "annotator_id", "annotator_known", "groups", "prompt"),
    *("response_a", "response_b", "preferred", "reason", "split"),
]
VOTED = "voted"  # `train` or `test` where our principles were put to the vote, else `no`
ALWAYS = ["split", "source", "has reason"]
GROUP = "group: {}"  # bare, a group named `prompt` would take the place of the prompt


def annotated_pairs(run: str, artifacts: Artifacts, baseline: Artifacts) -> Document:
    """The document of a run; `baseline`: the artifacts of its ICAI mode, or empty.

    Raises:
        ArtifactError: no preferences, or no constitution.
    """
    ingested = preferences_of(run, artifacts)
    speakers = panel(run, artifacts, baseline)
    counts, groups = _survey(ingested)
    keys = [*ALWAYS, *([VOTED] if speakers.votes else []), *map(GROUP.format, sorted(groups))]
    head = {
        "version": VERSION,
        "description": "Preferences of people, and what principles and judges say about them",
        "dataset_name": str(artifacts["ratify"].manifest.config.get("name", "")),
        "default_annotator": DEFAULT_ANNOTATOR,
        "available_metadata_keys_per_comparison": keys,
    }
    title = (
        f"{counted(counts.total(), 'judgement')} ({counts['test']:,} held out), "
        f"{counted(len(speakers.annotators), 'annotator')} beside people"
    )
    lines = in_order(_lines(ingested, speakers))
    return Document(title, _notes(speakers), _chunks(head, speakers.annotators, lines))


def _survey(ingested: Artifact) -> tuple[Counter[str], set[str]]:
    """Rows of each half, and the names of groups."""
    counts: Counter[str] = Counter()
    groups: set[str] = set()
    for part in ingested.tables("preferences", ["groups", "split"]):
        counts.update(part["split"].to_pylist())
        found = part["groups"].combine_chunks().flatten()
        groups.update(found.field("name").unique().to_pylist())
    return counts, groups


def _notes(speakers: Panel) -> list[str]:
    notes = ["in it: people's reasons word for word; who they are only as salted hashes"]
    if speakers.silent:
        principles = counted(len(speakers.silent), "principle")
        texts = "; ".join(speakers.silent)
        notes.append(f"left out, since nothing ties them to a pair: {principles} ({texts})")
    return notes


def _chunks(head: Json, others: dict[str, Annotator], lines: Iterator[bytes]) -> Iterator[bytes]:
    """The document, one comparison a line."""
    default = {"name": "preferred_text", "description": DEFAULT_DESCRIPTION, "type": "unknown"}
    annotators = {DEFAULT_ANNOTATOR: default} | others
    opening = orjson.dumps({"metadata": head, "annotators": annotators}).removesuffix(b"}")
    yield opening + b',"comparisons":['
    for number, line in enumerate(lines):
        yield (b",\n" if number else b"\n") + line
    yield b"\n]}\n"


def _lines(ingested: Artifact, speakers: Panel) -> Iterator[tuple[str, bytes]]:
    for part in ingested.tables("preferences", COLUMNS):
        for batch in part.to_batches(max_chunksize=1000):
            for row in batch.to_pylist():
                yield row["id"], orjson.dumps(_comparison(row, speakers))


def _comparison(row: Json, speakers: Panel) -> Json:
    others = speakers.of(row["id"], row["preferred"])
    return {
        "id": row["id"],
        "prompt": row["prompt"],
        "response_a": {"text": row["response_a"]},
        "response_b": {"text": row["response_b"]},
        "annotations": {DEFAULT_ANNOTATOR: _choice(row)} | others,
        "metadata": _metadata(row, speakers),
    }


def _choice(row: Json) -> Json:
    """What the person chose. Those tools read `pref` alone; the rest is for reading it back."""
    extras = {
        "annotator": row["annotator_id"] if row["annotator_known"] else None,
        "reason": row["reason"],
        "groups": row["groups"],
    }
    return {"pref": row["preferred"]} | {key: value for key, value in extras.items() if value}


def _metadata(row: Json, speakers: Panel) -> dict[str, str]:
    found = {
        "split": row["split"],
        "source": row["source"],
        "has reason": "yes" if row["reason"] else "no",
    }
    if speakers.votes:
        found[VOTED] = row["split"] if speakers.votes.cover(row["id"]) else "no"
    for group in row["groups"]:
        key = GROUP.format(group["name"])
        found[key] = f"{found[key]}, {group['value']}" if key in found else group["value"]
    return found
