"""A changelog of two constitutions: what is told apart, what is noise, and how paths are named."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
from constitution_example import (
    GENERAL,
    TEXTS,
    constitution,
    evidence,
    hashed,
    interval,
    principle,
    principles,
    ratified_run,
)

from gcai_ray.changes import diff
from gcai_ray.changes.changelog import Changelog, Move, changelog
from gcai_ray.changes.sources import Source
from gcai_ray.changes.text import changelog_text
from gcai_ray.errors import ArtifactError
from gcai_ray.schemas import (
    Balloting,
    ChosenPrinciple,
    Constitution,
    Group,
    Kind,
    Ratification,
    Unrepresented,
    Wish,
)


def compared(old: list[ChosenPrinciple], new: list[ChosenPrinciple]) -> Changelog:
    return changed(constitution(old), constitution(new))


def changed(old: Constitution, new: Constitution) -> Changelog:
    return changelog(Source("old", old), Source("new", new))


def ranked(*texts: str, tied: tuple[tuple[str, str], ...] = ()) -> list[ChosenPrinciple]:
    ties: dict[str, list[str]] = {text: [] for text in texts}
    for one, other in tied:
        ties[one].append(hashed(Kind.CONTEXTUAL, other))
    return [principle(text, n, tied_with=ties[text]) for n, text in enumerate(texts, 1)]


def moves(found: Changelog) -> dict[str, Move]:
    return {pair.new.text: pair.move for pair in found.kept}


def test_nothing_changed() -> None:
    told = changelog_text(changed(ratified(), ratified()))
    assert "with nothing changed" in told
    assert "of 100 people" not in told
    found = compared(principles(), principles())
    assert (found.added, found.dropped, found.reworded) == ([], [], [])
    assert {pair.move for pair in found.kept} == {Move.NONE}
    assert len(found.kept) == 5
    assert not any(pair.new_quotes for pair in found.kept)


def test_reworded_is_near_in_meaning_and_of_one_kind() -> None:
    old = ranked("Choose the response that gives its sources.", "Choose the response that rhymes.")
    new = ranked("Choose the response that names its sources.", "Choose the response that is rude.")
    new += [principle("The AI should rhyme.", 1)]
    found = compared(old, new)
    assert [(pair.old.id, pair.new.id) for pair in found.reworded] == [(old[0].id, new[0].id)]
    assert [one.text for one in found.dropped] == [old[1].text]
    assert [one.text for one in found.added] == [new[1].text, new[2].text]


def test_a_demand_turned_round_is_not_reworded() -> None:
    old = ranked("Choose the response that names its sources.")
    new = ranked("Choose the response that does not name its sources.")
    found = compared(old, new)
    assert found.reworded == []
    assert len(found.added) == len(found.dropped) == 1


def test_newcomers_renumber_and_do_not_move() -> None:
    found = compared(ranked(*TEXTS[:2]), ranked(TEXTS[2], *TEXTS[:2]))
    assert set(moves(found).values()) == {Move.RENUMBERED}


def test_order_turned_round_is_beyond_noise_without_ties() -> None:
    a, b, c = TEXTS
    found = compared(ranked(a, b, c), ranked(b, a, c))
    assert moves(found) == {a: Move.BEYOND_NOISE, b: Move.BEYOND_NOISE, c: Move.NONE}
    assert {p.new.text: p.passed for p in found.kept}[a] == [hashed(Kind.CONTEXTUAL, b)]


@pytest.mark.parametrize("side", ["old", "new"])
def test_a_tie_on_either_side_makes_a_turn_noise(side: str) -> None:
    a, b = TEXTS[:2]
    old, new = (
        ranked(*t, tied=((a, b),) if side == s else ())
        for s, t in (("old", (a, b)), ("new", (b, a)))
    )
    assert set(moves(compared(old, new)).values()) == {Move.WITHIN_NOISE}


def test_one_turn_beyond_noise_is_enough() -> None:
    a, b, c = TEXTS
    found = compared(ranked(a, b, c, tied=((b, c),)), ranked(c, a, b))
    assert moves(found) == {a: Move.BEYOND_NOISE, b: Move.WITHIN_NOISE, c: Move.BEYOND_NOISE}


def test_kinds_have_ranks_of_their_own() -> None:
    old = [principle(TEXTS[0], 1), principle(GENERAL[0], 2)]
    new = [principle(TEXTS[0], 2), principle(GENERAL[0], 1)]
    assert set(moves(compared(old, new)).values()) == {Move.RENUMBERED}


@pytest.mark.parametrize(
    ("before", "after", "within"), [(20, 30, True), (20, 31, False), (31, 20, False)]
)
def test_support_is_noise_where_intervals_overlap(before: int, after: int, within: bool) -> None:
    found = compared([principle(TEXTS[0], 1, before)], [principle(TEXTS[0], 1, after)])
    assert found.kept[0].support_within_noise is within


def test_new_quotes_and_the_people_behind_them() -> None:
    first = [evidence("Sources!", "ann"), evidence("More.", "bob")]
    more = [first[0], evidence("Again.", "ann"), evidence("New here.", "cy"), evidence("Me.", "di")]
    found = compared(
        [principle(TEXTS[0], 1, evidence=first)], [principle(TEXTS[0], 1, evidence=more)]
    )
    [pair] = found.kept
    assert [item.quote for item in pair.new_quotes] == ["Again.", "New here.", "Me."]
    assert (pair.num_people_quoted_first, pair.num_shared_quotes) == (2, 1)
    assert "ann" not in found.model_dump_json()


def missed(value: str) -> Unrepresented:
    wish = Wish(principle_id=hashed(value), text=f"Choose the response for {value}.", num_people=7)
    group = Group(name="region", value=value)
    return Unrepresented(group=group, kind=Kind.GENERAL, num_people=9, wishes=[wish])


def test_groups_that_lose_or_find_a_voice() -> None:
    old = constitution(not_represented=[missed("North"), missed("South")])
    new = constitution(not_represented=[missed("South"), missed("East")])
    found = changed(old, new)
    assert [u.group.value for u in found.newly_not_represented] == ["East"]
    assert [u.group.value for u in found.no_longer_not_represented] == ["North"]
    told = changelog_text(found)
    assert "region: East: newly not represented" in told
    assert "region: North: no longer named" in told
    assert "South" not in told


def ratified() -> Constitution:
    said = Ratification(
        num_approve=8, num_reject=2, num_pass=3, approve=interval(0.8, 0.15), approved=True
    )
    chosen = [p.model_copy(update={"ratification": said}) for p in principles()]
    told = Balloting(num_voters=13, num_votes=65, num_changed=0, ballots="0" * 64)
    return constitution(chosen, status="ratified", balloting=told)


def test_ratified_by_people() -> None:
    told = changelog_text(changed(constitution(), ratified()))
    assert "status candidate → ratified" in told
    assert "13 people cast 65 votes" in told
    assert told.count("8 approve, 2 reject, 3 pass; approved by 80 % of those who decided") == 5
    assert "approve" not in changelog_text(changed(ratified(), ratified()))


def test_text_fits_a_terminal_and_cannot_steer_it() -> None:
    hostile = "Choose the response that \x1b[2J\u202e " + "is very long " * 20 + "x" * 300
    quote = evidence("\x1b]0;owned\x07 " + "words " * 200)
    found = compared(principles(), [principle(hostile, 1, evidence=[quote]), *principles()[3:]])
    told = changelog_text(found)
    assert max(map(len, told.splitlines())) <= 100
    assert all(c.isprintable() or c == "\n" for c in told)
    assert len(found.added) == 1


def test_another_instrument_is_said() -> None:
    told = changelog_text(changed(constitution(), constitution(engine="openai", model="m-7b")))
    assert "engine extractive → openai" in told
    assert "read differently" not in changelog_text(changed(constitution(), constitution()))


def test_paths_that_may_be_named(tmp_path: Path) -> None:
    """A run, an artifact's directory and a file; JSON holds what the text is made of."""
    old, new = ratified_run(tmp_path, constitution(principles()[:2]), constitution())
    names = [str(tmp_path), new.url, f"{new.url}/constitution.json"]
    found = [json.loads(diff(old.url, name, as_json=True)) for name in names]
    assert all(len(one["added"]) == 3 for one in found)
    assert found[0] == found[1]
    assert Changelog.model_validate(found[0]).old.path == old.url
    assert "3 added, 2 kept" in diff(old.url + "/", str(tmp_path) + "/", as_json=False)


