"""`gcai status`: what a person reads of a run, in every state."""

from __future__ import annotations

import json
import threading
from datetime import timedelta
from pathlib import Path

import pytest
from progress_runs import DONE, NOW, noted, write_noted
from typer.testing import CliRunner

from gcai_ray.cli import app
from gcai_ray.progress import Progress, RunState, StageProgress, StageState
from gcai_ray.progress import status as status_module
from gcai_ray.progress.status import watch
from gcai_ray.progress.text import WIDTH, status_text
from gcai_ray.progress.words import duration, large, rate, rough
from gcai_ray.storage import Storage

ASKING = StageProgress(
    name="icai.extract",
    state=StageState.RUNNING,
    seconds=123.0,
    doing="replies",
    num_questions=84_445,
    num_answered=31_002,
    num_in_flight=256,
    num_replies=30_000,
    num_prompt_tokens=12_345_678,
    num_completion_tokens=1_100_000,
    rate_of="questions",
    rate_per_s=4.63,
    seconds_left=11_540,
)
WRITING = StageProgress(
    name="embed",
    state=StageState.RUNNING,
    seconds=61,
    doing="embeddings",
    num_rows_done=12_288,
    num_rows_total=84_445,
    num_tasks_done=12,
    num_tasks_total=83,
)
TO_DO = StageProgress(name="report")


def gcai(*args: str | Path) -> tuple[int, str]:
    result = CliRunner().invoke(app, [str(arg) for arg in args])
    return result.exit_code, result.output


def joined(run: Progress) -> str:
    """The text with its lines run together, as the eye does."""
    return " ".join(status_text(run, NOW).split())


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.4, "0 s"),
        (59.4, "59 s"),
        (60, "1 min"),
        (723, "12 min 3 s"),
        (11_400, "3 h 10 min"),
        (7200, "2 h"),
        (187_200, "2 d 4 h"),
    ],
)
def test_durations(seconds: float, text: str) -> None:
    assert duration(seconds) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (12, "under a minute"),
        (420, "about 7 min"),
        (3599, "about 60 min"),
        (3600, "about 1 h"),
        (11_540, "about 3 h 10 min"),
        (200_000, "about 2 d 7 h"),
    ],
)
def test_guessed_durations_are_rough(seconds: float, text: str) -> None:
    assert rough(seconds) == text


def test_counts_and_rates_are_short() -> None:
    assert [large(n) for n in (0, 84_445, 12_345_678, 4_560_000_000)] == [
        "0",
        "84,445",
        "12.3 million",
        "4.56 billion",
    ]
    assert large(999_900_000) == "1,000 million"
    assert rate(231.4, "rows") == "231 rows/s"
    assert rate(4.63, "questions") == "4.6 questions/s"
    assert rate(0.02, "questions") == "1.2 questions/min"


def test_a_run_that_asks() -> None:
    text = joined(noted(DONE, ASKING, TO_DO))
    assert "demo: running in icai.extract (stage 2 of 3)" in text
    assert "started 12:00:00 UTC, 2 h 5 min so far" in text
    assert "host head-0, process 4121, Ray job raysubmit_x7" in text
    assert "ingest done 3 s; 84,445 preferences, 12 statements, 3 rejects" in text
    assert "31,002 of 84,445 questions answered, 256 more asked" in text
    assert "tokens: 12.3 million in, 1.1 million out" in text
    assert "4.6 questions/s, time left about 3 h 10 min" in text
    assert "report to do" in text


def test_a_run_that_writes_tells_rows_and_no_rate_it_does_not_know() -> None:
    text = joined(noted(DONE, WRITING))
    assert "writing embeddings: 12,288 of 84,445 rows" in text
    assert "time left" not in text
    unknown = WRITING.model_copy(update={"num_rows_done": None, "num_rows_total": None})
    assert "writing embeddings: 12 of 83 tasks" in joined(noted(DONE, unknown))
    so_far = unknown.model_copy(update={"num_rows_done": 12_288})
    assert "writing embeddings: 12,288 rows so far" in joined(noted(DONE, so_far))


