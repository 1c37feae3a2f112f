"""What becomes of an index, and whom a version answers: pure functions."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from registry_example import index_with, version

from gcai_ray.errors import InputError
from gcai_ray.registry import (
    Canary,
    Entry,
    Index,
    added,
    choose,
    chosen,
    promoted,
    rolled_back,
    with_canary,
    withdrawn,
)
from gcai_ray.registry.choice import place_of

CALLERS = [f"key-{number}" for number in range(10_000)]


def tone(index: Index) -> Entry:
    return index.entries["tone"]


def test_a_first_version_is_live_and_a_later_one_waits() -> None:
    index = index_with(3)
    assert [of.number for of in tone(index).versions] == [1, 2, 3]
    assert (tone(index).live, tone(index).previous, tone(index).canary) == (1, (), None)


def test_a_first_version_waits_if_told_and_the_next_one_is_live() -> None:
    index = added(Index(), "tone", version(1), live=False)
    assert tone(index).live is None
    assert choose(index, "tone", "ann") is None
    assert choose(index, "tone@1", "ann") is not None
    assert tone(added(index, "tone", version(2))).live == 2


def test_the_same_files_twice_are_refused_under_one_name_only() -> None:
    index = index_with(2)
    elsewhere = version(1, adapter="s3://other/place", number=9)
    with pytest.raises(InputError, match=r"tone: the files of s3://other/place are version 2 "):
        added(index, "tone", elsewhere)
    assert "other" in added(index, "other", elsewhere).entries
    again = added(withdrawn(index, "tone", 2), "tone", elsewhere)
    assert [(of.number, of.withdrawn) for of in tone(again).versions] == [
        (1, False),
        (2, True),
        (3, False),
    ]


def test_an_adapter_of_another_base_needs_another_name() -> None:
    with pytest.raises(InputError, match="of giant, version 1 one of tiny; give it another name"):
        added(index_with(1), "tone", version(5, base_model="giant"))


def test_a_canary_is_promoted_and_rolled_back() -> None:
    index = promoted(with_canary(index_with(3), "tone", 3, 0.1), "tone")
    assert (tone(index).live, tone(index).canary, tone(index).previous) == (3, None, (1,))
    index = with_canary(index, "tone", 2, 1)
    dropped = rolled_back(index, "tone")
    assert (tone(dropped).live, tone(dropped).canary, tone(dropped).previous) == (3, None, (1,))
    index = promoted(index, "tone")
    assert (tone(index).live, tone(index).previous) == (2, (1, 3))
    index = rolled_back(rolled_back(index, "tone"), "tone")
    assert (tone(index).live, tone(index).previous) == (1, ())
    with pytest.raises(InputError, match="tone: no canary and no earlier live version"):
        rolled_back(index, "tone")


def test_what_was_withdrawn_is_never_gone_back_to() -> None:
    index = index_with(3)
    for number in (2, 3):
        index = promoted(with_canary(index, "tone", number, 1), "tone")
    assert tone(index).previous == (1, 2)
    index = rolled_back(withdrawn(index, "tone", 2), "tone")
    assert tone(index).live == 1


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda i: promoted(i, "tome"), r"no adapter 'tome' in the registry; there are: tone"),
        (lambda i: promoted(Index(), "tone"), "there are: none; begin with `gcai adapters add`"),
        (lambda i: promoted(i, "tone"), "no version is a canary"),
        (lambda i: with_canary(i, "tone", 9, 0.1), "version 9 is not there; there are: 1, 2"),
        (lambda i: with_canary(i, "tone", 3, 0.1), "version 3 was withdrawn; there are: 1, 2"),
        (lambda i: with_canary(i, "tone", 1, 0.1), "version 1 is live already"),
        (lambda i: with_canary(i, "tone", 2, 0.0), "share 0 is not above 0 and at most 1"),
        (lambda i: with_canary(i, "tone", 2, 1.5), r"share 1\.5 is not above 0 and at most 1"),
        (lambda i: with_canary(i, "tone", 2, float("nan")), "share nan is not"),
        (lambda i: withdrawn(i, "tone", 1), "version 1 is live; make another one live first"),
        (lambda i: withdrawn(i, "tone", 3), "version 3 was withdrawn; there are: 1, 2"),
        (
            lambda i: withdrawn(with_canary(i, "tone", 2, 0.1), "tone", 2),
            "version 2 is a canary; drop it first with `rollback`",
        ),
        (
            lambda i: with_canary(
                added(with_canary(i, "tone", 2, 0.1), "tone", version(7)), "tone", 4, 0.1
            ),
            "version 2 is a canary; `promote` it, or drop it with `rollback`, before version 4",
        ),
    ],
)
def test_what_cannot_be_is_refused_in_one_line_with_what_there_is(
    change: Callable[[Index], Index], said: str
) -> None:
    index = withdrawn(index_with(3), "tone", 3)
    with pytest.raises(InputError, match=said) as refused:
        change(index)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    "name", ["", ".", "..", "../x", "a/b", "a\n", "a b", "-a", "a:b", "a@1", "é", "x" * 65, "a\0"]
)
def test_a_hostile_name_is_no_name(name: str) -> None:
    with pytest.raises(InputError, match="cannot be used"):
        added(Index(), name, version())


def test_an_index_that_contradicts_itself_is_none() -> None:
    one = version(1)
    for entry in (
        {"name": "tone", "versions": (one,), "live": 2},
        {"name": "tone", "versions": (one,), "canary": Canary(version=3, share=0.5)},
        {"name": "tone", "versions": (one, one)},
        {"name": "tone", "versions": (version(1, withdrawn=True),), "live": 1},
        {"name": "tone", "versions": (one,), "previous": (4,)},
        {"name": "../tone", "versions": (one,)},
    ):
        with pytest.raises(ValidationError):
            Entry.model_validate(entry)
    with pytest.raises(ValidationError, match="entry 'a' holds 'tone'"):
        Index(entries={"a": Entry(name="tone")})
    with pytest.raises(ValidationError, match="expected adapter_config"):
        version(files={"../../.bashrc": one.files["adapter_config.json"]})


CHANGES = st.one_of(
    st.tuples(st.just("add"), st.integers(0, 8)),
    st.tuples(st.just("canary"), st.integers(1, 6)),
    st.tuples(st.just("promote"), st.just(0)),
    st.tuples(st.just("rollback"), st.just(0)),
    st.tuples(st.just("withdraw"), st.integers(1, 6)),
)


def applied(index: Index, verb: str, number: int) -> Index:
    changes: dict[str, Callable[[], Index]] = {
        "add": lambda: added(index, "tone", version(number)),
        "canary": lambda: with_canary(index, "tone", number, 0.5),
        "promote": lambda: promoted(index, "tone"),
        "rollback": lambda: rolled_back(index, "tone"),
        "withdraw": lambda: withdrawn(index, "tone", number),
    }
    try:
        return changes[verb]()
    except InputError:
        return index


@given(st.lists(CHANGES, max_size=30))
@settings(max_examples=200)
def test_no_order_of_changes_leaves_callers_with_nothing(done: list[tuple[str, int]]) -> None:
    index = index_with(1)
    for verb, number in done:
        before = tone(index)
        index = applied(index, verb, number)
        after = tone(index)
        assert Index.model_validate_json(index.model_dump_json()) == index
        for known in before.versions:  # none is lost or changed, but that it may be withdrawn
            kept = after.version(known.number)
            assert kept is not None
            assert kept.model_copy(update={"withdrawn": known.withdrawn}) == known
        for caller in CALLERS[:5]:
            answering = choose(index, "tone", caller)
            assert answering is not None
            assert not answering.withdrawn
            assert choose(index, f"tone@{answering.number}", caller) == answering


@given(st.lists(CHANGES, max_size=12))
@settings(max_examples=100)
def test_a_promotion_can_always_be_taken_back(done: list[tuple[str, int]]) -> None:
    index = index_with(2)
    for verb, number in done:
        index = applied(index, verb, number)
    later = applied(index, "promote", 0)
    if later != index:
        assert tone(rolled_back(later, "tone")).live == tone(index).live


@pytest.mark.parametrize("share", [0.01, 0.1, 0.5, 0.9, 1.0])
def test_a_canary_answers_its_share_of_the_callers(share: float) -> None:
    entry = tone(with_canary(index_with(2), "tone", 2, share))
    got = sum(chosen(entry, who) == 2 for who in CALLERS) / len(CALLERS)
    deviation = (share * (1 - share) / len(CALLERS)) ** 0.5
    assert abs(got - share) <= 4 * deviation


@given(st.text(), st.floats(1e-6, 1), st.floats(1e-6, 1))
def test_a_caller_keeps_its_version_and_a_larger_share_lets_none_out(
    who: str, one: float, other: float
) -> None:
    small, large = sorted((one, other))
    index = index_with(2)
    first = chosen(tone(with_canary(index, "tone", 2, small)), who)
    assert chosen(tone(with_canary(index, "tone", 2, small)), who) == first
    if first == 2:
        assert chosen(tone(with_canary(index, "tone", 2, large)), who) == 2
    assert chosen(tone(with_canary(index, "tone", 2, 1)), who) == 2


def test_not_the_same_callers_are_the_first_every_time() -> None:
    first = {who for who in CALLERS if place_of("tone", 2, who) < 0.1}
    second = {who for who in CALLERS if place_of("tone", 3, who) < 0.1}
    third = {who for who in CALLERS if place_of("pitch", 2, who) < 0.1}
    for other in (second, third):
        assert 0.05 < len(first & other) / len(first) < 0.15


def test_a_caller_whose_name_is_no_text_has_a_place() -> None:
    assert 0 <= place_of("tone", 2, "\ud800\0") < 1


def test_a_name_means_what_answers_and_a_number_that_version() -> None:
    index = withdrawn(index_with(12), "tone", 3)
    found = {text: choose(index, text, "ann") for text in ("tone", "tone@1", "tone@12", "tone@3")}
    assert {text: of and of.number for text, of in found.items()} == {
        "tone": 1,
        "tone@1": 1,
        "tone@12": 12,
        "tone@3": None,
    }


@pytest.mark.parametrize(
    "text",
    [
        *("", "@", "@1", "tone@", "tone@0", "tone@01", "tone@+1", "tone@ 1", "tone@1 ", "tone@1\n"),
        *("tone@-1", "tone@1.0", "tone@1e0", "tone@0x1", "tone@1_0", "tone@None", "tone@1@1"),
        *(
            "tone\0",
            "tone@1\0",
            "tone\n",
            " tone",
            "TONE",
            "tone/",
            "./tone",
            "../tone",
            "a/../tone",
        ),
        *("tone@¹", "tone@１", "tone@١", "ｔｏｎｅ", "tοne", "tone\u200b", "to\u0301ne", "None"),
        *("%74one", "tone@99999999999999999999999", "\ud800", "entries", "__class__"),
    ],
)
def test_no_other_text_means_a_version(text: str) -> None:
    assert choose(index_with(2), text, "ann") is None


@given(st.text(st.characters(codec=None), max_size=12) | st.from_regex(r"t+o?ne@?[0-9]*\s?"))
@settings(max_examples=300)
def test_a_version_is_found_by_exactly_its_own_texts(text: str) -> None:
    found = choose(index_with(2), text, "ann")
    assert (found is not None) == (text in {"tone", "tone@1", "tone@2"})
    folded = unicodedata.normalize("NFKC", text)
    if folded != text:
        assert found is None
