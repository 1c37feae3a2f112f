"""What breaks under a running application: its replicas, its store, an adapter; too many callers;
a redeployment. Nobody waits for ever, everybody is told in OpenAI's words, and it comes back.
"""

from __future__ import annotations

import json
import os
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from serve_place import (
    LIMITS,
    MAX_IN_FLIGHT,
    REQUEST_TIMEOUT_S,
    Place,
    changed,
    chat,
    refusal,
    until,
)
from served import Served, tiny_settings

pytest_plugins = ("serve_place",)
pytestmark = [pytest.mark.slow]
CHAT = "/v1/chat/completions"
SLACK_S = 15.0  # of two cores that others use too
BACK_S = 240.0  # a model takes a minute to load on such


class Load:
    """Callers that ask one after the other, until they are told to stop; what each was told."""

    def __init__(
        self,
        url: str,
        key: str | None,
        body: Callable[[], dict[str, Any]],
        timeout_s: float = REQUEST_TIMEOUT_S,
    ) -> None:
        self._url, self._body, self._timeout_s = url, body, timeout_s + SLACK_S
        self._headers = {} if key is None else {"Authorization": f"Bearer {key}"}
        self._stop = threading.Event()
        self.replies: list[httpx.Response] = []
        self.seconds: list[float] = []
        self.broken: list[str] = []

    @contextmanager
    def callers(self, number: int) -> Iterator[Load]:
        """So many at once."""
        threads = [threading.Thread(target=self._call, daemon=True) for _ in range(number)]
        for thread in threads:
            thread.start()
        try:
            yield self
        finally:
            self._stop.set()
            for thread in threads:
                thread.join(self._timeout_s)
            assert not any(thread.is_alive() for thread in threads), "a request hangs"

    def _call(self) -> None:
        with httpx.Client(
            base_url=self._url, headers=self._headers, timeout=self._timeout_s
        ) as http:
            while not self._stop.is_set():
                began = time.monotonic()
                try:
                    self.replies.append(http.post(CHAT, json=self._body()))
                except httpx.HTTPError as error:
                    self.broken.append(repr(error))
                self.seconds.append(time.monotonic() - began)
                if self.replies and self.replies[-1].status_code != 200:
                    self._stop.wait(0.2)

    @property
    def statuses(self) -> Counter[int]:
        """How often which."""
        return Counter(reply.status_code for reply in self.replies)

    def has_answers(self, number: int) -> bool:
        """Whether so many more than now were answered: call it with what there were."""
        return self.statuses[200] >= number

    def refusals(self) -> list[httpx.Response]:
        """All that were no answers."""
        return [reply for reply in self.replies if reply.status_code != 200]


def load(place: Place, **more: Any) -> Load:
    return Load(place.url, place.keys["ann"], lambda: chat(**more))


def asked(place: Place, model: str, **more: Any) -> httpx.Response:
    with place.http() as http:
        return http.post(CHAT, json=chat(model=model, **more))


def words(reply: httpx.Response) -> str:
    assert reply.status_code == 200, reply.text
    return reply.json()["choices"][0]["message"]["content"]


def added(place: Place, name: str, alpha: int) -> str:
    """A new adapter of one version, seen by the door; the folder it stands in."""
    folder = place.put(changed(place.adapter, name, alpha), name)
    place.done("add", place.registry, name, folder)
    until(lambda: f"tiny:{name}" in names(place), 90, "the door sees the adapter")
    return folder


def names(place: Place) -> list[str]:
    with place.http() as http:
        return [card["id"] for card in http.get("/v1/models").json()["data"]]


def test_two_versions_at_once_answer_each_in_its_own_words(place: Place) -> None:
    alone = {name: words(asked(place, name)) for name in ("tiny", "tiny:aligned@1")}
    alone["tiny:aligned@2"] = words(asked(place, "tiny:aligned@2"))
    assert len(set(alone.values())) == 3
    wanted = list(alone) * 6
    with ThreadPoolExecutor(MAX_IN_FLIGHT) as pool:
        found = list(pool.map(lambda name: asked(place, name), wanted))
    for name, reply in zip(wanted, found, strict=True):
        assert words(reply) == alone[name]
        assert reply.json()["model"] == name


