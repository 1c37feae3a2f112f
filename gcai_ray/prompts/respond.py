"""A conversation → the model's own answer to it, in words.

Nothing is put around the conversation: what the model says without a constitution is what is to be
revised (Constitutional AI, arXiv 2212.08073, section 3.1). Knows no engine.
"""

from __future__ import annotations

from gcai_ray.prompts.conversation import Messages
from gcai_ray.prompts.delimit import clean
from gcai_ray.prompts.question import Question

NAME = "respond"
TEMPERATURE = 1.0  # responses are drawn from the model as it is (section 4.1)
OTHER_SEED = 7919  # added for a second response; further attempts at the first add 1 each


def question(messages: Messages, max_tokens: int) -> Question:
    """The conversation as it stands; control tokens in it are disarmed."""
    turns = tuple({"role": turn["role"], "content": clean(turn["content"])} for turn in messages)
    return Question(turns, None, max_tokens)
