"""Questions out as batch files, replies back in, with a provider that answers line by line."""

from __future__ import annotations

import gzip
import hashlib
import json
import random
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from gcai_ray.asking.store import stored_parts
from gcai_ray.engine_config import BatchFileEngine
from gcai_ray.engines.batch_file import export, what_to_do
from gcai_ray.engines.batch_replies import ImportReport, import_replies
from gcai_ray.errors import ArtifactError, ConfigError, InputError
from gcai_ray.replies_cli import replies_app
from gcai_ray.schemas import Request, arrow_schema
from gcai_ray.storage import Storage

SCHEMA = json.dumps(
    {
        "type": "object",
        "properties": {"principle": {"type": "string"}},
        "required": ["principle"],
        "additionalProperties": False,
    }
)
GOOD = '{"principle": "is concise"}'
COLUMNS = arrow_schema(Request).append(pa.field("attempt", pa.int64()))


def engine(**settings_: Any) -> BatchFileEngine:
    """An engine with a model's name and what the test sets."""
    return BatchFileEngine(name="batch_file", model="gpt-test", **settings_)


def question_id(number: int) -> str:
    """The id of the n-th question."""
    return hashlib.md5(str(number).encode()).hexdigest()


def questions(
    numbers: Iterable[int], attempt: int = 1, content: str = "Wählt “A”?\n{0}", seed: int = 7
) -> pa.Table:
    """Rows of `requests` with the attempt to make next."""
    rows = [
        {
            "id": question_id(number),
            "stage": "extract",
            "prompt": "extract_contextual",
            "source_id": question_id(-number),
            "part": 0,
            "model": "gpt-test",
            "messages": [
                {"role": "system", "content": "You read reasons."},
                {"role": "user", "content": content.format(number)},
            ],
            "reply_schema": SCHEMA,
            "sampling": {"temperature": 0.3, "top_p": 0.9, "max_tokens": 50, "seed": seed},
            "num_prompt_tokens": 20,
            "attempt": attempt,
        }
        for number in numbers
    ]
    return pa.Table.from_pylist(rows, schema=COLUMNS)


def asked_lines(urls: Sequence[str]) -> list[dict[str, Any]]:
    """What a provider reads from the uploaded files."""
    return [json.loads(line) for url in urls for line in Path(url).read_bytes().splitlines()]


def answer(custom_id: str, text: str | None = GOOD, finish_reason: str = "stop") -> dict[str, Any]:
    """A line of an output file, with the fields OpenAI documents."""
    message = {"role": "assistant", "content": text, "refusal": None}
    usage = {
        "prompt_tokens": 21,
        "completion_tokens": 6,
        "total_tokens": 27,
        "prompt_tokens_details": {"cached_tokens": 16},
    }
    body = {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "model": "gpt-test",
        "choices": [{"index": 0, "message": message, "finish_reason": finish_reason}],
        "usage": usage,
    }
    response = {"status_code": 200, "request_id": "req-1", "body": body}
    return {"id": "batch_req_1", "custom_id": custom_id, "response": response, "error": None}


def refusal(custom_id: str, status: int = 400, message: str = "too long") -> dict[str, Any]:
    """A line of an error file: the request was run and refused."""
    body = {"error": {"message": message, "type": "invalid_request_error", "code": None}}
    response = {"status_code": status, "request_id": "req-2", "body": body}
    return {"id": "batch_req_2", "custom_id": custom_id, "response": response, "error": None}


def expiry(custom_id: str) -> dict[str, Any]:
    """A line of an error file: the request was never run."""
    error = {"code": "batch_expired", "message": "not executed in time"}
    return {"id": "batch_req_3", "custom_id": custom_id, "response": None, "error": error}


def write_lines(path: Path, lines: Iterable[dict[str, Any] | str | bytes]) -> str:
    """A file as it is downloaded; text and bytes stand as they are."""
    raw = [
        line
        if isinstance(line, bytes)
        else (line if isinstance(line, str) else json.dumps(line)).encode()
        for line in lines
    ]
    data = b"".join(line + b"\n" for line in raw)
    path.write_bytes(gzip.compress(data) if path.suffix == ".gz" else data)
    return str(path)


