"""What the door counts → Prometheus, by way of Ray's metrics agent on every node. No prompt and no
key in it: names of models and of keys alone.
"""

from __future__ import annotations

from ray.util.metrics import Counter, Gauge, Histogram

SECONDS = [0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0]
OTHER = "other"


class Metrics:
    """Counters of one door; Ray adds the node and the replica."""

    def __init__(self) -> None:
        self._requests = Counter(
            "gcai_requests",
            "Requests by path, model, key and status.",
            ("path", "model", "key", "status"),
        )
        self._seconds = Histogram(
            "gcai_request_seconds",
            "Seconds until a reply was complete.",
            SECONDS,
            ("path", "model"),
        )
        self._tokens = Counter(
            "gcai_tokens", "Tokens of prompts and completions.", ("model", "key", "kind")
        )
        self._in_flight = Gauge("gcai_in_flight", "Requests being answered by a door.")

    def request(self, path: str, model: str, key: str, status: int, seconds: float) -> None:
        """One finished request; `model` is one that exists, or empty."""
        tags = {"path": path, "model": model or OTHER}
        self._requests.inc(1, tags | {"key": key, "status": str(status)})
        self._seconds.observe(seconds, tags)

    def tokens(self, model: str, key: str, prompt: int, completion: int) -> None:
        """What a reply took."""
        for kind, number in (("prompt", prompt), ("completion", completion)):
            if number > 0:
                self._tokens.inc(number, {"model": model, "key": key, "kind": kind})

    def in_flight(self, number: int) -> None:
        """Requests being answered now."""
        self._in_flight.set(number)
