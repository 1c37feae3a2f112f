from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from asking_rows import STAGE, key, replies_of, reply, request, requests_of, writer_in

from gcai_ray.artifact_writer import ArtifactWriter
from gcai_ray.artifacts import ROW_GROUP_ROWS
from gcai_ray.asking.ledger import Ledger, open_ledger, store_status
from gcai_ray.asking.passes import read_questions
from gcai_ray.asking.store import STORE, store_replies, stored_parts
from gcai_ray.errors import ArtifactError
from gcai_ray.storage import Storage


def todo(writer: ArtifactWriter, max_attempts: int = 3) -> list[tuple[str, int]]:
    """The questions still to be asked, in order, each with its next attempt."""
    ledger = open_ledger(writer, STAGE)
    found = ledger.todo(store_status(writer, ledger), max_attempts)
    return list(zip(found["id"].to_pylist(), found["attempt"].to_pylist(), strict=True))


def store(writer: ArtifactWriter, *rows: dict[str, Any], stage: str = STAGE) -> None:
    store_replies(writer.storage, stage, replies_of(rows))


def test_a_question_about_two_rows_is_asked_once_where_it_stands_first(tmp_path: Path) -> None:
    writer = writer_in(tmp_path, [request(7), request(3), request(7, source=1)], [request(3)])
    ledger = open_ledger(writer, STAGE)
    assert ledger.num_rows == 4
    assert todo(writer) == [(key(7), 1), (key(3), 1)]


def test_what_is_answered_is_done_and_what_failed_is_asked_again(tmp_path: Path) -> None:
    writer = writer_in(tmp_path, [request(n) for n in (1, 2, 3, 4)])
    store(writer, reply(1), reply(2, 1, "no JSON"))
    store(writer, reply(2, 2, "no JSON"), reply(3, 1, "empty"), reply(3, 2))
    assert todo(writer) == [(key(2), 3), (key(4), 1)]


def test_a_usable_reply_counts_whatever_came_after_it(tmp_path: Path) -> None:
    writer = writer_in(tmp_path, [request(1)])
    store(writer, reply(1, 2, "cut"), reply(1, 1))
    assert todo(writer) == []


def test_attempts_go_on_from_the_last_whether_the_limit_shrinks_or_grows(tmp_path: Path) -> None:
    writer = writer_in(tmp_path, [request(1), request(2)])
    store(writer, reply(1, 3, "cut"))
    assert todo(writer, 2) == [(key(2), 1)]
    assert todo(writer, 3) == [(key(2), 1)]
    assert todo(writer, 5) == [(key(1), 4), (key(2), 1)]


def test_replies_to_others_and_of_other_stages_are_not_ours(tmp_path: Path) -> None:
    writer = writer_in(tmp_path, [request(1)])
    store(writer, reply(99))
    store(writer, reply(1, stage="vote"), stage="vote")
    assert todo(writer) == [(key(1), 1)]
    ledger = open_ledger(writer, STAGE)
    assert store_status(writer, ledger).num_rows == 0


def test_every_reply_is_counted_even_one_stored_twice(tmp_path: Path) -> None:
    writer = writer_in(tmp_path, [request(1), request(2)])
    store(writer, reply(1, 1, "cut"), reply(2))
    store(writer, reply(1, 1, "cut"), reply(1, 2))
    status = store_status(writer, open_ledger(writer, STAGE)).sort_by("request_id").to_pylist()
    assert [(row["attempt"], row["parsed"], row["attempts"]) for row in status] == [
        (2, True, 3),
        (1, True, 1),
    ]


@pytest.mark.parametrize("parts", [(), ([],)])
def test_nothing_to_ask_is_no_fault(tmp_path: Path, parts: tuple) -> None:
    assert todo(writer_in(tmp_path, *parts)) == []


def test_an_attempt_reads_its_own_requests_only(tmp_path: Path) -> None:
    writer_in(tmp_path, [request(1)], attempt="killed")
    assert todo(writer_in(tmp_path, [request(2)], attempt="now")) == [(key(2), 1)]


def test_pieces_lead_to_exactly_the_open_questions_across_parts_and_row_groups(
    tmp_path: Path,
) -> None:
    first = [request(n) for n in range(2 * ROW_GROUP_ROWS + 2)]
    second = [request(5), *(request(n) for n in range(10_000, 10_003))]
    writer = writer_in(tmp_path, first, [], second)
    wanted = {0: 1, ROW_GROUP_ROWS - 1: 2, ROW_GROUP_ROWS: 3, 2 * ROW_GROUP_ROWS + 1: 1, 10_001: 2}
    ledger = open_ledger(writer, STAGE)
    others = [n for n in [*range(len(first)), 10_000, 10_002] if n not in wanted]
    store(writer, *(reply(n) for n in others))
    store(writer, *(reply(n, a - 1, "cut") for n, a in wanted.items() if a > 1))
    pieces = list(ledger.pieces(ledger.todo(store_status(writer, ledger), 9)))
    found = pa.concat_tables(read_questions(writer, pieces))
    assert dict(zip(found["id"].to_pylist(), found["attempt"].to_pylist(), strict=True)) == {
        key(n): attempt for n, attempt in wanted.items()
    }
    assert [row["messages"][0]["content"] for row in found.to_pylist()] == [
        f"question {n}" for n in wanted
    ]


def test_pieces_of_everything_are_all_rows_once(tmp_path: Path) -> None:
    rows = [request(n % 1500) for n in range(3000)]
    writer = writer_in(tmp_path, rows[:1100], rows[1100:])
    ledger: Ledger = open_ledger(writer, STAGE)
    found = pa.concat_tables(
        read_questions(writer, ledger.pieces(ledger.todo(store_status(writer, ledger), 1)))
    )
    assert found["id"].to_pylist() == [key(n) for n in range(1500)]


def test_a_writer_killed_half_way_leaves_the_store_readable(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    storage = Storage(str(tmp_path))
    store_replies(storage, STAGE, replies_of([reply(1)]))
    whole = Storage.write

    def half(self: Storage, data: bytes, *names: str) -> None:
        whole(self, data[: len(data) // 2], *names)
        raise KeyboardInterrupt

    monkeypatch.setattr(Storage, "write", half)
    with pytest.raises(KeyboardInterrupt):
        store_replies(storage, STAGE, replies_of([reply(2)]))
    assert [part["request_id"].to_pylist() for part in stored_parts(storage, STAGE)] == [[key(1)]]


def test_a_damaged_part_is_named_and_the_others_are_not_to_be_lost(tmp_path: Path) -> None:
    storage = Storage(str(tmp_path))
    store_replies(storage, STAGE, replies_of([reply(1)]))
    (tmp_path / STORE / STAGE / "replies-0.parquet").write_bytes(b"PAR1 and no more")
    with pytest.raises(ArtifactError, match=r"replies-0\.parquet.*remove this one file") as caught:
        list(stored_parts(storage, STAGE))
    assert "directory" not in str(caught.value)


def test_no_replies_make_no_part(tmp_path: Path) -> None:
    storage = Storage(str(tmp_path))
    store_replies(storage, STAGE, replies_of([]))
    assert list(stored_parts(storage, STAGE)) == []


def test_requests_keep_what_they_hold(tmp_path: Path) -> None:
    writer = writer_in(tmp_path, [request(1), request(2)])
    found = pa.concat_tables(
        read_questions(
            writer, [{"name": writer.parts[0].name, "group": 0, "rows": [1], "attempts": [4]}]
        )
    )
    assert found.drop_columns(["attempt"]).to_pylist() == requests_of([request(2)]).to_pylist()
    assert found["attempt"].to_pylist() == [4]
