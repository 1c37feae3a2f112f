"""The files of a ballot: for Polis, for a spreadsheet, and for paper."""

from __future__ import annotations

import base64
import csv
import io
import re
from pathlib import Path

import pytest
from chromium import chromium, find_chromium
from constitution_example import TEXTS, constitution, evidence, principle, principles, ratified_run

from gcai_ray.ballots import read_ballots, write_ballot
from gcai_ray.ballots.names import heading, label
from gcai_ray.ballots.page import ballot_page
from gcai_ray.ballots.write import PAGE, SHEET, STATEMENTS, ballot_files
from gcai_ray.errors import ArtifactError, StorageError
from gcai_ray.schemas import Constitution

HOSTILE = "</style><script>alert(1)</script><img src=x onerror=alert(2)> \x00\u202e{{ 7*7 }}"


def hostile() -> Constitution:
    text = f"Choose the response that {HOSTILE}"
    chosen = [principle(text, 1, evidence=[evidence(HOSTILE, "ann")]), *principles()[3:]]
    return constitution(chosen, title=HOSTILE)


def page(built: Constitution) -> str:
    return ballot_page(built, built.principles)


def test_ballot_of_a_run(tmp_path: Path) -> None:
    [artifact] = ratified_run(tmp_path, constitution())
    folder = tmp_path / f"ballot-{artifact.manifest.fingerprint[:8]}"
    paths = write_ballot(str(tmp_path))
    assert paths == [str(folder / name) for name in (STATEMENTS, SHEET, PAGE)]
    assert write_ballot(str(tmp_path)) == paths  # the same again is no harm
    (folder / SHEET).write_text("filled in by someone")
    with pytest.raises(StorageError, match=SHEET):
        write_ballot(str(tmp_path))
    assert (folder / SHEET).read_text() == "filled in by someone"
    again = write_ballot(str(tmp_path), str(tmp_path / "again"))
    assert Path(again[0]).read_bytes() == (folder / STATEMENTS).read_bytes()


def test_nothing_is_written_where_one_file_is_taken(tmp_path: Path) -> None:
    ratified_run(tmp_path, constitution())
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / PAGE).write_text("another")
    with pytest.raises(StorageError, match="--out"):
        write_ballot(str(tmp_path), str(tmp_path / "out"))
    assert [path.name for path in (tmp_path / "out").iterdir()] == [PAGE]


def test_a_run_without_a_constitution(tmp_path: Path) -> None:
    ratified_run(tmp_path)
    with pytest.raises(ArtifactError, match="gcai ratify"):
        write_ballot(str(tmp_path))


def test_statements_for_polis() -> None:
    """The column its upload reads, and the columns of its export; kinds and ranks in order."""
    mixed = constitution(principles()[::-1])
    rows = list(csv.DictReader(io.StringIO(ballot_files(mixed)[STATEMENTS].decode())))
    assert [row["comment_text"] for row in rows] == [p.text for p in principles()]
    assert [(row["comment-id"], row["comment-body"], row["principle-id"]) for row in rows] == [
        (str(n), p.text, p.id) for n, p in enumerate(principles())
    ]
    assert {row["kind"] for row in rows} == {"contextual", "general"}


@pytest.mark.parametrize("sign", ["=", "+", "-", "@", "\t=", "\r="])
def test_cells_that_a_spreadsheet_would_run(sign: str) -> None:
    text = f"{sign}cmd|' /C calc'!A0,\n\"x\""
    files = ballot_files(constitution([principle(text, 1)]))
    [row] = csv.DictReader(io.StringIO(files[STATEMENTS].decode()))
    cells = [cell for cell in row.values() if cell[:1] in "=+-@\t\r"]
    assert cells == []
    assert "\n" not in row["comment_text"]


def test_guarded_statements_are_still_found(tmp_path: Path) -> None:
    chosen = [principle("=1+1 is two", 1)]
    (tmp_path / STATEMENTS).write_bytes(ballot_files(constitution(chosen))[STATEMENTS])
    (tmp_path / "votes.csv").write_text("comment-id,voter-id,vote\n0,7,1\n")
    assert read_ballots(str(tmp_path / "votes.csv"), chosen)[1][chosen[0].id].num_approve == 1


def test_sheet_names_every_principle_and_no_cell_is_a_number() -> None:
    [head] = csv.reader(io.StringIO(ballot_files(constitution())[SHEET].decode()))
    assert head[1:] == [heading(p) for p in principles()]
    assert all(cell.startswith(("C", "G")) for cell in head[1:])


def test_page_says_who_stands_behind_each_principle() -> None:
    long = evidence("long " * 80, "bob")
    quotes = [
        long,
        evidence("First short.", "ann"),
        evidence("Second.", "cy"),
        evidence("3.", "di"),
    ]
    told = page(constitution([principle(TEXTS[0], 1, 23, evidence=quotes)]))
    assert "23 of 100 people" in told
    assert re.findall(r"<p class=\"quote\">“<bdi>(.*?)</bdi>”", told) == ["First short.", "Second."]
    only = page(constitution([principle(TEXTS[0], 1, evidence=[long])]))
    [quote] = re.findall(r"<p class=\"quote\">“<bdi>(.*?)</bdi>”", only)
    assert quote.endswith("…")
    assert len(quote) <= 160


def test_page_has_three_boxes_a_principle_and_no_field() -> None:
    told = page(constitution())
    assert told.count('class="box"') == 3 * len(principles())
    assert all(f">{label(p)}<" in told for p in principles())
    assert not re.search(r"<(input|form|script|img|link|textarea)\b", told)


def test_guessed_principles_quote_nobody() -> None:
    chosen = [principle(TEXTS[0], 1, evidence=[])]
    told = page(constitution(chosen, mode="icai", engine="openai", model="m"))
    assert "guessed" in told
    assert 'class="quote"' not in told


def test_hostile_text_is_text() -> None:
    told = page(hostile())
    assert "<script" not in told
    assert "<img" not in told
    assert "\x00" not in told
    assert "{{ 7*7 }}" in told


@pytest.mark.skipif(find_chromium() is None, reason="Chromium is not installed")
def test_printed_page(tmp_path: Path) -> None:
    """Ten principles fit two sheets of A4, nothing sticks out, and nothing is blocked or loaded."""
    chosen = [principle(f"Choose the response that is good in way {n}.", n) for n in range(1, 11)]
    path = tmp_path / "page.html"
    for built, most in ((constitution(chosen), 2), (hostile(), 2)):
        path.write_text(page(built), encoding="utf-8")
        with chromium(tmp_path / f"profile-{most}-{len(built.principles)}") as browser:
            browser.open(path, 794)
            wide = browser.evaluate("document.documentElement.scrollWidth")
            printed = browser.send("Page.printToPDF", preferCSSPageSize=True)["data"]
            entries = browser.seen("Log.entryAdded", "Runtime.exceptionThrown")
            asked = browser.seen("Network.requestWillBeSent")
            boxes = browser.evaluate(
                "[...document.querySelectorAll('.box')].map(b => b.getBoundingClientRect().width)"
            )
        pdf = base64.b64decode(printed)
        assert wide <= 794
        assert len(re.findall(rb"/Type\s*/Page\b", pdf)) <= most
        assert re.search(rb"/MediaBox\s*\[0 0 59[45]\.?\d* 84[12]", pdf)
        assert entries == []
        assert len(asked) == 1
        assert min(boxes) > 35  # CSS pixels: about 1 cm