def test_one_run_alone_is_compared_with_its_newest_other(tmp_path: Path) -> None:
    versions = [constitution(title=f"v{n}") for n in range(3)]
    for number, artifact in enumerate(made := ratified_run(tmp_path, *versions)):
        # the first was finished last: not the order of names, and not the newest of all
        at = 1_000_000 - number
        os.utime(Path(artifact.url) / "manifest.json", (at, at))
    found = json.loads(diff(str(tmp_path), None, as_json=True))
    assert (found["old"]["title"], found["new"]["title"]) == ("v0", "v2")
    assert made[0].url == found["old"]["path"]


def test_the_baseline_beside_a_run_is_no_older_constitution_of_it(tmp_path: Path) -> None:
    older, baseline = constitution(title="older"), constitution(title="baseline", mode="icai")
    made = ratified_run(tmp_path, older, baseline, constitution(title="newest"))
    for number, artifact in enumerate(made):
        os.utime(Path(artifact.url) / "manifest.json", (1000 + number, 1000 + number))
    assert json.loads(diff(str(tmp_path), None, as_json=True))["old"]["title"] == "older"


def refused(*paths: Any) -> str:
    with pytest.raises(ArtifactError) as error:
        diff(*paths, as_json=False)
    return str(error.value)


def test_what_cannot_be_compared_says_how_to_name_it(tmp_path: Path) -> None:
    [only] = ratified_run(tmp_path / "one", constitution())
    older, newer = ratified_run(tmp_path / "two", constitution(), constitution())
    root = str(tmp_path / "two")
    assert "nothing older" in refused(str(tmp_path / "one"), None)
    assert older.url in refused(root, root)
    assert older.url in refused(root, newer.url)
    assert "one constitution" in refused(only.url, only.url)
    assert "the root of a run" in refused(only.url, None)
    assert "ratify/FINGERPRINT" in refused(str(tmp_path), root)
    assert "no such file" in refused(str(tmp_path / "none.json"), root)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("nonsense", "not JSON"),
        ("[]", "schema version None"),
        ('{"schema_version": 1}', "schema version 1"),
        ('{"schema_version": 3}', "no constitution: title"),
    ],
)
def test_files_that_are_no_constitution(tmp_path: Path, text: str, told: str) -> None:
    path = tmp_path / "c.json"
    path.write_text(text)
    assert told in refused(str(path), str(path))
