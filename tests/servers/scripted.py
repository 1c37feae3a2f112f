"""An OpenAI-compatible server that answers like a competent annotator, and fails on demand.

    python tests/servers/scripted.py --latency-ms 100 --slots 256 --faults 0.1 --seed 1

prints its base URL and ends when its standard input closes. Paths: `POST /v1/chat/completions`,
`GET /v1/models`, `GET /control/log`, `POST /control/faults`. Knows no prompt: `annotator` does.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import hashlib
import os
import sys
import threading
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from email.utils import formatdate
from functools import partial
from pathlib import Path
from typing import Any

import orjson

# As a script its own folder stands here, and `servers` would not be found.
sys.path[0] = str(Path(__file__).resolve().parents[1]) if __name__ == "__main__" else sys.path[0]

from servers.annotator import reply  # noqa: E402
from servers.faults import FAILED, KINDS, LEGAL, REFUSED, USUAL_KINDS, Faults, spoiled  # noqa: E402
from servers.leaning import leaning  # noqa: E402
from servers.record import Asked, Record  # noqa: E402
from servers.taste import by_taste  # noqa: E402
from servers.usage import PrefixCache, num_prompt_tokens, num_tokens  # noqa: E402
from servers.wire import Connection, HttpRequest  # noqa: E402
from servers.writing import as_learnt  # noqa: E402


class Refusal(Exception):
    """A request that is answered with an error of its own making."""

    def __init__(self, status: int, code: str, message: str, param: str | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.param = param


@dataclass(eq=False)
class Job:
    """One request that waits for a slot, or for its time in it."""

    connection: Connection
    asked: Asked
    fault: str | None
    body: dict[str, Any] | None = None
    timer: asyncio.TimerHandle | None = None


class ScriptedServer:
    """The state of one server: slots, faults, and the record of what was asked."""

    def __init__(self, options: argparse.Namespace) -> None:
        self._options = options
        kinds = tuple(options.kinds.split(",")) if options.kinds else USUAL_KINDS
        self._faults = Faults(seed=options.seed).changed({"share": options.faults, "kinds": kinds})
        self._formats = set(filter(None, options.response_formats.split(",")))
        self._cache = PrefixCache() if options.prefix_cache else None
        self._record = Record()
        self._num_active = 0
        self._waiting: deque[Job] = deque()
        self._loop = asyncio.get_running_loop()

    def serve(self, connection: Connection, request: HttpRequest) -> None:
        """Answer one request, now or later."""
        asked = None
        try:
            if request.path.endswith(b"/chat/completions") and request.method == b"POST":
                self._authorise(request)
                payload = _json(request.body)
                contents = [_content(message) for message in payload.get("messages") or []]
                question_id, attempt = _question_id(request, contents)
                asked = self._record.asked(question_id, attempt)
                self._ask(connection, asked, question_id, payload, contents)
            else:
                connection.send(200, self._page(request))
        except Refusal as refusal:
            self._record.refuse(f"{refusal.status} {refusal.code}", asked)
            connection.send(refusal.status, _error(refusal))

    def _page(self, request: HttpRequest) -> dict[str, Any]:
        if request.path == b"/control/log":
            return self._record.shown()
        if request.path == b"/control/faults" and request.method == b"POST":
            try:
                self._faults = self._faults.changed(_json(request.body))
            except ValueError as error:
                raise Refusal(400, "unknown_fault", str(error)) from None
            return vars(self._faults)
        if request.path.endswith(b"/models"):
            self._authorise(request)
            name = self._options.model or "scripted"
            return {"object": "list", "data": [{"id": name, "object": "model"}]}
        raise Refusal(404, "not_found", f"no such path: {request.path.decode('latin-1')}")

    def _authorise(self, request: HttpRequest) -> None:
        key = self._options.api_key
        if key and request.header(b"authorization:") != f"Bearer {key}":
            raise Refusal(401, "invalid_api_key", "Incorrect API key provided.")

    def _ask(
        self,
        connection: Connection,
        asked: Asked,
        question_id: str,
        payload: dict[str, Any],
        contents: list[str],
    ) -> None:
        num_prompt = num_prompt_tokens(contents)
        self._check(payload, num_prompt)
        num_drawn = asked.num_requests - asked.refused.total()
        fault = self._faults.drawn(question_id, num_drawn, contents)
        if fault is not None:
            asked.faults[fault] += 1
        if fault in REFUSED:
            self._turn_away(connection, fault)
            return
        job = Job(connection, asked, fault)
        connection.on_lost = partial(self._abandon, job)
        self._record.begin()
        # First the timer, then the work: what the answer takes to make is part of its latency.
        if self._num_active < self._options.slots:
            self._start(job)
        else:
            self._waiting.append(job)
        if fault not in FAILED:
            job.body = self._completion(payload, contents, num_prompt, fault)

    def _check(self, payload: dict[str, Any], num_prompt: int) -> None:
        """Refuse what a real server refuses."""
        options = self._options
        if options.model and payload.get("model") != options.model:
            model = payload.get("model")
            raise Refusal(404, "model_not_found", f"The model `{model}` does not exist.", "model")
        wanted = (payload.get("response_format") or {"type": "text"})["type"]
        if wanted not in self._formats | {"text"}:
            message = f"response_format of type '{wanted}' is not supported by this model."
            raise Refusal(400, "unsupported_parameter", message, "response_format")
        if options.context_tokens and num_prompt > options.context_tokens:
            message = f"This model's maximum context length is {options.context_tokens} tokens. "
            message += f"However, your messages resulted in {num_prompt} tokens."
            raise Refusal(400, "context_length_exceeded", message, "messages")

    def _turn_away(self, connection: Connection, fault: str) -> None:
        retry_after = self._options.retry_after
        # A date has whole seconds: the next but one is at least one second away.
        date = formatdate(int(time.time()) + 2, usegmt=True)
        value = date if fault == "429-date" else f"{retry_after:g}"
        refusal = Refusal(429, "rate_limit_exceeded", "Rate limit reached. Please try again later.")
        connection.send(429, _error(refusal), f"Retry-After: {value}")

    def _completion(
        self, payload: dict[str, Any], contents: list[str], num_prompt: int, fault: str | None
    ) -> dict[str, Any]:
        wanted = payload.get("response_format") or {}
        schema = wanted.get("json_schema", {}).get("schema")
        seed = payload.get("seed") or 0
        good = reply(payload["messages"], schema, seed)
        if ":" in str(payload.get("model")):  # an adapter
            good = as_learnt(str(payload["model"]), good)
        if self._options.taste_share:
            good = by_taste(payload["messages"], good, self._options.taste_share, seed)
        if self._options.first_place_share:
            good = leaning(payload["messages"], good, self._options.first_place_share)
        text, finish_reason = spoiled(fault, good)
        share = self._cache.cached_share(contents) if self._cache else 0.0
        num_completion = num_tokens(text)
        usage = {
            "prompt_tokens": num_prompt,
            "completion_tokens": num_completion,
            "total_tokens": num_prompt + num_completion,
            "prompt_tokens_details": {"cached_tokens": int(num_prompt * share)},
        }
        message = {"role": "assistant", "content": text}
        return {
            "id": f"chatcmpl-{self._record.num_requests}",
            "object": "chat.completion",
            "created": int(time.time()),
            "model": payload.get("model"),
            "choices": [{"index": 0, "message": message, "finish_reason": finish_reason}],
            "usage": usage,
        }

    def _start(self, job: Job) -> None:
        self._num_active += 1
        options = self._options
        delay_s = options.latency_ms / 1000
        delay_s += {"slow": options.slow_ms / 1000, "stall": options.stall_s}.get(job.fault, 0)
        job.timer = self._loop.call_later(delay_s, self._finish, job)

    def _free_slot(self) -> None:
        self._num_active -= 1
        self._record.end()
        if self._waiting:
            self._start(self._waiting.popleft())

    def _finish(self, job: Job) -> None:
        self._free_slot()
        if job.fault == "reset":
            job.connection.reset()
        elif job.body is None:
            error = Refusal(500, "server_error", "The server had an error. Sorry about that.")
            job.connection.send(500, _error(error))
        elif job.connection.send(200, job.body):
            self._record.bill(job.body["usage"])
            job.asked.num_good += job.fault is None or job.fault in LEGAL

    def _abandon(self, job: Job) -> None:
        """The client went away before its answer."""
        job.asked.num_abandoned += 1
        if job.timer is not None:
            job.timer.cancel()
            self._free_slot()
        else:
            self._waiting.remove(job)
            self._record.end()


def _json(body: bytes) -> dict[str, Any]:
    try:
        value = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise Refusal(400, "invalid_json", f"the body is no JSON: {error}") from None
    if not isinstance(value, dict):
        raise Refusal(400, "invalid_json", "the body is no JSON object")
    return value


def _content(message: dict[str, Any]) -> str:
    content = message.get("content") or ""
    return content if isinstance(content, str) else "".join(part["text"] for part in content)


def _question_id(request: HttpRequest, contents: list[str]) -> tuple[str, int]:
    """The question's id and the attempt, as the client calls them; else a hash and attempt 0."""
    named = request.header(b"x-client-request-id:") or ""
    question_id, _, attempt = named.rpartition("-")
    if question_id and attempt.isdigit():
        return question_id, int(attempt)
    text = "\0".join(contents).encode("utf-8", "surrogatepass")
    return named or hashlib.blake2b(text, digest_size=16).hexdigest(), 0


