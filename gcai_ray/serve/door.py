"""Requests in OpenAI's words → models' replicas, and their replies back. The ingress of the
application, a FastAPI app on Ray Serve.

Who may ask, and how much, is decided in `guard` and `requests` before a model sees anything. Knows
no engine: a model is a handle that is asked.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response, StreamingResponse
from ray.exceptions import RayActorError, TaskCancelledError
from ray.serve.handle import DeploymentHandle
from starlette.exceptions import HTTPException

from gcai_ray.errors import GcaiError
from gcai_ray.prompts.question import Question
from gcai_ray.schemas import Constitution
from gcai_ray.serve.asking import Asker
from gcai_ray.serve.catalogue import Catalogue, Target
from gcai_ray.serve.constitution import described, plain, with_system
from gcai_ray.serve.description import REPLIES, describe
from gcai_ray.serve.errors import Refused, error_body, from_validation
from gcai_ray.serve.guard import Guard
from gcai_ray.serve.metrics import Metrics
from gcai_ray.serve.reflect import Mirror, Reflection, course_for
from gcai_ray.serve.replies import Usage, events, raise_for_error, whole
from gcai_ray.serve.requests import (
    ChatRequest,
    CompletionRequest,
    asked_tokens,
    checked,
    to_vllm_fields,
)
from gcai_ray.serving_config import ServeConfig

LOG = logging.getLogger("ray.serve")
READY_TIMEOUT_S = 5.0


class Door:
    """One replica of the ingress. `handles`: the models, in the order of the configuration."""

    def __init__(self, config: ServeConfig, *handles: DeploymentHandle):
        self._config = config
        ids = [model.id for model in config.models]
        self._catalogue = Catalogue(config)
        asked = dict(zip(ids, handles, strict=True))
        self._asker = Asker(asked, config.limits.request_timeout_s)
        self._metrics = Metrics()

    async def __serve_build_asgi_app__(self) -> Any:
        """The app behind its guard; Ray Serve takes it when the replica starts."""
        await asyncio.to_thread(self._catalogue.refresh)
        app = FastAPI(
            docs_url=None, redoc_url=None, redirect_slashes=False, lifespan=self._lifespan
        )
        for method, path, function in (
            ("GET", "/health", self.health),
            ("GET", "/ready", self.ready),
            ("GET", "/v1/models", self.models),
            ("GET", "/v1/models/{model:path}", self.model),
            ("GET", "/v1/constitution", self.constitution),
            ("POST", "/v1/chat/completions", self.chat),
            ("POST", "/v1/completions", self.completions),
        ):
            app.add_api_route(
                path, function, methods=[method], response_model=None, responses=REPLIES[path]
            )
        describe(app)
        app.add_exception_handler(Refused, _refused)
        app.add_exception_handler(RequestValidationError, _invalid)
        app.add_exception_handler(HTTPException, _not_here)
        return hearing_of_those_who_left(Guard(app, self._config, self._metrics))

    @asynccontextmanager
    async def _lifespan(self, app: FastAPI) -> AsyncIterator[None]:
        task = asyncio.create_task(self._keep_fresh())
        yield
        task.cancel()

    async def _keep_fresh(self) -> None:
        """Read the registry every few seconds; what is known stays where that fails."""
        told = ""
        while True:
            await asyncio.sleep(self._config.refresh_s)
            try:
                await asyncio.to_thread(self._catalogue.refresh)
                told = ""
            except GcaiError as error:
                if str(error) != told:
                    LOG.warning("the registry cannot be read, what was known stays: %s", error)
                told = str(error)

    async def health(self) -> dict[str, str]:
        """Whether this door is alive."""
        return {"status": "ok"}

    async def ready(self) -> Response:
        """Whether every model can answer."""
        ids = [model.id for model in self._config.models]
        found = await asyncio.gather(*(self._asker.is_ready(id, READY_TIMEOUT_S) for id in ids))
        models = dict(zip(ids, found, strict=True))
        return JSONResponse({"ready": all(found), "models": models}, 200 if all(found) else 503)

    async def models(self, request: Request) -> dict[str, Any]:
        """All that the caller's key may ask for."""
        cards = self._catalogue.cards()
        return {"object": "list", "data": [card for card in cards if _may(request, card["id"])]}

    async def model(self, model: str, request: Request) -> dict[str, Any]:
        """One model, with the constitution it was tuned to and its evaluation."""
        found = next((card for card in self._catalogue.cards() if card["id"] == model), None)
        if found is None or not _may(request, model):
            raise _no_model()
        return found

    async def constitution(self, request: Request, model: str | None = None) -> dict[str, Any]:
        """The constitutions of all models the caller may ask for, or of one, with the people behind
        each principle.
        """
        named = [card["id"] for card in self._catalogue.cards()] if model is None else [model]
        found = []
        for name in named:
            if _may(request, name):
                target = self._catalogue.find(name, _who(request))
                of = None if target is None else await self._constitution(target)
                found += [] if of is None else [described(of, name)]
        if model is not None and not found:
            raise Refused(404, "no_constitution", "there is no such model, or it has none")
        return {"object": "list", "data": found}

    async def completions(self, body: CompletionRequest, request: Request) -> Response:
        """Text that goes on from a prompt."""
        target = self._target(body.model, request)
        fields = self._fields(body, target)
        return await self._answered(target, "completions", fields, body, request)

    async def chat(self, body: ChatRequest, request: Request) -> Response:
        """The next turn of a conversation."""
        target = self._target(body.model, request)
        fields = self._fields(body, target)
        if body.system_constitution:
            of = await self._needed(target)
            fields["messages"] = with_system(fields["messages"], of)
        if body.reflect:
            return await self._reflected(target, fields, request)
        return await self._answered(target, "chat", fields, body, request)

    def _fields(self, body: ChatRequest | CompletionRequest, target: Target) -> dict[str, Any]:
        """What vLLM is asked. A reply whose length is not named leaves half of a small context to
        the prompt.
        """
        limits = self._config.limits
        checked(body, limits)
        fields = to_vllm_fields(body, limits) | {"model": target.engine_id}
        if asked_tokens(body) is None:
            context = next(m.context_tokens for m in self._config.models if m.id == target.base)
            fields["max_tokens"] = min(fields["max_tokens"], context // 2)
        return fields

    def _target(self, model: str, request: Request) -> Target:
        """What answers; a caller learns nothing of models its key may not ask for."""
        if not _may(request, model):
            raise Refused(403, "model_not_allowed", "this key may not ask for this model", "model")
        found = self._catalogue.find(model, _who(request))
        if found is None:
            raise _no_model()
        request.state.model = found.engine_id
        return found

    async def _constitution(self, target: Target) -> Constitution | None:
        return await asyncio.to_thread(self._catalogue.constitution, target)

    async def _needed(self, target: Target) -> Constitution:
        try:
            found = await self._constitution(target)
        except (GcaiError, FileNotFoundError) as error:
            LOG.warning("the constitution of %s cannot be read: %s", target.engine_id, error)
            told = "the constitution cannot be read now"
            raise Refused(503, "constitution_unavailable", told) from error
        if found is None:
            raise Refused(400, "no_constitution", f"{target.engine_id} has no constitution")
        return found

    async def _answered(
        self,
        target: Target,
        method: str,
        fields: dict[str, Any],
        body: ChatRequest | CompletionRequest,
        request: Request,
    ) -> Response:
        request_id = request.state.request_id
        if body.stream:  # it ends with the tokens it took, whether the caller wants to see them
            fields = fields | {"stream_options": {"include_usage": True}}
        first, rest = await self._asker.first(target, method, fields, request_id)
        if not body.stream:
            text, usage = whole(first)
            self._spent(target, usage, request)
            return Response(text, media_type="application/json")
        raise_for_error(first)
        wants_usage = bool(body.stream_options and body.stream_options.include_usage)
        stream = events(
            first, rest, wants_usage, request_id, lambda of: self._spent(target, of, request)
        )
        return StreamingResponse(stream, media_type="text/event-stream")

    async def _reflected(
        self, target: Target, fields: dict[str, Any], request: Request
    ) -> Response:
        """The model's own answer, then critiques and revisions by the same model."""
        of = await self._needed(target)

        async def said(asked: dict[str, Any]) -> tuple[dict[str, Any], Usage]:
            first, _ = await self._asker.first(target, "chat", asked, request.state.request_id)
            text, usage = whole(first)
            return json.loads(text), usage

        async def ask(question: Question) -> tuple[str, Usage, str]:
            own = {"messages": list(question.messages), "max_tokens": question.max_tokens}
            found, spent = await said(fields | own)
            text, reason = _words(found)
            return text, spent, reason

        reply, usage = await said(fields)
        text, reason = _words(reply)
        turns = [{"role": t["role"], "content": plain(t["content"])} for t in fields["messages"]]
        settings = self._config.reflect
        mirror = Mirror(turns, course_for(of, settings), settings, fields["max_tokens"], ask)
        first = Reflection(text, usage, reason)
        done = await mirror.reflected(first, request.state.request_id)
        self._spent(target, done.usage, request)
        return JSONResponse(_with(reply, done))

    def _spent(self, target: Target, usage: Usage, request: Request) -> None:
        name = request.state.key_name
        self._metrics.tokens(target.engine_id, name, usage.prompt, usage.completion)
        request.state.charge(usage.total)


def hearing_of_those_who_left(app: Any) -> Any:
    """The app, to which a client that left is one that left: Serve, which then cancels the door's
    own question to the proxy, lets that end with an error.
    """

    async def called(scope: Any, receive: Callable[[], Awaitable[Any]], send: Any) -> None:
        async def received() -> Any:
            try:
                return await receive()
            except (TaskCancelledError, RayActorError):
                return {"type": "http.disconnect"}

        await app(scope, received, send)

    return called


def _words(reply: dict[str, Any]) -> tuple[str, str]:
    """The text of a reply, and why it ended."""
    choice = reply["choices"][0]
    return choice["message"].get("content") or "", choice.get("finish_reason") or "stop"


def _with(reply: dict[str, Any], done: Reflection) -> dict[str, Any]:
    """The reply with the words, the tokens and the facts of what came of it."""
    choice = reply["choices"][0]
    message = choice["message"] | {"content": done.text}
    usage = {
        "prompt_tokens": done.usage.prompt,
        "completion_tokens": done.usage.completion,
        "total_tokens": done.usage.total,
    }
    choices = [choice | {"message": message, "finish_reason": done.finish_reason}]
    return reply | {"choices": choices, "usage": usage, "reflection": done.facts()}


def _may(request: Request, model: str) -> bool:
    key = request.state.key
    return key is None or key.may_use(model)


def _who(request: Request) -> str:
    """Who a canary is drawn for: the key, or without keys the caller's address."""
    key = request.state.key
    return key.name if key is not None else (request.client.host if request.client else "")


def _no_model() -> Refused:
    return Refused(404, "model_not_found", "there is no such model; see /v1/models", "model")


async def _refused(request: Request, error: Exception) -> Response:
    if not isinstance(error, Refused):
        raise error
    body = error_body(error, request.state.request_id)
    return JSONResponse(body, error.status, headers=dict(error.headers))


async def _invalid(request: Request, error: Exception) -> Response:
    if not isinstance(error, RequestValidationError):
        raise error
    return await _refused(request, from_validation(error.errors()))


async def _not_here(request: Request, error: Exception) -> Response:
    """A path or a method that is none of ours."""
    status = getattr(error, "status_code", 404)
    code = "method_not_allowed" if status == 405 else "not_found"
    told = await _refused(request, Refused(status, code, str(getattr(error, "detail", ""))))
    told.headers.update(getattr(error, "headers", None) or {})  # `Allow`
    return told
