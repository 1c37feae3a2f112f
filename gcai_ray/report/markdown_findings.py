"""What an evaluation found, in Markdown: the same sections as `evaluation.html.j2` and
`disputes.html.j2`. Knows no artifact or path.
"""

from __future__ import annotations

from collections.abc import Sequence

from gcai_ray.report import conflicts, evaluation, phrases, prose, standing
from gcai_ray.report.content import PairExcerpt, ReportContent
from gcai_ray.report.markdown_text import NONE, bullets, plain, table
from gcai_ray.schemas import Constitution, GroupCoverage


def unheard_lines(constitution: Constitution) -> list[str]:
    """Groups without a principle and what they asked for."""
    lines = ["## Who is not represented", conflicts.unheard_words(constitution)]
    for group in conflicts.sorted_unheard(constitution):
        wishes = [
            f"{plain(text)} ({number})" if number else text
            for text, number in conflicts.wish_words(group)
        ]
        lines += [
            f"### {plain(conflicts.unheard_name(group))}",
            f"No {group.kind} principle that it most supported was chosen. It asked for:",
            bullets(wishes),
        ]
    return lines


def conflict_lines(content: ReportContent) -> list[str]:
    """Principles that pull apart, how that was found, and what is proposed."""
    lines = ["## Where principles pull apart", conflicts.conflict_words(content)]
    for one in conflicts.oppositions(content):
        sides = (one.first, one.other)
        lines.append(f"### {' and '.join(conflicts.named(side) for side in sides)}")
        lines.append(bullets([f"{conflicts.named(side)}: {plain(side.text)}" for side in sides]))
        for words, pairs in one.findings:
            example = " For example:" if pairs else ""
            lines.append(f"{plain(words)}{example}")
            lines += [bullets([_pair(pair) for pair in pairs])] if pairs else []
        lines += [f"**{words}**" for words in one.proposals]
    return lines


def _pair(pair: PairExcerpt) -> str:
    words, places = conflicts.pair_words(pair), conflicts.place_words(pair)
    return f"“{plain(words)}” ({plain(places)})"


def evaluation_lines(content: ReportContent, groups: Sequence[GroupCoverage]) -> list[str]:
    """Every figure beside its baselines, by question; then what was not measured."""
    answers = evaluation.answers_of(content.measures)
    lines = ["## Is it right?"]
    if not answers:
        lines.append(prose.nothing_measured(content.constitution))
    for answer in answers:
        lines += [f"### {answer.question.heading}", *_answer(answer)]
        family = answer.question.family
        fragile = standing.fragile_words(content.constitution, content.returns)
        lines += [fragile] if family == "stability" and fragile else []
        lines += [_groups(groups)] if family == "pluralism" and groups else []
    gaps = evaluation.not_measured(content.measures)
    if gaps:
        told = [f"**{plain(g.words)}.** {plain(phrases.as_sentence(g.reason))}" for g in gaps]
        lines += ["### What was not measured", bullets(told)]
    return lines


def _answer(answer: evaluation.Answer) -> list[str]:
    lines = [answer.introduction] if answer.introduction else []
    rows = [row for figure in answer.figures for row in _rows(figure)]
    lines.append(table(("Measure", "Of what", "Figure", "Difference"), rows))
    notes = [
        f"**{plain(figure.meaning.title)}.** {told}"
        for figure in answer.figures
        if (told := _told(figure))
    ]
    lines += [bullets(notes)] if notes else []
    return [*lines, *(plain(words) for words in (answer.notes, answer.baselines) if words)]


def _rows(figure: evaluation.Figure) -> list[tuple[str, ...]]:
    return [
        (
            plain(figure.meaning.title) if number == 0 else "",
            plain(line.name),
            f"{line.words}; {plain(line.note)}" if line.note else line.words,
            line.difference or NONE,
        )
        for number, line in enumerate(figure.lines)
    ]


def _told(figure: evaluation.Figure) -> str:
    verdict = f"**{plain(figure.verdict)}**" if figure.verdict else ""
    parts = (figure.meaning.says, verdict, plain(figure.notes))
    return " ".join(part for part in parts if part)


def _groups(groups: Sequence[GroupCoverage]) -> str:
    rows = [
        (
            f"{plain(group.name)}: {plain(group.value)}",
            phrases.people_of(group.num_covered, group.num_people),
            phrases.share_words(group.interval),
            phrases.interval_words(group.interval.low, group.interval.high),
        )
        for group in groups
    ]
    return table(("Group", "People covered", "Share", "Interval"), rows)
