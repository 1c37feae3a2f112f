"""Named assumptions → what a run of 1, 10 or 100 million annotations with a model would take, on
paper.

Run: .venv/bin/python -m tests.benchmarks.scaling_model

Prints the tables that docs/scaling.md holds, word for word (tests/test_scaling_model.py). Pure
arithmetic: where code decides a number (a slice, a bound), it is imported; all else is an
assumption with its source. Nothing here was run at this size.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

from gcai_ray.artifacts import MAX_TASKS, ROW_GROUP_ROWS
from gcai_ray.asking import ask, lookup
from gcai_ray.asking.recorder import MIN_PART_ROWS, PART_SHARE
from gcai_ray.compaction import AIM_BYTES
from gcai_ray.uniqueness import ROWS_PER_SLICE as ROWS_PER_ID_SLICE

SIZES = (1_000_000, 10_000_000, 100_000_000)
HOUR_S = 3600
GB = 1e9
PLANNED = "measured here: `gcai plan jobs/haluquestqa_openai.yaml`, 698 annotations"
PARTS = "measured here: HaluQuestQA's parts, zstd"
RUNS = "measured here: 109,000 clauses of earlier runs, zstd"
PRICES = "AWS list price, us-east-1, as quoted in 2024; not looked up since"
MEMORY = "measured here: 200,000 to 800,000 generated rows, one process"


@dataclass(frozen=True)
class Assumption:
    """A number the model rests on, and who says so."""

    value: float
    what: str
    source: str


PROMPT_TOKENS = Assumption(948, "prompt tokens of an `extract` question", PLANNED)
BASELINE_TOKENS = Assumption(736, "the same in the ICAI baseline", PLANNED)
REPLY_TOKENS = Assumption(45, "tokens of its reply", "assumed, as `gcai plan` does")
BOUNDED = Assumption(
    27_000, "questions of `distill`, `vote`, `evaluate`, both branches", "computed from defaults"
)
BOUNDED_TOKENS = Assumption(1_100, "tokens of one of them, with its reply", PLANNED)
NUM_GPUS = Assumption(64, "GPUs, eight to a machine", "assumed")
PEAK_FLOPS = Assumption(989e12, "bf16 operations/s of a GPU", "NVIDIA, H100 SXM, without sparsity")
FLOPS_PER_TOKEN = Assumption(16e9, "operations a token", "assumed: 2 × 8 billion parameters")
UTILISATION = Assumption(
    0.3, "share of the peak that is reached", "assumed; nobody measured it here"
)
NUM_CORES = Assumption(768, "CPU cores of the eight machines", "assumed: 96 each")
CLAUSES_PER_S = Assumption(290, "clauses embedded a second and core", "measured here: make bench")
CLAUSES = Assumption(1.2, "principles a reply", "assumed, as `gcai plan` does")
WORDED_PER_S = Assumption(950, "questions worded a second and core", "measured here: HaluQuestQA")
ROW_BYTES = Assumption(998, "bytes of a row of `preferences`", PARTS)
QUESTION_BYTES = Assumption(938, "bytes of a row of `requests`", PARTS)
REPLY_BYTES = Assumption(120, "bytes of a row of `replies`", "assumed: 45 tokens and an id")
CLAUSE_BYTES = Assumption(
    1_950, "bytes of a clause in `candidates`, `embeddings`, `members`, `matches`", RUNS
)
PIECE_REQUESTS = Assumption(
    5, "requests of a task that reads a piece", "assumed: head, footer, rows"
)
STREAM = Assumption(90e6, "bytes/s of one request", "AWS, S3 performance guidelines: 85 to 90 MB/s")
WRITE_PRICE = Assumption(0.005, "$ for 1,000 PUT, POST or LIST", PRICES)
READ_PRICE = Assumption(0.0004, "$ for 1,000 GET or HEAD", PRICES)
MONTH_PRICE = Assumption(0.023, "$ a GB and month", PRICES)
TRAIN_SHARE = Assumption(0.8, "share of the training half", "computed from defaults")
HEAD_BYTES = Assumption(128e9, "bytes of memory of the driver's machine", "assumed")
SAMPLE_BYTES = Assumption(1_660, "bytes of a pair among which a sample is drawn", MEMORY)
LEDGER_BYTES = Assumption(570, "bytes of a question in the ledger, at its peak", MEMORY)
PEOPLE_BYTES = Assumption(650, "bytes of a row in an electorate, at its peak", MEMORY)
RECORDED_BYTES = Assumption(304, "bytes of a question in the recorder after a fault", MEMORY)


def assumptions() -> dict[str, Assumption]:
    """All of them, in the order they are written."""
    return {name: of for name, of in globals().items() if isinstance(of, Assumption)}


def tokens_per_s() -> float:
    """Of one GPU: prompts are read at this rate; the few reply tokens are counted alike."""
    return PEAK_FLOPS.value * UTILISATION.value / FLOPS_PER_TOKEN.value


@dataclass(frozen=True)
class Estimate:
    """What a run over so many annotations would take; every reason is asked about by both branches,
    GCAI's and the ICAI baseline's.
    """

    rows: int

    @property
    def questions(self) -> float:
        """Distinct questions."""
        return 2 * self.rows + BOUNDED.value

    @property
    def tokens_in(self) -> float:
        """Prompt tokens."""
        return self.rows * (PROMPT_TOKENS.value + BASELINE_TOKENS.value) + self._bounded

    @property
    def tokens_out(self) -> float:
        """Tokens of replies; those of the bounded questions stand under `tokens_in`."""
        return 2 * self.rows * REPLY_TOKENS.value

    @property
    def _bounded(self) -> float:
        return BOUNDED.value * BOUNDED_TOKENS.value

    @property
    def gpu_hours(self) -> float:
        """Of all GPUs together."""
        return (self.tokens_in + self.tokens_out) / tokens_per_s() / HOUR_S

    @property
    def asking_hours(self) -> float:
        """Wall time while GPUs are at work."""
        return self.gpu_hours / NUM_GPUS.value

    @property
    def cpu_hours(self) -> float:
        """Wall time of wording and embedding, on all cores."""
        worded = 2 * self.rows / WORDED_PER_S.value
        embedded = 2 * self.rows * CLAUSES.value / CLAUSES_PER_S.value
        return (worded + embedded) / NUM_CORES.value / HOUR_S

    @property
    def driver_bytes(self) -> float:
        """What the driver alone reads, file by file, to find ids: whole tables, once a slice."""
        ids = 2 * slices(self.rows, ROWS_PER_ID_SLICE) * ROW_BYTES.value
        joined = slices(self.rows, lookup.ROWS_PER_SLICE) * (
            QUESTION_BYTES.value + REPLY_BYTES.value
        )
        copied = math.ceil(self.rows / ask.ROWS_PER_SLICE) * REPLY_BYTES.value
        return self.rows * (ids + 2 * (joined + copied))

    @property
    def driver_hours(self) -> float:
        """Wall time of that, one request at a time."""
        return self.driver_bytes / STREAM.value / HOUR_S

    @property
    def wall_hours(self) -> float:
        """One after the other."""
        return self.asking_hours + self.cpu_hours + self.driver_hours

    @property
    def stored_bytes(self) -> float:
        """What lies on S3 at the end; replies lie there twice, in the store and in the artifact."""
        branch = QUESTION_BYTES.value + 2 * REPLY_BYTES.value + CLAUSES.value * CLAUSE_BYTES.value
        return self.rows * (ROW_BYTES.value + 2 * branch)

    @property
    def objects(self) -> float:
        """Files at the end: parts of 100 MB, and those of the reply store, which grow by 1 %."""
        part_rows = max(self.rows * PART_SHARE, MIN_PART_ROWS)
        store = MIN_PART_ROWS / PART_SHARE
        grown = math.log(max(self.rows / store, 1)) / math.log1p(PART_SHARE)
        return self.stored_bytes / AIM_BYTES + 2 * (min(part_rows, 1 / PART_SHARE) + grown)

    @property
    def read_requests(self) -> float:
        """GET and HEAD: passes of all tasks over a table, and the driver's reading of parts."""
        tasks = min(MAX_TASKS, math.ceil(self.rows / ROW_GROUP_ROWS))
        passes = 2 * (10 + slices(self.rows, lookup.ROWS_PER_SLICE))
        return passes * tasks * PIECE_REQUESTS.value + self.driver_bytes / AIM_BYTES

    @property
    def write_requests(self) -> float:
        """PUT, POST and LIST: parts as tasks write them, joined ones in pieces of 50 MB, progress
        every 5 s.
        """
        tasks = min(MAX_TASKS, math.ceil(self.rows / ROW_GROUP_ROWS))
        return 2 * 8 * tasks + 5 * self.objects + self.wall_hours * HOUR_S / 5

    @property
    def request_dollars(self) -> float:
        """Price of all requests."""
        written = self.write_requests * WRITE_PRICE.value
        return (written + self.read_requests * READ_PRICE.value) / 1000

    @property
    def month_dollars(self) -> float:
        """Price of a month on S3."""
        return self.stored_bytes / GB * MONTH_PRICE.value

    @property
    def driver_memory(self) -> float:
        """Bytes at the worst moment on the driver's machine."""
        return self.rows * max(bytes_per_row for _, _, bytes_per_row in held_on_the_driver())


