"""Anthropic HH-RLHF (pairs of transcripts, chosen and rejected) → raw preferences without reasons.

Source: Bai et al., "Training a Helpful and Harmless Assistant …", arXiv 2204.05862.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import TYPE_CHECKING

from gcai_ray.sources.json_lines import Record, read_known_records
from gcai_ray.sources.raw import RawKind, placed
from gcai_ray.sources.records import Row, UnreadableError, record_tables, required_text

if TYPE_CHECKING:
    import pyarrow as pa

    from gcai_ray.config import PresetSource

ASSISTANT = "\n\nAssistant:"


def read_hh_rlhf(source: PresetSource, kind: RawKind, path: str) -> Iterator[pa.Table]:
    """Read one `.jsonl` or `.jsonl.gz` with the keys `chosen` and `rejected`.

    The prompt is what both transcripts share, up to and with the last `Assistant:` they share;
    the responses are what follows it, of several turns where the dialogues part early. White
    space around each is dropped. Which response is a is decided by a hash (`raw.placed`).
    """
    records = read_known_records(path, ["chosen", "rejected"])
    return record_tables(kind, records, _rows)


def _rows(record: Record) -> list[Row]:
    prompt, chosen, rejected = shared_prompt(record)
    return [{"prompt": prompt} | placed(prompt, chosen, rejected)]


def shared_prompt(record: Record) -> tuple[str, str, str]:
    """What both transcripts of a record share up to an `Assistant:`, and how each goes on.

    Raises:
        UnreadableError: a transcript has no turn of an assistant, or they share none.
    """
    chosen, rejected = required_text(record, "chosen"), required_text(record, "rejected")
    for name, transcript in (("chosen", chosen), ("rejected", rejected)):
        if ASSISTANT not in transcript:
            raise UnreadableError(name, transcript, "no turn starts with 'Assistant:'")
    shared = os.path.commonprefix([chosen, rejected])  # noqa: RUF071 - of characters, as meant
    end = shared.rfind(ASSISTANT) + len(ASSISTANT)
    if end < len(ASSISTANT):
        raise UnreadableError("rejected", rejected, "shares no prompt with the chosen transcript")
    return chosen[:end].strip(), chosen[end:].strip(), rejected[end:].strip()
