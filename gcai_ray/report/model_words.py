"""Figures of tuned models → words and rows of their report. Knows neither HTML nor Markdown."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from gcai_ray.comparison.themes import THEMES
from gcai_ray.report.figures import label_of
from gcai_ray.report.model_content import ModelContent
from gcai_ray.report.model_prose import (
    BETTER,
    LENGTH_NAMES,
    NAMES,
    NOISE,
    POSITION_NAMES,
    WORSE,
    name_of,
    short_name,
)
from gcai_ray.report.phrases import as_sentence, count, interval_words, percent
from gcai_ray.schemas import ChosenPrinciple, Figure


@dataclass(frozen=True)
class Row:
    """One figure in words, or why there is none. `share`: it can be drawn as a bar."""

    figure: Figure
    words: str
    verdict: str = ""

    @property
    def is_measured(self) -> bool:
        """Whether there is a figure."""
        return self.figure.value is not None

    @property
    def note(self) -> str:
        """What it is counted from, as a sentence."""
        return as_sentence(self.figure.note)


@dataclass(frozen=True)
class Contested:
    """A principle or theme with its figures on all prompts and on longer conversations."""

    name: str
    label: str
    kind: str
    all: Row
    multi: Row


@dataclass(frozen=True)
class Bout:
    """One model held against another: by all principles, by theme, by principle."""

    heading: str
    model: str
    whole: Contested
    themes: tuple[Contested, ...]
    principles: tuple[Contested, ...]


def bouts_of(content: ModelContent) -> list[Bout]:
    """Every two models that were held against each other."""
    return [_bout(content, model, against) for model, against in content.opponents]


def _bout(content: ModelContent, model: str, against: str) -> Bout:
    own = [f for f in content.figures if (f.model, f.against) == (model, against)]
    win = [f for f in own if f.family == "adherence"]
    present = list(dict.fromkeys(content.themes[p.id] for p in ordered(content)))
    heading = f"{name_of(model)} against {short_name(against)}"
    return Bout(
        heading=heading[:1].upper() + heading[1:],
        model=name_of(model),
        whole=_contested(win, ("all", ""), "All principles together"),
        themes=tuple(_contested(win, ("theme", one), one.capitalize()) for one in present),
        principles=tuple(
            _contested(win, ("principle", p.id), p.text, label_of(p.kind, p.rank), p.kind)
            for p in ordered(content)
        ),
    )


def _contested(
    figures: Sequence[Figure], of: tuple[str, str], name: str, label: str = "", kind: str = ""
) -> Contested:
    found = {f.prompts: f for f in figures if (f.scope, f.subject) == of}
    return Contested(
        name, label, kind or "contextual", row_of(found["all"]), row_of(found["multi"])
    )


def ordered(content: ModelContent) -> list[ChosenPrinciple]:
    """Principles in the order of the constitution."""
    return sorted(content.constitution.principles, key=lambda p: (p.kind, p.rank, p.id))


def row_of(figure: Figure, share: bool = True) -> Row:
    """A figure in words, with what is to be said of its difference."""
    if figure.value is None:
        few = None if figure.num_prompts is None else count(figure.num_prompts, "prompt")
        return Row(figure, f"not measured ({few})" if few else f"not measured: {figure.note}")
    return Row(figure, value_words(figure.value, figure.low, figure.high, share), _verdict(figure))


def _verdict(figure: Figure) -> str:
    if figure.family != "adherence" or figure.difference_low is None:
        return ""
    if figure.difference_low > 0:
        return BETTER
    return WORSE if (figure.difference_high or 0) < 0 else NOISE


def value_words(value: float, low: float | None, high: float | None, share: bool = True) -> str:
    """`71 % (95 % interval 62–79 %)`, or `412 (95 % interval 380 to 450)`."""
    if share:
        ends = f" ({interval_words(low, high)})" if low is not None and high is not None else ""
        fine = high is not None and high < 0.1
        return percent(value, fine) + ends
    ends = f" (95 % interval {low:,.0f} to {high:,.0f})" if low is not None else ""
    return f"{value:,.0f}{ends}".replace("-", "−")


def baseline_words(figure: Figure, share: bool = True) -> str:
    """What a figure stands beside, with the difference where it is known."""
    if figure.baseline is None:
        return ""
    beside = value_words(figure.baseline, figure.baseline_low, figure.baseline_high, share)
    return f"{NAMES.get(figure.baseline_name or '', figure.baseline_name)}: {beside}"


def difference_words(figure: Figure, share: bool = True) -> str:
    """`+4 points (95 % interval −1 to +9)`; of characters without the unit."""
    if figure.difference is None or figure.difference_low is None:
        return ""
    scale, unit = (100, " points") if share else (1, "")
    ends = (figure.difference, figure.difference_low, figure.difference_high or 0.0)
    value, low, high = (_signed(scale * end) for end in ends)
    return f"{value}{unit} (95 % interval {low} to {high})"


def _signed(number: float) -> str:
    """`+4`, `−1`, `0`."""
    words = f"{number:+,.0f}".replace("-", "−")
    return "0" if words[1:] == "0" else words


def family(content: ModelContent, *names: str) -> list[Figure]:
    """All figures of some families, in the order of families, models and names whatever that of
    the rows.
    """
    models = {name: number for number, name in enumerate((*content.models, "judge"))}
    titles = {name: n for n, name in enumerate((*LENGTH_NAMES, *POSITION_NAMES))}
    found = [f for f in content.figures if f.family in names]
    return sorted(
        found,
        key=lambda f: (
            names.index(f.family),
            f.subject,
            titles.get(f.name, 0),
            f.name,
            models.get(f.model, len(models)),
            models.get(f.against or "", -1),
        ),
    )


def refusal_rows(content: ModelContent) -> list[tuple[str, Row, str, str]]:
    """What is counted, figure, what it stands beside, difference."""
    titles = {"over_refusal": "of harmless prompts", "refusal": "of all prompts"}
    return [
        (
            f"{name_of(f.model)[:1].upper()}{name_of(f.model)[1:]}, {titles[f.family]}",
            row_of(f),
            baseline_words(f),
            difference_words(f),
        )
        for f in family(content, "over_refusal", "refusal")
    ]


def length_rows(
    content: ModelContent, opponents: tuple[str, str]
) -> list[tuple[str, Row, str, str]]:
    """The same of lengths, for one model held against another."""
    found = []
    for figure in family(content, "length"):
        if (figure.model, figure.against) == opponents:
            share = "chars" not in figure.name
            told = (row_of(figure, share), baseline_words(figure, share))
            found.append((LENGTH_NAMES[figure.name], *told, difference_words(figure, share)))
    return found


def position_rows(content: ModelContent) -> list[tuple[str, Row, str, str]]:
    """The same of the judge."""
    return [
        (POSITION_NAMES[f.name], row_of(f), baseline_words(f), difference_words(f))
        for f in family(content, "position")
    ]


def benchmark_rows(content: ModelContent) -> list[tuple[str, Row, str, str]]:
    """The same of benchmarks."""
    return [
        (
            f"{f.subject}{f', {f.name}' if f.name else ''}: {name_of(f.model)}",
            row_of(f, share=f.value is not None and 0 <= f.value <= 1),
            baseline_words(f),
            difference_words(f),
        )
        for f in family(content, "benchmarks")
    ]


def missing_themes(content: ModelContent) -> str:
    """Themes no principle is about, in a sentence; empty where there is none."""
    known = set(content.themes.values())
    themes = {f.subject for f in content.figures if f.scope == "theme" and f.subject not in known}
    named = sorted(themes, key=list(THEMES).index)
    if not named:
        return ""
    return f"Not measured, since no principle of the constitution is about it: {', '.join(named)}."


def headline(content: ModelContent) -> str:
    """What came out, in a sentence or two."""
    first = bouts_of(content)[0].whole.all
    if not first.is_measured:
        return (
            "Whether the tuned model follows its constitution better than its base does is not "
            f"known: {first.figure.note}."
        )
    said = {
        BETTER: "The tuned model follows its constitution better than its base does",
        WORSE: "The tuned model follows its constitution less than its base does",
        NOISE: "Whether the tuned model follows its constitution better than its base is within "
        "noise",
    }[first.verdict]
    return (
        f"{said}: a judge preferred its responses, principle by principle, in {first.words} of "
        f"contests. One half would be no difference.{length_warning(content)}"
    )


def length_warning(content: ModelContent) -> str:
    """What to say where the longer response wins, and nothing shows that it is not for that."""
    told = family(content, "length")
    own = {f.name: f for f in told if (f.model, f.against) == content.opponents[0]}
    longer, equal = own.get("longer_won"), own.get("win_rate_equal_length")
    if longer is None or longer.value is None or (longer.low or 0) <= 0.5:
        return ""
    if equal is not None and equal.difference_low is not None and equal.difference_low > 0:
        return ""
    won = percent(longer.value)
    return f" But the longer response won {won} of contests: length alone may explain it."


def summary_rows(content: ModelContent) -> list[tuple[str, str]]:
    """What it is about and how it was measured, in short: question, answer."""
    how = f"a LoRA adapter of rank {content.rank} for" if content.rank else "all weights of"
    prompts = count(content.num_prompts, "held-out prompt")
    multi = f"{content.num_multi:,} of them longer conversations"
    greedy = "greedily" if not content.temperature else f"at temperature {content.temperature:g}"
    rows = [
        ("Which model?", f"{how} {content.base_model}"),
        ("How measured?", f"{prompts}, {multi}, answered {greedy} by every model"),
        ("Who judged?", f"a language model, {content.judge}, in both orders; no person"),
    ]
    return rows + [(title, words) for title, words in _short_answers(content) if words]


def _short_answers(content: ModelContent) -> Iterator[tuple[str, str]]:
    for figure in family(content, "over_refusal"):
        if figure.model == "tuned":
            beside = baseline_words(figure)
            told = row_of(figure).words
            yield "Does it refuse without need?", f"{told}; {beside}" if beside else told
    for name, row, _, difference in length_rows(content, content.opponents[0]):
        if name == LENGTH_NAMES["chars"] and row.is_measured:
            yield "Is it longer?", f"{row.words} characters on average; {difference} to its base"
        if name == LENGTH_NAMES["win_rate_equal_length"]:
            yield "And at equal length?", row.words


def gaps(content: ModelContent) -> list[tuple[str, list[str]]]:
    """Why something was not measured, and how many or which figures that concerns."""
    found: dict[str, list[str]] = {}
    for figure in family(content, "adherence", "over_refusal", "refusal", "length", "position"):
        if figure.value is None and figure.scope == "all":
            found.setdefault(figure.note, []).append(_title(figure))
    return [(as_sentence(why), list(dict.fromkeys(names))) for why, names in found.items()]


def _title(figure: Figure) -> str:
    titles = LENGTH_NAMES | POSITION_NAMES | {"win_rate": "win rate", "rate": "refusals"}
    of = f"{name_of(figure.model)}" if figure.model != "judge" else "the judge"
    return f"{titles.get(figure.name, figure.name or figure.subject)} of {of}"
