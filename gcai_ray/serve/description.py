"""Routes → what `/openapi.json` says of their replies: shapes, statuses, keys. Knows no request and
no model; requests are described where they are checked, in `requests`.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from pydantic import BaseModel, ConfigDict, Field

from gcai_ray import __version__
from gcai_ray.registry import ConstitutionFacts
from gcai_ray.serve.guard import OPEN_PATHS

Responses = dict[int | str, dict[str, Any]]
Finish = Annotated[
    Literal["stop", "length", "abort"], Field(description="`length`: cut at the most tokens.")
]
UNUSED = ("HTTPValidationError", "ValidationError")  # FastAPI's own, for 422


class Told(BaseModel):
    """Base of what goes out."""

    model_config = ConfigDict(extra="forbid")


class Fault(Told):
    """What is wrong. `code` is for programs; `param` names the field."""

    message: str
    type: Literal[
        "invalid_request_error",
        "authentication_error",
        "permission_error",
        "rate_limit_error",
        "server_error",
    ]
    param: str | None
    code: str


class ErrorReply(Told):
    """Every reply that is no 200. The log has more under `request_id`."""

    error: Fault
    request_id: str


class Health(Told):
    """The door is alive."""

    status: Literal["ok"]


class Ready(Told):
    """Whether every model, and each, can answer."""

    ready: bool
    models: dict[str, bool]


class Summary(Told):
    """Which constitution it is, and what it rests on."""

    title: str
    status: str
    mode: str
    made_by: str
    num_principles: int
    num_people: int
    num_preferences: int
    num_reasons: int
    num_statements: int


class Principle(Told):
    """A principle and the people behind it."""

    id: str
    kind: str
    rank: int
    text: str
    num_people: int
    num_people_total: int
    num_quotes: int


class ConstitutionCard(Summary):
    """A constitution, whole but for people's words."""

    object: Literal["constitution"]
    model: str
    principles: list[Principle]


class Constitutions(Told):
    """Of all models the caller may ask for, or of one."""

    object: Literal["list"]
    data: list[ConstitutionCard]


class BaseCard(Told):
    """A base model; `system_constitution` is what it can be told to follow."""

    id: str
    object: Literal["model"]
    created: int
    owned_by: Literal["gcai"]
    parent: None
    system_constitution: Summary | None


class AdapterCard(Told):
    """A version of an adapter, what it was tuned to, and figures of its evaluation."""

    id: str
    object: Literal["model"]
    created: int
    owned_by: Literal["gcai"]
    parent: str
    version: int
    constitution: ConstitutionFacts | None
    evaluation: dict[str, Any] | None


class Cards(Told):
    """All that the caller's key may ask for."""

    object: Literal["list"]
    data: list[BaseCard | AdapterCard]


class FromModel(BaseModel):
    """Base of what a model's server writes; a later vLLM may write more."""

    model_config = ConfigDict(extra="allow")


class Tokens(FromModel):
    """Tokens of a request."""

    prompt_tokens: int
    completion_tokens: int
    total_tokens: int


class Turn(FromModel):
    """What the model says."""

    role: Literal["assistant"]
    content: str


class ChatChoice(FromModel):
    """One reply."""

    index: int
    message: Turn
    finish_reason: Finish


class TextChoice(FromModel):
    """One continuation."""

    index: int
    text: str
    finish_reason: Finish


class Reflected(Told):
    """What became of `reflect`."""

    rounds: int
    principle_ids: list[str]
    stopped: Literal["done", "budget", "context"]
    tokens: int


class ChatReply(FromModel):
    """The next turn. `reflection` is there where it was asked for."""

    id: str
    object: Literal["chat.completion"]
    created: int
    model: str
    choices: list[ChatChoice]
    usage: Tokens
    reflection: Reflected = None  # type: ignore[assignment]  absent rather than null


class TextReply(FromModel):
    """What goes on from the prompts."""

    id: str
    object: Literal["text_completion"]
    created: int
    model: str
    choices: list[TextChoice]
    usage: Tokens


FAULTS = {
    400: "Something in the request cannot be.",
    401: "No API key, or one that is not known.",
    403: "The key may not ask for this model.",
    404: "There is no such model, or nothing at this path.",
    408: "The body did not come in time.",
    413: "The body or the prompt is too large.",
    415: "The body is no JSON in UTF-8.",
    429: "The key's rate is used up, or too many requests are in flight.",
    431: "The headers are too large.",
    500: "Something failed here.",
    503: "The model, the adapter or the application cannot answer now.",
    504: "The model did not answer in time.",
}
ANY_REQUEST = (400, 413, 431, 500, 503, 504)  # beside what its kind may get
WITH_KEY = (*ANY_REQUEST, 401, 408, 429)
ASKING = (*WITH_KEY, 403, 404, 415)
RETRY_AFTER = {"Retry-After": {"description": "Seconds.", "schema": {"type": "integer"}}}
BEARER = {"WWW-Authenticate": {"schema": {"type": "string"}}}
HEADERS = {401: BEARER, 429: RETRY_AFTER}
EVENTS = {
    "text/event-stream": {
        "schema": {
            "properties": {"data": {"type": "string"}},  # of each event
            "description": "With `stream: true`: chunks as OpenAI sends them, then `[DONE]`; a "
            "fault after the first chunk is an event with `error`, and there is no `[DONE]`.",
        }
    }
}


def _replies(good: Any, *faults: int, streams: bool = False) -> Responses:
    """200 with a model, and an error of each status."""
    found: Responses = {
        status: {"model": ErrorReply, "description": FAULTS[status]} for status in sorted(faults)
    }
    for status in HEADERS.keys() & found.keys():
        found[status]["headers"] = HEADERS[status]
    found[200] = {"model": good, "content": EVENTS} if streams else {"model": good}
    return found


# Route → what it may answer.
REPLIES: dict[str, Responses] = {
    "/health": _replies(Health, *ANY_REQUEST),
    "/ready": _replies(Ready, *ANY_REQUEST)
    | {503: {"model": Ready | ErrorReply, "description": "A model cannot answer now."}},
    "/v1/models": _replies(Cards, *WITH_KEY),
    "/v1/models/{model:path}": _replies(BaseCard | AdapterCard, *WITH_KEY, 404),
    "/v1/constitution": _replies(Constitutions, *WITH_KEY, 404),
    "/v1/chat/completions": _replies(ChatReply, *ASKING, streams=True),
    "/v1/completions": _replies(TextReply, *ASKING, streams=True),
}


def describe(app: FastAPI) -> None:
    """Let the app say of itself what holds: its keys, and that 422 is never sent."""

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            app.openapi_schema = _described(app)
        return app.openapi_schema

    app.openapi = openapi  # type: ignore[method-assign]


def _described(app: FastAPI) -> dict[str, Any]:
    found = get_openapi(
        title="gcai",
        version=__version__,
        summary="Models tuned to a constitution that people gave their reasons for.",
        description="A part of OpenAI's API, and the constitutions behind the models.",
        routes=app.routes,
        separate_input_output_schemas=app.separate_input_output_schemas,
    )
    for path, operations in found["paths"].items():
        for operation in operations.values():
            operation["responses"].pop("422", None)
            if path not in OPEN_PATHS:
                operation["security"] = [{"key": []}]
    for name in UNUSED:
        found["components"]["schemas"].pop(name, None)
    key = {"type": "http", "scheme": "bearer", "description": "Made with `gcai keys new`."}
    found["components"]["securitySchemes"] = {"key": key}
    return found
