"""Pairs of responses and 40 principles → a folder that every party of a vote benchmark reads.

`pairs.csv` and `principles.json` hold the same for the ICAI package that `requests.parquet` holds
for us. Knows no engine.
"""

from __future__ import annotations

import csv
import json
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from gcai_ray.asking.questions import GCAI, RULES, Asking
from gcai_ray.cells import no_cells
from gcai_ray.schemas import Preference, Request, Split, arrow_schema
from gcai_ray.stages.vote import ORDERS, Motion, questions

TESTS = Path(__file__).parents[1]
HALUQUESTQA = TESTS.parents[1] / "shared" / "data" / "haluquestqa" / "HaluQuestQA.csv"
REQUESTS, PAIRS, PRINCIPLES = "requests.parquet", "pairs.csv", "principles.json"
MODEL = "scripted"
ICAI_SEEDS = 3  # its default, as are 40 principles a question
CHOICES = {"Answer 1": "a", "Answer 2": "b"}
PREFERENCE_SHARE = 0.7  # of the planted corpus
SPARE_SHARE = 0.1  # some planted pairs come twice
Pair = dict[str, Any]

# The scripted server and its corpus import each other from here.
sys.path.append(str(TESTS))


def principles() -> list[str]:
    """40 of them: the 8 planted contextual ones, each in 5 wordings."""
    from servers.planted import CONTEXTUAL

    texts = [text for planted in CONTEXTUAL for text in (planted.canonical, *planted.paraphrases)]
    return [f"Choose the response that {text}." for text in texts]


def planted_pairs(num: int) -> list[Pair]:
    """So many distinct pairs of the planted corpus."""
    from servers.planted import write_corpus

    num_annotations = int(num * (1 + SPARE_SHARE) / PREFERENCE_SHARE) + 10
    with tempfile.TemporaryDirectory() as folder:
        write_corpus(folder, num_annotations)
        columns = ("prompt", "answer_1", "answer_2", "preferred")
        return _distinct(_rows(Path(folder) / "preferences.csv", ",", columns), num)


def haluquestqa_pairs() -> list[Pair]:
    """All pairs of HaluQuestQA; FileNotFoundError where the shared data is not."""
    columns = ("question_text", "ans1_text", "ans2_text", "ans_preference")
    return _distinct(_rows(HALUQUESTQA, "\t", columns), None)


def _rows(path: Path, delimiter: str, columns: tuple[str, str, str, str]) -> Iterator[Pair]:
    with path.open(newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file, delimiter=delimiter):
            prompt, first, second, preferred = (row[name] for name in columns)
            if preferred in CHOICES:
                yield {
                    "prompt": prompt,
                    "response_a": first,
                    "response_b": second,
                    "preferred": CHOICES[preferred],
                }


def _distinct(rows: Iterator[Pair], num: int | None) -> list[Pair]:
    found = {(row["prompt"], row["response_a"], row["response_b"]): row for row in rows}
    if num is not None and len(found) < num:
        raise SystemExit(f"{num:,} distinct pairs wanted, the planted corpus gave {len(found):,}")
    return list(found.values())[:num]


def write_votes(
    folder: Path, pairs: list[Pair], per_question: int = 20, *, count_tokens: bool = False
) -> pa.Table:
    """Write what all parties read; returns our requests, in both orders.

    `count_tokens`: estimate the prompt tokens of each, which takes longer than to word them.
    """
    texts = principles()
    (folder / PRINCIPLES).write_text(json.dumps(texts))
    write_icai_pairs(folder, pairs)
    table = _requests(pairs, texts, per_question, GCAI if count_tokens else RULES)
    pq.write_table(table, folder / REQUESTS)
    return table


def write_icai_pairs(folder: Path, pairs: list[Pair]) -> None:
    """Write the pairs as ICAI's standard CSV."""
    with (folder / PAIRS).open("w", newline="", encoding="utf-8") as out:
        writer = csv.writer(out)
        writer.writerow(["prompt", "text_a", "text_b", "preferred_text"])
        for pair in pairs:
            texts = [pair["prompt"], pair["response_a"], pair["response_b"]]
            writer.writerow([*texts, f"text_{pair['preferred']}"])


def _requests(pairs: list[Pair], texts: list[str], per_question: int, method: str) -> pa.Table:
    """What the vote stage asks about these pairs."""
    keys = tuple(f"{number:032x}" for number in range(len(texts)))
    ids = [f"{number:032x}" for number in range(len(pairs))]
    motion = Motion(keys, tuple(texts), per_question, frozenset(ids), no_cells())
    asking = Asking("vote", MODEL, 0.3, 1.0, 0, 16_384, None, method)
    schema = arrow_schema(Preference)
    nothing = {field.name: None for field in schema} | {"split": str(Split.TRAIN)}
    rows = [nothing | pair | {"id": key} for key, pair in zip(ids, pairs, strict=True)]
    columns = ["id", "split", "preferred", "reason", "prompt", "response_a", "response_b"]
    columns += ["source", "source_file", "source_row"]
    loose = pa.schema([schema.field(name).with_nullable(True) for name in columns])
    found = questions(pa.Table.from_pylist(rows, schema=loose), motion, asking)
    if found["reject"].null_count < found.num_rows:
        raise SystemExit("a pair is too long for its question: raise the context")
    return found.drop_columns(["reject"]).cast(arrow_schema(Request))


def num_pairs_for(num_questions: int, per_question: int = 20) -> int:
    """Pairs that make at least so many questions of ours."""
    chunks = -(-len(principles()) // per_question)
    return -(-num_questions // (len(ORDERS) * chunks))
