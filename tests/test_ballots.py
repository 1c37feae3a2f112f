"""Votes of people in every form a ballot comes back in, and what of them cannot be read."""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Sequence
from pathlib import Path

import pytest
from constitution_example import GENERAL, TEXTS, constitution, principle, principles

from gcai_ray.ballots import ballots_digest, read_ballots
from gcai_ray.ballots.names import ballot_id
from gcai_ray.ballots.write import SHEET, STATEMENTS, ballot_files
from gcai_ray.errors import ConfigError, InputError
from gcai_ray.schemas import Ratification

BALLOT = principles()
IDS = [p.id for p in BALLOT]
CCAI = Path("/work/shared/data/ccai")


def written(path: Path, *rows: Sequence[object], delimiter: str = ",") -> str:
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, delimiter=delimiter).writerows(rows)
    return str(path)


def sheet_head() -> list[str]:
    return next(csv.reader([ballot_files(constitution())[SHEET].decode()]))


def comments(folder: Path, *texts: str, agrees: tuple[int, ...] = (), name: str = "") -> None:
    """A Polis comments.csv that numbers the texts from 0."""
    head = ["comment-id", "author-id", "agrees", "disagrees", "moderated", "comment-body"]
    rows = [
        [n, 0, agrees[n] if agrees else "", 0 if agrees else "", 1, text]
        for n, text in enumerate(texts)
    ]
    written(folder / (name or "comments.csv"), head, *rows)


def counts(found: Ratification) -> tuple[int, int, int]:
    return found.num_approve, found.num_reject, found.num_pass


def refused(path: str) -> str:
    with pytest.raises(InputError) as error:
        read_ballots(path, BALLOT)
    assert path in str(error.value) or "comments" in str(error.value)
    return str(error.value)


def test_filled_sheet(tmp_path: Path) -> None:
    path = written(
        tmp_path / "sheet.csv",
        sheet_head(),
        ["1", "approve", "Reject", "pass", "", "1"],
        ["2", "approve", "approve", "", "", "−1"],
        ["3", "", "", "", "", ""],
        ["4", "reject"],
    )
    balloting, found = read_ballots(path, BALLOT)
    assert (balloting.num_voters, balloting.num_votes, balloting.num_changed) == (3, 8, 0)
    assert balloting.ballots == hashlib.sha256(Path(path).read_bytes()).hexdigest()
    assert {key: counts(r) for key, r in found.items()} == {
        IDS[0]: (2, 1, 0),
        IDS[1]: (1, 1, 0),
        IDS[2]: (0, 0, 1),
        IDS[4]: (1, 1, 0),
    }
    assert [found[key].approved for key in (IDS[0], IDS[1])] == [True, False]


def test_share_and_wilson_interval_leave_passes_out(tmp_path: Path) -> None:
    rows = [[n, IDS[0], vote] for n, vote in enumerate(["approve"] * 8 + ["reject"] * 2)]
    rows += [[n, IDS[0], "pass"] for n in range(10, 30)]
    path = written(tmp_path / "long.csv", ["voter", "principle-id", "vote"], *rows)
    share = read_ballots(path, BALLOT)[1][IDS[0]].approve
    # Wilson for 8 of 10, by hand: (0.8 + 0.192072 ± 0.272938...) / 1.384146
    assert (share.share, share.low, share.high) == pytest.approx(
        (0.8, 0.490162, 0.943318), abs=1e-5
    )


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_long_form_later_votes_replace_earlier(tmp_path: Path, delimiter: str) -> None:
    path = written(
        tmp_path / "long.csv",
        ["voter", "principle-id", "vote"],
        ["a", IDS[0], "approve"],
        ["b", IDS[0][:8], "approve"],
        ["a", f"C1 {IDS[0][:8]}", "reject"],
        ["a", IDS[3], "pass"],
        delimiter=delimiter,
    )
    balloting, found = read_ballots(path, BALLOT)
    assert (balloting.num_voters, balloting.num_votes, balloting.num_changed) == (2, 3, 1)
    assert counts(found[IDS[0]]) == (1, 1, 0)


def test_no_voter_id_is_kept(tmp_path: Path) -> None:
    rows = [["person-with-a-name", IDS[0], "approve"]]
    path = written(tmp_path / "long.csv", ["voter", "principle-id", "vote"], *rows)
    balloting, found = read_ballots(path, BALLOT)
    kept = balloting.model_dump_json() + "".join(r.model_dump_json() for r in found.values())
    assert "person" not in kept


