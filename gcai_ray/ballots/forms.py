"""A table of votes in one of four forms → who voted what on which principle, oldest first.

The forms are told apart by their header: Polis's `votes.csv` and `participants-votes.csv`
(https://compdemocracy.org/export), the sheet of `gcai ballot`, and a long form (`voter`,
`principle-id`, `vote`). Knows no file and no count.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from gcai_ray.ballots.names import ballot_id, principle_of
from gcai_ray.ballots.polis import Comments, comments_of, whole_number
from gcai_ray.ballots.table import Problems, Record, VoteTable
from gcai_ray.errors import InputError
from gcai_ray.schemas import ChosenPrinciple

APPROVE, REJECT, PASS = 1, -1, 0
NUMBERS = {"1": APPROVE, "-1": REJECT, "0": PASS}
WORDS = {"approve": APPROVE, "agree": APPROVE, "reject": REJECT, "disagree": REJECT, "pass": PASS}
OF_POLIS = {"xid", "group-id", "n-comments", "n-votes", "n-agree", "n-disagree"}
POLIS_VOTES = {"comment-id", "voter-id", "vote"}
LONG = {"voter", "principle-id", "vote"}
_PARTICIPANT = re.compile(r"participant(?: \(ballot ([0-9a-f]+)\))?")
_COMMENT = re.compile(r"\d{1,7}(?:\.0)?")


@dataclass(frozen=True)
class Cast:
    """One vote."""

    voter: str
    principle_id: str
    vote: int


def casts_of(table: VoteTable, principles: Sequence[ChosenPrinciple]) -> Iterator[Cast]:
    """Every vote on a principle in the order it was cast.

    Raises:
        InputError: no known form; a row that cannot be read; votes on another constitution; Polis
            votes whose signs are the other way round.
    """
    columns = set(table.columns)
    if columns >= POLIS_VOTES:
        return _polis_votes(table, principles)
    if columns >= LONG:
        return _long(table, principles)
    if _PARTICIPANT.fullmatch(table.columns[0]):
        return _sheet(table, principles)
    raise InputError(
        f"{table.path}: row 1: columns {', '.join(table.columns[:8])} are no known form of ballot; "
        "give the filled ballot-sheet.csv, a Polis votes.csv or participants-votes.csv, or columns "
        "voter, principle-id, vote"
    )


def _polis_votes(table: VoteTable, principles: Sequence[ChosenPrinciple]) -> Iterator[Cast]:
    comments, problems = comments_of(table.path, principles), Problems(table.path)
    found: list[tuple[float, str, Cast]] = []
    for record in table.records:
        comment = whole_number(record.cells["comment-id"])
        if comment not in comments.principles:
            _unknown_comment(problems, record.number, comment, comments)
            continue
        vote = _vote(record, "vote", NUMBERS, problems)
        voter, time = _voter(record, "voter-id", problems), _time(record, problems)
        cast = Cast(voter, comments.principles[comment], vote)
        found.append((time, comment, cast))
    problems.refuse()
    found.sort(key=lambda item: item[0])  # stable: votes of one time stay in the file's order
    latest = {(cast.voter, comment): cast.vote for _, comment, cast in found}
    _check_signs(table.path, comments, [(key[1], vote) for key, vote in latest.items()])
    return (cast for _, _, cast in found if cast.principle_id)


def _long(table: VoteTable, principles: Sequence[ChosenPrinciple]) -> Iterator[Cast]:
    problems, found = Problems(table.path), []
    for record in table.records:
        name = record.cells["principle-id"]
        principle = principle_of(name, principles)
        if principle is None:
            problems.add(record.number, "principle-id", name, _unknown(principles))
            continue
        vote = _vote(record, "vote", NUMBERS | WORDS, problems)
        found.append(Cast(_voter(record, "voter", problems), principle.id, vote))
    problems.refuse()
    return iter(found)


def _sheet(table: VoteTable, principles: Sequence[ChosenPrinciple]) -> Iterator[Cast]:
    """A row per participant; a blank cell is no vote."""
    who, *others = table.columns
    _check_ballot(table, principles)
    is_polis = any(_COMMENT.fullmatch(name) for name in others)
    comments = comments_of(table.path, principles) if is_polis else None
    columns = _columns(table, principles, comments)
    known = NUMBERS if is_polis else NUMBERS | WORDS
    problems, found = Problems(table.path), []
    for record in table.records:
        filled = {name: key for name, key in columns.items() if record.cells[name]}
        if not filled:
            continue
        voter = _voter(record, who, problems)
        for name, key in filled.items():
            vote = _vote(record, name, known, problems)
            found.append((whole_number(name), Cast(voter, key, vote)))
    problems.refuse()
    if comments:
        _check_signs(table.path, comments, [(name, cast.vote) for name, cast in found])
    return (cast for _, cast in found if cast.principle_id)


def _columns(
    table: VoteTable, principles: Sequence[ChosenPrinciple], comments: Comments | None
) -> dict[str, str]:
    """Column → principle id; '' for a comment that is no principle."""
    problems, found = Problems(table.path), {}
    for name in table.columns[1:]:
        principle = principle_of(name, principles)
        if comments and _COMMENT.fullmatch(name):
            comment = whole_number(name)
            if comment not in comments.principles:
                _unknown_comment(problems, 1, comment, comments)
            found[name] = comments.principles.get(comment, "")
        elif principle and principle.id not in found.values():
            found[name] = principle.id
        elif name and not (comments and name in OF_POLIS):
            fix = "is a second column of one principle" if principle else _unknown(principles)
            problems.add(1, name, name, fix)
    problems.refuse()
    return found


def _check_ballot(table: VoteTable, principles: Sequence[ChosenPrinciple]) -> None:
    match, wanted = _PARTICIPANT.fullmatch(table.columns[0]), ballot_id(principles)
    if match and match[1] and match[1] != wanted:
        raise InputError(
            f"{table.path}: row 1: this is ballot {match[1]}, the constitution's is {wanted}: it "
            "was written for another constitution; give the run whose principles people voted on"
        )


def _vote(record: Record, column: str, known: dict[str, int], problems: Problems) -> int:
    cell = record.cells[column]
    vote = known.get(whole_number(cell.replace("−", "-").lower()))
    if vote is None:
        problems.add(record.number, column, cell, f"is no vote; write {_choices(known)}")
    return vote or PASS


def _choices(known: dict[str, int]) -> str:
    return "approve, reject or pass" if "approve" in known else "1, -1 or 0"


def _voter(record: Record, column: str, problems: Problems) -> str:
    if not record.cells[column]:
        fix = "is whose vote? number the voters 1, 2, 3 …, the same number for the same person"
        problems.add(record.number, column, "", fix)
    return whole_number(record.cells[column])


def _time(record: Record, problems: Problems) -> float:
    cell = record.cells.get("timestamp", "0")
    if not re.fullmatch(r"\d{1,18}(?:\.\d*)?", cell):
        problems.add(record.number, "timestamp", cell, "is no number; it decides which vote counts")
        return 0.0
    return float(cell)


def _unknown(principles: Sequence[ChosenPrinciple]) -> str:
    return (
        f"is no principle of this constitution (ballot {ballot_id(principles)}); "
        "was it written for another one?"
    )


def _unknown_comment(problems: Problems, row: int, comment: str, comments: Comments) -> None:
    fix = f"is none of the comments in {comments.path}; take both from one export"
    problems.add(row, "comment-id", comment, fix)


def _check_signs(path: str, comments: Comments, votes: list[tuple[str, int]]) -> None:
    """Polis stores agreement as -1 and exports it as 1 (compdemocracy/polis#2555): votes taken from
    its database are refused where the counts beside the comments show it.
    """
    straight, turned, counts = 0.0, 0.0, Counter(votes)
    for comment, (agrees, disagrees) in comments.totals.items():
        found = counts[comment, APPROVE], counts[comment, REJECT]
        straight += abs(found[0] - agrees) + abs(found[1] - disagrees)
        turned += abs(found[1] - agrees) + abs(found[0] - disagrees)
    if turned < straight:
        raise InputError(
            f"{path}: 1 and -1 seem to mean disagree and agree here, by the counts in "
            f"{comments.path}; turn the signs round (Polis stores agreement as -1, exports it as 1)"
        )
