"""Which test files run in one process of pytest-xdist, one after the other: those that share a
fixture that takes a minute, and those that would fight over the cores. The longest come first.
"""

from __future__ import annotations

from pathlib import PurePath

from xdist.scheduler import LoadFileScheduling

TOGETHER = {
    "vllm": ("test_vllm_*",),
    "asking": ("test_asking",),
    "s3 and demo": ("test_demo", "test_s3_*"),
    "training": ("test_tune", "test_tune_job", "test_revise", "test_assessed"),
    "serving": ("test_serve", "test_serve_*"),
    "evaluated": ("test_evaluation", "test_feedback_forensics"),
}


def together(path: str) -> str:
    """The group of a test file; its own path when it has none."""
    file = PurePath(path)
    for group, patterns in TOGETHER.items():
        if any(file.match(f"{pattern}.py") for pattern in patterns):
            return group
    return path


def place(path: str) -> int:
    """Where a file stands among all: groups in their order, then the others."""
    groups = list(TOGETHER)
    group = together(path)
    return groups.index(group) if group in groups else len(groups)


class Together(LoadFileScheduling):
    """Hands out groups instead of files."""

    def _split_scope(self, nodeid: str) -> str:
        return together(super()._split_scope(nodeid))