def test_a_run_that_is_done() -> None:
    text = joined(noted(DONE, state=RunState.DONE, age_s=3600))
    assert "demo: done" in text
    assert "started 12:00:00 UTC, ended 13:05:30 UTC, took 1 h 5 min" in text
    assert "sign of life" not in text


def test_a_run_that_failed_says_where_and_why() -> None:
    stage = StageProgress(name="extract", state=StageState.FAILED, seconds=5)
    run = noted(DONE, stage, TO_DO, state=RunState.FAILED, error="key refused", age_s=100_000)
    text = joined(run)
    assert "demo: failed in extract (stage 2 of 3) key refused" in text
    assert "2024-03-03" in text  # of another day


def test_a_run_that_waits_says_what_to_do() -> None:
    stage = StageProgress(name="extract", state=StageState.WAITING)
    run = noted(stage, state=RunState.WAITING, error="send runs/x/batch.jsonl", age_s=9999)
    assert "waiting for replies in extract (stage 1 of 1) send runs/x/batch.jsonl" in joined(run)
    assert "no sign of life" not in joined(run)


@pytest.mark.parametrize(
    ("age_s", "words", "others"),
    [
        (5, "so far", ["sign of life"]),
        (70, "last sign of life 1 min 10 s ago", ["no sign of life", "killed"]),
        (115, "last sign of life", ["no sign of life", "killed"]),
        (180, "no sign of life since 14:02:30 UTC (3 min): if it was killed, run the same", []),
    ],
)
def test_death_is_not_claimed_early(age_s: float, words: str, others: list[str]) -> None:
    text = joined(noted(DONE, ASKING, age_s=age_s))
    assert ("time left" in text) == (age_s < 120)
    assert words in text
    assert [word for word in others if word in text] == []


@pytest.mark.parametrize("state", list(RunState))
@pytest.mark.parametrize("age_s", [1, 100, 99_999])
def test_every_state_fits_eighty_columns_and_sends_nothing_to_the_terminal(
    state: RunState, age_s: float
) -> None:
    error = f"\x1b[31mred {'word ' * 40}" if state is not RunState.RUNNING else None
    run = noted(DONE, ASKING, WRITING, TO_DO, state=state, age_s=age_s, error=error)
    text = status_text(run, NOW)
    assert max(map(len, text.splitlines())) <= WIDTH
    assert "\x1b" not in text


def test_the_command_prints_text_json_or_one_line(tmp_path: Path) -> None:
    code, output = gcai("status", tmp_path)
    assert (code, len(output.splitlines())) == (2, 1)
    run = noted(DONE, ASKING, state=RunState.DONE, started_h=1)
    write_noted(Storage(str(tmp_path)), run)
    code, output = gcai("status", tmp_path)
    assert (code, "demo: done" in output) == (0, True)
    code, output = gcai("status", tmp_path, "--json")
    facts = json.loads(output)
    assert (code, facts["state"], facts["is_lost"]) == (0, "done", False)
    assert facts["stages"][1]["num_answered"] == 31_002
    assert Progress.model_validate(facts) == run


def test_watching_ends_with_the_run(tmp_path: Path) -> None:
    write_noted(Storage(str(tmp_path)), noted(DONE, state=RunState.FAILED, error="disk full"))
    code, output = gcai("status", tmp_path, "--watch")
    assert (code, output.count("disk full"), "\x1b" in output) == (0, 1, False)


def test_watching_tells_what_changed_until_the_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(status_module, "REDRAW_S", 0.01)
    storage = Storage(str(tmp_path))
    going = noted(DONE, ASKING).model_copy(update={"updated_at": NOW + timedelta(days=36_500)})
    write_noted(storage, going)
    done = going.model_copy(update={"state": RunState.DONE})
    threading.Timer(0.2, write_noted, (storage, done)).start()
    told = [json.loads(text)["state"] for text in watch(str(tmp_path), as_json=True)]
    assert told == ["running", "done"]
