"""Questions to a model, and its replies."""

from __future__ import annotations

from pydantic import Field

from gcai_ray.schemas.base import Id, Row


class Message(Row):
    """One message of a chat."""

    role: str
    content: str


class Sampling(Row):
    """How the model is to choose its words."""

    temperature: float = Field(ge=0)
    top_p: float = Field(gt=0, le=1)
    max_tokens: int = Field(ge=1, description="tokens the reply may have")
    seed: int = Field(description="of the first attempt; every further attempt adds 1")


class Request(Row):
    """One question to a model. The same question about two rows has one id and is asked once."""

    id: Id = Field(description="hash of model, messages, reply schema and sampling")
    stage: str
    prompt: str = Field(description="name of the file in prompts/ that words it")
    source_id: Id = Field(description="the row, cluster or pair it is about")
    part: int = Field(ge=0, description="which of the questions about that row, from 0")
    model: str = Field(description="identity of the model, never a path")
    messages: list[Message]
    reply_schema: str = Field(
        description="JSON Schema the reply must satisfy, as JSON; empty: words, not JSON"
    )
    sampling: Sampling
    num_prompt_tokens: int = Field(ge=0, description="as counted or estimated before asking")


class Reply(Row):
    """What came back for one attempt at a question."""

    request_id: Id
    stage: str
    attempt: int = Field(ge=1)
    engine: str
    text: str = Field(description="raw, as the model wrote it")
    parsed: bool = Field(
        description="whether it holds JSON that satisfies the reply schema, or words where those "
        "were asked for"
    )
    finish_reason: str | None = Field(description="`stop`, `length`, …; null when none was given")
    num_prompt_tokens: int = Field(ge=0)
    num_cached_tokens: int = Field(ge=0, description="prompt tokens served from a prefix cache")
    num_completion_tokens: int = Field(ge=0)
    seconds: float = Field(ge=0)
    error: str | None = Field(description="why it is not parsed, or why nothing came back")
