"""Why an adapter cannot answer: an error that crosses from a model's replica to the door."""

from __future__ import annotations


class AdapterUnusable(Exception):
    """An adapter that cannot be loaded now. `why` holds no path; `detail`, for logs, may."""

    def __init__(self, name: str, why: str, detail: str = ""):
        super().__init__(name, why, detail)
        self.name, self.why, self.detail = name, why, detail

    def __str__(self) -> str:
        """What a caller may read."""
        return f"adapter {self.name} cannot be loaded: {self.why}"
