"""What stands beside a principle besides its support → sentences: people's votes on it, ballots, a
reserved place, whether it comes back. Knows neither HTML nor Markdown.
"""

from __future__ import annotations

from collections.abc import Sequence

from gcai_ray.report.figures import label_of
from gcai_ray.report.phrases import (
    count,
    group_words,
    interval_words,
    join_words,
    percent,
    share_words,
)
from gcai_ray.schemas import Approval, ChosenPrinciple, Constitution, Ratification, Return

APPROVED, NO_MAJORITY = "approved", "no majority"


def mark_words(principle: ChosenPrinciple) -> list[str]:
    """Labels of a few words: `approved`, `place reserved for role: nurse`."""
    voted, group = principle.ratification, principle.reserved_for
    marks = [] if voted is None else [APPROVED if voted.approved else NO_MAJORITY]
    return marks if group is None else [*marks, f"place reserved for {group_words(group)}"]


def standing_words(principle: ChosenPrinciple, back: Return | None = None) -> list[str]:
    """All that is known of a principle besides support and votes of a model, in sentences."""
    words = []
    if principle.ratification is not None:
        words.append(ballot_words(principle.ratification))
    if principle.approval is not None:
        words.append(approval_words(principle.approval))
    if principle.reserved_for is not None:
        words.append(
            f"This place is reserved for {group_words(principle.reserved_for)}: without it, "
            "nothing that this group most asked for would stand here."
        )
    if back is not None:
        words.append(return_words(back))
    return words


def ballot_words(voted: Ratification) -> str:
    """`On the ballot: 80 approve, 12 reject, 4 pass. Approved: …`."""
    counts = (
        f"On the ballot: {voted.num_approve:,} approve, {voted.num_reject:,} reject, "
        f"{voted.num_pass:,} pass."
    )
    if voted.num_approve + voted.num_reject == 0:
        return f"{counts} No majority: no one took a side."
    label = APPROVED if voted.approved else NO_MAJORITY
    share = f"{share_words(voted.approve)} of those who took a side approve"
    interval = interval_words(voted.approve.low, voted.approve.high)
    return f"{counts} {label.capitalize()}: {share} ({interval})."


def approval_words(approval: Approval) -> str:
    """What voters of the source said to the statements behind a principle."""
    several = approval.num_statements != 1
    agree = f"{share_words(approval.agree)} of votes agree" + (
        f" on average ({interval_words(approval.agree.low, approval.agree.high)}, over statements)"
        if several
        else ""
    )
    words = (
        f"The source let people vote on {count(approval.num_statements, 'statement')} behind it "
        f"({count(approval.num_votes, 'vote')}): {agree}"
    )
    if approval.least_group is None or approval.least_agree is None:
        return f"{words}."
    least = percent(approval.least_agree)
    return f"{words}; in the least favourable group of voters, “{approval.least_group}”, {least}."


def return_words(back: Return) -> str:
    """`Of 20 repeated runs, 18 choose it again and 20 find a principle that says the same.`"""
    return (
        f"Of {count(back.num_runs, 'repeated run')}, {back.num_chosen:,} choose it again and "
        f"{back.num_formed:,} find a principle that says the same."
    )


def fragile_words(constitution: Constitution, returns: Sequence[Return]) -> str:
    """The principles that come back in fewer than half of the repeated runs; empty without any."""
    backs = {back.principle_id: back for back in returns}
    rare = [
        f"{label_of(p.kind, p.rank)} ({backs[p.id].num_chosen:,} of {backs[p.id].num_runs:,})"
        for p in sorted(constitution.principles, key=lambda p: (p.kind, p.rank, p.id))
        if p.id in backs and 2 * backs[p.id].num_chosen < backs[p.id].num_runs
    ]
    return (
        f"Chosen again in fewer than half of the repeated runs: {join_words(rare)}." if rare else ""
    )
