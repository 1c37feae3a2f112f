"""Token buckets and requests in flight, by a clock that stands still until it is told to go on."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gcai_ray.serve.errors import Refused
from gcai_ray.serve.limits import Bucket, InFlight, Rates


class _Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@dataclass(frozen=True)
class _Key:
    name: str = "ann"
    requests_per_minute: float | None = None
    tokens_per_minute: float | None = None


@given(
    rate=st.floats(0.1, 6000),
    burst=st.floats(1, 100),
    steps=st.lists(st.tuples(st.floats(0, 120), st.integers(1, 30)), max_size=30),
)
def test_over_any_window_no_more_is_admitted_than_burst_and_rate(
    rate: float, burst: float, steps: list[tuple[float, int]]
) -> None:
    clock = _Clock()
    bucket = Bucket(rate, burst, clock)
    admitted: list[float] = []
    for pause_s, tries in steps:
        clock.now += pause_s
        admitted += [clock.now for _ in range(tries) if bucket.take() == 0]
    for i, began in enumerate(admitted):
        for j in range(i, len(admitted)):
            window_s = admitted[j] - began
            assert j - i + 1 <= burst + rate * window_s / 60 + 1e-6


@given(rate=st.floats(0.1, 6000), burst=st.floats(1, 100), spent=st.floats(0, 1e5))
def test_who_waits_as_long_as_told_is_admitted_and_not_much_sooner(
    rate: float, burst: float, spent: float
) -> None:
    clock = _Clock()
    bucket = Bucket(rate, burst, clock)
    bucket.charge(spent)
    wait_s = bucket.wait_s()
    if wait_s > 1e-3:
        clock.now += wait_s * 0.99
        assert bucket.take() > 0
    clock.now += wait_s + 1e-3
    assert bucket.take() == 0


def test_a_charge_may_go_below_zero_and_is_paid_off() -> None:
    clock = _Clock()
    bucket = Bucket(60, 60, clock)
    bucket.charge(180)
    assert bucket.level == -120
    assert bucket.take() == 121
    clock.now += 121
    assert bucket.take() == 0


def test_a_clock_that_goes_back_gives_nothing() -> None:
    clock = _Clock()
    bucket = Bucket(60, 1, clock)
    assert bucket.take() == 0
    clock.now -= 500
    assert bucket.take() == 1
    clock.now += 500
    assert bucket.take() == 1  # the time that was gone twice counts once


@pytest.mark.parametrize(("rate", "burst"), [(0, 1), (-1, 1), (1, 0), (float("nan"), 1)])
def test_a_rate_of_nothing_is_no_rate(rate: float, burst: float) -> None:
    with pytest.raises(ValueError, match="above 0"):
        Bucket(rate, burst)


def test_requests_of_a_key_are_counted_and_those_of_others_apart() -> None:
    clock = _Clock()
    rates = Rates(clock=clock)
    ann, bob, free = _Key("ann", 2), _Key("bob", 2), _Key("free")
    assert [rates.admit(ann) for _ in range(3)] == [0, 0, 30]
    assert rates.admit(bob) == 0
    assert [rates.admit(free) for _ in range(100)] == [0] * 100
    clock.now += 30
    assert rates.admit(ann) == 0


def test_tokens_are_charged_after_the_reply_and_the_next_request_waits() -> None:
    clock = _Clock()
    rates = Rates(clock=clock)
    key = _Key(tokens_per_minute=600)
    assert rates.admit(key) == 0
    rates.charge(key, 1500)
    assert rates.admit(key) == pytest.approx(90.1)
    clock.now += 90.2
    assert rates.admit(key) == 0


def test_a_request_that_waits_for_tokens_takes_nothing_of_the_requests() -> None:
    clock = _Clock()
    rates = Rates(clock=clock)
    key = _Key(requests_per_minute=1, tokens_per_minute=60)
    rates.charge(key, 60)
    assert rates.admit(key) > 0
    clock.now += 1
    assert rates.admit(key) == 0


@pytest.mark.parametrize("doors", [1, 2, 5])
def test_doors_together_admit_what_one_would(doors: int) -> None:
    clock = _Clock()
    shared = [Rates(doors, clock) for _ in range(doors)]
    key = _Key(requests_per_minute=60)

    def admitted() -> int:
        return sum(rates.admit(key) == 0 for rates in shared for _ in range(200))

    assert admitted() == 60
    clock.now += 30
    assert admitted() == 30


def test_a_rate_that_was_changed_in_the_file_comes_into_force() -> None:
    rates = Rates(clock=_Clock())
    assert [rates.admit(_Key(requests_per_minute=1)) == 0 for _ in range(2)] == [True, False]
    assert [rates.admit(_Key(requests_per_minute=3)) == 0 for _ in range(4)] == [True] * 3 + [False]
    assert rates.admit(_Key()) == 0


@given(st.integers(1, 5), st.lists(st.booleans(), max_size=60))
def test_no_more_are_in_flight_than_the_most_and_never_less_than_none(
    most: int, comings: list[bool]
) -> None:
    in_flight, held = InFlight(most, 2.5), []
    for comes in comings:
        if comes:
            place = in_flight.place()
            if len(held) < most:
                place.__enter__()
                held.append(place)
            else:
                with pytest.raises(Refused) as refused:
                    place.__enter__()
                assert (refused.value.status, refused.value.headers["Retry-After"]) == (429, "3")
        elif held:
            held.pop(0).__exit__(None, None, None)
        assert in_flight.num == len(held)


def test_a_request_that_fails_gives_its_place_back() -> None:
    in_flight = InFlight(1)
    for _ in range(3):
        with pytest.raises(RuntimeError, match="broken"), in_flight.place():
            raise RuntimeError("broken")
    assert in_flight.num == 0
