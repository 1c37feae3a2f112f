"""What a tuned model's report says around its figures: how they were made, what they do not say.

Knows neither HTML nor Markdown, and no figure.
"""

from __future__ import annotations

from gcai_ray.report.model_content import ContestExample, ModelContent
from gcai_ray.schemas import ContestOutcome

NAMES = {
    "base": "the base model",
    "tuned": "the tuned model",
    "icai": "the model tuned to ICAI’s constitution",
}
SHORT = {"base": "its base", "tuned": "the tuned model", "icai": "the model tuned to ICAI’s"}
BETTER, WORSE, NOISE = "better", "worse", "within noise"
HOW = (
    "Each held-out prompt was put to every model. A judge, itself a language model, was shown two "
    "responses and one principle and said which follows it better, once in each order. A choice "
    "that went with the order is a tie, and so are two equal responses; a tie counts one half. One "
    "half would be no difference. Prompts are the unit of every interval: several contests on one "
    "prompt are one draw."
)
LONGER = (
    "Longer conversations are those with several turns of a person; they are among all prompts."
)
REFUSING = (
    "A refusal is found by how a response begins, in English. Nobody labelled prompts as harmless: "
    "the notes say who took them to be. Where the model that tuning began with answered a prompt, "
    "and its own critique called the answer harmless, the base refuses less often by choice of the "
    "prompts, so a small difference is no proof."
)
LENGTH = (
    "Judges tend to prefer longer responses. Where the longer one wins much more than half of the "
    "contests, look at the win rate among responses of about equal length."
)
ORDER = "How the judge minds which response is shown first. A judge that does not mind never flips."
BENCHMARKS = "By lm-evaluation-harness, without a network. Intervals are over the rows of a task."
EXAMPLES = (
    "Drawn by lot, some of each outcome: they show what was judged, not how often it went so."
)
OUTCOMES = {
    ContestOutcome.WIN: "The judge chose the tuned model’s response in both orders.",
    ContestOutcome.LOSS: "The judge chose the other response in both orders.",
    ContestOutcome.FLIP: "The judge’s choice went with the order: a tie.",
    ContestOutcome.SAME: "Both say the same: a tie, nobody was asked.",
    ContestOutcome.INVALID: "A reply of the judge is missing.",
}
LENGTH_NAMES = {
    "chars": "Characters of a response, mean",
    "longer_won": "Decided contests won by the longer response",
    "winner_chars": "Characters of the winner, mean",
    "win_rate_equal_length": "Win rate among responses within 10 % in length",
}
POSITION_NAMES = {
    "flip_rate": "Contests that flipped with the order",
    "first_place": "Choices of the response shown first",
}


def name_of(model: str) -> str:
    """`tuned` → `the tuned model`."""
    return NAMES.get(model, f"the adapter “{model}”")


def short_name(model: str) -> str:
    """The same where the other of two is named beside it."""
    return SHORT.get(model, f"the adapter “{model}”")


def example_words(example: ContestExample) -> str:
    """What the judge made of it."""
    return OUTCOMES[example.outcome]


def limits(content: ModelContent) -> list[tuple[str, str]]:
    """What the figures do not say: claim, meaning."""
    found = [
        (
            "The judge is a model",
            "It may misread a principle, and may share the taste of the model that wrote the "
            "training pairs. No person was asked. Read the examples.",
        ),
        (
            "More than half is not everything",
            "A win says that one response follows a principle better than the other, not that it "
            "follows it. Both may break it.",
        ),
        (
            "Several figures, several chances",
            f"Of {len(content.constitution.principles)} principles and as many intervals, one in "
            "twenty misses the truth by chance alone. Trust the figure over all principles first.",
        ),
        (
            "Principles overlap",
            "All of them look at the same two responses, so figures by principle move together. "
            "One theme each: a principle that names three is counted under one.",
        ),
        (
            "These prompts",
            "Held out by their first turn, but from the same sources as those it was tuned on. "
            "Other people ask other things.",
        ),
    ]
    if "icai" in content.models:
        found.append(
            (
                "ICAI’s model was tuned to another constitution",
                "It is held here to principles it was never tuned to. That the tuned model follows "
                "them better shows that the constitution matters, not that it is the better one.",
            )
        )
    return found