def _error(refusal: Refusal) -> dict[str, Any]:
    kind = "server_error" if refusal.status >= 500 else "invalid_request_error"
    message = {"message": str(refusal), "type": kind, "param": refusal.param, "code": refusal.code}
    return {"error": message}


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on")
    parser.add_argument("--port", type=int, default=0, help="0: any that is free")
    parser.add_argument("--latency-ms", type=float, default=0.0)
    parser.add_argument("--slots", type=int, default=256, help="more requests than these queue")
    parser.add_argument("--faults", type=float, default=0.0, help="share of requests that fail")
    parser.add_argument("--kinds", default="", help=f"comma-separated, of {', '.join(KINDS)}")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--first-place-share", type=float, default=0.0, help="see `leaning`")
    parser.add_argument("--retry-after", type=float, default=0.2, help="seconds, sent with a 429")
    parser.add_argument("--slow-ms", type=float, default=1000.0, help="added by the fault `slow`")
    parser.add_argument("--stall-s", type=float, default=30.0, help="added by the fault `stall`")
    parser.add_argument("--taste-share", type=float, default=0.0, help="see `taste.by_taste`")
    parser.add_argument("--model", default="", help="any other is answered 404")
    parser.add_argument("--api-key", default="")
    parser.add_argument("--context-tokens", type=int, default=0, help="0: no limit")
    parser.add_argument("--response-formats", default="json_object,json_schema")
    parser.add_argument(
        "--no-response-format", dest="response_formats", action="store_const", const=""
    )
    parser.add_argument("--no-prefix-cache", dest="prefix_cache", action="store_false")
    return parser.parse_args()


async def _serve(options: argparse.Namespace) -> None:
    loop = asyncio.get_running_loop()
    server = ScriptedServer(options)
    listener = await loop.create_server(
        lambda: Connection(server.serve), options.host, options.port, backlog=4096
    )
    host, port = listener.sockets[0].getsockname()
    sys.stdout.write(f"http://{host}:{port}/v1\n")
    sys.stdout.flush()
    closed = asyncio.Event()
    tell = partial(loop.call_soon_threadsafe, closed.set)
    threading.Thread(target=_until_stdin_closes, args=(tell,), daemon=True).start()
    await closed.wait()


def _until_stdin_closes(tell: Callable[[], Any]) -> None:
    while os.read(0, 4096):
        pass
    tell()


def main() -> None:
    options = _options()
    factory = None
    with suppress(ImportError):  # comes with vLLM; a fifth less CPU a request
        import uvloop

        factory = uvloop.new_event_loop
    gc.freeze()
    with asyncio.Runner(loop_factory=factory) as runner:
        runner.run(_serve(options))


if __name__ == "__main__":
    main()
