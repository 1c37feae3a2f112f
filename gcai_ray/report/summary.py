"""A report's content → its short answers to what a reader asks first. Knows neither HTML nor
Markdown.
"""

from __future__ import annotations

from gcai_ray.report.conflicts import NOTHING_TOLD, could_tell, named, oppositions, sorted_unheard
from gcai_ray.report.content import ReportContent
from gcai_ray.report.evaluation import figure_of, not_measured
from gcai_ray.report.phrases import as_sentence, count, group_words, join_words, people, percent
from gcai_ray.report.terms import GUESS, terms_of

EXECUTORS = {
    "judge": "A model that reads it",
    "majority": "The votes of its principles",
    "weighted": "The weighted votes of its principles",
}
MAX_NAMED = 3


def summary(content: ReportContent) -> list[tuple[str, str]]:
    """Four questions with an answer of a sentence or two each."""
    return [
        ("Does it predict what people choose?", _prediction(content)),
        ("Who is left out?", _left_out(content)),
        ("Do its principles agree?", _agreement(content)),
        ("What is not known?", _unknown(content)),
    ]


def _prediction(content: ReportContent) -> str:
    for name, who in EXECUTORS.items():
        figure = figure_of(content.measures, "reconstruction", name)
        if figure is not None:
            verb = "names" if name == "judge" else "name"
            how = f"{who} {verb} {figure.words} of held-out choices rightly."
            return f"{how} {figure.verdict}".strip()
    missing = [m for m in content.measures if m.family == "reconstruction" and m.value is None]
    if not missing or not missing[0].note:
        return "Not measured."
    reason = missing[0].note.split("; ")[0].removeprefix("not measured: ")
    return as_sentence(f"Not measured: {reason}")


def _left_out(content: ReportContent) -> str:
    groups = [
        f"{group_words(g.group)} ({people(g.num_people)})"
        for g in sorted_unheard(content.constitution)
    ]
    words = []
    if groups:
        more = len(groups) - MAX_NAMED
        told = [*groups[:MAX_NAMED], f"{more:,} more"] if more > 0 else groups
        words.append(f"Nothing that these groups most asked for was chosen: {join_words(told)}.")
    elif terms_of(content.constitution) is GUESS:
        words.append("What groups asked for was not read.")
    elif any(p.support.groups for p in content.constitution.principles):
        words.append("No group large enough to count lost all that it most asked for.")
    else:
        words.append("The data name no groups.")
    homeless = figure_of(content.measures, "pluralism", "homeless")
    if homeless is not None:
        share = percent(homeless.lines[0].value)
        words.append(f"{share} of people are covered by no principle.")
    return " ".join(words)


def _agreement(content: ReportContent) -> str:
    found = oppositions(content)
    if not found and not could_tell(content):
        return NOTHING_TOLD
    if not found:
        return "No two of them were found to pull apart."
    pairs = [f"{named(one.first)} and {named(one.other)}" for one in found[:MAX_NAMED]]
    more = f"; {len(found) - MAX_NAMED:,} more" if len(found) > MAX_NAMED else ""
    number = count(len(found), "pair of principles pulls", "pairs of principles pull")
    return f"{number} apart: {'; '.join(pairs)}{more}."


def _unknown(content: ReportContent) -> str:
    people_ = "Whether people outside these data would agree."
    missing = not_measured(content.measures)
    if not content.measures:
        return f"{people_} No figure was measured on held-out data."
    if not missing:
        return people_
    subjects = list(dict.fromkeys(subject for gap in missing for subject in gap.missing))
    return f"{people_} Not measured: {join_words(subjects)}."
