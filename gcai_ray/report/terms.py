"""Who worded a constitution's principles → the words its report uses for them.

Rules word principles from one person's clause; a model words them from what it read (GCAI, arXiv
2601.18760) or from what people chose alone (ICAI, arXiv 2406.06560). Knows neither HTML nor
Markdown.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from gcai_ray.schemas import Constitution, Kind


@dataclass(frozen=True)
class Terms:
    """What the same places of a report say, by who worded the principles."""

    looked_for: str  # what contextual principles are
    bar: str  # what the bar beside a principle shows, without its interval
    evidence: tuple[str, str, str]  # heading, its short name, introduction
    supporters: str  # what is true of the people counted, behind "13 of 24 people "
    group_heading: str
    groups_heading: str
    told_by: str  # whose words stand for a group
    map_heading: str
    mark: str  # what a small mark of the map is
    mark_name: str
    cluster_name: str  # head of a table of groups
    clause: str  # what the members of a group are
    unseen: str  # what held-out data are
    set_aside: tuple[str, str, str]  # one of them, several, head of their number
    nothing_set_aside: str
    method: str
    same_bytes: str  # what must be the same for the report to be
    stages: dict[str, str]


_WANTED = "What people said they want of an AI in general, whatever it is asked."
RULES = Terms(
    looked_for="What people looked for when they compared two answers to the same request "
    "and said why they preferred one.",
    bar="The bar shows the share of people whose own words match the principle.",
    evidence=(
        "The evidence for each principle",
        "Evidence",
        "Support counts people, not pieces of writing: one person who wrote a hundred reasons is "
        "one voice. Quotes are verbatim, each from the file and row named below it. Spelling is "
        "the writer’s.",
    ),
    supporters="",
    group_heading="Who supports it, group by group",
    groups_heading="What people said",
    told_by="each told by the clause nearest its middle",
    map_heading="A map of what people said",
    mark="Each small mark is one thing one person said.",
    mark_name="one person’s words",
    cluster_name="Group, by the words nearest its middle",
    clause="clause",
    unseen="words",
    set_aside=("row", "rows", "Rows"),
    nothing_set_aside="No row was set aside: every row of the input could be used.",
    method="The method follows Grounded Constitutional AI (arXiv 2601.18760).",
    same_bytes="the same data and configuration",
    stages={
        "ingest": "Reads the files, checks every row, collapses exact duplicates, "
        "replaces person ids by salted hashes.",
        "extract": "Reads the grounds out of each reason and statement, "
        "each with the sentences it stands in.",
        "embed": "Turns each ground into a vector, so that grounds of like meaning lie close "
        "together.",
        "distill": "Groups grounds of like meaning and finds one principle for each group.",
        "vote": "Finds, for every principle, the people whose own words match it.",
        "ratify": "Ranks the principles by voices and chooses those of the constitution.",
        "evaluate": "Measures the constitution on words that were held out, beside a baseline.",
        "prompts": "Reads the prompts for a model to answer, and holds some of them out.",
        "revise": "Has the model answer, criticise its response by a principle and revise it.",
        "tune": "Trains a model on revisions and pairs.",
        "answer": "Puts held-out prompts to the model before and after.",
        "assess": "Has a judge hold their responses against each other, principle by principle.",
    },
)
MODEL = replace(
    RULES,
    bar="The bar shows the share of people whose own words, as the model read them, match the "
    "principle.",
    evidence=(
        *RULES.evidence[:2],
        "Support counts people, not pieces of writing: one person who wrote a hundred reasons is "
        "one voice. The principles are the model’s words. The quotes are people’s, verbatim, each "
        "from the file and row named below it: the sentences in which the model read the "
        "principle. Spelling is the writer’s.",
    ),
    groups_heading="What people said, as the model read it",
    told_by="each summed up by the model",
    mark="Each small mark is one ground that the model read in one person’s words.",
    mark_name="one person’s words, as the model read them",
    cluster_name="Group, summed up by the model",
    clause="ground",
    set_aside=(
        "row, reply of the model or ground",
        "rows, replies of the model or grounds",
        "Number",
    ),
    nothing_set_aside="Nothing was set aside: every row of the input and every reply of the model "
    "could be used.",
    same_bytes="the same data, configuration and replies of the model",
    stages=RULES.stages
    | {
        "extract": "Asks the model what each reason and statement wants, and in which of its "
        "sentences.",
        "distill": "Groups grounds of like meaning and asks the model to sum up each group. "
        "Grounds that its words do not cover are grouped and summed up once more; what is then "
        "still not covered belongs to no principle.",
        "vote": "Finds, for every principle, the people whose own words match it as the model read "
        "them. Asks the model which answer of a pair each contextual principle speaks for.",
        "ratify": "Ranks contextual principles by votes and general ones by voices, and chooses "
        "those of the constitution.",
    },
)
GUESS = replace(
    MODEL,
    looked_for="What a model guessed that people looked for when they chose between two answers to "
    "the same request. No one’s reasons were read.",
    bar="",
    evidence=(
        "What each principle predicts",
        "Predictions",
        "No words of people stand behind these principles: there is nothing to quote. What can be "
        "shown is how often a principle names the answer that the person chose.",
    ),
    supporters="made choices from which the model guessed the like",
    group_heading="Whose choices it was guessed from, group by group",
    groups_heading="What the model guessed",
    told_by="each told by one of its guesses drawn by lot",
    map_heading="A map of what the model guessed",
    mark="Each small mark is one ground that the model guessed for one choice.",
    mark_name="one guess of the model",
    cluster_name="Group, by one of its guesses drawn by lot",
    clause="guess",
    unseen="choices",
    method="The method follows Inverse Constitutional AI (arXiv 2406.06560), a baseline that reads "
    "neither reasons nor statements.",
    stages=MODEL.stages
    | {
        "extract": "Shows the model each pair with the answer the person chose, and asks it to "
        "guess why.",
        "embed": "Turns each guess into a vector, so that guesses of like meaning lie close "
        "together.",
        "distill": "Groups guesses of like meaning and draws one by lot to speak for each group.",
        "vote": "Asks the model which answer of a pair each principle speaks for.",
        "ratify": "Ranks the principles by the pairs they speak for less those they speak against, "
        "and chooses those of the constitution.",
        "evaluate": "Measures the constitution on choices that were held out, beside a baseline.",
    },
)


def terms_of(constitution: Constitution) -> Terms:
    """The words for a constitution, by who worded its principles."""
    if constitution.model is None:
        return RULES
    return GUESS if constitution.mode == "icai" else MODEL


def explanation(constitution: Constitution, kind: Kind) -> str:
    """What principles of a kind are, in a sentence or two."""
    return terms_of(constitution).looked_for if kind is Kind.CONTEXTUAL else _WANTED


def plural(noun: str) -> str:
    """`clauses`, `guesses`."""
    return f"{noun}es" if noun.endswith("s") else f"{noun}s"
