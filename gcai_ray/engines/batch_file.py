"""Questions → OpenAI Batch files `<root>/batch/<stage>-<number>-<hash>.jsonl`, each written once.

A question that stands in a file there is waiting for its reply and is not written again, whatever
else has been answered since: who uploaded the file has paid for it. Knows nothing of replies; those
come in through `batch_replies`.
"""

from __future__ import annotations

import hashlib
import io
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import orjson

from gcai_ray.engine_config import BatchFileEngine
from gcai_ray.engines.openai.question import Question, body, read_questions
from gcai_ray.errors import ArtifactError, ConfigError
from gcai_ray.storage import Storage

if TYPE_CHECKING:
    import pyarrow as pa

BATCH = "batch"
ENDPOINT = "/v1/chat/completions"
MB = 10**6
ROWS_AT_A_TIME = 1024
BUFFER_BYTES = 2**20
NUM_SHOWN = 3
_NAME = re.compile(r"(?P<stage>.+)-(?P<number>\d+)-[0-9a-f]{32}\.jsonl")
_CUSTOM_ID = re.compile(rb'\{"custom_id":"([0-9a-f]{32}(?:-\d+)?)"')


@dataclass(frozen=True)
class Asked:
    """What a returned line must be judged by. One object for all questions that share it."""

    stage: str
    reply_schema: str


def export(
    parts: Iterable[pa.Table], engine: BatchFileEngine, storage: Storage, stage: str
) -> list[str]:
    """Write the questions that stand in no batch file yet; at most one file's bytes are in memory.

    Args:
        parts: columns of `requests`, and `attempt`; one row a question.
        engine: the model, and how large a file may be.
        storage: the root; on S3 each file is one upload.
        stage: the stage that asks.

    Returns:
        URLs of all files that hold one of these questions, old and new.

    Raises:
        ConfigError: one question is larger than `engine.max_file_mb`.
        ArtifactError: a file written before was changed by hand.
    """
    names = batch_names(storage, stage)
    place = {key: name for name in names for key in _custom_ids(storage, name)}
    waiting: set[str] = set()
    lines = _unwritten(parts, engine, place, waiting)
    first = 1 + max((int(_match(name)["number"]) for name in names), default=0)
    for number, (keys, buffer) in enumerate(_packed(lines, engine), start=first):
        digest = hashlib.blake2b("\n".join(keys).encode(), digest_size=16).hexdigest()
        name = f"{stage}-{number:04d}-{digest}.jsonl"
        with buffer:  # closed, and so freed, before the next is filled
            storage.create(buffer.getvalue(), BATCH, name)
        waiting.add(name)
    return [storage.url(BATCH, name) for name in sorted(waiting)]


def what_to_do(urls: Sequence[str], stage: str, num_questions: int, root: str) -> str:
    """What a person does next, for the message of RepliesPending."""
    more = f" and {len(urls) - NUM_SHOWN:,} more" if len(urls) > NUM_SHOWN else ""
    files = "file" if len(urls) == 1 else "files"
    return (
        f"{stage}: {num_questions:,} questions wait for replies in {len(urls):,} batch {files}: "
        f"{', '.join(urls[:NUM_SHOWN])}{more}. Upload each file that is not uploaded yet (purpose "
        f"batch, endpoint {ENDPOINT}); when the batch has ended, download its output file AND its "
        f"error file; then `gcai replies import FILE... --run {root}`, and the same run command "
        f"again. To ask anew what a lost batch never answered, delete its file from "
        f"{root.rstrip('/')}/{BATCH} and run again"
    )


def batch_names(storage: Storage, stage: str | None = None) -> list[str]:
    """Names of the batch files written for a stage, or for all; other files there are left out."""
    found = [(name, _NAME.fullmatch(name)) for name in storage.names(BATCH)]
    return [name for name, match in found if match and stage in (None, match["stage"])]


