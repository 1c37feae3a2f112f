"""When the `openai` engine may ask: limits a minute, backoff, pauses, and which key it shows."""

from __future__ import annotations

import asyncio
import dataclasses
import email.utils
import pickle
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from told_server import Clock, engine

from gcai_ray.engine_config import OpenAIEngine
from gcai_ray.engines.openai.http_answer import retry_after_s
from gcai_ray.engines.openai.key import Key, is_private, read_key
from gcai_ray.engines.openai.limits import BACKOFF_CAP_S, BURST_S, Bucket, Gate, backoff_s
from gcai_ray.errors import ConfigError

SECRET = "sk-never-to-be-seen-0123456789"


@pytest.mark.parametrize(
    ("headers", "low", "high"),
    [
        ({}, 0, 0),
        ({"Retry-After": "12"}, 12, 12),
        ({"Retry-After": "1.5"}, 1.5, 1.5),
        ({"retry-after-ms": "250", "Retry-After": "9"}, 0.25, 0.25),
        ({"Retry-After": "-3"}, 0, 0),
        ({"Retry-After": "nan"}, 0, 0),
        ({"Retry-After": "soon"}, 0, 0),
        ({"Retry-After": email.utils.formatdate(time.time() + 86400, usegmt=True)}, 80000, 86400),
        ({"Retry-After": "Mon, 01 Jan 2001 00:00:00 GMT"}, 0, 0),
    ],
)
def test_retry_after_in_all_its_forms(headers: dict[str, str], low: float, high: float) -> None:
    assert low <= retry_after_s(headers) <= high


@given(st.integers(1, 60))
def test_backoff_is_bounded_and_random(num_faults: int) -> None:
    drawn = [backoff_s(num_faults) for _ in range(20)]
    assert all(0 <= seconds <= min(BACKOFF_CAP_S, 2 ** (num_faults - 2)) for seconds in drawn)
    assert len(set(drawn)) > 1


@given(
    st.floats(1, 6000),
    st.lists(st.tuples(st.floats(0, 3), st.integers(1, 50)), min_size=1, max_size=60),
)
def test_no_span_of_time_gets_more_than_the_limit(
    per_minute: float, takes: list[tuple[float, int]]
) -> None:
    clock = Clock()
    bucket = Bucket(per_minute, clock)
    used = []
    for pause, amount in takes:
        clock.now += pause
        used.append((clock.now + bucket.take(amount), amount))
    assert used == sorted(used, key=lambda item: item[0])
    for first in range(len(used)):
        for last in range(first, len(used)):
            # The last one counts when it starts, so it is not yet spent.
            spent = sum(amount for _, amount in used[first:last])
            span = used[last][0] - used[first][0]
            assert spent <= per_minute / 60 * (span + BURST_S) + 1e-6


def test_limits_are_split_among_actors_and_tokens_corrected() -> None:
    async def run(config: OpenAIEngine, num_tokens: int, correction: int) -> float:
        clock = Clock()
        gate = Gate(config, 100, clock=clock, sleep=clock.sleep)
        for _ in range(61):
            await gate.enter(num_tokens)
            gate.correct(correction)
            gate.leave()
        return clock.now - 1000.0

    def took(num_tokens: int = 10, correction: int = 0, **limits: float) -> float:
        config = engine("http://localhost/v1", num_actors=2, concurrency=8, **limits)
        return asyncio.run(run(config, num_tokens, correction))

    burst = 2 * BURST_S
    assert took() == 0
    assert took(requests_per_minute=60) == pytest.approx(120, abs=burst)
    assert took(tokens_per_minute=600) == pytest.approx(120, abs=burst)
    assert took(tokens_per_minute=600, correction=-5) == pytest.approx(60, abs=burst)
    assert took(tokens_per_minute=600, correction=10) == pytest.approx(240, abs=burst)
    assert took(tokens_per_minute=6000, requests_per_minute=60) == pytest.approx(120, abs=burst)


def test_a_429_pauses_all_and_halves_the_window_once_a_wave() -> None:
    async def run() -> tuple[float, int]:
        clock = Clock()
        gate = Gate(engine("http://localhost/v1"), 8, clock=clock, sleep=clock.sleep)
        wave = [await gate.enter(1) for _ in range(8)]
        for admitted_at in wave:
            gate.leave()
            clock.now += 0.01
            gate.pause(30, admitted_at)
        entering = [asyncio.ensure_future(gate.enter(1)) for _ in range(8)]
        for _ in range(20):
            await asyncio.sleep(0)
        entered = [task.result() for task in entering if task.done()]
        first, num_first = min(entered), len(entered)
        for _ in range(8):
            gate.widen()
            gate.leave()
        await asyncio.gather(*entering)
        return first, num_first

    first, num_first = asyncio.run(run())
    assert first >= 1030
    assert num_first == 4


def test_key_shows_nowhere() -> None:
    key = Key(SECRET)
    assert SECRET not in f"{key} {key!r} {[key]}"
    assert not dataclasses.is_dataclass(key)
    restored = pickle.loads(pickle.dumps(key))
    assert restored == key
    assert restored.headers() == {"Authorization": f"Bearer {SECRET}"}
    assert Key("").headers() == {}


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("http://127.0.0.1:8000/v1", True),
        ("http://[::1]:8000/v1", True),
        ("http://localhost:8000/v1", True),
        ("http://10.3.4.5/v1", True),
        ("http://vllm:8000/v1", True),
        ("http://vllm.team.svc.cluster.local/v1", True),
        ("https://api.openai.com/v1", False),
        ("https://8.8.8.8/v1", False),
        ("https://localhost.example.com/v1", False),
    ],
)
def test_private_addresses(url: str, expected: bool) -> None:
    assert is_private(url) == expected


def test_a_public_endpoint_needs_a_key(monkeypatch: pytest.MonkeyPatch) -> None:
    public = engine("https://api.openai.com/v1", api_key_env="GCAI_TEST_KEY")
    for value in (None, "  "):
        monkeypatch.setenv("GCAI_TEST_KEY", value) if value else monkeypatch.delenv(
            "GCAI_TEST_KEY", raising=False
        )
        with pytest.raises(ConfigError, match="GCAI_TEST_KEY"):
            read_key(public)
        assert read_key(engine("http://localhost/v1", api_key_env="GCAI_TEST_KEY")) == Key("")
    monkeypatch.setenv("GCAI_TEST_KEY", f"{SECRET}\n")
    assert read_key(public) == Key(SECRET)
    monkeypatch.setenv("GCAI_TEST_KEY", f"{SECRET}\nInjected: header")
    with pytest.raises(ConfigError) as caught:
        read_key(public)
    assert SECRET not in str(caught.value)