def stored(root: Path, stage: str = "extract") -> list[dict[str, Any]]:
    """Every reply of a root, by id and attempt."""
    rows = [row for part in stored_parts(Storage(str(root)), stage) for row in part.to_pylist()]
    return sorted(rows, key=lambda row: (row["request_id"], row["attempt"]))


def exported(root: Path, numbers: Iterable[int], **settings_: Any) -> list[str]:
    """Export questions; the keys of what stands in their files."""
    return export([questions(numbers)], engine(**settings_), Storage(str(root)), "extract")


def test_every_line_is_a_request_the_api_takes(tmp_path: Path) -> None:
    chat = pytest.importorskip("openai.types.chat.completion_create_params")
    from pydantic import TypeAdapter

    urls = exported(tmp_path, range(3))
    body_type = TypeAdapter(chat.CompletionCreateParamsNonStreaming)
    for number, line in enumerate(asked_lines(urls)):
        assert set(line) == {"custom_id", "method", "url", "body"}
        assert line["custom_id"] == question_id(number)
        assert (line["method"], line["url"]) == ("POST", "/v1/chat/completions")
        body = line["body"]
        body_type.validate_python(body)
        wanted = {"model": "gpt-test", "temperature": 0.3, "top_p": 0.9, "max_tokens": 50}
        assert wanted.items() <= body.items()
        assert body["seed"] == 7
        assert body["messages"][1] == {"role": "user", "content": f"Wählt “A”?\n{number}"}
        assert body["response_format"]["json_schema"]["schema"] == json.loads(SCHEMA)
        assert body["response_format"]["type"] == "json_schema"


def test_a_question_without_a_reply_schema_has_no_response_format(tmp_path: Path) -> None:
    rows = questions([1]).to_pylist()
    rows[0]["reply_schema"] = ""
    part = pa.Table.from_pylist(rows, schema=COLUMNS)
    urls = export([part], engine(), Storage(str(tmp_path)), "extract")
    assert "response_format" not in asked_lines(urls)[0]["body"]
    report = import_replies(
        str(tmp_path), [write_lines(tmp_path / "out.jsonl", [answer(question_id(1), "[1, 2]")])]
    )
    assert report.num_parsed == 1


def test_files_are_split_by_lines_over_parts_of_any_size(tmp_path: Path) -> None:
    parts = [questions(range(0, 4)), questions([]), questions(range(4, 5)), questions(range(5, 11))]
    urls = export(parts, engine(max_lines=4), Storage(str(tmp_path)), "extract")
    assert [len(asked_lines([url])) for url in urls] == [4, 4, 3]
    assert [line["custom_id"] for line in asked_lines(urls)] == [question_id(n) for n in range(11)]


def test_files_are_split_by_bytes_not_characters(tmp_path: Path) -> None:
    part = questions(range(20), content="é" * 5_000 + "{0}")
    urls = export([part], engine(max_file_mb=0.05), Storage(str(tmp_path)), "extract")
    sizes = [Path(url).stat().st_size for url in urls]
    assert max(sizes) <= 50_000 < sizes[0] + sizes[1]
    assert len(asked_lines(urls)) == 20


def test_a_question_larger_than_a_file_is_named(tmp_path: Path) -> None:
    part = questions([1], content="x" * 5_000)
    with pytest.raises(ConfigError, match=question_id(1)):
        export([part], engine(max_file_mb=0.005), Storage(str(tmp_path)), "extract")