def test_a_store_that_is_away_takes_nothing_but_what_is_new_with_it(place: Place) -> None:
    if place.proxy is None:
        pytest.skip("needs an S3 server")
    added(place, "fresh", 21)
    words(asked(place, "tiny:aligned@1"))
    place.proxy.fail("reset")
    try:
        error = refusal(asked(place, "tiny:fresh"), 503)
        assert error["code"] == "adapter_unavailable"
        assert "fresh" in error["message"]
        with load(place).callers(2) as meanwhile:
            reply = asked(place, "tiny:fresh")
            until(lambda: meanwhile.has_answers(5), 60, "the base answers")
        assert int(reply.headers["retry-after"]) >= 1
        assert set(meanwhile.statuses) == {200}
        assert meanwhile.broken == []
        words(asked(place, "tiny:aligned@1"))  # it is held already
    finally:
        place.proxy.heal()
    until(lambda: asked(place, "tiny:fresh").status_code == 200, 60, "the adapter answers")
    assert words(asked(place, "tiny:fresh")) != words(asked(place, "tiny"))


def test_a_store_that_stalls_holds_up_nobody_else(place: Place) -> None:
    if place.proxy is None:
        pytest.skip("needs an S3 server")
    added(place, "stalled", 22)
    fault = place.proxy.fail("stall", method="GET", key="stalled", seconds=120)
    try:
        with ThreadPoolExecutor(1) as pool:
            waiting = pool.submit(asked, place, "tiny:stalled")
            until(lambda: fault.met > 0, 30, "the store is asked")
            began = time.monotonic()
            for name in ("tiny", "tiny:aligned@1", "tiny"):
                words(asked(place, name))
            assert time.monotonic() - began < REQUEST_TIMEOUT_S
            reply = waiting.result(REQUEST_TIMEOUT_S + SLACK_S)
        assert refusal(reply, 503, 504)["code"] in ("adapter_unavailable", "timeout")
    finally:
        place.proxy.heal()


def test_a_damaged_adapter_is_refused_and_the_others_answer(place: Place) -> None:
    folder = added(place, "damaged", 23)
    with place.reached():
        _damage(folder)
    for _ in range(2):  # it stays so, and no second look lets it in
        error = refusal(asked(place, "tiny:damaged"), 503)
        assert error["code"] == "adapter_unavailable"
        assert "damaged or missing" in error["message"]
    streamed = asked(place, "tiny:damaged", stream=True)
    assert refusal(streamed, 503)["code"] == "adapter_unavailable"
    assert words(asked(place, "tiny")) != words(asked(place, "tiny:aligned@1"))


def _damage(folder: str) -> None:
    """One byte of its weights is another one."""
    from gcai_ray.storage import Storage

    store = Storage(folder)
    data = bytearray(store.read("adapter_model.safetensors"))
    data[-1] ^= 1
    path = Path(os.environ.get("TMPDIR", "/tmp")) / f"damaged-{os.getpid()}"
    path.write_bytes(bytes(data))
    try:
        store.put(str(path), "adapter_model.safetensors")
    finally:
        path.unlink()


def test_a_switch_of_versions_under_load_fails_no_request(place: Place) -> None:
    def seen() -> set[str]:
        return {reply.json()["model"] for reply in switched.replies[-4:]}

    two, one = "tiny:aligned@2", "tiny:aligned@1"
    with load(place, model="tiny:aligned").callers(4) as switched:
        for command, wanted in (
            (("canary", place.registry, "aligned", "2", "--share", "1"), two),
            (("rollback", place.registry, "aligned"), one),
            (("canary", place.registry, "aligned", "2", "--share", "1"), two),
            (("promote", place.registry, "aligned"), two),
            (("rollback", place.registry, "aligned"), one),
        ):
            place.done(*command)
            until(lambda wanted=wanted: seen() == {wanted}, 60, f"{wanted} answers")
    assert set(switched.statuses) == {200}
    assert switched.broken == []
    assert len(switched.replies) >= 20


