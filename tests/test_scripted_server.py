"""The scripted server over real HTTP: every fault, what it counts, what it refuses, how it ends."""

from __future__ import annotations

import http.client
import json
import re
import socket
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urlsplit

import hostile
import pytest
from hypothesis import given
from hypothesis import strategies as st
from servers.faults import KINDS
from servers.launch import Scripted
from servers.usage import PrefixCache, num_tokens

from gcai_ray.asking.check import fault
from gcai_ray.prompts import Question, conflict, extract_general, ground, judge
from gcai_ray.text import sentence_spans

Start = Callable[..., Scripted]
STATEMENT = "An AI should never lie to me. I like tea."
COMPLETIONS = "/v1/chat/completions"


def question(text: str = STATEMENT) -> tuple[list[dict[str, str]], dict[str, Any]]:
    """Messages and reply schema of a question about a statement."""
    sentences = [{"text": text[start:end]} for start, end in sentence_spans(text)]
    asked = extract_general.question({"question": None, "sentences": sentences})
    return list(asked.messages), asked.reply_schema


def connect(server: Scripted) -> http.client.HTTPConnection:
    return http.client.HTTPConnection(urlsplit(server.base_url).netloc, timeout=20)


def ask(
    server: Scripted,
    question_id: str = "",
    attempt: int = 1,
    text: str = STATEMENT,
    key: str = "",
    **payload: Any,
) -> tuple[http.client.HTTPResponse, dict[str, Any]]:
    """Ask about a statement; the response and its JSON."""
    headers = {"X-Client-Request-Id": f"{question_id}-{attempt}"} if question_id else {}
    if key:
        headers["Authorization"] = f"Bearer {key}"
    body = {"model": "any", "messages": question(text)[0], "seed": attempt, **payload}
    connection = connect(server)
    connection.request("POST", COMPLETIONS, json.dumps(body), headers)
    response = connection.getresponse()
    return response, json.loads(response.read())


def get(server: Scripted, path: str, key: str = "") -> tuple[int, dict[str, Any]]:
    connection = connect(server)
    connection.request("GET", path, headers={"Authorization": f"Bearer {key}"})
    response = connection.getresponse()
    return response.status, json.loads(response.read())


def reply_fault(answer: dict[str, Any]) -> str | None:
    """What the client's own check finds wrong with a reply."""
    choice = answer["choices"][0]
    schema = json.dumps(question()[1])
    return fault(choice["message"]["content"], schema, choice["finish_reason"])


def outcome(server: Scripted, question_id: str) -> str:
    """How a request ended, in a word or two that tell the faults apart."""
    try:
        response, answer = ask(server, question_id)
    except ConnectionResetError:
        return "reset"
    if response.status != 200:
        return f"{response.status} {response.getheader('Retry-After')}"
    return answer["choices"][0]["message"]["content"]


def test_a_good_reply_satisfies_the_schema_and_says_what_it_cost(scripted_server: Start) -> None:
    response, answer = ask(scripted_server(), "q", model="tiny")
    usage = answer["usage"]
    text = answer["choices"][0]["message"]["content"]
    contents = [message["content"] for message in question()[0]]
    assert response.status == 200
    assert reply_fault(answer) is None
    assert json.loads(text)["principles"][0]["sentences"] == [1]
    assert answer["model"] == "tiny"
    assert usage["prompt_tokens"] == sum(map(num_tokens, contents)) + 4 * len(contents)
    assert usage["completion_tokens"] == num_tokens(text)


EVALUATION = (
    judge.question(hostile.preference("Short."), False, ["Choose the response that is concise."]),
    ground.question("contextual", "It is short.", "Choose the response that is concise."),
    conflict.question("Choose the response that is concise.", "The AI should tell the truth."),
)