def test_running_again_writes_no_question_twice(tmp_path: Path) -> None:
    urls = exported(tmp_path, range(10), max_lines=4)
    before = {path: path.read_bytes() for path in (tmp_path / "batch").iterdir()}
    assert exported(tmp_path, range(10), max_lines=4) == urls
    # Some are answered, others are new, and the limit is another: what was uploaded stays.
    grown = exported(tmp_path, [9, 2, 20, 21], max_lines=3)
    assert len([url for url in grown if url in urls]) == 2
    new = [url for url in grown if url not in urls]
    assert [line["custom_id"] for line in asked_lines(new)] == [question_id(20), question_id(21)]
    for path, content in before.items():
        assert path.read_bytes() == content


def test_the_same_questions_have_the_same_file_names_elsewhere(tmp_path: Path) -> None:
    names = [
        [Path(url).name for url in exported(tmp_path / root, range(5), max_lines=2)]
        for root in "ab"
    ]
    assert names[0] == names[1]
    assert len(set(names[0])) == 3


def test_a_root_that_is_no_directory_of_this_machine(tmp_path: Path) -> None:
    storage = Storage(f"memory://{tmp_path.name}")
    urls = export([questions(range(5))], engine(max_lines=2), storage, "extract")
    assert export([questions(range(5))], engine(max_lines=2), storage, "extract") == urls
    assert [url.split("/")[2:4] for url in urls] == [[tmp_path.name, "batch"]] * 3
    file = write_lines(tmp_path / "out.jsonl", [answer(question_id(4))])
    assert import_replies(storage.root, [file]).num_parsed == 1
    assert import_replies(storage.root, [file]).num_duplicates == 1


def test_stages_do_not_see_each_others_files(tmp_path: Path) -> None:
    exported(tmp_path, range(3))
    rows = questions(range(3))
    assert len(export([rows], engine(), Storage(str(tmp_path)), "extract-more")) == 1
    assert exported(tmp_path, []) == []


def test_round_trip_of_usable_unusable_and_failed_replies(tmp_path: Path) -> None:
    urls = exported(tmp_path, range(100), max_lines=30)
    lines = [answer(line["custom_id"]) for line in asked_lines(urls)]
    lines[3] = answer(question_id(3), "no JSON here")
    lines[4] = answer(question_id(4), GOOD[:9], finish_reason="length")
    lines[5] = answer(question_id(5), None)
    errors = [refusal(question_id(6)), expiry(question_id(7)), refusal(question_id(8), 500)]
    lines = [line for n, line in enumerate(lines) if n not in (6, 7, 8)]
    random.Random(0).shuffle(lines)
    files = [
        write_lines(tmp_path / "a.jsonl.gz", lines[:50]),
        write_lines(tmp_path / "errors.jsonl", errors),
        write_lines(tmp_path / "b.jsonl", lines[50:]),
        write_lines(tmp_path / "no_errors.jsonl", []),
    ]
    report = import_replies(str(tmp_path), files)
    assert (report.num_lines, report.num_replies) == (100, 100)
    assert (report.num_parsed, report.num_unparsed, report.num_errors) == (94, 3, 3)
    assert len(list((tmp_path / "replies").rglob("*.parquet"))) == 1  # not one a reply
    rows = {row["request_id"]: row for row in stored(tmp_path)}
    assert sorted(rows) == sorted(map(question_id, range(100)))
    good = rows[question_id(0)]
    assert (
        good.items()
        >= {
            "stage": "extract",
            "attempt": 1,
            "engine": "batch_file",
            "text": GOOD,
            "parsed": True,
            "finish_reason": "stop",
            "num_prompt_tokens": 21,
            "num_cached_tokens": 16,
            "num_completion_tokens": 6,
            "error": None,
        }.items()
    )
    assert rows[question_id(3)]["text"] == "no JSON here"
    bad = {n: rows[question_id(n)]["error"] for n in range(3, 9)}
    assert not any(rows[question_id(n)]["parsed"] for n in bad)
    assert "token limit" in bad[4]
    assert "400: too long" in bad[6]
    assert "batch_expired" in bad[7]
    assert "500" in bad[8]


