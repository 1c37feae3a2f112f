"""A constitution or a report's content → Markdown that also reads well as plain text.

Knows no artifact or path.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import partial

from gcai_ray.report import phrases, prose, standing, votes
from gcai_ray.report.content import ReportContent
from gcai_ray.report.figures import label_of
from gcai_ray.report.limits import limits
from gcai_ray.report.markdown_findings import conflict_lines, evaluation_lines, unheard_lines
from gcai_ray.report.markdown_text import NONE, bullets, plain, table
from gcai_ray.report.markdown_training import training_lines
from gcai_ray.report.page import sorted_clusters, sorted_groups, sorted_rejects
from gcai_ray.report.summary import summary
from gcai_ray.report.terms import plural, terms_of
from gcai_ray.schemas import ChosenPrinciple, Constitution, Evidence, GroupSupport, Reject, Return

MAX_CLUSTERS = 40


def constitution_markdown(constitution: Constitution) -> str:
    """The constitution with support, ties and quotes; ends in a line feed."""
    return _document(
        _head(constitution),
        [f"**What is an interval?** {prose.interval_meaning()}"],
        _principles(constitution, _short_principle),
        unheard_lines(constitution),
    )


def render_markdown(content: ReportContent) -> str:
    """The whole report: what `render_html` shows, with tables in place of charts and map."""
    constitution = content.constitution
    backs = {back.principle_id: back for back in content.returns}
    return _document(
        _head(constitution),
        _summary(content),
        _principles(constitution, partial(_full_principle, backs=backs)),
        unheard_lines(constitution),
        conflict_lines(content) if constitution.principles else [],
        evaluation_lines(content, sorted_groups(content)),
        _poll(content),
        _clusters(content),
        training_lines(content),
        _rejects(content),
        _making(content),
        _limits(constitution),
    )


def _document(*blocks: Iterable[str]) -> str:
    return "\n\n".join(line for block in blocks for line in block) + "\n"


def _head(constitution: Constitution) -> list[str]:
    status, meaning = prose.status_words(constitution)
    claim, explanation = prose.engine_words(constitution)
    return [
        f"# {plain(constitution.title)}",
        prose.lead_words(constitution),
        f"**{plain(status)}.** {meaning}".rstrip(),
        f"**{claim}** {plain(explanation)}",
    ]


def _summary(content: ReportContent) -> list[str]:
    lines = [f"**{question}** {plain(answer)}" for question, answer in summary(content)]
    interval = prose.interval_meaning()
    return [bullets(lines), f"**What is an interval?** {interval}"]


def _principles(
    constitution: Constitution,
    principle_lines: Callable[[ChosenPrinciple, Constitution], list[str]],
) -> list[str]:
    parts = prose.parts_of(constitution)
    lines = (
        [prose.order_words(constitution)] if parts else ["The constitution holds no principles."]
    )
    for part in parts:
        lines += [f"## {part.heading}", part.explanation]
        lines += [
            line
            for principle in part.principles
            for line in principle_lines(principle, constitution)
        ]
    return lines


def _short_principle(
    principle: ChosenPrinciple, constitution: Constitution, back: Return | None = None
) -> list[str]:
    said = principle.prediction
    lines = [f"### {principle.rank}. {plain(principle.text)}", _support(principle, constitution)]
    lines += [plain(words) for words in standing.standing_words(principle, back)]
    if said:
        lines += [votes.prediction_words(said), f"Votes: {votes.outcome_words(said)}."]
    quotes = "\n>\n".join(_quote(item) for item in principle.evidence)
    return [*lines, quotes] if quotes else lines


def _support(principle: ChosenPrinciple, constitution: Constitution) -> str:
    words, supporters = phrases.support_words(principle), terms_of(constitution).supporters
    words += f" {supporters}" if supporters else ""
    if not principle.prediction:
        words += f"; {phrases.voice_words(principle)}"
    tie = phrases.tie_words(principle, constitution)
    return f"{words}." + (f" {tie}" if tie else "")


def _full_principle(
    principle: ChosenPrinciple, constitution: Constitution, backs: Mapping[str, Return]
) -> list[str]:
    lines = _short_principle(principle, constitution, backs.get(principle.id))
    groups = sorted(principle.support.groups, key=lambda g: (g.name, g.value))
    if groups:
        lines.append(
            table(("Group", "People", "Share", "Interval"), [_group_row(group) for group in groups])
        )
    if principle.support.consensus is not None:
        share = phrases.percent(principle.support.consensus)
        lines.append(
            f"Share in the least favourable group among those large enough to tell: {share}."
        )
    return lines


def _group_row(group: GroupSupport) -> tuple[str, ...]:
    return (
        f"{plain(group.name)}: {plain(group.value)}",
        phrases.people_of(group.num_people, group.num_people_total),
        phrases.share_words(group.interval),
        phrases.interval_words(group.interval.low, group.interval.high),
    )


def _quote(item: Evidence) -> str:
    groups = phrases.groups_words(item.groups)
    source = f"{plain(item.source_file)}, row {item.source_row:,}" + (
        f"; {plain(groups)}" if groups else ""
    )
    words, left_out = phrases.excerpt(item.quote)
    note = f" ({left_out})" if left_out else ""
    return f"> “{plain(words)}”\n> — {source}{note}"


def _poll(content: ReportContent) -> list[str]:
    if content.poll is None or not votes.is_polled(content.constitution):
        return []
    words = votes.poll_words(content.poll, content.constitution)
    rows = [
        (f"{phrases.as_sentence(name)[:-1]}. {meaning}", number, share)
        for name, meaning, number, share in votes.poll_rows(content.poll)
    ]
    return ["## How the model voted", *words, table(("Outcome", "Votes", "Share"), rows)]


def _clusters(content: ReportContent) -> list[str]:
    clusters = sorted_clusters(content)
    if not clusters:
        return []
    label = {p.id: label_of(p.kind, p.rank) for p in content.constitution.principles}
    rows = [
        (
            plain(phrases.shorten(c.text, 300)),
            c.kind,
            f"{c.num_people:,}",
            f"{c.num_members:,}",
            label[c.principle_id] if c.chosen else "",
        )
        for c in clusters[:MAX_CLUSTERS]
    ]
    shown = (
        f"the {MAX_CLUSTERS} with most people" if len(clusters) > MAX_CLUSTERS else "all of them"
    )
    terms = terms_of(content.constitution)
    clauses = plural(terms.clause)
    return [
        f"## {terms.groups_heading}",
        f"{phrases.count(len(clusters), 'group')} of {clauses} of like meaning, {terms.told_by}; "
        f"shown: {shown}. The last column names the principle of the constitution.",
        table((f"Group of {clauses}", "Kind", "People", clauses.capitalize(), "Principle"), rows),
    ]


def _rejects(content: ReportContent) -> list[str]:
    heading, terms = "## What was set aside", terms_of(content.constitution)
    rejects = sorted_rejects(content)
    if not rejects:
        return [heading, terms.nothing_set_aside]
    rows = []
    for reject in rejects:
        example = reject.example
        told = _place(example) if example else NONE
        rows.append((plain(reject.reason), plain(reject.stage), f"{reject.count:,}", told))
    total = phrases.count(sum(reject.count for reject in rejects), *terms.set_aside[:2])
    return [
        heading,
        f"{total} could not be used.",
        table(("Reason", "Stage", terms.set_aside[2], "For example"), rows),
    ]


def _place(example: Reject) -> str:
    row = f", row {example.source_row:,}" if example.source_row else ""
    return f"{plain(example.source_file)}{row}, {plain(phrases.field_words(example.field))}"


def _making(content: ReportContent) -> list[str]:
    constitution, facts = content.constitution, content.facts
    unread = ", not read" if constitution.mode == "icai" else ""
    lines = [
        "## How it was made",
        f"{phrases.people(constitution.num_people)}; "
        f"{phrases.count(constitution.num_preferences, 'choice')} between two answers, "
        f"{constitution.num_reasons:,} of them with a reason{unread}; "
        f"{phrases.count(constitution.num_statements, 'statement')} of value{unread}. "
        f"{terms_of(constitution).method}",
    ]
    if content.stages:
        lines.append(_stage_table(content))
    if content.asked:
        lines += ["### What the model was asked", _asked_table(content)]
    versions = ", ".join(
        f"{plain(name)} {plain(version)}" for name, version in sorted(facts.versions.items())
    )
    engine = f"Engine: {plain(facts.engine)}."
    if constitution.model is not None:
        engine += f" Model: {plain(constitution.model)}."
    return [*lines, engine + (f" Versions: {versions}." if versions else "")]


def _asked_table(content: ReportContent) -> str:
    columns = ["Figure", *(plain(asked.stage) for asked in content.asked), "All"]
    return table(columns, [(name, *numbers) for name, numbers in votes.asked_rows(content.asked)])


def _stage_table(content: ReportContent) -> str:
    timed = any(stage.seconds is not None for stage in content.stages)
    rows = []
    for stage in content.stages:
        counts = "; ".join(
            f"{phrases.count_name(name)}: {number:,}"
            for name, number in sorted(stage.counts.items())
        )
        seconds = [NONE if stage.seconds is None else f"{stage.seconds:,.1f}"] if timed else []
        figures = [f"{stage.num_rows:,}", f"{stage.num_rejects:,}", plain(counts) or NONE, *seconds]
        rows.append(
            (plain(stage.name), *figures, plain(stage.artifact), plain(stage.fingerprint[:12]))
        )
    columns = [
        "Stage",
        "Rows",
        "Set aside",
        "Counts",
        *(["Seconds"] if timed else []),
        "Written to",
        "Fingerprint",
    ]
    return table(columns, rows)


def _limits(constitution: Constitution) -> list[str]:
    claims = [f"**{claim}** {plain(meaning)}" for claim, meaning in limits(constitution)]
    return ["## What these numbers do not say", bullets(claims)]