def read_asked(storage: Storage) -> dict[str, Asked]:
    """What every custom_id in the batch files of a root asks: about 250 bytes of memory each.

    Raises:
        ArtifactError: a batch file was changed by hand.
    """
    asked: dict[str, Asked] = {}
    kinds: dict[Asked, Asked] = {}
    for name in batch_names(storage):
        stage = _match(name)["stage"]
        for where, line in _lines(storage, name):
            kind = Asked(stage, _reply_schema(line, where))
            asked[_custom_id(line, where)] = kinds.setdefault(kind, kind)
    return asked


def custom_id(question_id: str, attempt: int) -> str:
    """The question's id; from the second attempt on with its number, so that a late reply to an
    earlier attempt is not taken for one to a later.
    """
    return question_id if attempt == 1 else f"{question_id}-{attempt}"


def asked_attempt(key: str) -> tuple[str, int]:
    """Question id and attempt of a custom_id."""
    question_id, _, attempt = key.partition("-")
    return question_id, int(attempt or 1)


def _unwritten(
    parts: Iterable[pa.Table], engine: BatchFileEngine, place: dict[str, str], waiting: set[str]
) -> Iterator[tuple[str, bytes]]:
    """custom_id and line of each question that stands in no file; files of the others are added
    to `waiting`.
    """
    import pyarrow as pa

    for part in parts:
        for batch in part.to_batches(max_chunksize=ROWS_AT_A_TIME):
            for question in read_questions(pa.Table.from_batches([batch])):
                key = custom_id(question.id, question.attempt)
                if key in place:
                    waiting.add(place[key])
                else:
                    yield key, _line(engine, question, key)


def _line(engine: BatchFileEngine, question: Question, key: str) -> bytes:
    content = body(engine, question, question.attempt, "json_schema")
    line = {"custom_id": key, "method": "POST", "url": ENDPOINT, "body": orjson.Fragment(content)}
    return orjson.dumps(line) + b"\n"


def _packed(
    lines: Iterable[tuple[str, bytes]], engine: BatchFileEngine
) -> Iterator[tuple[list[str], io.BytesIO]]:
    """Runs of lines that fit one file: their custom_ids and their bytes."""
    limit = int(engine.max_file_mb * MB)
    keys, buffer = [], io.BytesIO()
    for key, line in lines:
        if len(line) > limit:
            raise ConfigError(
                f"engine.max_file_mb: question {key} alone takes {len(line) / MB:.3f} MB, a file "
                f"may hold {engine.max_file_mb:g} MB; raise engine.max_file_mb"
            )
        if len(keys) == engine.max_lines or buffer.tell() + len(line) > limit:
            yield keys, buffer
            keys, buffer = [], io.BytesIO()
        keys.append(key)
        buffer.write(line)
    if keys:
        yield keys, buffer


def _custom_ids(storage: Storage, name: str) -> Iterator[str]:
    return (_custom_id(line, where) for where, line in _lines(storage, name))


def _custom_id(line: bytes, where: str) -> str:
    """Read without parsing the whole line, as it is where `_line` puts it."""
    found = _CUSTOM_ID.match(line)
    if found is None:
        raise _changed(where)
    return found[1].decode()


def _reply_schema(line: bytes, where: str) -> str:
    try:
        wanted: Any = orjson.loads(line)["body"].get("response_format")
        return orjson.dumps(wanted["json_schema"]["schema"]).decode() if wanted else ""
    except (orjson.JSONDecodeError, KeyError, TypeError, AttributeError) as error:
        raise _changed(where) from error


def _changed(where: str) -> ArtifactError:
    return ArtifactError(
        f"{where}: not a line of a batch file of gcai-ray; the file was changed: delete it and run "
        "again, which writes its questions anew"
    )


def _lines(storage: Storage, name: str) -> Iterator[tuple[str, bytes]]:
    """Lines of a batch file and where each stands, read in pieces."""
    # S3's own file object copies a block of 5 MB for every line it is asked for.
    with (
        storage.filesystem.open(storage.path(BATCH, name), "rb") as opened,
        io.BufferedReader(opened, BUFFER_BYTES) as file,
    ):
        for number, line in enumerate(file, start=1):
            yield f"{storage.url(BATCH, name)} line {number}", line


def _match(name: str) -> re.Match[str]:
    match = _NAME.fullmatch(name)
    if match is None:
        raise ValueError(f"{name} is no name of a batch file")
    return match