def slices(rows: int, per_slice: int) -> int:
    """How often a table is read to be looked at in slices."""
    return 1 + rows // per_slice


def held_on_the_driver() -> Iterator[tuple[str, str, float]]:
    """What is held, where, and bytes for each annotation."""
    drawn = SAMPLE_BYTES.value * TRAIN_SHARE.value
    yield "a sample is drawn among all training pairs", "sampling.py `_units`", drawn
    yield "rows of everybody", "electorate.py", PEOPLE_BYTES.value
    yield "ids of one stage's questions", "asking/ledger.py", LEDGER_BYTES.value
    yield "ids after a node's death", "asking/recorder.py `_recorded`", RECORDED_BYTES.value


@dataclass(frozen=True)
class Limit:
    """What ends a run, and from how many annotations on."""

    rows: float
    what: str
    where: str


def limits() -> list[Limit]:
    """The nearest first."""
    memory = f"{HEAD_BYTES.value / GB:.0f} GB are not enough: "
    found = [
        Limit(HEAD_BYTES.value / bytes_per_row, memory + what, where)
        for what, where, bytes_per_row in held_on_the_driver()
    ]
    return sorted(found, key=lambda limit: limit.rows)


LINES = (
    ("questions, million", lambda of: of.questions / 1e6),
    ("prompt tokens, billion", lambda of: of.tokens_in / 1e9),
    ("reply tokens, billion", lambda of: of.tokens_out / 1e9),
    ("GPU-hours", lambda of: of.gpu_hours),
    ("hours: 64 GPUs answer", lambda of: of.asking_hours),
    ("hours: all cores word and embed", lambda of: of.cpu_hours),
    ("hours: the driver reads tables in slices", lambda of: of.driver_hours),
    ("hours in all", lambda of: of.wall_hours),
    ("TB the driver reads for that", lambda of: of.driver_bytes / 1e12),
    ("GB of memory on the driver, at its worst", lambda of: of.driver_memory / GB),
    ("GB on S3 at the end", lambda of: of.stored_bytes / GB),
    ("objects on S3", lambda of: of.objects),
    ("GET and HEAD, thousand", lambda of: of.read_requests / 1e3),
    ("PUT, POST and LIST, thousand", lambda of: of.write_requests / 1e3),
    ("$ for requests", lambda of: of.request_dollars),
    ("$ a month for what is stored", lambda of: of.month_dollars),
)


def tables() -> str:
    """Markdown: the estimate, the limits, the assumptions."""
    estimates = [Estimate(rows) for rows in SIZES]
    body = [(name, *(_figure(value(of)) for of in estimates)) for name, value in LINES]
    heads = ("annotations", *(f"{rows:,}" for rows in SIZES))
    ends = [(_figure(of.rows / 1e6), of.what, of.where) for of in limits()]
    facts = [(of.what, f"{of.value:,.12g}", of.source) for of in assumptions().values()]
    return "\n\n".join(
        (
            _table(heads, body),
            _table(("million annotations", "what ends the run", "where"), ends),
            _table(("assumption", "value", "source"), facts),
        )
    )


def _table(head: tuple[str, ...], body: list[tuple[str, ...]]) -> str:
    rows = [head, tuple("---" for _ in head), *body]
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def _figure(value: float) -> str:
    """Two significant digits: the assumptions carry no more."""
    rounded = float(f"{value:.2g}")
    return f"{rounded:,.0f}" if rounded >= 10 else f"{rounded:g}"


if __name__ == "__main__":
    print(tables())
