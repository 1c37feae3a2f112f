from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from asking_rows import STAGE, key, lookup_of, replies_of, reply, request, requests_of, writer_in
from hypothesis import given
from hypothesis import strategies as st

from gcai_ray.artifact_writer import ArtifactWriter
from gcai_ray.asking import ask as ask_module
from gcai_ray.asking import lookup as lookup_module
from gcai_ray.asking import recorder as recorder_module
from gcai_ray.asking import rounds as rounds_module
from gcai_ray.asking.ask import ask, final_replies
from gcai_ray.asking.lookup import lookups
from gcai_ray.asking.passes import START_S, Watch
from gcai_ray.asking.recorder import MIN_PART_ROWS, Buffer
from gcai_ray.asking.store import store_replies
from gcai_ray.causes import causes
from gcai_ray.engine_config import BatchFileEngine, OpenAIEngine, VllmEngine
from gcai_ray.engines import died
from gcai_ray.errors import EngineError, RepliesPending, StageError
from gcai_ray.progress import Heard
from gcai_ray.schemas import Reply, arrow_schema

# Nothing listens there: whoever asks it fails.
ENGINE = OpenAIEngine(name="openai", model="m", base_url="http://127.0.0.1:9/v1", max_attempts=2)
WHOLE: dict[str, Any] = {"batch_format": "pyarrow", "batch_size": None}


def finals(*rows: dict[str, Any]) -> list[tuple[str, str, bool]]:
    found = final_replies(replies_of(rows)).to_pylist()
    return [(row["request_id"], row["text"], row["parsed"]) for row in found]


def test_the_final_reply_is_the_first_usable_one_or_the_last_attempt() -> None:
    rows = [
        reply(2, 2, "cut"),
        reply(1, 3),
        reply(2, 3, "empty"),
        reply(1, 1, "cut"),
        reply(1, 2),
        reply(2, 1, "cut"),
    ]
    assert finals(*rows) == [(key(1), "1/2", True), (key(2), "2/3", False)]


ATTEMPTS = st.tuples(
    st.integers(1, 4), st.integers(1, 3), st.sampled_from([None, "cut"]), st.sampled_from("abc")
)


@given(st.lists(ATTEMPTS, max_size=12).flatmap(lambda r: st.tuples(st.just(r), st.permutations(r))))
def test_one_final_reply_a_question_in_whatever_order_they_came(
    drawn: tuple[list[tuple], list[tuple]],
) -> None:
    one, other = (
        final_replies(replies_of([reply(n, a, e, text=t) for n, a, e, t in rows])) for rows in drawn
    )
    assert one.to_pylist() == other.to_pylist()
    ids = one["request_id"].to_pylist()
    assert ids == sorted({key(n) for n, *_ in drawn[0]})
    usable = {key(n) for n, _, error, _ in drawn[0] if error is None}
    assert {row["request_id"] for row in one.to_pylist() if row["parsed"]} == usable
    assert one.schema == arrow_schema(Reply)


def store(writer: ArtifactWriter, *rows: dict[str, Any]) -> None:
    store_replies(writer.storage, STAGE, replies_of(rows))


def written(writer: ArtifactWriter) -> list[tuple[str, str]]:
    found = pa.concat_tables(writer.tables("replies")).to_pylist()
    return [(row["request_id"], row["text"]) for row in found]


def test_what_the_store_answers_is_not_asked(tmp_path: Path) -> None:
    writer = writer_in(tmp_path, [request(1), request(2), request(1, source=5)])
    store(writer, reply(2, 1, "cut"), reply(1), reply(99))
    store(writer, reply(2, 2))
    ask(ENGINE, STAGE, writer)
    assert written(writer) == [(key(1), "1/1"), (key(2), "2/2")]
    counts = writer.counts
    assert (counts["num_questions"], counts["num_repeated_questions"]) == (2, 1)
    assert (counts["num_attempts"], counts["num_attempts_now"]) == (3, 0)
    assert (counts["num_prompt_tokens"], counts["num_cached_tokens"]) == (300, 30)
    assert counts["num_completion_tokens"] == 15
    assert counts["num_unusable_replies"] == 0


def test_asking_in_two_rounds_writes_each_reply_once(tmp_path: Path) -> None:
    writer = writer_in(tmp_path, [request(1)])
    store(writer, reply(1), reply(2))
    ask(ENGINE, STAGE, writer)
    writer.write_table("requests", requests_of([request(2)]))
    ask(ENGINE, STAGE, writer)
    assert written(writer) == [(key(1), "1/1"), (key(2), "2/1")]
    assert writer.counts["num_questions"] == writer.counts["num_attempts"] == 2
    files = [path.name for path in (tmp_path / STAGE / key("f")).glob("replies-*")]
    assert files == [part.name for part in writer.parts if part.table == "replies"]