def test_beyond_its_capacity_it_says_so_at_once_and_recovers_at_once(place: Place) -> None:
    number = 4 * MAX_IN_FLIGHT
    body = chat(max_tokens=400)

    def ask(_: int) -> tuple[httpx.Response, float]:
        began = time.monotonic()
        with place.http() as http:
            reply = http.post(CHAT, json=body)
        return reply, time.monotonic() - began

    with ThreadPoolExecutor(number) as pool:
        found = list(pool.map(ask, range(number)))
    statuses = Counter(reply.status_code for reply, _ in found)
    assert set(statuses) == {200, 429}
    assert statuses[200] >= MAX_IN_FLIGHT
    assert statuses[429] >= number / 4
    slowest_answer = max(seconds for reply, seconds in found if reply.status_code == 200)
    for reply, seconds in found:
        if reply.status_code == 429:
            assert refusal(reply, 429)["code"] == "overloaded"
            assert int(reply.headers["retry-after"]) >= 1
            assert seconds < slowest_answer
    with ThreadPoolExecutor(MAX_IN_FLIGHT) as pool:
        after = list(pool.map(lambda _: asked(place, "tiny"), range(MAX_IN_FLIGHT)))
    assert {reply.status_code for reply in after} == {200}


def test_a_door_that_is_killed_comes_back(place: Place) -> None:
    door = place.replica("door")
    with load(place).callers(4) as during:
        until(lambda: during.has_answers(4), 60, "answers before")
        os.kill(door.pid, signal.SIGKILL)
        until(lambda: not door.is_running() or door.status() == "zombie", 10, "it is dead")
        had = during.statuses[200]
        until(lambda: during.has_answers(had + 20), BACK_S, "answers after")
    _told(during, 503)
    assert place.replica("door").pid != door.pid


def test_a_stream_whose_door_is_killed_ends_with_an_error(place: Place) -> None:
    events = _stream_until(place, lambda: os.kill(place.replica("door").pid, signal.SIGKILL))
    assert events[-1] != "data: [DONE]"
    error = json.loads(events[-1].removeprefix("data: "))["error"]
    assert error["code"] == "unavailable"
    until(lambda: asked(place, "tiny").status_code == 200, BACK_S, "it answers again")


@pytest.mark.long
def test_a_model_that_is_killed_comes_back_and_nobody_waits_for_ever(place: Place) -> None:
    model = place.replica("model-tiny")
    engine = model.children(recursive=True)
    assert engine  # vLLM's own processes
    with load(place, max_tokens=64).callers(4) as during:
        until(lambda: during.has_answers(4), 60, "answers before")
        os.kill(model.pid, signal.SIGKILL)
        until(lambda: not model.is_running() or model.status() == "zombie", 10, "it is dead")
        had = during.statuses[200]
        until(lambda: during.has_answers(had + 20), BACK_S, "answers after")
    _told(during, 503, 504)
    assert max(during.seconds) < REQUEST_TIMEOUT_S + SLACK_S
    assert place.replica("model-tiny").pid != model.pid
    assert not any(of.is_running() for of in engine)  # none is left behind with its memory
    words(asked(place, "tiny:aligned@1"))


@pytest.mark.long
def test_a_stream_whose_model_is_killed_ends_with_an_error(place: Place) -> None:
    pid = place.replica("model-tiny").pid
    events = _stream_until(place, lambda: os.kill(pid, signal.SIGKILL))
    assert events[-1] != "data: [DONE]"
    error = json.loads(events[-1].removeprefix("data: "))["error"]
    assert error["code"] == "model_unavailable"
    until(lambda: asked(place, "tiny").status_code == 200, BACK_S, "it answers again")


def _told(load: Load, *statuses: int) -> None:
    """Every request had an answer or a refusal a client can act on; none was broken off."""
    assert load.broken == []
    assert 500 not in load.statuses
    for reply in load.refusals():
        refusal(reply, *statuses, 429)
        if reply.status_code in (429, 503):
            assert int(reply.headers["retry-after"]) >= 1


