"""The part of OpenAI's chat and completion requests that is served → what vLLM is asked. A field
that is not known is refused with the nearest known one. Knows no HTTP and imports no vLLM.

The models describe the API too: what they say of a field stands in `/openapi.json`.
"""

from __future__ import annotations

import difflib
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Discriminator,
    Field,
    Tag,
    model_validator,
)
from pydantic_core import PydanticCustomError

from gcai_ray.serve.errors import INVALID, Refused, shortened
from gcai_ray.serve.reply_schemas import check_schema
from gcai_ray.serving_config import LimitsConfig

MAX_PROMPTS = 16
MAX_SEQUENCES = 16  # replies of one request: prompts times `n`
MAX_STOPS = 4
UNSUPPORTED = frozenset(
    "tools tool_choice parallel_tool_calls functions function_call audio modalities logit_bias "
    "prediction reasoning_effort verbosity web_search_options moderation echo suffix best_of "
    "tool_calls annotations refusal".split()
)
# What says no more than leaving the field out would, such as what a client repeats of a reply.
_NOTHING: dict[str, tuple[Any, ...]] = {
    "tool_choice": ("none",),
    "modalities": (["text"],),
    "echo": (False,),
    "best_of": (1,),
}


def _clean(text: str) -> str:
    """No NUL, which no prompt means, and no half of a surrogate pair, which nothing can encode."""
    if "\0" in text:
        raise PydanticCustomError("nul", "holds a NUL character")
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        raise PydanticCustomError("surrogate", "holds half of a surrogate pair") from None
    return text