def test_what_failed_is_asked_again_with_another_seed_in_a_file_of_its_own(tmp_path: Path) -> None:
    exported(tmp_path, range(3))
    bad = [answer(question_id(0)), answer(question_id(1), "?"), expiry(question_id(2))]
    import_replies(str(tmp_path), [write_lines(tmp_path / "1.jsonl", bad)])
    part = questions([1, 2], attempt=2)
    second = export([part], engine(), Storage(str(tmp_path)), "extract")
    lines = asked_lines(second)
    assert [line["body"]["seed"] for line in lines] == [8, 8]
    assert len(second) == 1
    replies = [answer(line["custom_id"]) for line in lines]
    report = import_replies(str(tmp_path), [write_lines(tmp_path / "2.jsonl", replies)])
    assert report.num_parsed == 2
    found = [(row["request_id"], row["attempt"], row["parsed"]) for row in stored(tmp_path)]
    wanted = [(question_id(0), 1, True)]
    wanted += [(question_id(n), attempt, attempt == 2) for n in (1, 2) for attempt in (1, 2)]
    assert found == sorted(wanted)


def test_importing_twice_changes_nothing(tmp_path: Path) -> None:
    exported(tmp_path, range(4))
    lines = [answer(question_id(0)), answer(question_id(1), "?"), refusal(question_id(2))]
    file = write_lines(tmp_path / "out.jsonl", lines)
    import_replies(str(tmp_path), [file])
    before = sorted((tmp_path / "replies").rglob("*.parquet"))
    report = import_replies(str(tmp_path), [file, file])
    assert (report.num_replies, report.num_duplicates) == (0, 6)
    assert sorted((tmp_path / "replies").rglob("*.parquet")) == before


def test_a_reply_that_comes_after_a_failure_of_the_same_batch_line_is_taken(tmp_path: Path) -> None:
    exported(tmp_path, [1])
    failed = write_lines(tmp_path / "errors.jsonl", [expiry(question_id(1))])
    good = write_lines(tmp_path / "out.jsonl", [answer(question_id(1))])
    import_replies(str(tmp_path), [failed])
    assert import_replies(str(tmp_path), [good]).num_parsed == 1
    assert import_replies(str(tmp_path), [good, failed]).num_duplicates == 2
    assert [(row["attempt"], row["parsed"]) for row in stored(tmp_path)] == [(1, False), (2, True)]


def test_a_late_reply_to_an_earlier_attempt_is_not_taken_for_the_later(tmp_path: Path) -> None:
    exported(tmp_path, [1])
    first = write_lines(tmp_path / "1.jsonl", [answer(question_id(1), "?")])
    import_replies(str(tmp_path), [first])
    export([questions([1], attempt=2)], engine(), Storage(str(tmp_path)), "extract")
    assert import_replies(str(tmp_path), [first]).num_duplicates == 1
    assert len(stored(tmp_path)) == 1


def test_garbage_is_counted_and_the_rest_is_taken(tmp_path: Path) -> None:
    exported(tmp_path, range(6))
    huge = b'{"custom_id": "' + b"x" * (65 * 2**20) + b'"}'
    half_an_emoji = json.dumps(answer(question_id(4), '{"principle": "\ud83d"}'))
    lines: list[dict[str, Any] | str | bytes] = [
        b"\xef\xbb\xbf" + json.dumps(answer(question_id(0))).encode(),
        "",
        "   ",
        json.dumps(answer(question_id(1)))[:60],
        "[]",
        "null",
        {"response": answer(question_id(1))["response"]},
        {"custom_id": question_id(1), "response": {"status_code": 200, "body": None}},
        {"custom_id": 7, "error": "?"},
        b"\xff\xfe\x00",
        "[" * 100_000,
        huge,
        answer("f" * 32),
        answer(question_id(2)),
        answer(question_id(2)),
        half_an_emoji,
        answer(question_id(3), GOOD)
        | {"error": {"code": "server_error", "message": "line one\nline two"}},
    ]
    file = write_lines(tmp_path / "out.jsonl", lines)
    report = import_replies(str(tmp_path), [file])
    assert report.num_malformed == 9
    assert report.num_lines == 15
    assert (report.num_parsed, report.num_errors) == (3, 1)
    assert (report.num_unknown, report.num_duplicates) == (1, 1)
    assert report.first_malformed is not None
    assert f"{file} line 4" in report.first_malformed
    assert report.first_unknown is not None
    assert "f" * 32 in report.first_unknown
    assert {row["request_id"] for row in stored(tmp_path)} == {question_id(n) for n in (0, 2, 3, 4)}


