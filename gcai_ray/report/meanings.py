"""Names of measures and their families → what they mean, in plain words. Knows no figure.

A name or family not listed here is shown under its own name, without a claim that more is better.
"""

from __future__ import annotations

from dataclasses import dataclass

from gcai_ray.report import votes
from gcai_ray.report.phrases import plain_name


@dataclass(frozen=True)
class Meaning:
    """What a measure is. `good`: 1 where more is better, -1 where less is, 0 where neither is
    known.
    """

    title: str
    says: str = ""
    good: int = 0
    is_baseline: bool = False


@dataclass(frozen=True)
class Question:
    """What a family of measures answers; `subject` names it where it was not measured."""

    family: str
    heading: str
    subject: str
    introduction: str


QUESTIONS = (
    Question(
        "reconstruction",
        "Does it predict what people choose?",
        "prediction of choices",
        "The constitution was used on held-out pairs of answers, which played no part in making "
        "it. The figure is the share of choices that it names rightly, each person counted alike; "
        "an undecided pair counts one half. Tossing a coin comes to 50 %. The other bars are other "
        "ways to guess, on the same pairs.",
    ),
    Question(
        "agreement",
        "Do the ways of using it agree?",
        "agreement",
        "Where two ways of using the constitution name different answers for the same pair, its "
        "words leave room for both. 1 means that they always name the same answer, 0 that they do "
        "so as often as chance would (Cohen’s kappa).",
    ),
    Question(
        "coverage",
        "Does it cover what it has not seen?",
        "coverage",
        "Part of the data was held out while the constitution was made.",
    ),
    Question(
        "grounding",
        "Do people’s words say what the principles say?",
        "grounding",
        "A model was asked once more, of one quote and one principle at a time, whether the quote "
        "states or implies the principle. Beside it: the same question about quotes of other "
        "principles, drawn at random.",
    ),
    Question(
        "contradictions",
        "Do its principles conflict?",
        "contradictions",
        "Two principles that speak on the same pairs of answers can be seen to agree or to pull "
        "apart; of others nothing can be told. A model, where one was asked, judged each two by "
        "their words.",
    ),
    Question(
        "votes",
        "Does the order of the answers sway the model?",
        "votes on pairs",
        "Every pair was shown to the model in both orders.",
    ),
    Question(
        "stability",
        "Would it come out the same again?",
        "stability",
        "The run was repeated with people drawn afresh from the same data, and with other seeds.",
    ),
    Question(
        "pluralism",
        "Whom does it leave out?",
        "coverage of people and groups",
        "A person is covered when one of the person’s reasons, statements or choices, as it was "
        "read, matches a chosen principle.",
    ),
)
ONLY_BASELINES = (
    "This was not measured for this constitution; the reason stands below. Whoever uses it on the "
    "held-out pairs would have to name more choices rightly than these, which read no principle."
)
OTHER = Question("", "Other figures", "other", "")