@pytest.mark.parametrize("asked", EVALUATION, ids=["judge", "ground", "conflict"])
def test_questions_of_an_evaluation_are_answered_or_spoiled(
    scripted_server: Start, asked: Question
) -> None:
    server = scripted_server()
    schema = json.dumps(asked.reply_schema)
    for kind in (None, "fence", *BAD_REPLIES):
        server.set_faults(share=float(kind is not None), kinds=[kind or "fence"])
        _, answer = ask(server, "q", messages=list(asked.messages))
        choice = answer["choices"][0]
        found = fault(choice["message"]["content"], schema, choice["finish_reason"])
        assert (found is None) == (kind in (None, "fence"))


BAD_REPLIES = ("truncated", "length", "wrong_schema", "out_of_range", "empty", "no_json")


@pytest.mark.parametrize("kind", BAD_REPLIES)
def test_a_bad_reply_is_bad_to_the_client_too(scripted_server: Start, kind: str) -> None:
    server = scripted_server(faults=1, kinds=[kind])
    response, answer = ask(server, "q")
    finish_reason = answer["choices"][0]["finish_reason"]
    assert response.status == 200
    assert reply_fault(answer) is not None
    assert finish_reason == ("length" if kind == "length" else "stop")
    asked = server.log()["questions"]["q"]
    assert (asked["num_good"], asked["faults"]) == (0, {kind: 1})


@pytest.mark.parametrize("kind", ["fence", "slow", "stall"])
def test_a_late_or_fenced_reply_is_good(scripted_server: Start, kind: str) -> None:
    server = scripted_server(faults=1, kinds=[kind], slow_ms=20, stall_s=0.02)
    _, answer = ask(server, "q")
    assert reply_fault(answer) is None
    assert ("```" in answer["choices"][0]["message"]["content"]) == (kind == "fence")
    asked = server.log()["questions"]["q"]
    assert (asked["num_good"], asked["faults"]) == (1, {kind: 1})


def test_faults_of_the_transport(scripted_server: Start) -> None:
    server = scripted_server(faults=1, kinds=["429"], retry_after=0.25)
    assert outcome(server, "q") == "429 0.25"
    server.set_faults(kinds=["500"])
    assert outcome(server, "q") == "500 None"
    server.set_faults(kinds=["reset"])
    assert outcome(server, "q") == "reset"
    server.set_faults(kinds=["429-date"])
    date = outcome(server, "q").removeprefix("429 ")
    assert parsedate_to_datetime(date).timestamp() > time.time()
    asked = server.log()["questions"]["q"]
    assert asked["num_good"] == 0
    assert asked["faults"] == {"429": 1, "429-date": 1, "500": 1, "reset": 1}


def test_the_same_seed_draws_the_same_faults(scripted_server: Start) -> None:
    kinds = ["429", "500", "truncated", "empty"]
    options: dict[str, Any] = {"faults": 0.5, "kinds": kinds, "no_prefix_cache": True}
    servers = [scripted_server(seed=seed, **options) for seed in (1, 1, 2)]
    ids = [f"q{n}" for n in range(30)] * 2
    first, same, other = ([outcome(server, i) for i in ids] for server in servers)
    assert first == same
    assert first != other
    assert first[:30] != first[30:]  # a second request draws anew
    faults = [asked["faults"] for asked in servers[0].log()["questions"].values()]
    assert {kind for drawn in faults for kind in drawn} == set(kinds)
    assert 15 <= sum(sum(drawn.values()) for drawn in faults) <= 45


def test_faults_end_after_the_first_requests(scripted_server: Start) -> None:
    server = scripted_server(faults=1, kinds=["500"], only_first=2)
    assert [ask(server, "q", n)[0].status for n in (1, 2, 3)] == [500, 500, 200]


def test_a_text_can_always_get_its_fault(scripted_server: Start) -> None:
    server = scripted_server(always={"poison": "reset", "odd": "empty"})
    assert outcome(server, "q1") not in ("reset", "")
    with pytest.raises(ConnectionResetError):
        ask(server, "q2", text="It has poison in it.")
    assert ask(server, "q3", text="An odd one.")[1]["choices"][0]["message"]["content"] == ""


