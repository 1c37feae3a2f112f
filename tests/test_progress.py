"""What a run tells of itself while it runs: figures, rates, the file, and that nothing it does can
hurt the run.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from progress_runs import NOW, noted, write_noted

from gcai_ray.artifact_writer import ArtifactWriter
from gcai_ray.artifacts import Artifact
from gcai_ray.errors import ArtifactError, InputError, RepliesPending
from gcai_ray.progress import Board, Heard, RunState, live_runs, noted_runs
from gcai_ray.progress import writer as writer_module
from gcai_ray.progress.executions import Execution
from gcai_ray.progress.pace import Pace, seconds_left
from gcai_ray.progress.read import latest_run
from gcai_ray.progress.schema import FOLDER, Progress
from gcai_ray.progress.writer import KEPT_RUNS, Reporter, ray_job, reporting
from gcai_ray.storage import Storage

STAGES = ("ingest", "extract", "ratify")
SECRET = "sk-planted"


@pytest.fixture
def storage(tmp_path: Path) -> Storage:
    return Storage(str(tmp_path / "run"))


def until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def finished(storage: Storage, stage: str, **counts: int) -> Artifact:
    writer = ArtifactWriter(storage, (stage, "0" * 32))
    writer.write_rows("preferences", [])
    writer.counts.update(counts)
    return writer.commit(inputs={}, config={}, seconds=1.0)


def only(storage: Storage) -> Progress:
    [run] = noted_runs(storage)
    return run


def threads() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "gcai-progress"]


def test_a_rate_is_that_of_the_window_and_begins_anew_with_another_thing() -> None:
    pace = Pace(window_s=100)
    assert pace.rate_per_s() is None
    for second in range(0, 300, 10):
        pace.note("a", 2 * second if second < 150 else 300 + 5 * (second - 150), second)
    assert pace.rate_per_s() == pytest.approx(5)
    pace.note("b", 1000, 300)
    assert pace.rate_per_s() is None
    pace.note("b", 1030, 315)
    assert pace.rate_per_s() == pytest.approx(2)
    pace.note("b", 10, 320)
    assert pace.rate_per_s() is None


def test_the_time_an_engine_starts_in_is_no_part_of_its_rate() -> None:
    pace = Pace()
    for second in range(0, 65, 5):
        pace.note("a", 0, second)
    pace.note("a", 100, 70)
    pace.note("a", 100, 80)
    assert pace.rate_per_s() == pytest.approx(5)


def test_no_rate_is_told_from_seconds_or_when_nothing_moves() -> None:
    pace = Pace()
    pace.note("a", 0, 0)
    pace.note("a", 50, 2)
    assert pace.rate_per_s() is None
    still = Pace()
    for second in range(60):
        still.note("a", 7, second)
    assert still.rate_per_s() is None


@pytest.mark.parametrize(
    ("done", "total", "rate", "left"),
    [
        (20, 100, 2.0, 40.0),
        (100, 100, 2.0, 0.0),
        (130, 100, 2.0, 0.0),
        (1, 9, None, None),
        (1, None, 2.0, None),
    ],
)
def test_time_left(done: int, total: int | None, rate: float | None, left: float | None) -> None:
    assert seconds_left(done, total, rate) == left


def test_a_board_adds_up_passes_and_recorders() -> None:
    board = Board()
    assert board.num_answered is None
    board.begin_pass(num_questions=100, num_open=60)
    assert board.num_answered == 40
    board.hear(Heard(10, 5, 1000, 100))
    board.hear(Heard(20, 4, 2000, 200))
    assert (board.num_answered, board.num_in_flight) == (60, 4)
    board.hear(Heard(3, 1, 300, 30))  # it died and began anew
    assert (board.num_answered, board.num_replies) == (63, 23)
    board.hear(Heard(90, 0, 9000, 900))  # some were asked again: never more than there are
    assert (board.num_answered, board.num_questions) == (100, 100)
    board.begin_pass(num_questions=100, num_open=2)
    board.hear(Heard(1, 0, 100, 10))
    assert board.num_answered == 99
    assert (board.num_prompt_tokens, board.num_completion_tokens) == (11_100, 1_110)


def test_rows_follow_tasks_and_are_unknown_where_the_rows_are() -> None:
    assert Execution(3, 12, 12_000).num_rows_done == 3_000
    assert Execution(0, None, 12_000).num_rows_done == 0
    assert Execution(13, 12, 12_000).num_rows_done == 12_000
    assert Execution(3, 12, None).num_rows_done is None
    assert Execution(3, None, None, num_rows_begun=700).num_rows_done == 700


def test_a_run_is_told_of_from_its_first_stage_that_runs(storage: Storage) -> None:
    with reporting(storage, "demo", STAGES) as reporter:
        reporter.end("ingest", finished(storage, "ingest"), kept=True)
        assert noted_runs(storage) == []
        board = Board()
        reporter.begin("extract", board)
        until(lambda: bool(noted_runs(storage)))
        run = only(storage)
        assert [stage.state for stage in run.stages] == ["kept", "running", "to do"]
        assert (run.state, run.running.name) == (RunState.RUNNING, "extract")  # type: ignore[union-attr]
        board.begin_pass(100, 60)
        board.hear(Heard(20, 4, 2000, 200))
        reporter.end("extract", finished(storage, "extract", num_questions=100), kept=False)
    run = only(storage)
    assert [stage.state for stage in run.stages] == ["kept", "done", "to do"]
    extract = run.stages[1]
    assert (extract.num_questions, extract.num_answered, extract.num_replies) == (100, 100, 20)
    assert (extract.num_prompt_tokens, extract.num_completion_tokens) == (2000, 200)
    assert (run.state, run.error, threads()) == (RunState.DONE, None, [])


def test_a_run_of_kept_stages_writes_nothing(storage: Storage) -> None:
    artifact = finished(storage, "ingest")
    with reporting(storage, "demo", ["ingest"]) as reporter:
        reporter.end("ingest", artifact, kept=True)
    assert not Path(storage.root, FOLDER).exists()


def test_what_is_asked_is_told_while_it_is_asked(storage: Storage) -> None:
    reporter = Reporter(storage, "demo", STAGES)
    board = Board()
    reporter.begin("extract", board)
    board.begin_pass(100, 60)
    with board.while_doing("replies"):
        board.hear(Heard(20, 4, 2000, 200))
        told = reporter.progress().running
    reporter.stop(RunState.DONE)
    assert told is not None
    assert (told.num_answered, told.num_in_flight, told.doing) == (60, 4, "replies")


@pytest.mark.parametrize(
    ("error", "state", "line"),
    [
        (InputError("rows.csv: no\n column"), RunState.FAILED, "rows.csv: no column"),
        (RepliesPending("send these files"), RunState.WAITING, "send these files"),
        (KeyboardInterrupt(), RunState.FAILED, "interrupted"),
        (SystemExit(15), RunState.FAILED, "interrupted"),  # what SIGTERM becomes under Ray
        (ZeroDivisionError(SECRET), RunState.FAILED, "ZeroDivisionError"),
    ],
)
def test_how_a_run_ended_is_told_and_where(
    storage: Storage, error: BaseException, state: RunState, line: str
) -> None:
    def fail() -> None:
        with reporting(storage, "demo", STAGES) as reporter:
            reporter.begin("ingest", Board())
            raise error

    with pytest.raises(type(error)):
        fail()
    run = only(storage)
    assert (run.state, run.running.name) == (state, "ingest")  # type: ignore[union-attr]
    assert line in (run.error or "")
    assert SECRET not in run.model_dump_json()
    assert threads() == []


def test_a_run_that_is_given_up_half_way_leaves_no_thread(storage: Storage) -> None:
    def run() -> Iterator[int]:
        with reporting(storage, "demo", STAGES) as reporter:
            reporter.begin("ingest", Board())
            yield 1

    going = run()
    next(going)
    assert threads()
    going.close()  # type: ignore[attr-defined]
    assert threads() == []
    assert only(storage).state is RunState.FAILED


def test_a_storage_that_takes_no_progress_fails_no_run(
    storage: Storage, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(writer_module, "EVERY_S", 0.01)
    folder = Path(storage.root, FOLDER)
    with reporting(storage, "demo", STAGES) as reporter:
        reporter.begin("ingest", Board())
        until(lambda: bool(noted_runs(storage)))
        folder.rename(folder.with_name("aside"))
        folder.write_text("no directory any more")  # every write fails from now on, root or not
        until(lambda: bool(caplog.records))
        time.sleep(0.2)
        reporter.end("ingest", finished(storage, "ingest"), kept=False)
    assert len(caplog.records) == 1
    assert threads() == []


def test_progress_is_noted_again_when_the_storage_is_back(
    storage: Storage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writer_module, "EVERY_S", 0.01)
    folder = Path(storage.root, FOLDER)
    folder.parent.mkdir()
    folder.write_text("in the way")
    with reporting(storage, "demo", STAGES) as reporter:
        reporter.begin("ingest", Board())
        time.sleep(0.1)
        folder.unlink()
        until(lambda: bool(noted_runs(storage)))
    assert only(storage).state is RunState.DONE


def test_files_of_the_last_few_runs_are_kept(storage: Storage) -> None:
    for hours in range(1, 9):
        write_noted(storage, noted(run=f"20240101T{hours:02d}0000Z-aa", started_h=hours))
    foreign = Path(storage.root, FOLDER, "notes.txt")
    foreign.write_text("mine")
    with reporting(storage, "demo", STAGES) as reporter:
        reporter.begin("ingest", Board())
        until(lambda: len(noted_runs(storage)) == KEPT_RUNS)
    runs = noted_runs(storage)
    assert [run.run for run in runs[:-1]] == [f"20240101T{h:02d}0000Z-aa" for h in (5, 6, 7, 8)]
    assert (runs[-1].name, runs[-1].state) == ("demo", RunState.DONE)
    assert foreign.exists()


def test_what_is_no_progress_is_passed_over(storage: Storage) -> None:
    write_noted(storage, noted(run="good"))
    for name, data in {
        "cut.json": b'{"run": "x", "na',
        "bytes.json": b"\xff\xfe\x00",
        "list.json": b"[]",
        "other.json": b'{"state": "running"}',
        ".good.json.4711": b"half",
        "readme.txt": b"hello",
    }.items():
        Path(storage.root, FOLDER, name).write_bytes(data)
    assert [run.run for run in noted_runs(storage)] == ["good"]


def test_a_later_version_may_tell_more(storage: Storage) -> None:
    more = noted(run="newer").model_dump_json().replace('"pid":', '"colour": "red", "pid":')
    storage.replace(more.encode(), FOLDER, "newer.json")
    assert only(storage).run == "newer"


def test_live_runs_are_those_that_say_so_and_did_lately(storage: Storage) -> None:
    write_noted(storage, noted(run="alive", age_s=50, started_h=1))
    write_noted(storage, noted(run="quiet", age_s=400, started_h=2))
    write_noted(storage, noted(run="killed", age_s=4000, started_h=3))
    write_noted(storage, noted(run="done", state=RunState.DONE, started_h=4))
    write_noted(storage, noted(run="waits", state=RunState.WAITING, started_h=5))
    assert [run.run for run in live_runs(storage, NOW)] == ["alive", "quiet"]
    assert [run.run for run in live_runs(storage, NOW, max_age_s=100)] == ["alive"]
    assert live_runs(Storage(storage.root + "-none")) == []


def test_a_clock_that_is_ahead_makes_no_run_look_dead(storage: Storage) -> None:
    write_noted(storage, noted(run="ahead", age_s=-300))
    assert [run.age_s(NOW) for run in live_runs(storage, NOW)] == [0]


def test_the_newest_that_is_alive_is_shown_else_the_newest(storage: Storage) -> None:
    with pytest.raises(ArtifactError, match="no run has noted"):
        latest_run(storage, NOW)
    write_noted(storage, noted(run="old", state=RunState.DONE, started_h=1))
    write_noted(storage, noted(run="long", age_s=3, started_h=2))
    write_noted(storage, noted(run="short", state=RunState.FAILED, started_h=3))
    assert latest_run(storage, NOW).run == "long"
    write_noted(storage, noted(run="long", age_s=130, started_h=2))
    assert latest_run(storage, NOW).run == "short"


def test_the_job_a_person_finds_the_logs_by(monkeypatch: pytest.MonkeyPatch) -> None:
    config = '{"runtime_env": {"env_vars": {"KEY": "%s"}}, "metadata": {"job_submission_id": "j1"}}'
    monkeypatch.delenv("RAY_JOB_SUBMISSION_ID", raising=False)
    monkeypatch.setenv("RAY_JOB_CONFIG_JSON_ENV_VAR", config % SECRET)
    assert ray_job() == "j1"
    monkeypatch.setenv("RAY_JOB_SUBMISSION_ID", "raysubmit_7")
    assert ray_job() == "raysubmit_7"


def test_times_are_told_in_utc(storage: Storage) -> None:
    with reporting(storage, "demo", STAGES) as reporter:
        reporter.begin("ingest", Board())
    run = only(storage)
    assert run.updated_at.utcoffset() == timedelta(0)
    assert timedelta(0) <= datetime.now(UTC) - run.updated_at < timedelta(minutes=1)
