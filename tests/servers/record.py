"""What a scripted server was asked and what it answered, counted by question.

Knows no HTTP and no fault by name.
"""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass, field
from typing import Any


@dataclass
class Asked:
    """One question, as the server saw it.

    num_requests: all of them; num_good: usable answers that left the server while the client was
    still connected; num_abandoned: requests whose client went away first.
    attempts: as the client numbered them, in order of arrival. refused: by HTTP status and code.
    """

    num_requests: int = 0
    num_good: int = 0
    num_abandoned: int = 0
    attempts: list[int] = field(default_factory=list)
    faults: Counter[str] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)


@dataclass
class Record:
    """All that was asked. `busy_s`: seconds with a question in flight or queued; `span_s`: seconds
    from the first question's arrival to the last one's answer, gaps included.
    """

    questions: dict[str, Asked] = field(default_factory=dict)
    refused: Counter[str] = field(default_factory=Counter)
    num_requests: int = 0
    num_prompt_tokens: int = 0
    num_cached_tokens: int = 0
    num_completion_tokens: int = 0
    num_in_flight: int = 0
    max_concurrency: int = 0
    busy_s: float = 0.0
    span_s: float = 0.0
    _busy_since: float = 0.0
    _first_at: float | None = None

    def asked(self, question_id: str, attempt: int) -> Asked:
        """Count a request in; its question."""
        self.num_requests += 1
        asked = self.questions.get(question_id)
        if asked is None:
            asked = self.questions[question_id] = Asked()
        asked.num_requests += 1
        asked.attempts.append(attempt)
        return asked

    def refuse(self, why: str, asked: Asked | None) -> None:
        self.refused[why] += 1
        if asked is not None:
            asked.refused[why] += 1

    def begin(self) -> None:
        if self.num_in_flight == 0:
            self._busy_since = time.monotonic()
        if self._first_at is None:
            self._first_at = time.monotonic()
        self.num_in_flight += 1
        self.max_concurrency = max(self.max_concurrency, self.num_in_flight)

    def end(self) -> None:
        self.num_in_flight -= 1
        if self.num_in_flight == 0:
            self.span_s = time.monotonic() - (self._first_at or 0.0)
            self.busy_s += time.monotonic() - self._busy_since

    def bill(self, usage: dict[str, Any]) -> None:
        self.num_prompt_tokens += usage["prompt_tokens"]
        self.num_completion_tokens += usage["completion_tokens"]
        self.num_cached_tokens += usage["prompt_tokens_details"]["cached_tokens"]

    def shown(self) -> dict[str, Any]:
        """All of it as JSON; `cpu_s`: seconds of CPU the server has used."""
        fields = {k: v for k, v in vars(self).items() if not k.startswith("_")}
        questions = {key: vars(asked) for key, asked in self.questions.items()}
        now = time.monotonic() - self._busy_since if self.num_in_flight else 0.0
        busy_s = self.busy_s + now
        return {**fields, "questions": questions, "busy_s": busy_s, "cpu_s": time.process_time()}