def test_unknown_faults_are_refused(scripted_server: Start) -> None:
    with pytest.raises(OSError, match="400"):
        scripted_server().set_faults(kinds=["earthquake"])
    with pytest.raises(OSError, match="400"):
        scripted_server().set_faults(frequency=1)


def test_every_request_is_counted(scripted_server: Start) -> None:
    server = scripted_server(faults=0.4, kinds=[k for k in KINDS if k not in ("slow", "stall")])
    ids = [f"question-{n % 25}" for n in range(100)]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(outcome, [server] * 100, ids))
    log = server.log()
    asked = log["questions"]
    assert set(asked) == set(ids)
    assert all(q["num_requests"] == len(q["attempts"]) == 4 for q in asked.values())
    bad = sum(n for q in asked.values() for kind, n in q["faults"].items() if kind != "fence")
    assert sum(q["num_good"] for q in asked.values()) == 100 - bad
    assert log["num_requests"] == 100
    assert 1 <= log["max_concurrency"] <= 8
    assert log["num_in_flight"] == 0


def test_attempts_and_questions_without_an_id(scripted_server: Start) -> None:
    server = scripted_server()
    for attempt in (1, 3):
        ask(server, "a-b", attempt)
    for text in (STATEMENT, STATEMENT, "It must not discriminate."):
        ask(server, text=text)
    asked = server.log()["questions"]
    assert asked.pop("a-b")["attempts"] == [1, 3]
    assert sorted(q["num_requests"] for q in asked.values()) == [1, 2]


@pytest.mark.parametrize(("slots", "first"), [(1, "slow"), (2, "quick")])
def test_more_requests_than_slots_queue(scripted_server: Start, slots: int, first: str) -> None:
    server = scripted_server(slots=slots, latency_ms=150, slow_ms=600, always={"Slow": "slow"})
    done: list[str] = []
    with ThreadPoolExecutor(2) as pool:
        slow = pool.submit(ask, server, "slow", text="Slow one.")
        slow.add_done_callback(lambda _: done.append("slow"))
        until(lambda: server.log()["num_in_flight"] == 1)
        quick = pool.submit(ask, server, "quick")
        quick.add_done_callback(lambda _: done.append("quick"))
    assert done[0] == first
    assert server.log()["max_concurrency"] == 2


def test_who_goes_away_frees_the_slot(scripted_server: Start) -> None:
    server = scripted_server(slots=1, stall_s=60, always={"Stall": "stall"})
    leaving = [connect(server), connect(server)]
    for connection in leaving:
        body = json.dumps({"messages": question("Stall here.")[0]})
        connection.request("POST", COMPLETIONS, body, {"X-Client-Request-Id": "gone-1"})
    until(lambda: server.log()["num_in_flight"] == 2)
    for connection in leaving:
        connection.close()
    assert ask(server, "next")[0].status == 200
    gone = server.log()["questions"]["gone"]
    assert (gone["num_requests"], gone["num_good"], gone["num_abandoned"]) == (2, 0, 2)


def until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not holds():
        if time.monotonic() > deadline:
            pytest.fail("what was waited for did not come")
        time.sleep(0.01)


def test_wrong_key_and_unknown_model(scripted_server: Start) -> None:
    server = scripted_server(api_key="Secret", model="tiny")
    assert ask(server, "q", model="tiny")[1]["error"]["code"] == "invalid_api_key"
    assert ask(server, "q", key="secret", model="tiny")[0].status == 401
    assert ask(server, "q", key="Secret", model="tiny")[0].status == 200
    assert ask(server, "q", key="Secret", model="large")[0].status == 404
    assert get(server, "/v1/models")[0] == 401
    assert get(server, "/v1/models", "Secret")[1]["data"][0]["id"] == "tiny"
    assert server.log()["refused"] == {"401 invalid_api_key": 3, "404 model_not_found": 1}


