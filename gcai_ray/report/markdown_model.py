"""The content of a tuned model's report → Markdown, the bars as tables. Knows no artifact."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from gcai_ray.report import model_prose as prose
from gcai_ray.report import model_words as words
from gcai_ray.report.figures import label_of
from gcai_ray.report.markdown_text import NONE, bullets, plain, table
from gcai_ray.report.model_content import ContestExample, ModelContent
from gcai_ray.report.phrases import excerpt


def render_model_markdown(content: ModelContent) -> str:
    """The whole report: what `render_model` shows."""
    blocks = (
        _head(content),
        _bouts(content),
        _section("Does it refuse without need?", prose.REFUSING, words.refusal_rows(content)),
        _lengths(content),
        _section("Does the judge mind the order?", prose.ORDER, words.position_rows(content)),
        _benchmarks(content),
        _examples(content),
        _limits(content),
    )
    return "\n\n".join(line for block in blocks for line in block) + "\n"


def _head(content: ModelContent) -> Iterator[str]:
    title = plain(content.constitution.title)
    link = f"[{title}]({content.report.replace('.html', '.md')})" if content.report else title
    yield "# Does it follow its constitution?"
    yield plain(words.headline(content))
    told = [("Which constitution?", link)]
    told += [(name, plain(answer)) for name, answer in words.summary_rows(content)]
    yield bullets([f"**{name}** {answer}" for name, answer in told])


def _bouts(content: ModelContent) -> Iterator[str]:
    yield "## Which follows it better?"
    yield f"{prose.HOW} {prose.LONGER}"
    for number, bout in enumerate(words.bouts_of(content)):
        yield f"### {plain(bout.heading)}"
        yield _contested((bout.whole, *bout.themes), "Theme")
        if not number and (absent := words.missing_themes(content)):
            yield absent
        yield _contested(bout.principles, "Principle")


def _contested(listed: Sequence[words.Contested], head: str) -> str:
    rows = []
    for one in listed:
        name = f"{one.label}. {plain(one.name)}" if one.label else plain(one.name)
        rows.append((name, _told(one.all), one.all.verdict or NONE, _told(one.multi)))
    return table((head, "All prompts", "Against one half", "Longer conversations"), rows)


def _told(row: words.Row) -> str:
    of = f", {row.figure.num_prompts:,} prompts" if row.is_measured else ""
    return plain(row.words) + of


Rows = Sequence[tuple[str, words.Row, str, str]]


def _section(heading: str, says: str, rows: Rows) -> Iterator[str]:
    yield f"## {heading}"
    yield says
    yield _figures(rows)


def _figures(rows: Rows) -> str:
    cells = [
        (
            plain(name),
            plain(row.words),
            plain(beside) or NONE,
            difference or NONE,
            plain(row.note) if row.is_measured else NONE,
        )
        for name, row, beside, difference in rows
    ]
    return table(("What", "Figure", "Beside", "Difference", "Counted from"), cells)


def _lengths(content: ModelContent) -> Iterator[str]:
    yield "## Is it only longer?"
    yield prose.LENGTH
    for bout, opponents in zip(words.bouts_of(content), content.opponents, strict=True):
        yield f"### {plain(bout.heading)}: length"
        yield _figures(words.length_rows(content, opponents))


def _benchmarks(content: ModelContent) -> Iterator[str]:
    rows = words.benchmark_rows(content)
    if rows:
        yield from _section("Benchmarks", prose.BENCHMARKS, rows)


def _examples(content: ModelContent) -> Iterator[str]:
    if not content.examples:
        return
    yield "## A few contests"
    yield prose.EXAMPLES
    known = {one.id: one for one in content.constitution.principles}
    for example in content.examples:
        principle = known[example.principle_id]
        yield f"### {label_of(principle.kind, principle.rank)}. {plain(principle.text)}"
        yield _example(example)


def _example(example: ContestExample) -> str:
    said = (
        ("Prompt", example.prompt),
        ("The tuned model", example.response),
        ("The base model", example.other),
    )
    lines = [f"{name}: “{plain(excerpt(text)[0])}”" for name, text in said]
    return bullets([*lines, f"**{prose.example_words(example)}**"])


def _limits(content: ModelContent) -> Iterator[str]:
    yield "## What these figures do not say"
    yield bullets([f"**{claim}.** {meaning}" for claim, meaning in prose.limits(content)])
    missing = words.gaps(content)
    if missing:
        yield "### What was not measured"
        yield bullets([f"**{plain(why)}** {plain('; '.join(names))}" for why, names in missing])
    if content.rejects:
        yield "### What was set aside"
        rows = [(plain(r.reason), plain(r.stage), f"{r.count:,}") for r in content.rejects]
        yield table(("Reason", "Stage", "Number"), rows)
    yield f"The tuned model stands in {plain(content.artifact)} below the run’s root."
