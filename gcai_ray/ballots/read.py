"""A file of people's votes → how many approve each principle. Counts only, never who voted what."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence

from gcai_ray.ballots.forms import APPROVE, PASS, REJECT, Cast, casts_of
from gcai_ray.ballots.polis import beside
from gcai_ray.ballots.table import read_bytes, read_table
from gcai_ray.errors import ConfigError, InputError, StorageError
from gcai_ray.schemas import Balloting, ChosenPrinciple, Interval, Ratification
from gcai_ray.statistics import wilson


def read_ballots(
    path: str, principles: Sequence[ChosenPrinciple]
) -> tuple[Balloting, dict[str, Ratification]]:
    """Count the votes of a file on the principles of a constitution.

    A person's later vote on a principle replaces the earlier. One row that cannot be read stops the
    file. A principle nobody voted on is left out.

    Args:
        path: a CSV, local or s3://, in one of the forms of `ballots.forms`.
        principles: of the constitution that was voted on.

    Raises:
        ConfigError: the file is not there or cannot be read.
        InputError: empty, not UTF-8, of no known form, of another constitution, no votes, or rows
            that cannot be read: the first five are named.
    """
    table = read_table(path, read_bytes(path))
    latest, num_changed = _latest(casts_of(table, principles))
    num_votes = sum(len(votes) for votes in latest.values())
    if not num_votes:
        raise InputError(f"{path}: holds no votes; every cell that could hold one is blank")
    counts = {p.id: [votes.get(p.id) for votes in latest.values()] for p in principles}
    balloting = Balloting(
        num_voters=len(latest),
        num_votes=num_votes,
        num_changed=num_changed,
        ballots=ballots_digest(path),
    )
    return balloting, {key: _ratification(cast) for key, cast in counts.items() if any_vote(cast)}


def ballots_digest(path: str) -> str:
    """SHA-256 of a file of votes, hexadecimal; with the file of comments beside it, where a Polis
    export needs one, of the two digests.

    Raises:
        ConfigError: it cannot be read.
    """
    digests = [hashlib.sha256(read_bytes(path)).hexdigest()]
    try:
        comments = beside(path)
    except StorageError as error:
        raise ConfigError(f"ballots: {error}") from error
    if comments:
        digests.append(hashlib.sha256(read_bytes(comments)).hexdigest())
    return digests[0] if not comments else hashlib.sha256(" ".join(digests).encode()).hexdigest()


def any_vote(cast: list[int | None]) -> bool:
    """Whether anyone voted."""
    return any(vote is not None for vote in cast)


def _latest(casts: Iterable[Cast]) -> tuple[dict[str, dict[str, int]], int]:
    """Voter → principle → vote, and how many votes were replaced."""
    latest: dict[str, dict[str, int]] = {}
    num_changed = 0
    for cast in casts:
        votes = latest.setdefault(cast.voter, {})
        num_changed += cast.principle_id in votes
        votes[cast.principle_id] = cast.vote
    return latest, num_changed


def _ratification(cast: list[int | None]) -> Ratification:
    num_approve, num_reject = cast.count(APPROVE), cast.count(REJECT)
    share, low, high = wilson(num_approve, num_approve + num_reject)
    return Ratification(
        num_approve=num_approve,
        num_reject=num_reject,
        num_pass=cast.count(PASS),
        approve=Interval(share=share, low=low, high=high),
        approved=num_approve > num_reject,
    )
