"""What a report says of training → blocks of Markdown, the charts as tables. Knows no artifact."""

from __future__ import annotations

from gcai_ray.report import training as told
from gcai_ray.report.content import RejectCount, ReportContent, Training, Tuning
from gcai_ray.report.figures import label_of
from gcai_ray.report.markdown_text import NONE, bullets, plain, table
from gcai_ray.report.phrases import count, field_words


def training_lines(content: ReportContent) -> list[str]:
    """What a model was taught; nothing where none was."""
    training = content.training
    if training is None:
        return []
    return [
        f"## {told.HEADING}",
        told.INTRODUCTION,
        bullets([f"{number} {what}" for number, what in told.numbers_of(training)]),
        f"{told.held_out_words(training)} {told.refusal_words(training)}",
        "### The principles behind the pairs",
        told.TAUGHT,
        _principles(content),
        "### What was set aside on the way",
        _rejects(training),
        *(_tuning(training.tuning) if training.tuning else [UNTUNED]),
        told.UNPROVEN,
        *([_follows(training.assessed)] if training.assessed else []),
    ]


def _follows(page: str) -> str:
    return (
        f"[{told.FOLLOWS}]({page.replace('.html', '.md')}) A page of its own holds its responses "
        "against those of its base, principle by principle."
    )


UNTUNED = "No model was tuned on these pairs in this run."


def _principles(content: ReportContent) -> str:
    rows = [
        (
            f"{label_of(principle.kind, principle.rank)}. {plain(principle.text)}",
            f"{taught.num_by_revision:,}",
            f"{taught.num_by_comparison:,}",
        )
        for principle, taught in told.taught_rows(content)
    ]
    return table(("Principle", "By revision", "By comparison"), rows)


def _rejects(training: Training) -> str:
    if not training.rejects:
        return "Nothing: every prompt, response and revision could be used."
    rows = [
        (plain(reject.reason), plain(reject.stage), f"{reject.count:,}", _example(reject))
        for reject in told.rejects_of(training)
    ]
    return table(("Reason", "Stage", "Number", "For example"), rows)


def _example(reject: RejectCount) -> str:
    example = reject.example
    if example is None:
        return NONE
    row = f", row {example.source_row:,}" if example.source_row else ""
    return f"{plain(example.source_file)}{row}, {plain(field_words(example.field))}"


def _tuning(tuning: Tuning) -> list[str]:
    lines = ["### How it learnt", f"{plain(told.tuned_words(tuning))}."]
    for objective in told.objectives_of(tuning):
        lines += [
            f"#### {objective.heading}",
            f"{count(objective.num_updates, 'update')}. {objective.says}",
            table(("Figure", "First", "Last", "Best"), objective.rows),
        ]
    return [
        *lines,
        "### Where it stands",
        f"In {plain(tuning.artifact)} below the run’s root, with its tokenizer, the constitution "
        "and a model card. Put the root in place of ROOT:",
        "\n".join(f"    {line}" for line in told.loading_lines(tuning)),
    ]
