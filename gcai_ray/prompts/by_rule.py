"""A person's sentences → the question the extractive engine reads: no words, since no model reads
it.
"""

from __future__ import annotations

import json
from collections.abc import Sequence

from gcai_ray.prompts import Question

NAME = "by_rule"


def question(kind: str, sentences: Sequence[str]) -> Question:
    """The kind and the cleaned sentences, as JSON."""
    content = json.dumps({"kind": kind, "sentences": list(sentences)}, ensure_ascii=False)
    return Question(({"role": "user", "content": content},), {}, 1)