def _stream_until(place: Place, harm: Callable[[], None]) -> list[str]:
    """The events of a stream that something happens to after its first."""
    body = chat(max_tokens=3000, stream=True)
    found: list[str] = []
    with place.http() as http, http.stream("POST", CHAT, json=body) as reply:
        assert reply.status_code == 200
        for line in reply.iter_lines():
            if line:
                found.append(line)
            if len(found) == 3 and harm:
                harm()
                harm = None  # type: ignore[assignment]
    return found


def own(folder: Path, model: Path, **changes: Any) -> Served:
    """An application of a test alone, without keys."""
    limits = LIMITS | {"max_in_flight": 32, "request_timeout_s": 180}
    return Served(folder, tiny_settings(model, limits=limits, **changes))


@pytest.mark.long
def test_what_is_being_said_when_it_ends_is_said_to_its_end(
    tiny_model: Path, tmp_path: Path
) -> None:
    body = chat(max_tokens=2000, stream=True, stream_options={"include_usage": True})
    with own(tmp_path, tiny_model, drain_s=150) as app, app.http() as http:
        with http.stream("POST", CHAT, json=body) as reply:
            lines = (line for line in reply.iter_lines() if line)
            assert next(lines).startswith("data: ")
            os.kill(app.pid, signal.SIGTERM)
            until(lambda: "ending" in app.said, 10, "it ends")
            until(lambda: _is_refused(app), 60, "nobody is let in")
            after = list(lines)
        *_, end, usage, last = after
        assert last == "data: [DONE]"
        reason = json.loads(end.removeprefix("data: "))["choices"][0]["finish_reason"]
        assert reason in ("stop", "length")  # of the model's own accord, not `abort`
        assert len(after) > 10  # pieces grow while nobody takes them
        assert json.loads(usage.removeprefix("data: "))["usage"]["completion_tokens"] > 500
        until(lambda: app._process.poll() is not None, 120, "it has ended")
        assert app._process.returncode == 0, app.said


def _is_refused(app: Served) -> bool:
    with app.http() as http:
        try:
            reply = http.post(CHAT, json=chat(max_tokens=1))
        except httpx.HTTPError:
            return True
    return reply.status_code != 200 and bool(refusal(reply, 503))


@pytest.mark.long
@pytest.mark.parametrize("number", [1, 2])
def test_new_settings_under_load_fail_no_request(
    tiny_model: Path, tmp_path: Path, number: int
) -> None:
    settings = tiny_settings(
        tiny_model,
        limits=LIMITS | {"max_in_flight": 32, "request_timeout_s": BACK_S},
        doors=number,
        num_cpus=2 * number,
    )
    settings["models"][0]["replicas"] = number
    with Served(tmp_path, settings) as app:
        file = tmp_path / "serve.yaml"
        with Load(app.url.removesuffix("/v1"), None, chat, BACK_S).callers(2) as during:
            until(lambda: during.has_answers(5), 60, "answers before")
            told = json.loads(file.read_text())
            told["limits"] = told["limits"] | {"max_completion_tokens": 16}
            file.write_text(json.dumps(told))
            os.kill(app.pid, signal.SIGUSR1)
            until(lambda: "are in force" in app.said, 2 * BACK_S, "they are in force")
            had = during.statuses[200]
            until(lambda: during.has_answers(had + 10), 120, "answers after")
        assert set(during.statuses) == {200}
        assert during.broken == []
        with app.http() as http:
            refused = http.post(CHAT, json=chat(max_tokens=17))
            assert "at most 16" in refusal(refused, 400)["message"]
            file.write_text(json.dumps(told | {"port": 1}))
            os.kill(app.pid, signal.SIGUSR1)
            until(lambda: "were not put into force" in app.said, 30, "it is told why not")
            assert "port" in app.said
            assert http.post(CHAT, json=chat()).status_code == 200