POLIS_HEAD: list[object] = ["timestamp", "datetime", "comment-id", "voter-id", "vote"]


def test_polis_votes_by_time_and_by_the_words_of_comments(tmp_path: Path) -> None:
    """Polis numbers as it likes; people add comments; a later vote stands first in the file."""
    comments(tmp_path, "People's own comment.", GENERAL[0], *TEXTS, GENERAL[1])
    path = written(
        tmp_path / "votes.csv",
        POLIS_HEAD,
        [300, "Fri", 1, 7, -1],
        [100, "Fri", 1, 7, 1],
        [100, "Fri", 1, 8, "1.0"],
        [100, "Fri", 0, 8, 1],
        [100, "Fri", 2, 9, 0],
    )
    balloting, found = read_ballots(path, BALLOT)
    assert (balloting.num_voters, balloting.num_votes, balloting.num_changed) == (3, 3, 1)
    assert {key: counts(r) for key, r in found.items()} == {IDS[3]: (1, 1, 0), IDS[0]: (0, 0, 1)}


def test_polis_participants_votes(tmp_path: Path) -> None:
    name = "2026-01-01-x-participants-votes.csv"
    comments(tmp_path, *TEXTS, *GENERAL, "Another.", name="2026-01-01-x-comments.csv")
    head: list[object] = ["participant", "group-id", "n-comments", "n-votes", "n-agree"]
    path = written(
        tmp_path / name,
        [*head, "n-disagree", 0, 1, 2, 3, 4, 5],
        [0, 1, 0, 3, 2, 1, "1.0", "-1.0", "", "1", "", "1"],
        [1, "", 0, 1, 0, 0, "0", "", "", "", "", ""],
        [2, "", 0, 1, 0, 0, "", "", "", "", "", "1"],
    )
    balloting, found = read_ballots(path, BALLOT)
    assert (balloting.num_voters, balloting.num_votes) == (2, 4)
    assert counts(found[IDS[0]]) == (1, 0, 1)
    assert counts(found[IDS[1]]) == (0, 1, 0)


def test_polis_votes_beside_our_own_statements(tmp_path: Path) -> None:
    (tmp_path / STATEMENTS).write_bytes(ballot_files(constitution())[STATEMENTS])
    path = written(tmp_path / "votes.csv", POLIS_HEAD, [1, "Fri", 4, 7, 1])
    assert counts(read_ballots(path, BALLOT)[1][IDS[4]]) == (1, 0, 0)
    digest = ballots_digest(path)
    with (tmp_path / STATEMENTS).open("a") as file:
        file.write("9,other words,other words,,general\n")
    assert ballots_digest(path) != digest  # the words decide what was voted on


def test_polis_numbers_without_their_words_are_refused(tmp_path: Path) -> None:
    path = written(tmp_path / "votes.csv", POLIS_HEAD, [1, "Fri", 0, 7, 1])
    assert "comments.csv" in refused(path)


def test_polis_comments_of_another_constitution_are_refused(tmp_path: Path) -> None:
    comments(tmp_path, *TEXTS[:2], *GENERAL)
    path = written(tmp_path / "votes.csv", POLIS_HEAD, [1, "Fri", 0, 7, 1])
    assert TEXTS[2] in refused(path)


def test_votes_with_the_signs_of_polis_s_database_are_refused(tmp_path: Path) -> None:
    comments(tmp_path, *TEXTS, *GENERAL, agrees=(2, 0, 0, 0, 0))
    rows = [[1, "Fri", 0, voter, -1] for voter in (7, 8)]
    path = written(tmp_path / "votes.csv", POLIS_HEAD, *rows)
    assert "turn the signs round" in refused(path)


@pytest.mark.skipif(not CCAI.exists(), reason="the CCAI export is not on this machine")
def test_real_export_counts_as_polis_counted(tmp_path: Path) -> None:
    """Three statements of the real conversation stand in for principles."""
    with (CCAI / "clean_comments.csv").open(encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if row["comment-id"] in ("0", "1", "2")]
    ballot = [principle(row["comment-body"], n, 5) for n, row in enumerate(rows, 1)]
    _, found = read_ballots(str(CCAI / "clean_votes.csv"), ballot)
    for row, one in zip(rows, ballot, strict=True):
        assert counts(found[one.id]) == tuple(
            int(row[k]) for k in ("agrees", "disagrees", "passes")
        )