def _listed(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


def _form(value: Any) -> str | None:
    return {str: "<text>", list: "<list>"}.get(type(value))


def _text_or(what: str) -> Discriminator:
    """Parts text from a list by its type, so that a fault is told once."""
    return Discriminator(
        _form,
        custom_error_type="text_or_list",
        custom_error_message=f"expected text or a list of {what}",
    )


NO_NUL: Any = {"pattern": r"^[^\u0000]*$"}
# Lengths come before the validator: after it, pydantic speaks of items.
Text = Annotated[str, Field(json_schema_extra=NO_NUL), AfterValidator(_clean)]
Prompt = Annotated[str, Field(min_length=1, json_schema_extra=NO_NUL), AfterValidator(_clean)]
Label = Annotated[str, Field(max_length=256, json_schema_extra=NO_NUL), AfterValidator(_clean)]
Named = Annotated[
    str, Field(min_length=1, max_length=256, json_schema_extra=NO_NUL), AfterValidator(_clean)
]
Note = Annotated[str, Field(max_length=4096, json_schema_extra=NO_NUL), AfterValidator(_clean)]
Penalty = Annotated[float, Field(ge=-2, le=2, allow_inf_nan=False)]
Temperature = Annotated[float, Field(ge=0, le=2, allow_inf_nan=False)]
Stops = Annotated[list[Named], Field(max_length=MAX_STOPS)]
TopP = Annotated[float, Field(gt=0, le=1, allow_inf_nan=False)]
Tokens = Annotated[int, Field(ge=1, le=2**31 - 1)]
Seed = Annotated[int, Field(ge=-(2**63), le=2**63 - 1)]
Logprobs = Annotated[int, Field(ge=0, le=5)]
IGNORED = "Accepted, and ignored."


class Wire(BaseModel):
    """Base of all that comes in: frozen, strict in its types, closed to unknown fields."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    @model_validator(mode="before")
    @classmethod
    def _known_fields(cls, value: Any) -> Any:
        if not isinstance(value, dict):
            return value
        kept = {}
        for field, given in value.items():
            if field in cls.model_fields:
                kept[field] = given
            elif field in UNSUPPORTED:
                if not (given in (None, [], {}) or given in _NOTHING.get(field, ())):
                    raise _unsupported(field)
            else:
                raise _unknown(str(field), list(cls.model_fields))
        return kept


def _unsupported(field: str) -> PydanticCustomError:
    verb = "are" if field.endswith("s") and field != "logit_bias" else "is"
    return _disagree(field, f"{field} {verb} not supported")


def _unknown(field: str, known: list[str]) -> PydanticCustomError:
    near = difflib.get_close_matches(field[:64], known, n=1)
    hint = f"did you mean '{near[0]}'?" if near else f"known fields: {', '.join(known)}"
    # No template: a brace in the field's name would be read as a place in it.
    return PydanticCustomError(
        "unknown_field", "unknown field; {hint}", {"field": shortened(field, 64), "hint": hint}
    )


class TextPart(Wire):
    """A part of a message; there are none but text."""

    type: Literal["text"]
    text: Text


class Message(Wire):
    """A turn of the conversation. `developer` is another word for `system`."""

    role: Literal["system", "developer", "user", "assistant"]
    content: Annotated[
        Annotated[Text, Tag("<text>")]
        | Annotated[list[TextPart], Tag("<list>"), Field(min_length=1)],
        _text_or("text parts"),
    ]
    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,64}$")] | None = None
    reasoning: Text | None = Field(None, description=IGNORED)

    @property
    def text(self) -> str:
        """The words; parts are put on lines of their own, as vLLM does."""
        if isinstance(self.content, str):
            return self.content
        return "\n".join(part.text for part in self.content)


class StreamOptions(Wire):
    """What a stream brings beside the reply."""

    include_usage: bool | None = None
    include_obfuscation: bool | None = Field(None, description=IGNORED)


class NamedSchema(Wire):
    """The JSON Schema of a reply, of at most 32 kB, without references to other documents."""

    model_config = ConfigDict(serialize_by_alias=True, validate_by_name=False)

    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,64}$")]
    reply_schema: dict[str, Any] = Field(alias="schema")
    strict: bool | None = None
    description: Note | None = None

    @model_validator(mode="before")
    @classmethod
    def _known_fields(cls, value: Any) -> Any:
        if isinstance(value, dict):
            known = ["name", "schema", "strict", "description"]
            for field in value:
                if field not in known:
                    raise _unknown(str(field), known)
        return value


class ResponseFormat(Wire):
    """The form of a reply: words, some JSON, or JSON by a schema."""

    type: Literal["text", "json_object", "json_schema"]
    json_schema: NamedSchema | None = None

    @model_validator(mode="after")
    def _schema_belongs(self) -> ResponseFormat:
        if (self.type == "json_schema") != (self.json_schema is not None):
            raise PydanticCustomError(
                "json_schema", "json_schema goes with type json_schema", {"field": "json_schema"}
            )
        return self


class _Sampling(Wire):
    """What both kinds of request have."""

    model: Named
    max_tokens: Tokens | None = None
    temperature: Temperature | None = None
    top_p: TopP | None = None
    n: Annotated[int, Field(ge=1, le=8)] | None = None
    stop: (
        Annotated[
            list[Named],
            Field(max_length=MAX_STOPS),
            BeforeValidator(_listed, json_schema_input_type=Named | Stops),
        ]
        | None
    ) = None
    seed: Seed | None = None
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    presence_penalty: Penalty | None = None
    frequency_penalty: Penalty | None = None
    response_format: ResponseFormat | None = None
    user: Label | None = Field(None, description=IGNORED)

    @model_validator(mode="after")
    def _fields_agree(self) -> _Sampling:
        if self.stream_options is not None and not self.stream:
            raise _disagree("stream_options", "stream_options needs stream: true")
        if (self.n or 1) > 1 and self.temperature == 0:
            raise _disagree("n", "replies would be the same at temperature 0; ask for one")
        return self


def _disagree(field: str, message: str) -> PydanticCustomError:
    return PydanticCustomError("fields_disagree", message, {"field": field})  # type: ignore[arg-type]


class ChatRequest(_Sampling):
    """The next turn of a conversation is asked for.

    `system_constitution`: put the principles of the model's constitution before the conversation.
    `reflect`: criticise the reply by its constitution and revise it; not with `stream`, `n` above 1
    or JSON.
    """

    messages: Annotated[list[Message], Field(min_length=1)]
    max_completion_tokens: Tokens | None = None
    logprobs: bool | None = None
    top_logprobs: Logprobs | None = None
    system_constitution: bool = False
    reflect: bool = False
    store: bool | None = Field(None, description=IGNORED)
    metadata: Annotated[dict[Label, Note], Field(max_length=16)] | None = Field(
        None, description=IGNORED
    )
    service_tier: Literal["auto", "default", "flex", "scale", "priority", "fast"] | None = Field(
        None, description=IGNORED
    )
    safety_identifier: Label | None = Field(None, description=IGNORED)
    prompt_cache_key: Label | None = Field(None, description=IGNORED)

    @model_validator(mode="after")
    def _chat_fields_agree(self) -> ChatRequest:
        if self.top_logprobs is not None and not self.logprobs:
            raise _disagree("top_logprobs", "top_logprobs needs logprobs: true")
        if self.max_tokens is not None and self.max_completion_tokens is not None:
            raise _disagree("max_tokens", "max_tokens and max_completion_tokens say the same")
        return self


class CompletionRequest(_Sampling):
    """Text that goes on from one or more prompts is asked for."""

    prompt: Annotated[
        Annotated[Prompt, Tag("<text>")]
        | Annotated[list[Prompt], Tag("<list>"), Field(min_length=1, max_length=MAX_PROMPTS)],
        _text_or(f"at most {MAX_PROMPTS} texts"),
    ]
    logprobs: Logprobs | None = None

    @property
    def prompts(self) -> list[str]:
        """All prompts."""
        return [self.prompt] if isinstance(self.prompt, str) else self.prompt


def asked_tokens(request: ChatRequest | CompletionRequest) -> int | None:
    """The most tokens of a reply that the request names; None: it names none."""
    if isinstance(request, ChatRequest) and request.max_completion_tokens is not None:
        return request.max_completion_tokens
    return request.max_tokens


def checked(request: ChatRequest | CompletionRequest, limits: LimitsConfig) -> None:
    """Refuse what is well formed and beyond the limits, or does not go together.

    Raises:
        Refused: 400, or 413 where there is too much of it.
    """
    _check_size(request, limits)
    tokens = asked_tokens(request)
    if tokens is not None and tokens > limits.max_completion_tokens:
        most = limits.max_completion_tokens
        field = "max_tokens" if request.max_tokens is not None else "max_completion_tokens"
        raise Refused(400, INVALID, f"{field}: {tokens} asked for, at most {most} here", field)
    if isinstance(request, ChatRequest) and request.reflect:
        _check_reflect(request)
    wanted = request.response_format
    if wanted is not None and wanted.json_schema is not None:
        check_schema(wanted.json_schema.reply_schema, "response_format.json_schema.schema")


def _check_size(request: ChatRequest | CompletionRequest, limits: LimitsConfig) -> None:
    if isinstance(request, ChatRequest):
        texts, field = [message.text for message in request.messages], "messages"
        if len(texts) > limits.max_messages:
            told = f"messages: {len(texts)} given, at most {limits.max_messages} here"
            raise Refused(400, "too_many_messages", told, field)
    else:
        texts, field = request.prompts, "prompt"
        if len(texts) * (request.n or 1) > MAX_SEQUENCES:
            told = f"n: {len(texts)} prompts times n may be at most {MAX_SEQUENCES} replies"
            raise Refused(400, INVALID, told, "n")
    num_chars = sum(map(len, texts))
    if num_chars > limits.max_prompt_chars:
        told = f"{field}: {num_chars} characters, at most {limits.max_prompt_chars} here"
        raise Refused(413, "prompt_too_long", told, field)


def _check_reflect(request: ChatRequest) -> None:
    wanted = request.response_format
    for field, clashes in (
        ("stream", bool(request.stream)),
        ("n", (request.n or 1) > 1),
        ("response_format", wanted is not None and wanted.type != "text"),
    ):
        if clashes:
            raise Refused(400, INVALID, f"{field}: does not go together with reflect", field)


def to_vllm_fields(
    request: ChatRequest | CompletionRequest, limits: LimitsConfig
) -> dict[str, Any]:
    """The fields of vLLM's `ChatCompletionRequest` or `CompletionRequest`, without what is null,
    ignored or ours. `max_tokens` is always among them; messages are text, in the roles `system`,
    `user` and `assistant`.
    """
    names = (
        "model temperature top_p n stop seed stream presence_penalty frequency_penalty "
        "logprobs top_logprobs"
    ).split()
    fields = {name: getattr(request, name, None) for name in names}
    fields["max_tokens"] = asked_tokens(request) or limits.default_completion_tokens
    if request.stream_options is not None and request.stream_options.include_usage is not None:
        fields["stream_options"] = {"include_usage": request.stream_options.include_usage}
    wanted = request.response_format
    if wanted is not None and wanted.type != "text":
        fields["response_format"] = wanted.model_dump(exclude_none=True)
    if isinstance(request, ChatRequest):
        fields["messages"] = [_turn(message) for message in request.messages]
    else:
        fields["prompt"] = request.prompt
    return {name: value for name, value in fields.items() if value is not None}


def _turn(message: Message) -> dict[str, str]:
    role = "system" if message.role == "developer" else message.role
    turn = {"role": role, "content": message.text}
    return turn if message.name is None else turn | {"name": message.name}
