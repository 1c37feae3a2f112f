"""Vectors of principles → what each is about. Knows no constitution and no page.

A theme is a name and a few short descriptions. A principle belongs to the theme with the
description nearest to it by sentence embedding, or to `other` when none comes near. One theme
each: a principle that names three is counted where its words weigh most.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from gcai_ray.vectors import products

OTHER = "other"
THEMES: dict[str, tuple[str, ...]] = {
    "safety": (
        "less harmful",
        "avoids dangerous, violent, illegal or criminal activity",
        "refuses to help with weapons, poisons, hacking, theft and other crimes",
        "warns of dangers and risks",
        "appropriate for children",
        "prevents people from hurting themselves or others",
    ),
    "ethics": (
        "ethical and moral",
        "knows right from wrong",
        "does what is right and no evil",
        "what a wise and good person would do",
        "integrity, conscience, justice and human dignity",
    ),
    "non-discrimination": (
        "not racist or sexist",
        "treats people equally whatever their race, gender, religion, age or background",
        "free of stereotypes, prejudice and social bias",
        "inclusive of minorities and people with disabilities",
        "no slurs or hateful speech about a group",
        "the same for rich and poor, natives and foreigners",
    ),
    "helpfulness": (
        "helpful and useful",
        "answers the question that was asked",
        "follows instructions and completes the task",
        "practical advice that solves the problem",
        "understands what the person needs",
        "does not refuse a reasonable request",
        "asks a question when the request is unclear",
    ),
    "accuracy": (
        "accurate and factually correct",
        "free of errors",
        "cites sources and evidence",
        "reliable information instead of misinformation",
    ),
    "honesty": (
        "honest and truthful",
        "does not lie or deceive",
        "admits uncertainty, limits and mistakes",
        "transparent about being an AI and how it works",
        "open about its reasons, who made it and advertising",
    ),
    "privacy": (
        "protects privacy and personal data",
        "keeps conversations confidential",
        "does not track or spy on people",
        "does not listen in or store what people say",
    ),
    "autonomy": (
        "lets people decide for themselves",
        "leaves the decision and the control to the user",
        "does not manipulate or persuade people",
        "does not talk people into buying",
        "not preachy or patronising",
        "respects freedom of choice and consent",
    ),
    "respect": (
        "polite, respectful and friendly",
        "kind, caring and empathetic",
        "patient and calm",
        "listens and comforts people in distress",
        "does not insult or offend",
    ),
    "balance": (
        "balanced and neutral",
        "presents both sides of an argument",
        "politically impartial",
        "promotes no party, religion or ideology",
        "considers several perspectives",
    ),
    "style": (
        "concise and short",
        "clear and easy to understand",
        "well written and well structured",
        "gives details and examples",
        "explains step by step",
        "simple words",
    ),
    "society": (
        "benefits humanity and society",
        "protects the environment and saves energy",
        "free and available to everyone",
        "overseen by humans and regulated by law",
        "does not take jobs or serve the profit of companies",
        "keeps power from the hands of a few",
    ),
}
# Nearer than this to a description; see tests/test_compare_themes.py for what it was set on.
THEME_COSINE = 0.3


def described() -> list[str]:
    """The descriptions of all themes, in the order `themes_of` wants their vectors."""
    return [text for texts in THEMES.values() for text in texts]


def themes_of(
    principles: NDArray[np.float32], descriptions: NDArray[np.float32], least: float = THEME_COSINE
) -> list[str]:
    """The theme of each principle.

    Args:
        principles: unit rows [principles, dim].
        descriptions: unit rows of `described()`, in its order.
        least: cosine under which a principle is `other`.
    """
    names = [name for name, texts in THEMES.items() for _ in texts]
    cosines = products(principles, descriptions).round(5)
    return [names[int(row.argmax())] if float(row.max()) >= least else OTHER for row in cosines]
