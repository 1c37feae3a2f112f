"""`training_pairs` → token ids in Arrow files that all workers of a node map into memory.

Written once, next to the run's checkpoints; the order is that of the ids. Knows no trainer.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from gcai_ray.errors import ConfigError
from gcai_ray.schemas import MadeBy, Split
from gcai_ray.train.chat import load_tokenizer, split
from gcai_ray.train.places import local_copy
from gcai_ray.training_config import TuneConfig

if TYPE_CHECKING:
    import pyarrow as pa

    from gcai_ray.storage import Storage

SFT, DPO = "sft", "dpo"
COLUMNS = {SFT: ("input_ids", "labels"), DPO: ("prompt_ids", "chosen_ids", "rejected_ids")}
IGNORED = -100  # a label that takes no part in the loss
BATCH_ROWS = 512
STAGE = "tune"
Place = tuple[str, ...]


@dataclass(frozen=True)
class RowFile:
    """One Arrow file below the run's root: rows of one objective and one half."""

    place: Place
    num_rows: int
    num_tokens: int


@dataclass(frozen=True)
class Rows:
    """All that is trained on and measured by; rejects are rows too long to be learnt whole."""

    files: dict[tuple[str, str], RowFile]  # (objective, split)
    rejects: list[dict[str, Any]]
    num_pairs: int
    principle_counts: dict[str, int]  # training rows each principle is behind


def write_rows(storage: Storage, folder: Place, pairs: list[pa.Table], tune: TuneConfig) -> Rows:
    """Tokenise all pairs and write a file per objective and half that has any row.

    Args:
        storage: the run's root.
        folder: where files go.
        pairs: parts of `training_pairs`.
        tune: what is trained, and how long a row may be.

    Raises:
        ConfigError: the model's tokenizer cannot be used.
    """
    import pyarrow as pa

    tokenizer = load_tokenizer(local_copy(tune.model), tune.model)
    table = pa.concat_tables(pairs).sort_by("id")
    made = {(kind, str(half)): [] for kind in objectives(tune) for half in Split}
    rejects: list[dict[str, Any]] = []
    counts: dict[str, int] = {}
    for pair in _rows(table):
        for kind in objectives(tune):
            if kind == SFT and pair["made_by"] != MadeBy.REVISION:
                continue
            row = tokenised(tokenizer, kind, pair)
            longest = _num_tokens(row, kind)
            if longest > tune.max_length:
                rejects.append(_too_long(pair, kind, longest, tune.max_length))
                continue
            made[kind, pair["split"]].append(row)
            if pair["split"] == Split.TRAIN:
                for key in pair["principle_ids"]:
                    counts[key] = counts.get(key, 0) + 1
    files = {
        (kind, half): _write(storage, (*folder, f"{kind}-{half}.arrow"), kind, found)
        for (kind, half), found in made.items()
        if found
    }
    return Rows(files, rejects, table.num_rows, dict(sorted(counts.items())))


def objectives(tune: TuneConfig) -> tuple[str, ...]:
    """What is trained, in order."""
    return tuple(name for name in (SFT, DPO) if getattr(tune, name) is not None)


def tokenised(tokenizer: Any, kind: str, pair: dict[str, Any]) -> dict[str, list[int]]:
    """A row of one objective: for SFT `input_ids` and `labels`, in which the prompt takes no part
    in the loss; for DPO `prompt_ids`, `chosen_ids`, `rejected_ids`.
    """
    prompt, chosen = split(tokenizer, pair["prompt"], pair["chosen"])
    if kind == SFT:
        return {"input_ids": prompt + chosen, "labels": [IGNORED] * len(prompt) + chosen}
    _, rejected = split(tokenizer, pair["prompt"], pair["rejected"])
    return {"prompt_ids": prompt, "chosen_ids": chosen, "rejected_ids": rejected}


def _rows(table: pa.Table) -> Iterator[dict[str, Any]]:
    for batch in table.to_batches(max_chunksize=BATCH_ROWS):
        yield from batch.to_pylist()


def _num_tokens(row: dict[str, list[int]], kind: str) -> int:
    if kind == SFT:
        return len(row["input_ids"])
    return len(row["prompt_ids"]) + max(len(row["chosen_ids"]), len(row["rejected_ids"]))


def _too_long(pair: dict[str, Any], kind: str, num: int, most: int) -> dict[str, Any]:
    from gcai_ray.rejects import reject_of

    row = {"source": pair["source"], "source_file": "training_pairs", "source_row": 0}
    why = f"{kind}: {num:,} tokens, more than tune.max_length = {most:,}"
    return reject_of(STAGE, row, "chosen", pair["chosen"], why)


def _write(storage: Storage, place: Place, kind: str, rows: list[dict[str, list[int]]]) -> RowFile:
    import pyarrow as pa

    schema = pa.schema([(name, pa.list_(pa.int32())) for name in COLUMNS[kind]])
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "rows.arrow")
        with pa.OSFile(path, "wb") as sink, pa.ipc.new_stream(sink, schema) as writer:
            for batch in _batches(rows):
                writer.write_batch(pa.RecordBatch.from_pylist(batch, schema=schema))
        storage.put(path, *place)
    return RowFile(place, len(rows), sum(_num_tokens(row, kind) for row in rows))


def _batches(rows: list[dict[str, list[int]]]) -> Iterable[list[dict[str, list[int]]]]:
    for start in range(0, len(rows), BATCH_ROWS):
        yield rows[start : start + BATCH_ROWS]


def open_rows(path: str) -> Any:
    """A file as a `datasets.Dataset`, mapped into memory."""
    from datasets import Dataset

    return Dataset.from_file(path)


def check_vocabulary(tokenizer: Any, model: Any, name: str) -> None:
    """Refuse a tokenizer that writes tokens the model has no row for.

    Raises:
        ConfigError: with both sizes.
    """
    num_tokens, num_rows = len(tokenizer), model.get_input_embeddings().num_embeddings
    if num_tokens > num_rows:
        raise ConfigError(
            f"tune.model: the tokenizer of {name} knows {num_tokens:,} tokens, its embedding has "
            f"{num_rows:,} rows: they are not of one model"
        )
