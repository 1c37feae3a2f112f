"""A finished run → files for other programs: annotated pairs for Feedback Forensics, pairs for DPO.

Knows where a file goes and what is said about it; what stands in it, the modules below know.
"""

from __future__ import annotations

from gcai_ray.errors import ConfigError
from gcai_ray.export.annotated_pairs import annotated_pairs
from gcai_ray.export.dpo import dpo_pairs
from gcai_ray.export.target import place, write_new
from gcai_ray.runs import open_run

__all__ = ["export"]
ANNOTATED_PAIRS, DPO = "annotated-pairs", "dpo"
FILES = {ANNOTATED_PAIRS: "annotated_pairs.json", DPO: "dpo.jsonl"}
ICAI = "icai"


def export(run: str, to: str = ANNOTATED_PAIRS, out: str | None = None) -> str:
    """Write one file and return what to tell the user about it.

    Args:
        run: the root of a finished run.
        to: `annotated-pairs` (AnnotatedPairs 2.0, JSON) or `dpo` (JSON Lines).
        out: the file to write, local or `s3://`; left out: `<run>/export/` and the usual name.

    Raises:
        ConfigError: no such format.
        ArtifactError: the run holds no preferences, or lacks what the format needs.
        StorageError: a file of that name with other content stands there, or cannot be written.
    """
    if to not in FILES:
        raise ConfigError(f"--to {to}: no such format; choose {' or '.join(FILES)}")
    target, name = place(run, out, FILES[to])
    artifacts = open_run(run)
    if to == DPO:
        document = dpo_pairs(run, artifacts)
    else:
        document = annotated_pairs(run, artifacts, open_run(run, ICAI))
    write_new(target, name, document.chunks)
    return "\n".join([f"{target.url(name)}: {document.title}", *document.notes])