def test_replies_are_the_same_in_slices(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    writer = writer_in(tmp_path, [request(n) for n in range(7)])
    store(writer, *(reply(n, 1, "cut") for n in range(7)))
    store(writer, *(reply(n, 2) for n in range(7)))
    monkeypatch.setattr(ask_module, "ROWS_PER_SLICE", 3)
    ask(ENGINE, STAGE, writer)
    assert written(writer) == [(key(n), f"{n}/2") for n in range(7)]
    assert writer.counts["num_attempts"] == 14


def test_no_question_is_no_fault(tmp_path: Path) -> None:
    writer = writer_in(tmp_path, [])
    ask(ENGINE, STAGE, writer)
    assert written(writer) == []
    assert writer.counts["num_attempts"] == 0


def test_two_unusable_replies_are_too_few_to_stop_a_small_stage(tmp_path: Path) -> None:
    writer = writer_in(tmp_path, [request(n) for n in range(3)])
    store(writer, reply(0), *(reply(n, 2, "empty reply", text="") for n in (1, 2)))
    ask(ENGINE.model_copy(update={"max_rejected_share": 0.0}), STAGE, writer)
    assert writer.counts["num_unusable_replies"] == 2


def test_too_many_unusable_replies_stop_the_stage_with_an_example(tmp_path: Path) -> None:
    writer = writer_in(tmp_path, [request(n) for n in range(10)])
    store(writer, *(reply(n) for n in range(7)))
    store(writer, *(reply(n, 2, "no JSON in the reply", text="Sorry!") for n in (7, 8, 9)))
    ask(ENGINE.model_copy(update={"max_rejected_share": 0.3}), STAGE, writer)
    assert writer.counts["num_unusable_replies"] == 3
    with pytest.raises(StageError) as caught:
        ask(ENGINE.model_copy(update={"max_rejected_share": 0.29}), STAGE, writer)
    said = str(caught.value)
    for part in ("3 of 10", "max_rejected_share", key(7), "no JSON in the reply", "'Sorry!'"):
        assert part in said


def test_batch_files_are_written_and_the_attempt_given_up(tmp_path: Path) -> None:
    writer = writer_in(tmp_path, [request(1), request(2)])
    store(writer, reply(1))
    engine = BatchFileEngine(name="batch_file", model="m")
    with pytest.raises(RepliesPending) as caught:
        ask(engine, STAGE, writer)
    assert caught.value.exit_code == 3
    assert writer.parts == []
    [file] = tmp_path.glob("batch/*.jsonl")
    assert key(2) in file.read_text()
    assert key(1) not in file.read_text()
    again = writer_in(tmp_path, [request(1), request(2)], attempt="b")
    store(again, reply(2))
    ask(engine, STAGE, again)
    assert written(again) == [(key(1), "1/1"), (key(2), "2/1")]


def test_an_engine_that_says_nothing_is_not_asked_for_ever(
    ray_address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    passes: list[int] = []

    def silent(requests: Any, engine: object, recorder: object) -> Any:
        passes.append(1)
        if len(passes) > 3:
            raise RuntimeError("asked for ever")
        return requests

    monkeypatch.setattr(rounds_module, "answers", silent)
    with pytest.raises(EngineError, match=r"without a reply to any of 1 questions") as caught:
        ask(ENGINE, STAGE, writer_in(tmp_path, [request(1)]))
    assert key(1) in str(caught.value)


def dead() -> Exception:
    from ray.exceptions import ActorDiedError

    return ActorDiedError()


def chained(error: Exception, cause: Exception) -> Exception:
    error.__cause__ = cause
    return error


def test_only_the_death_of_an_engine_that_a_question_can_kill_is_one() -> None:
    circle = ValueError("a")
    circle.__context__ = chained(KeyError("b"), circle)
    vllm = VllmEngine(name="vllm", model="m")
    assert died(vllm, chained(RuntimeError("task failed"), dead()))
    assert not died(vllm, circle)
    assert not died(vllm, ValueError("code of ours"))
    assert not died(ENGINE, dead())
    assert [str(cause) for cause in causes(circle)] == ["a", "'b'"]


class Dying:
    """An engine that one question kills; it answers the others."""

    _current_executor = None

    def __init__(self, poison: str) -> None:
        self.poison = poison
        self.passes: list[list[str]] = []

    def answers(self, requests: Any, engine: VllmEngine, recorder: Any) -> Dying:
        self.rows = [row for rows in requests.iter_batches(**WHOLE) for row in rows.to_pylist()]
        self.passes.append([row["id"] for row in self.rows])
        self.engine, self.recorder = engine, recorder
        return self

    def iter_batches(self, **_: Any) -> Iterator[pa.Table]:
        size = self.engine.batch_size
        for start in range(0, len(self.rows), size):
            batch = self.rows[start : start + size]
            ids = [row["id"] for row in batch]
            self.recorder.started(ids)
            if self.poison in ids:
                raise chained(RuntimeError("the task failed"), dead())
            self.recorder.add(
                replies_of([reply(int(row["id"], 16), row["attempt"]) for row in batch])
            )
            yield pa.table({"request_id": ids})


def test_a_question_that_kills_the_engine_costs_itself_alone(
    ray_address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = VllmEngine(
        name="vllm", model="m", batch_size=4, max_attempts=2, max_rejected_share=0.2
    )
    writer = writer_in(tmp_path, [request(n) for n in range(10)])
    dying = Dying(key(5))
    monkeypatch.setattr(rounds_module, "answers", dying.answers)
    ask(engine, STAGE, writer)
    found = pa.concat_tables(writer.tables("replies")).to_pylist()
    bad = [row for row in found if not row["parsed"]]
    assert [row["request_id"] for row in bad] == [key(5)]
    assert (bad[0]["attempt"], bad[0]["error"]) == (2, rounds_module.KILLED)
    assert len(found) == 10
    assert writer.counts["num_attempts"] == 11
    # Suspects wait until all others are answered.
    assert dying.passes[1] == [key(8), key(9)]
    assert dying.passes[2] == [key(n) for n in (4, 5, 6, 7)]


def test_a_fault_of_our_own_code_is_raised_as_it_is(
    ray_address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def faulty(requests: Any, engine: object, recorder: Any) -> Any:
        recorder.started([key(1)])
        raise ZeroDivisionError

    monkeypatch.setattr(rounds_module, "answers", faulty)
    engine = VllmEngine(name="vllm", model="m")
    with pytest.raises(ZeroDivisionError):
        ask(engine, STAGE, writer_in(tmp_path, [request(1)]))


class Parts(list[pa.Table]):
    """Where a buffer writes."""

    def ids(self) -> list[str]:
        return [key for part in self for key in part["request_id"].to_pylist()]


def rows_of(numbers: range | list[int]) -> pa.Table:
    return replies_of([reply(n) for n in numbers])


def test_replies_are_written_when_losing_them_would_hurt() -> None:
    parts = Parts()
    buffer = Buffer(parts.append)
    buffer.add(rows_of(range(MIN_PART_ROWS - 1)))
    assert not parts
    buffer.add(rows_of([1000]))
    assert len(parts) == 1
    buffer.add(rows_of([1001]))
    assert buffer.num_answered() == MIN_PART_ROWS + 1
    buffer.flush()
    buffer.flush()
    assert parts.ids() == [key(n) for n in [*range(MIN_PART_ROWS - 1), 1000, 1001]]
    assert buffer.num_answered() == MIN_PART_ROWS + 1


def test_parts_grow_with_what_is_written_already() -> None:
    parts = Parts()
    buffer = Buffer(parts.append)
    for start in range(0, 60_000, 20):
        buffer.add(rows_of(range(start, start + 20)))
    assert len(parts) < 60_000 / MIN_PART_ROWS / 2
    assert max(part.num_rows for part in parts) <= 0.01 * 60_000 + 20
    assert len(parts.ids()) + 0.01 * 60_000 >= 60_000


def test_few_replies_are_written_after_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recorder_module, "MAX_WAIT_S", -1.0)
    parts = Parts()
    Buffer(parts.append).add(rows_of([1]))
    assert parts.ids() == [key(1)]


def test_a_write_that_fails_loses_no_reply() -> None:
    parts, full = Parts(), [True]

    def write(rows: pa.Table) -> None:
        if full:
            raise OSError("disk full")
        parts.append(rows)

    buffer = Buffer(write)
    with pytest.raises(OSError, match="disk full"):
        buffer.add(rows_of(range(MIN_PART_ROWS)))
    full.clear()
    buffer.flush()
    assert parts.ids() == [key(n) for n in range(MIN_PART_ROWS)]


class Direct(Buffer):
    """A recorder in this process: it is never too busy."""

    def heard(self, timeout_s: float | None = None) -> Heard:
        return super().heard()

    def in_flight(self, timeout_s: float | None = None) -> list[tuple[str, float]]:
        return super().in_flight()


def test_in_flight_is_what_was_begun_and_not_answered() -> None:
    buffer = Buffer(Parts().append)
    buffer.started([key(1), key(2)])
    buffer.started([key(3)])
    buffer.add(rows_of([2, 9]))
    assert [name for name, _ in buffer.in_flight()] == [key(1), key(3)]
    buffer.started([key(2)])
    assert key(2) in dict(buffer.in_flight())
    assert all(age >= 0 for _, age in buffer.in_flight())


def test_a_watch_ends_a_pass_in_which_nothing_moves_and_says_what_was_in_flight() -> None:
    buffer = Direct(Parts().append)
    watch = Watch(buffer, "vote", 3, timeout_s=0.0)  # type: ignore[arg-type]
    watch.begin()
    buffer.started([key(1)])
    watch.look()  # a question was put: the engine has started at last
    with pytest.raises(EngineError, match=r"vote: no reply.*engine\.stall_timeout_s") as caught:
        watch.look()
    assert key(1) in str(caught.value)
    assert "2 in flight" not in str(caught.value)


def test_an_engine_that_has_begun_nothing_may_take_longer_to_start() -> None:
    watch = Watch(Direct(Parts().append), "vote", 3, timeout_s=0.0)  # type: ignore[arg-type]
    watch.begin()
    watch.look()
    watch.moved_at -= START_S + 1
    with pytest.raises(EngineError, match="none was begun"):
        watch.look()


def test_progress_of_any_kind_starts_the_watch_anew() -> None:
    buffer = Direct(Parts().append)
    watch = Watch(buffer, "vote", 2, timeout_s=0.0)  # type: ignore[arg-type]
    watch.begin()
    buffer.add(rows_of([1, 2, 3, 4, 5]))
    watch.look()
    assert "-" not in watch.line(watch.started_at + 1).split(": ")[1]  # more replies than questions
    watch.recorder = Direct(Parts().append)  # type: ignore[assignment]  it died and began anew
    watch.recorder.add(rows_of([6]))  # type: ignore[arg-type]
    watch.look()
    with pytest.raises(EngineError):
        watch.look()


def said(found: list[dict[str, Any]]) -> list[tuple[int, str]]:
    return [(row["part"], row["text"]) for row in found]


def test_a_row_finds_the_replies_to_its_questions_in_their_order(tmp_path: Path) -> None:
    questions = [request(3, 1, 1), request(4, 2, 0), request(5, 1, 0), request(3, 7, 0)]
    found = lookup_of(tmp_path, questions, [reply(4), reply(5, 2, "cut"), reply(3)])
    assert said(found.of(key(1))) == [(0, "5/2"), (1, "3/1")]
    assert found.of(key(1))[0]["error"] == "cut"
    assert said(found.of(key(7))) == [(0, "3/1")]
    assert said(found.of(key(2))) == [(0, "4/1")]
    assert found.of(key(9)) == []


def test_a_question_without_a_reply_finds_none(tmp_path: Path) -> None:
    found = lookup_of(tmp_path, [request(1), request(2)], [reply(2)])
    assert found.of(key(1)) == []
    assert said(found.of(key(2))) == [(0, "2/1")]


def test_nothing_was_asked_so_nothing_is_found(tmp_path: Path) -> None:
    assert lookup_of(tmp_path, [], []).of(key(1)) == []


@pytest.fixture
def many(tmp_path: Path) -> ArtifactWriter:
    sources = [n * 0x10000001 << 96 for n in range(15)]  # told apart by their first digits
    rows = [request(n, sources[n % 15], n // 15) for n in range(60)]
    writer = writer_in(tmp_path, rows[:25], [], rows[25:])
    writer.write_table("replies", rows_of(range(30)))
    writer.write_table("replies", rows_of(range(30, 60)))
    return writer


def test_slices_together_hold_every_reply_once(
    many: ArtifactWriter, monkeypatch: pytest.MonkeyPatch
) -> None:
    [whole] = [found.rows.to_pylist() for found in lookups(many)]
    monkeypatch.setattr(lookup_module, "ROWS_PER_SLICE", 20)
    slices = [found.rows.to_pylist() for found in lookups(many)]
    assert len(slices) == 4
    assert sum(bool(rows) for rows in slices) > 1
    assert sorted(row["text"] for rows in slices for row in rows) == sorted(
        row["text"] for row in whole
    )


def test_all_replies_about_a_row_stand_in_one_slice(
    many: ArtifactWriter, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = {row["source_id"] for part in many.tables("requests") for row in part.to_pylist()}
    monkeypatch.setattr(lookup_module, "ROWS_PER_SLICE", 20)
    slices = list(lookups(many))
    for source_id in ids:
        found = [lookup.of(source_id) for lookup in slices]
        [rows] = [rows for rows in found if rows]
        assert [row["part"] for row in rows] == [0, 1, 2, 3]
