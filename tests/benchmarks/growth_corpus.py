"""A number of rows → annotations whose reasons are sentences the extractive engine reads, no two of
them the same.

What people ask for is drawn from few claims, so that principles stand; each reason names details of
its own, so that no question is answered by the reply of another row.
"""

from __future__ import annotations

import csv
import math
import random
from collections.abc import Iterator
from pathlib import Path

from tests.benchmarks.bench_ingest import sentence

ROWS_PER_FILE = 2_500  # each file is a task of ingest
ROWS_PER_PERSON = 20
HEAD = ["id", "annotator", "region", "prompt", "answer_1", "answer_2", "preferred", "reason"]
REASON = "Answer {side} {claim} about {topic}, and it {other} for {reader}."
CLAIMS = [
    "gives a concrete example",
    "explains each step",
    "cites a reliable source",
    "states the main facts",
    "warns of the risks",
    "admits what is not known",
    "defines the difficult words",
    "names the common mistakes",
    "compares several options",
    "corrects a wrong belief",
    "keeps to the question",
    "gives the numbers",
    "describes the history",
    "shows both sides of the argument",
    "answers the question directly",
    "gives practical advice",
    "lists the exceptions",
    "explains the cause",
    "draws a clear conclusion",
    "gives more background",
]
OTHERS = [
    "is easy to follow",
    "uses simple words",
    "is short",
    "is well organised",
    "is polite",
    "is more complete",
    "leaves out needless details",
    "stays neutral",
    "is honest",
    "respects the reader",
    "does not repeat itself",
    "has a friendly tone",
]
ADJECTIVES = """old new early modern local rural urban northern southern private
public small large common rare cheap costly digital medical legal""".split()
NOUNS = """trains gardens taxes vaccines bridges markets schools rivers engines loans novels diets
storms courts sensors orchards museums contracts batteries dialects muscles harbours
glaciers wages songs telescopes forests recipes elections satellites""".split()
READERS = """beginners parents nurses farmers students drivers tenants teachers
voters patients cooks pilots builders travellers children retirees shopkeepers
gardeners musicians sailors""".split()
SIZES = (2, len(CLAIMS), len(OTHERS), len(ADJECTIVES), len(NOUNS), len(READERS))
MOST_ROWS = math.prod(SIZES)  # 5,760,000
STRIDE = 2_654_435_761  # of Knuth's multiplicative hash; a prime, so no number comes twice

COLUMNS = {
    "prompt": "prompt",
    "response_a": "answer_1",
    "response_b": "answer_2",
    "preferred": "preferred",
    "values": {"Answer 1": "a", "Answer 2": "b"},
    "reason": "reason",
    "annotator": "annotator",
    "id": "id",
    "groups": ["region"],
}


def source(path: str) -> dict[str, object]:
    """What a configuration says of these files."""
    return {"name": "generated", "format": "tabular", "path": path, "preferences": COLUMNS}


def reason(row: int) -> tuple[int, str]:
    """The side that row `row` prefers and why: a sentence of its own for every row below
    `MOST_ROWS`.
    """
    number, digits = row * STRIDE % MOST_ROWS, []
    for size in SIZES:
        number, digit = divmod(number, size)
        digits.append(digit)
    side, claim, other, adjective, noun, reader = digits
    words = {
        "side": side + 1,
        "claim": CLAIMS[claim],
        "other": OTHERS[other],
        "topic": f"{ADJECTIVES[adjective]} {NOUNS[noun]}",
        "reader": READERS[reader],
    }
    return side + 1, REASON.format(**words)


def write_files(folder: Path, num_rows: int) -> Iterator[Path]:
    """CSV files of 2,500 rows, one after the other: prompts of 12 words, answers of 30.

    Raises ValueError when that many different reasons are not to be had.
    """
    if num_rows > MOST_ROWS:
        raise ValueError(f"{num_rows:,} rows: there are {MOST_ROWS:,} different reasons")
    generator = random.Random(0)
    num_people = max(10, num_rows // ROWS_PER_PERSON)
    for start in range(0, num_rows, ROWS_PER_FILE):
        path = folder / f"{start:09}.csv"
        with path.open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            writer.writerow(HEAD)
            for row in range(start, min(start + ROWS_PER_FILE, num_rows)):
                writer.writerow(_cells(generator, row, num_people))
        yield path


def _cells(generator: random.Random, row: int, num_people: int) -> list[object]:
    person = generator.randrange(num_people)
    side, why = reason(row)
    texts = [sentence(generator, num_words) for num_words in (12, 30, 30)]
    return [row, f"a{person}", ("north", "south", "")[person % 3], *texts, f"Answer {side}", why]