def test_odd_figures_and_shapes_of_a_completion_do_not_stop_an_import(tmp_path: Path) -> None:
    exported(tmp_path, range(4))
    lines = [answer(question_id(n)) for n in range(3)]
    usage = {"prompt_tokens": 2**64 - 1, "completion_tokens": True, "prompt_tokens_details": 3}
    lines[0]["response"]["body"] |= {"usage": usage}
    lines[1]["response"]["body"] |= {"usage": None}
    lines[2]["response"]["body"]["choices"][0] |= {"finish_reason": 5}
    nested = json.dumps(answer(question_id(3))).replace('"usage": {', '"x": ' + "[" * 400, 1)
    nested = nested.replace('"total_tokens"', "0" + "]" * 400 + ', "usage": {"total_tokens"', 1)
    report = import_replies(str(tmp_path), [write_lines(tmp_path / "o.jsonl", [*lines, nested])])
    assert (report.num_parsed, report.num_malformed) == (3, 1)


def test_a_file_cut_off_keeps_what_came_before(tmp_path: Path) -> None:
    exported(tmp_path, range(300))
    lines = [answer(question_id(n), json.dumps({"principle": question_id(n)})) for n in range(300)]
    path = tmp_path / "out.jsonl.gz"
    write_lines(path, lines)
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) * 2 // 3])
    with pytest.raises(InputError, match=r"out\.jsonl\.gz"):
        import_replies(str(tmp_path), [str(path)])
    assert 0 < len(stored(tmp_path)) < 300
    path.write_bytes(whole)
    import_replies(str(tmp_path), [str(path)])
    assert len(stored(tmp_path)) == 300


def test_a_file_that_is_no_batch_output_is_refused_before_anything_is_stored(
    tmp_path: Path,
) -> None:
    urls = exported(tmp_path, range(3))
    good = write_lines(tmp_path / "out.jsonl", [answer(question_id(0))])
    others = [
        write_lines(tmp_path / "notes.csv", ["id,text", "1,hello"]),
        urls[0],
        str(tmp_path / "missing.jsonl"),
        str(tmp_path),
    ]
    for other in others:
        with pytest.raises(InputError) as caught:
            import_replies(str(tmp_path), [good, other])
        assert other in str(caught.value)
        assert "\n" not in str(caught.value)
    with pytest.raises(InputError, match="empty"):
        import_replies(str(tmp_path), [write_lines(tmp_path / "empty.jsonl", [])])
    assert stored(tmp_path) == []


def test_a_root_that_asked_nothing_is_refused(tmp_path: Path) -> None:
    file = write_lines(tmp_path / "out.jsonl", [answer(question_id(0))])
    with pytest.raises(InputError, match="--run"):
        import_replies(str(tmp_path / "elsewhere"), [file])


def test_a_batch_file_changed_by_hand_is_named(tmp_path: Path) -> None:
    url = exported(tmp_path, range(3))[0]
    lines = Path(url).read_text().splitlines()
    Path(url).write_text("\n".join([lines[0], '{"custom_id":"mine"}', lines[2]]))
    file = write_lines(tmp_path / "out.jsonl", [answer(question_id(0))])
    for call in (
        lambda: import_replies(str(tmp_path), [file]),
        lambda: exported(tmp_path, range(3)),
    ):
        with pytest.raises(ArtifactError, match=r"jsonl line 2") as caught:
            call()
        assert url in str(caught.value)