OUTCOMES = "votes by outcome"
MEANINGS = {
    ("reconstruction", "judge"): Meaning(
        "Judge", "A model reads the whole constitution and names the answer it would choose.", 1
    ),
    ("reconstruction", "majority"): Meaning(
        "Majority",
        "Each principle votes by itself; the answer with more votes is named.",
        1,
    ),
    ("reconstruction", "weighted"): Meaning(
        "Weighted",
        "Each principle votes with a weight, learned from training pairs only.",
        1,
    ),
    ("reconstruction", "majority class"): Meaning(
        "Majority class",
        "Always names the first answer, or always the second, whichever was chosen more often in "
        "the training pairs.",
        1,
        True,
    ),
    ("reconstruction", "longer response"): Meaning(
        "Longer response", "Always names the longer answer.", 1, True
    ),
    ("agreement", "judge and majority"): Meaning("Judge and majority", "", 1),
    ("agreement", "judge and weighted"): Meaning("Judge and weighted", "", 1),
    ("agreement", "majority and weighted"): Meaning("Majority and weighted", "", 1),
    ("coverage", "held out coverage"): Meaning(
        "Held-out coverage", "The share of it that a contextual principle covers.", 1
    ),
    ("contradictions", "judged to conflict"): Meaning(
        "Pairs of principles that a model judges to conflict", "", -1
    ),
    ("contradictions", "told by reasons"): Meaning(
        "Pairs of principles that people’s reasons can tell apart"
    ),
    ("contradictions", "told by votes"): Meaning(
        "Pairs of principles that a model’s votes can tell apart"
    ),
    ("votes", "flip rate"): Meaning(
        "Votes that flipped",
        "They named one answer in one order and the other in the other. Such a vote counts for no "
        "side.",
        -1,
    ),
    ("votes", "position bias"): Meaning(
        "Position bias",
        "0: the model does not mind which answer is shown first; 1: it always names the first; "
        "−1: it always names the second.",
    ),
    ("votes", OUTCOMES): Meaning("What the votes came to"),
    ("grounding", "evidence confirmed"): Meaning("Quotes confirmed", "", 1),
    ("grounding", "principles confirmed"): Meaning("Principles confirmed", "", 1),
    ("stability", "comes back chosen"): Meaning(
        "Chosen again", "How often a principle is chosen again, on average over principles.", 1
    ),
    ("stability", "comes back formed"): Meaning(
        "Found again", "How often a principle is found again, chosen or not.", 1
    ),
    ("stability", "rank correlation"): Meaning(
        "Same order",
        "How alike the ranks are: 1 is the same order, 0 is no likeness, −1 is the reverse.",
        1,
    ),
    ("stability", "chosen again from same list"): Meaning(
        "Chosen again from the same list",
        "How often a principle is chosen again when only the choice is repeated.",
        1,
    ),
    ("stability", "rank correlation from same list"): Meaning(
        "Same order, from the same list", "The same when only the choice is repeated.", 1
    ),
    ("pluralism", "people covered"): Meaning("People covered", "", 1),
    ("pluralism", "worst served group"): Meaning(
        "Worst-served group", "The share of people covered in the group with the smallest.", 1
    ),
    ("pluralism", "homeless"): Meaning(
        "People not covered",
        "The share of people of whom nothing matches.",
        -1,
    ),
}
OUTCOME_NAMES = {f"votes_{outcome}": name for outcome, (name, _) in votes.OUTCOMES.items()}
# What a baseline is called and what it is, by a part of its name.
BASELINES = {
    "icai": (
        "ICAI mode",
        "a constitution that a model guesses from choices alone, without people’s words (arXiv "
        "2406.06560), used in the same way",
    ),
    "majority class": (
        "the majority class",
        "always names the first answer, or always the second, whichever was chosen more often in "
        "the training pairs",
    ),
    "longer": ("the longer response", "always names the longer answer"),
    "drawn at random from all": (
        "principles drawn at random",
        "as many as were chosen, out of all that the run, or its repetition, found",
    ),
    "without": ("the judge without constitution", "the same model, given no principles"),
}


def spoken(name: str) -> str:
    """`majority_class` → `majority class`."""
    return name.replace("_", " ").strip()


def meaning_of(family: str, name: str) -> Meaning:
    """What a measure means; its own name where it is not known."""
    known = MEANINGS.get((family, spoken(name).replace("-", " ")))
    if known is not None:
        return known
    what = name.removesuffix("_with_candidate")
    if family == "coverage" and what != name:
        return Meaning(f"{plain_name(what)} in which a ground was found", "", 1)
    return Meaning(plain_name(name))


def question_of(family: str) -> Question:
    """What a family answers; `OTHER` where it is not known."""
    return next((question for question in QUESTIONS if question.family == family), OTHER)


def baseline_meaning(name: str) -> tuple[str, str]:
    """What a baseline is called and what it is; its own name and nothing where it is not known."""
    told = spoken(name)
    return next((said for part, said in BASELINES.items() if part in told.lower()), (told, ""))