UNREADABLE = [
    (["1", "maybe", "", "", "", ""], "row 2, column 'C1 .*': 'maybe'.*approve, reject or pass"),
    (["", "approve", "", "", "", ""], "row 2, column 'participant .*': ''"),
    (["1", "approve", "", "", "", "", "x"], "row 2, column '.none.': 'x'"),
]


@pytest.mark.parametrize(("row", "told"), UNREADABLE)
def test_unreadable_rows_stop_the_file(tmp_path: Path, row: list[object], told: str) -> None:
    good = ["2", "approve", "", "", "", ""]
    path = written(tmp_path / "sheet.csv", sheet_head(), row, list(good))
    with pytest.raises(InputError, match=told):
        read_ballots(path, BALLOT)


def test_five_problems_are_told_and_the_rest_counted(tmp_path: Path) -> None:
    rows = [[n, IDS[0], f"v{n}"] for n in range(7)]
    path = written(tmp_path / "long.csv", ["voter", "principle-id", "vote"], *rows)
    told = refused(path)
    assert [f"'v{n}'" in told for n in range(7)] == [True] * 5 + [False] * 2
    assert "7 problems" in told
    assert "2 more" in told


def test_hostile_cells_do_not_steer_the_terminal(tmp_path: Path) -> None:
    path = written(
        tmp_path / "long.csv",
        ["voter", "principle-id", "vote"],
        ["1", IDS[0], "\x1b[2J" + "x" * 999],
    )
    told = refused(path)
    assert "\x1b" not in told
    assert len(told) < 400


def test_ballots_of_another_constitution_are_refused(tmp_path: Path) -> None:
    head = sheet_head()
    other = [f"participant (ballot {'0' * 8})", *head[1:]]
    path = written(tmp_path / "sheet.csv", other, ["1", *["approve"] * 5])
    assert ballot_id(BALLOT) in refused(path)
    path = written(tmp_path / "sheet.csv", [*head[:5], "C9 00000000"], ["1", *["approve"] * 5])
    assert "row 1, column 'C9 00000000'" in refused(path)
    path = written(tmp_path / "sheet.csv", [*head[:5], f"C1 {IDS[0]}"], ["1", *["approve"] * 5])
    assert "second column" in refused(path)
    path = written(
        tmp_path / "long.csv", ["voter", "principle-id", "vote"], ["1", "f" * 32, "approve"]
    )
    assert "row 2, column 'principle-id'" in refused(path)


def test_order_of_principles_does_not_make_another_ballot() -> None:
    assert ballot_id(BALLOT) == ballot_id(BALLOT[::-1]) != ballot_id(BALLOT[1:])


NO_VOTES = [
    ("", "empty"),
    ("\n\n", "empty"),
    ("a,b\n1,2\n", "no known form"),
    ("voter,principle-id,vote\n", "no votes"),
    ("voter,voter,principle-id,vote\n", "two columns"),
    ('voter,principle-id,vote\n1,"x\n', "double quote"),
]


@pytest.mark.parametrize(("text", "told"), NO_VOTES)
def test_files_without_votes(tmp_path: Path, text: str, told: str) -> None:
    path = tmp_path / "file.csv"
    path.write_text(text)
    assert told in refused(str(path))


def test_an_empty_sheet_holds_no_votes(tmp_path: Path) -> None:
    path = written(tmp_path / "sheet.csv", sheet_head(), ["1", "", "", "", "", ""])
    assert "no votes" in refused(path)


def test_files_in_other_encodings(tmp_path: Path) -> None:
    path = tmp_path / "file.csv"
    path.write_bytes(f"voter,principle-id,vote\n1,{IDS[0]},pass\nJosé,x,y\n".encode("latin-1"))
    assert "row 3: not valid UTF-8" in refused(str(path))
    path.write_bytes(f"\ufeffvoter;principle-id;vote\r\n1;{IDS[0]};pass\r\n".encode())
    assert counts(read_ballots(str(path), BALLOT)[1][IDS[0]]) == (0, 0, 1)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    for path in (tmp_path / "none.csv", tmp_path):
        with pytest.raises(ConfigError):
            ballots_digest(str(path))
        with pytest.raises(ConfigError):
            read_ballots(str(path), BALLOT)


def test_digest_changes_with_the_file(tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    path.write_text("a")
    first = ballots_digest(str(path))
    path.write_text("b")
    assert ballots_digest(str(path)) != first
