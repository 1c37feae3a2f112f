"""What schemathesis does beside its own: requests that fit the description ask a model that is
there for a few tokens, and every status is noted.

Loaded by its command by way of SCHEMATHESIS_HOOKS, in a process of its own.
"""

from __future__ import annotations

import os
from collections import Counter
from pathlib import Path
from typing import Any

NOTED = "SERVE_API_STATUSES"
MOST_TOKENS = 4


def environment(statuses: Path) -> dict[str, str]:
    """Of the command; statuses are written to a file."""
    paths = os.pathsep.join([str(Path(__file__).parent), os.environ.get("PYTHONPATH", "")])
    ours = {"SCHEMATHESIS_HOOKS": __name__, NOTED: str(statuses), "PYTHONPATH": paths}
    return {**os.environ, **ours}


def seen(statuses: Path) -> Counter[tuple[str, int]]:
    """How often which status came, by path."""
    lines = (line.split() for line in statuses.read_text().splitlines())
    return Counter((path, int(status)) for path, status in lines)


if NOTED in os.environ:
    import schemathesis

    @schemathesis.hook
    def before_call(context: Any, case: Any, kwargs: Any) -> None:
        """Such requests would else name models that are not there, or write for minutes."""
        mode = case.meta.generation.mode if case.meta is not None else None
        if not isinstance(case.body, dict) or mode is None or not mode.is_positive:
            return
        left_out = ("max_completion_tokens", "reflect")
        kept = {name: value for name, value in case.body.items() if name not in left_out}
        case.body = kept | {"model": "tiny", "max_tokens": MOST_TOKENS}

    @schemathesis.hook
    def after_call(context: Any, case: Any, response: Any) -> None:
        """Note the status."""
        with open(os.environ[NOTED], "a", encoding="utf-8") as file:
            file.write(f"{case.operation.path} {response.status_code}\n")