def test_a_prompt_longer_than_the_context(scripted_server: Start) -> None:
    num_prompt = ask(scripted_server(), "q")[1]["usage"]["prompt_tokens"]
    server = scripted_server(context_tokens=num_prompt)
    assert ask(server, "q")[0].status == 200
    response, answer = ask(server, "q", text=f"{STATEMENT} And more.")
    assert (response.status, answer["error"]["code"]) == (400, "context_length_exceeded")
    asked = server.log()["questions"]["q"]
    assert asked["refused"] == {"400 context_length_exceeded": 1}


@pytest.mark.parametrize(
    ("options", "taken"),
    [
        ({}, ["json_schema", "json_object"]),
        ({"response_formats": ["json_object"]}, ["json_object"]),
        ({"no_response_format": True}, []),
    ],
)
def test_response_formats(scripted_server: Start, options: dict, taken: list[str]) -> None:
    server = scripted_server(**options)
    for kind in ("json_schema", "json_object"):
        wanted = {"type": kind, kind: {"name": "reply", "schema": question()[1]}}
        response, answer = ask(server, "q", response_format=wanted)
        assert response.status == (200 if kind in taken else 400)
        assert kind in taken or answer["error"]["param"] == "response_format"
    assert ask(server, "q")[0].status == 200


def test_broken_requests_leave_the_server_alive(scripted_server: Start) -> None:
    server = scripted_server()
    connection = connect(server)
    for method, path, body, status in (
        ("POST", COMPLETIONS, "{", 400),
        ("POST", COMPLETIONS, "[]", 400),
        ("GET", "/v1/nothing", None, 404),
        ("GET", "/v1/models", None, 200),  # all on one connection
    ):
        connection.request(method, path, body)
        response = connection.getresponse()
        response.read()
        assert response.status == status


def test_a_request_in_pieces_and_two_at_once(scripted_server: Start) -> None:
    server = scripted_server()
    body = json.dumps({"messages": question()[0]}).encode()
    request = b"POST %b HTTP/1.1\r\ncontent-LENGTH: %d\r\n\r\n" % (COMPLETIONS.encode(), len(body))
    request += body
    host, port = urlsplit(server.base_url).netloc.split(":")
    with socket.create_connection((host, int(port)), timeout=20) as client:
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for start in range(0, len(request), 700):
            client.sendall(request[start : start + 700])
            time.sleep(0.002)
        client.sendall(request + request)
        received = b""
        while received.count(b"HTTP/1.1 200 OK") < 3 or not received.endswith(b"}"):
            received += client.recv(65536)
    assert server.log()["num_requests"] == 3


def test_it_ends_when_its_standard_input_closes(scripted_server: Start) -> None:
    server = scripted_server()
    assert ask(server, "q")[0].status == 200
    assert server.stop() == 0
    with pytest.raises(ConnectionRefusedError):
        ask(server, "q")


def test_a_repeated_prefix_is_billed_as_cached(scripted_server: Start) -> None:
    server, without = scripted_server(), scripted_server(no_prefix_cache=True)
    cached = [
        ask(server, "q", text=text)[1]["usage"]["prompt_tokens_details"]["cached_tokens"]
        for text in ("It must not discriminate.", "Tell me the truth.", "Tell me the truth.")
    ]
    assert cached[0] == 0
    assert 0 < cached[1] <= cached[2]
    assert server.log()["num_cached_tokens"] == sum(cached)
    ask(without, "q")
    ask(without, "q")
    assert without.log()["num_cached_tokens"] == 0


def test_only_a_common_beginning_is_cached() -> None:
    cache = PrefixCache()
    text = "".join(map(str, range(4000)))
    assert cache.cached_share([text]) == 0
    assert cache.cached_share([f"x{text}"]) == 0
    half = len(text) // 2
    assert 0.45 < cache.cached_share([text[:half], text[:half:-1]]) <= 0.5
    assert cache.cached_share([text]) > 0.9


@given(st.text())
def test_tokens_are_matches_of_the_pattern(text: str) -> None:
    for counted in (text, text.encode("ascii", "replace").decode()):
        assert num_tokens(counted) == len(re.findall(r"\w{1,6}|[^\w\s]", counted))