def test_outputs_downloaded_into_the_batch_folder_are_not_taken_for_questions(
    tmp_path: Path,
) -> None:
    urls = exported(tmp_path, range(2))
    file = write_lines(tmp_path / "batch" / "batch_1_output.jsonl", [answer(question_id(0))])
    assert import_replies(str(tmp_path), [file]).num_parsed == 1
    assert exported(tmp_path, range(2)) == urls


Kind = st.sampled_from(["good", "bad", "expired", "unknown", "broken"])
Lines = st.lists(st.tuples(st.integers(0, 5), Kind), max_size=25)


@settings(max_examples=40)
@given(lines=Lines, cuts=st.lists(st.integers(0, 25), max_size=3))
def test_every_line_has_one_outcome_in_any_order_and_any_files(
    tmp_path_factory: pytest.TempPathFactory, lines: list[tuple[int, str]], cuts: list[int]
) -> None:
    root = tmp_path_factory.mktemp("run")
    exported(root, range(6))
    made = {
        "good": lambda n: answer(question_id(n)),
        "bad": lambda n: answer(question_id(n), "no"),
        "expired": lambda n: expiry(question_id(n)),
        "unknown": lambda n: answer(question_id(n + 100)),
        "broken": lambda n: '{"custom_id": ',
    }
    # A first good line, so that no file is refused as a whole.
    content = [[answer(question_id(0)), *(made[kind](n) for n, kind in lines)]]
    for cut in sorted(cuts, reverse=True):
        content = [content[0][:cut] or [answer(question_id(0))], [answer(question_id(0))], *content]
    files = [write_lines(root / f"{n}.jsonl", file) for n, file in enumerate(content)]
    report = import_replies(str(root), files)
    judged = report.num_replies + report.num_duplicates + report.num_unknown + report.num_malformed
    assert judged == report.num_lines == sum(map(len, content))
    rows = stored(root)
    assert len(rows) == report.num_replies
    usable = [row["request_id"] for row in rows if row["parsed"]]
    assert sorted(usable) == sorted(
        {question_id(0)} | {question_id(n) for n, k in lines if k == "good"}
    )
    heard = {question_id(0)} | {question_id(n) for n, k in lines if k in ("good", "bad", "expired")}
    assert {row["request_id"] for row in rows} == heard
    assert len({(row["request_id"], row["attempt"]) for row in rows}) == len(rows)


def test_the_message_names_every_step_and_few_files() -> None:
    urls = [f"s3://b/run/batch/extract-{n:04d}.jsonl" for n in range(1, 9)]
    text = what_to_do(urls, "extract", 350_000, "s3://b/run")
    for step in ("350,000", urls[0], "5 more", "/v1/chat/completions", "error file"):
        assert step in text
    assert "gcai replies import FILE... --run s3://b/run" in text
    assert urls[5] not in text


def run_cli(*arguments: str) -> Any:
    """The command `gcai replies` with these arguments."""
    return CliRunner().invoke(replies_app, list(arguments))


def test_the_command_finds_the_only_waiting_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    file = write_lines(tmp_path / "out.jsonl", [answer(question_id(0)), "{"])
    assert run_cli("import", file).exit_code == 2
    exported(Path("runs/one"), range(2))
    (tmp_path / "runs" / "finished").mkdir()
    found = run_cli("import", file, "--json")
    assert found.exit_code == 0
    assert ImportReport(**json.loads(found.stdout)).num_parsed == 1
    exported(Path("runs/two"), range(2))
    unclear = run_cli("import", file)
    assert unclear.exit_code == 2
    assert "runs/one, runs/two" in unclear.stderr
    named = run_cli("import", "--run", "runs/two", file)
    assert named.exit_code == 0
    assert f"{file} line 2" in named.stdout


def test_the_output_of_another_run_fails(tmp_path: Path) -> None:
    exported(tmp_path / "mine", range(2))
    file = write_lines(tmp_path / "out.jsonl", [answer("0" * 32)])
    found = run_cli("import", file, "--run", str(tmp_path / "mine"))
    assert found.exit_code == 2
    assert "another run" in found.stderr
