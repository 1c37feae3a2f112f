"""What a report says of training → words, rows and charts. Knows neither HTML nor Markdown."""

from __future__ import annotations

from dataclasses import dataclass

from gcai_ray.report.content import (
    RejectCount,
    ReportContent,
    TaughtPrinciple,
    Training,
    Tuning,
)
from gcai_ray.report.curves import Chart, chart_of, number_words, points_of
from gcai_ray.report.phrases import count, percent
from gcai_ray.schemas import ChosenPrinciple

HEADING = "What a model was taught by it"
INTRODUCTION = (
    "A model answered prompts, criticised its own responses by principles of the constitution and "
    "revised them (Constitutional AI, arXiv 2212.08073). The principles were drawn in proportion "
    "to the people who support them. A response and its revision make a pair to learn from; so do "
    "two responses of which one was judged better by a principle in both orders."
)
TAUGHT = (
    "How many pairs rest on each principle. A pair may rest on several, and those held out are "
    "counted too."
)
OBJECTIVES = {
    "sft": (
        "Supervised fine-tuning",
        "The model learns to say the revisions. The loss is the mean surprise at a token of them: "
        "it should fall on the rows it learns and on rows that were held out alike.",
    ),
    "dpo": (
        "Preference optimisation",
        "The model learns to prefer the better response of each pair (DPO, arXiv 2305.18290). The "
        "reward margin says by how much more than before, and the accuracy in what share of pairs: "
        "one half is chance, and both should rise on held-out rows too.",
    ),
}
TITLES = {
    "loss": "Loss",
    "reward_margin": "Reward margin",
    "reward_accuracy": "Reward accuracy",
}
FOLLOWS = "Does the model follow it?"
UNPROVEN = (
    "These figures say that the model learnt the pairs, not that it follows the constitution. The "
    "pairs are a model’s words, not people’s: it can have misread a principle, and what the "
    "critique called harmless or harmful is its own opinion."
)


@dataclass(frozen=True)
class Objective:
    """One objective of training, for a person."""

    heading: str
    says: str
    num_updates: int
    charts: tuple[Chart, ...]
    rows: tuple[tuple[str, str, str, str], ...]  # figure, at first, at last, best


def objectives_of(tuning: Tuning) -> list[Objective]:
    """The objectives that were trained, in their order."""
    found = []
    for name, (heading, says) in OBJECTIVES.items():
        steps = [metric.step for metric in tuning.metrics if metric.objective == name]
        if steps:
            drawn = (chart_of(tuning.metrics, name, figure) for figure in TITLES)
            charts = tuple(chart for chart in drawn if chart is not None)
            found.append(Objective(heading, says, max(steps), charts, _rows(tuning, name)))
    return found


def _rows(tuning: Tuning, objective: str) -> tuple[tuple[str, str, str, str], ...]:
    rows = []
    for name, title in TITLES.items():
        say = percent if name == "reward_accuracy" else number_words
        best_of = min if name == "loss" else max
        for figure, of in ((name, "rows it learns"), (f"eval_{name}", "held-out rows")):
            values = [value for _, value in points_of(tuning.metrics, objective, figure)]
            if values:
                ends = (say(values[0]), say(values[-1]), say(best_of(values)))
                rows.append((f"{title}, {of}", *ends))
    return tuple(rows)


def numbers_of(training: Training) -> list[tuple[str, str]]:
    """What was made, in numbers: number, what it counts."""
    held = f" ({training.num_prompts_held_out:,} held out)"
    return [
        (f"{training.num_prompts:,}", f"prompts{held if training.num_prompts_held_out else ''}"),
        (f"{training.num_revisions:,}", "revisions"),
        (f"{training.num_pairs_by_revision:,}", "pairs of a response and its revision"),
        (f"{training.num_pairs_by_comparison:,}", "pairs of two responses judged"),
    ]


def held_out_words(training: Training) -> str:
    """How many pairs nobody learns from."""
    if not training.num_pairs_held_out:
        return "No pair was held out, so nothing below says how the model does on others."
    pairs = count(training.num_pairs, "pair")
    return (
        f"{training.num_pairs_held_out:,} of {pairs} are held out, by the first turn of their "
        "prompt: they are looked at during training and never learnt."
    )


def refusal_words(training: Training) -> str:
    """How often a revision refuses what was harmless."""
    if not training.num_harmless:
        return (
            "No critique called a response harmless, so how often a revision refuses without need "
            "is not known."
        )
    refused, harmless = training.num_over_refusals, training.num_harmless
    share = percent(refused / harmless, fine=refused / harmless < 0.1)
    rounds = count(harmless, "response")
    return (
        f"Over-refusal: of {rounds} that the critique called harmless, {refused:,} ({share}) were "
        "revised into a refusal. Those revisions were set aside."
    )


def taught_rows(content: ReportContent) -> list[tuple[ChosenPrinciple, TaughtPrinciple]]:
    """Every principle with the pairs that rest on it, in the order of the constitution."""
    if content.training is None:
        return []
    known = {one.principle_id: one for one in content.training.principles}
    ordered = sorted(content.constitution.principles, key=lambda p: (p.kind, p.rank))
    return [(principle, known[principle.id]) for principle in ordered if principle.id in known]


def rejects_of(training: Training) -> list[RejectCount]:
    """Reasons by falling count."""
    return sorted(training.rejects, key=lambda r: (-r.count, r.stage, r.reason))


def chart_title(chart: Chart) -> str:
    """What a chart shows."""
    return TITLES[chart.name]


def tuned_words(tuning: Tuning) -> str:
    """What was trained."""
    how = f"a LoRA adapter of rank {tuning.rank} for" if tuning.rank else "all weights of"
    return f"What was trained: {how} {tuning.base_model}"


def loading_lines(tuning: Tuning) -> list[str]:
    """Python that loads it. No name of a model can end a string of it, or begin a tag."""
    place, base = (
        repr(text).replace("<", "\\x3c") for text in (f"ROOT/{tuning.artifact}", tuning.base_model)
    )
    if tuning.method == "full":
        return [
            "from transformers import AutoModelForCausalLM",
            f"model = AutoModelForCausalLM.from_pretrained({place})",
        ]
    return [
        "from peft import PeftModel",
        "from transformers import AutoModelForCausalLM",
        f"base = AutoModelForCausalLM.from_pretrained({base})",
        f"model = PeftModel.from_pretrained(base, {place})",
    ]
