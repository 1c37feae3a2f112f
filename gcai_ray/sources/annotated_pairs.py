"""AnnotatedPairs 2.0 (the JSON of ICAI and Feedback Forensics) → preferences.

Source: `inverse-cai` 0.4.8, `data/annotated_pairs_format.py`; `feedback-forensics` 0.5.0,
`data/loader.py`. Beyond it, an annotation of ours may carry `annotator`, `reason`, `source_id` and
`groups`; those tools read `pref` alone and leave the rest be.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING, Any

from gcai_ray.errors import InputError
from gcai_ray.sources.files import open_binary
from gcai_ray.sources.json_lines import Record, parse_json
from gcai_ray.sources.raw import RawKind
from gcai_ray.sources.records import (
    Row,
    UnreadableError,
    objects,
    optional_text,
    record_tables,
    required_text,
    rows_or_fault,
)

if TYPE_CHECKING:
    import pyarrow as pa

    from gcai_ray.config import PresetSource

VERSION = "2.0"
MAX_BYTES = 2**30  # one JSON document, held in memory whole: about 3 GB at this size
CHOICES = {"a": "a", "b": "b", "text_a": "a", "text_b": "b", "tie": "tie"}
# Feedback Forensics looks for this annotator by the first 8 digits of its description's MD5.
DEFAULT_ANNOTATOR = "ba751e7b"
DEFAULT_DESCRIPTION = "Default annotator from original dataset (from column `preferred_text`)"


def read_annotated_pairs(source: PresetSource, kind: RawKind, path: str) -> Iterator[pa.Table]:
    """Read one document: a row per comparison and person, `source_row` the comparison's number.

    People are the annotators of type `human`. A document without any gives the choices of its
    default annotator: of the `annotator` an annotation names, as our own export does, else as from
    people unknown, since that is a column of labels and no person.
    Principles and models annotate too; those annotations are not read.

    Raises:
        InputError: no JSON, no AnnotatedPairs 2.x, no annotator to read, or larger than 1 GB.
    """
    document = _document(path)
    annotators = document["annotators"]
    people = {key for key, about in annotators.items() if about.get("type") == "human"}
    default = document["metadata"].get("default_annotator")
    if not people and default not in annotators:
        raise InputError(f"{path}: has no annotator of type 'human' and no default annotator")
    rows_of = partial(_rows, people=people, default=default)
    return record_tables(kind, enumerate(document["comparisons"], start=1), rows_of)


def _document(path: str) -> Record:
    with open_binary(path) as file:
        data = file.read(MAX_BYTES + 1)
    if len(data) > MAX_BYTES:
        raise InputError(f"{path}: is larger than 1 GB; split its comparisons over several files")
    try:
        document = parse_json(data)
    except ValueError as error:
        raise InputError(f"{path}: not one JSON document, or cut off: {error}") from error
    kinds = {"metadata": dict, "annotators": dict, "comparisons": list}
    for key, kind in kinds.items():
        if not isinstance(document, dict) or not isinstance(document.get(key), kind):
            raise InputError(f"{path}: not AnnotatedPairs: no '{key}' in it")
    version = str(document["metadata"].get("version", "1.0"))
    if version.split(".")[0] != "2":
        raise InputError(f"{path}: AnnotatedPairs {version}; only 2.x can be read")
    if not all(isinstance(about, dict) for about in document["annotators"].values()):
        raise InputError(f"{path}: not AnnotatedPairs: an annotator is no object")
    return document


def _rows(comparison: Any, people: set[str], default: str) -> list[Row]:
    if not isinstance(comparison, dict):
        raise UnreadableError("comparisons", comparison, "is not an object")
    annotations = _object(comparison, "annotations")
    pair: Row = {
        "source_id": required_text(comparison, "id"),
        "prompt": optional_text(comparison, "prompt") or "",
        "response_a": required_text(_object(comparison, "response_a"), "text"),
        "response_b": required_text(_object(comparison, "response_b"), "text"),
    }
    read = sorted(people & annotations.keys()) if people else [default]
    return [
        row
        for key in read
        for row in rows_or_fault(partial(_row, pair, key if people else None), annotations.get(key))
    ]


def _row(pair: Row, person: str | None, annotation: Any) -> list[Row]:
    about = annotation if isinstance(annotation, dict) else {}
    choice = CHOICES.get(str(about.get("pref")))
    if choice is None:
        said = about.get("no_pref_reason") or about.get("pref")
        raise UnreadableError("annotations.pref", said, "is no preference for a or b, and no tie")
    groups = objects(about, "groups")
    own = {
        "source_id": optional_text(about, "source_id") or pair["source_id"],
        "groups": {required_text(g, "name"): optional_text(g, "value") for g in groups},
    }
    reason = optional_text(about, "reason")
    known = person or optional_text(about, "annotator")
    return [pair | own | {"annotator": known, "preferred": choice, "reason": reason}]


def _object(record: Record, field: str) -> Record:
    value = record.get(field)
    if not isinstance(value, dict):
        raise UnreadableError(field, value, "is not an object")
    return value
