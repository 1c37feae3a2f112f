"""Requests in OpenAI's words: what is understood, what is refused and how, what vLLM gets."""

from __future__ import annotations

import json
import math
import pickle
import threading
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from gcai_ray.serve.errors import Refused, error_body, from_validation, internal_error
from gcai_ray.serve.reply_schemas import MAX_SCHEMA_BYTES
from gcai_ray.serve.requests import (
    ChatRequest,
    CompletionRequest,
    Wire,
    asked_tokens,
    checked,
    to_vllm_fields,
)
from gcai_ray.serving_config import LimitsConfig

LIMITS = LimitsConfig(
    max_messages=3, max_prompt_chars=100, max_completion_tokens=64, default_completion_tokens=7
)
WIDE = LimitsConfig(max_prompt_chars=10**6)
HI = {"role": "user", "content": "hi"}


def _chat(**fields: Any) -> ChatRequest:
    return ChatRequest.model_validate({"model": "tiny", "messages": [HI], **fields})


def _completion(**fields: Any) -> CompletionRequest:
    return CompletionRequest.model_validate({"model": "tiny", "prompt": "hi", **fields})


def _refusal(kind: type[Wire], body: Any) -> Refused:
    with pytest.raises(ValidationError) as failed:
        kind.model_validate(body)
    found = from_validation(failed.value.errors())
    json.dumps(error_body(found, "id"), ensure_ascii=False).encode("utf-8")
    assert found.status == 400
    return found


def _chat_refusal(**fields: Any) -> Refused:
    return _refusal(ChatRequest, {"model": "tiny", "messages": [HI], **fields})


@pytest.mark.parametrize(
    ("fields", "said", "param"),
    [
        ({"temprature": 1}, "temprature: unknown field; did you mean 'temperature'?", "temprature"),
        ({"zzz": 1}, "zzz: unknown field; known fields: model,", "zzz"),
        ({"{field}": 1}, "{field}: unknown field", "{field}"),
        ({"tools": [{"type": "function"}]}, "tools are not supported", "tools"),
        ({"functions": [{}]}, "functions are not supported", "functions"),
        ({"audio": {"voice": "x"}}, "audio is not supported", "audio"),
        ({"logit_bias": {"1": 5}}, "logit_bias is not supported", "logit_bias"),
        ({"tool_choice": "auto"}, "tool_choice is not supported", "tool_choice"),
        ({"temperature": 3}, "temperature: expected less than or equal to 2 (found 3)", None),
        ({"temperature": "1"}, "temperature: expected a number (found '1')", "temperature"),
        ({"temperature": True}, "temperature: expected a number (found true)", "temperature"),
        ({"temperature": math.nan}, "temperature: expected a finite number", "temperature"),
        ({"temperature": 10**400}, "temperature: expected a number (found a huge number)", None),
        ({"top_p": 0}, "top_p: expected greater than 0", "top_p"),
        ({"n": 9}, "n: expected less than or equal to 8", "n"),
        ({"n": True}, "n: expected a whole number", "n"),
        ({"n": 2, "temperature": 0}, "n: replies would be the same", "n"),
        ({"max_tokens": 0}, "max_tokens: expected greater than or equal to 1", "max_tokens"),
        ({"max_tokens": 1.5}, "max_tokens: expected a whole number", "max_tokens"),
        ({"max_tokens": 5, "max_completion_tokens": 5}, "say the same", "max_tokens"),
        ({"seed": 2**63}, "seed: expected less than", "seed"),
        ({"seed": 10**5000}, "seed: expected less than", "seed"),
        ({"stop": ["a"] * 5}, "stop: List should have at most 4 items", "stop"),
        ({"stop": ""}, "stop[0]: String should have at least 1", "stop[0]"),
        ({"stop": 3}, "stop: expected a list", "stop"),
        ({"stream": 1}, "stream: expected true or false (found 1)", "stream"),
        ({"stream_options": {}}, "stream_options needs stream: true", "stream_options"),
        (
            {"stream": True, "stream_options": {"include_usages": True}},
            "did you mean 'include_usage'?",
            "stream_options.include_usages",
        ),
        ({"top_logprobs": 2}, "top_logprobs needs logprobs: true", "top_logprobs"),
        ({"logprobs": True, "top_logprobs": 6}, "top_logprobs: expected less", "top_logprobs"),
        ({"response_format": {"type": "xml"}}, "response_format.type: expected 'text'", None),
        ({"response_format": {"type": "json_schema"}}, "json_schema goes with type", None),
        (
            {"response_format": {"type": "json_schema", "json_schema": {"name": "x"}}},
            "response_format.json_schema.schema: is missing",
            "response_format.json_schema.schema",
        ),
        ({"user": "x" * 257}, "user: String should have at most 256", "user"),
        ({"metadata": {"k": 1}}, "metadata.k: expected text", "metadata.k"),
        ({"messages": []}, "messages: List should have at least 1 item", "messages"),
        ({"messages": "secret words"}, "messages: expected a list", "messages"),
        ({"messages": [3]}, "messages[0]: expected an object", "messages[0]"),
        ({"messages": [{"role": "user"}]}, "messages[0].content: is missing", None),
        (
            {"messages": [{"role": "tool", "content": "secret"}]},
            "messages[0].role: expected 'system', 'developer', 'user' or 'assistant'",
            "messages[0].role",
        ),
        (
            {"messages": [{"role": "user", "content": 3}]},
            "messages[0].content: expected text or a list of text parts",
            "messages[0].content",
        ),
        (
            {"messages": [{"role": "user", "content": [{"type": "image_url", "url": "secret"}]}]},
            "messages[0].content[0]",
            None,
        ),
        (
            {"messages": [{"role": "user", "content": "secret \0"}]},
            "messages[0].content: holds a NUL character",
            "messages[0].content",
        ),
        (
            {"messages": [{"role": "user", "content": "secret \ud800"}]},
            "messages[0].content: holds half of a surrogate pair",
            "messages[0].content",
        ),
        (
            {"messages": [{**HI, "tool_calls": [{"id": "1"}]}]},
            "tool_calls are not supported",
            "messages[0].tool_calls",
        ),
        ({"messages": [{**HI, "nam": "a"}]}, "did you mean 'name'?", "messages[0].nam"),
        ({"model": None}, "model: expected text (found null)", "model"),
        ({"model": "x\0"}, "model: holds a NUL character", "model"),
        ({"model": "\ud800"}, "model: is not valid Unicode", "model"),
        ({"\ud800": 1}, "unknown field", None),
        ({"x" * 10_000: 1}, "unknown field", None),
        ({"reflect": "yes"}, "reflect: expected true or false (found 'yes')", "reflect"),
    ],
)
def test_what_is_wrong_is_named_with_the_field_and_the_fix(
    fields: dict[str, Any], said: str, param: str | None
) -> None:
    found = _chat_refusal(**fields)
    assert said in found.message
    assert "secret" not in found.message
    assert len(found.message) < 700
    if param is not None:
        assert found.param == param


@pytest.mark.parametrize("body", [None, [], "text", 3, True, {}])
def test_a_body_that_is_no_request_is_refused_without_our_own_names(body: Any) -> None:
    for kind in (ChatRequest, CompletionRequest):
        message = _refusal(kind, body).message
        assert kind.__name__ not in message
        assert "dictionary" not in message


def test_fastapis_errors_are_told_without_its_own_words() -> None:
    invalid = {"type": "json_invalid", "loc": ("body", 12), "ctx": {"error": "Expecting value"}}
    assert from_validation([invalid]).message == "the body is not valid JSON: Expecting value"
    absent = {"type": "missing", "loc": ("body",), "msg": "Field required", "input": None}
    assert from_validation([absent]).message == "the body is missing"
    many = [{"type": "missing", "loc": ("body", f"f{i}"), "msg": "", "input": {}} for i in range(9)]
    assert from_validation(many).message.endswith("f2: is missing; and 6 more")


@pytest.mark.parametrize(
    "fields",
    [
        {"tools": None},
        {"tools": []},
        {"tool_choice": "none"},
        {"modalities": ["text"]},
        {"logit_bias": {}},
        {"store": True, "metadata": {"a": "b"}, "user": "u", "service_tier": "auto"},
        {"safety_identifier": "s", "prompt_cache_key": "k"},
        {"temperature": None, "n": None, "stop": None, "stream": None, "response_format": None},
        {"temperature": 1, "top_p": 1},
    ],
)
def test_what_asks_for_nothing_more_is_accepted(fields: dict[str, Any]) -> None:
    request = _chat(**fields)
    checked(request, LIMITS)
    said = to_vllm_fields(request, LIMITS)
    assert (
        {"model", "messages", "max_tokens"}
        <= set(said)
        <= {*("model", "messages", "max_tokens", "temperature", "top_p")}
    )


def test_a_reply_can_be_sent_back_as_a_turn() -> None:
    """As clients do: the message of a reply, with all its null fields, is appended."""
    turn = {
        **{"role": "assistant", "content": "ok", "refusal": None, "annotations": None},
        **{"audio": None, "function_call": None, "tool_calls": [], "reasoning": None},
    }
    request = _chat(messages=[HI, turn, HI])
    assert to_vllm_fields(request, LIMITS)["messages"][1] == {"role": "assistant", "content": "ok"}


def test_vllm_is_told_text_in_roles_that_templates_know() -> None:
    parts = [{"type": "text", "text": "one"}, {"type": "text", "text": "two"}]
    request = _chat(
        messages=[{"role": "developer", "content": parts}, {**HI, "name": "ann"}],
        stop="END",
        stream=True,
        stream_options={"include_usage": True},
        max_completion_tokens=9,
        user="u",
        reflect=False,
        response_format={"type": "text"},
    )
    assert to_vllm_fields(request, LIMITS) == {
        "model": "tiny",
        "messages": [
            {"role": "system", "content": "one\ntwo"},
            {"role": "user", "content": "hi", "name": "ann"},
        ],
        "stop": ["END"],
        "stream": True,
        "stream_options": {"include_usage": True},
        "max_tokens": 9,
    }
    assert asked_tokens(_chat()) is None
    assert to_vllm_fields(_chat(), LIMITS)["max_tokens"] == 7
    assert to_vllm_fields(_completion(max_tokens=3), LIMITS) == {
        **{"model": "tiny", "prompt": "hi", "max_tokens": 3}
    }


@pytest.mark.parametrize(
    ("request_", "status", "param"),
    [
        (_chat(messages=[HI] * 4), 400, "messages"),
        (_chat(messages=[{"role": "user", "content": "x" * 101}]), 413, "messages"),
        (_chat(messages=[{"role": "user", "content": "x" * 51}] * 2), 413, "messages"),
        (_completion(prompt=["x" * 51] * 2), 413, "prompt"),
        (_completion(prompt=["x"] * 3, n=6), 400, "n"),
        (_chat(max_tokens=65), 400, "max_tokens"),
        (_chat(max_completion_tokens=65), 400, "max_completion_tokens"),
        (_completion(max_tokens=65), 400, "max_tokens"),
        (_chat(reflect=True, stream=True), 400, "stream"),
        (_chat(reflect=True, n=2), 400, "n"),
        (_chat(reflect=True, response_format={"type": "json_object"}), 400, "response_format"),
    ],
)
def test_what_is_beyond_the_limits_is_refused(
    request_: ChatRequest | CompletionRequest, status: int, param: str
) -> None:
    with pytest.raises(Refused) as refused:
        checked(request_, LIMITS)
    assert (refused.value.status, refused.value.param) == (status, param)
    assert refused.value.message.startswith(param)


def test_at_the_limits_all_is_well() -> None:
    content = "x" * 33
    checked(_chat(messages=[{"role": "user", "content": content}] * 3, max_tokens=64), LIMITS)
    checked(_completion(prompt=["x"] * 16, max_tokens=64), LIMITS)
    checked(_chat(reflect=True, n=1, stream=False, response_format={"type": "text"}), LIMITS)


def _schema_request(schema: Any) -> ChatRequest:
    wanted = {"type": "json_schema", "json_schema": {"name": "reply", "schema": schema}}
    return _chat(response_format=wanted)


def _nested(depth: int) -> dict[str, Any]:
    schema: dict[str, Any] = {"type": "string"}
    for _ in range(depth):
        schema = {"type": "array", "items": schema}
    return schema


@pytest.mark.parametrize(
    ("schema", "said"),
    [
        ({"type": "objekt"}, "is not a JSON Schema"),
        ({"properties": 3}, "is not a JSON Schema"),
        ({"pattern": "("}, "is not a JSON Schema"),
        ({"$ref": "#/$defs/none"}, "is not a JSON Schema"),
        ({"$ref": "http://127.0.0.1:1/x"}, "leads out of the schema"),
        ({"items": [{"$ref": "file:///etc/passwd"}]}, "leads out of the schema"),
        ({"$dynamicRef": "other.json#x"}, "leads out of the schema"),
        ({"$schema": "http://127.0.0.1:1/meta"}, "is not a JSON Schema"),
        (_nested(40), "nested deeper"),
        (_nested(400), "nested deeper"),
        ({"enum": ["x" * MAX_SCHEMA_BYTES]}, "larger than"),
        ({"pattern": "^[a-z]{0,1001}$"}, "its patterns"),
        ({"patternProperties": {"a{501}": {"pattern": "(a|b){3,500}"}}}, "its patterns"),
        ({"pattern": "a" * 4097}, "its patterns"),
        ({"pattern": "a{" + "9" * 5000 + "}"}, "its patterns"),
        ({"const": math.nan}, "a number that JSON has not"),
        ({"const": 10**5000}, "a number that JSON has not"),
        ({"const": "\0"}, "NUL"),
        ({"\ud800": 1}, "surrogate"),
    ],
)
def test_schemas_that_could_do_harm_are_refused(schema: dict[str, Any], said: str) -> None:
    with pytest.raises(Refused, match=said) as refused:
        checked(_schema_request(schema), LIMITS)
    assert refused.value.status == 400
    assert refused.value.param == "response_format.json_schema.schema"
    json.dumps(error_body(refused.value, "id"), ensure_ascii=False).encode("utf-8")


@pytest.mark.parametrize(
    "schema",
    [
        {},
        _nested(10),
        {"type": "object", "properties": {"$ref": {"type": "string"}}},
        {"$defs": {"a": {"type": "integer"}}, "items": {"$ref": "#/$defs/a"}},
        {"$schema": "http://json-schema.org/draft-07/schema#", "type": "object"},
        {"$id": "https://example.org/x", "items": {"$ref": "#"}},
        {"properties": {"pattern": {"pattern": "^[a-z]{0,500}-\\d{4}$", "maxLength": 10**9}}},
    ],
)
def test_schemas_that_are_some_pass_and_reach_vllm_as_they_are(schema: dict[str, Any]) -> None:
    request = _schema_request(schema)
    checked(request, LIMITS)
    said = to_vllm_fields(request, LIMITS)["response_format"]
    assert said == {"type": "json_schema", "json_schema": {"name": "reply", "schema": schema}}


def test_a_schema_makes_nobody_fetch_anything() -> None:
    asked: list[str] = []

    class Answer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_error(404)

    with ThreadingHTTPServer(("127.0.0.1", 0), Answer) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        place = f"http://127.0.0.1:{server.server_port}"
        for schema in (
            {"$schema": f"{place}/a"},
            {"$id": f"{place}/b", "$schema": f"{place}/b"},
            {"$id": f"{place}/c/", "items": {"$id": "d", "$ref": "#x"}},
        ):
            with suppress(Refused):
                checked(_schema_request(schema), LIMITS)
        server.shutdown()
    assert asked == []


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(st.characters(codec=None), max_size=8),
    lambda of: st.lists(of, max_size=3) | st.dictionaries(st.text(max_size=5), of, max_size=3),
    max_leaves=8,
)
FIELDS = sorted({*ChatRequest.model_fields, *CompletionRequest.model_fields, "tools", "tol"})


@given(body=st.dictionaries(st.sampled_from(FIELDS), JSON, max_size=6) | JSON)
@settings(max_examples=400)
def test_whatever_comes_is_a_request_or_a_refusal_that_can_be_written(body: Any) -> None:
    for kind in (ChatRequest, CompletionRequest):
        for given_ in (body, {"model": "m", "messages": [HI], **body} if _is_dict(body) else body):
            try:
                request = kind.model_validate(given_)
                checked(request, LIMITS)
            except ValidationError as error:
                refused = from_validation(error.errors())
            except Refused as error:
                refused = error
            else:
                json.dumps(to_vllm_fields(request, LIMITS), allow_nan=False)
                continue
            assert refused.status in (400, 413)
            json.dumps(error_body(refused, "id"), ensure_ascii=False).encode("utf-8")


@given(schema=st.dictionaries(st.sampled_from(["type", "$ref", "items", "$id", "enum"]), JSON))
def test_whatever_schema_comes_is_used_or_refused(schema: dict[str, Any]) -> None:
    with suppress(Refused):
        checked(_schema_request(schema), LIMITS)


def _is_dict(value: Any) -> bool:
    return isinstance(value, dict)


TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=20)
PROMPT = TEXT.filter(bool)
NAME = st.from_regex(r"[A-Za-z0-9_-]{1,64}", fullmatch=True)
CONTENT = TEXT | st.lists(
    st.fixed_dictionaries({"type": st.just("text"), "text": TEXT}), min_size=1
)
TURN = st.fixed_dictionaries(
    {"role": st.sampled_from(["system", "developer", "user", "assistant"]), "content": CONTENT},
    optional={"name": NAME},
)
FORMAT = st.sampled_from(
    [
        {"type": "text"},
        {"type": "json_object"},
        {
            "type": "json_schema",
            "json_schema": {"name": "n", "schema": {"type": "object"}, "strict": True},
        },
    ]
)
SAMPLING = {
    "temperature": st.none() | st.floats(0.01, 2),
    "top_p": st.none() | st.floats(0, 1, exclude_min=True, allow_subnormal=False),
    "n": st.none() | st.integers(1, 8),
    "stop": st.none() | PROMPT | st.lists(PROMPT, max_size=4),
    "seed": st.none() | st.integers(-(2**63), 2**63 - 1),
    "presence_penalty": st.none() | st.floats(-2, 2),
    "frequency_penalty": st.none() | st.floats(-2, 2),
    "response_format": st.none() | FORMAT,
    "user": st.none() | TEXT,
}
STREAM = st.sampled_from(
    [{}, {"stream": False}, {"stream": True}]
    + [{"stream": True, "stream_options": {"include_usage": flag}} for flag in (True, False, None)]
)
LOGPROBS = st.sampled_from([{}, {"logprobs": True}, {"logprobs": True, "top_logprobs": 5}])
MOST = st.sampled_from([{}, {"max_tokens": 5}, {"max_completion_tokens": 64}])


@given(
    base=st.fixed_dictionaries(
        {"model": st.just("m"), "messages": st.lists(TURN, min_size=1, max_size=3)},
        optional=SAMPLING,
    ),
    more=st.tuples(STREAM, LOGPROBS, MOST),
)
@settings(max_examples=200, suppress_health_check=[HealthCheck.too_slow])
def test_vllm_takes_every_chat_request_that_passes(
    base: dict[str, Any], more: tuple[dict[str, Any], ...]
) -> None:
    protocol = pytest.importorskip(
        "vllm.entrypoints.openai.chat_completion.protocol", reason="vLLM is not installed"
    )
    request = ChatRequest.model_validate({**base, **more[0], **more[1], **more[2]})
    checked(request, WIDE)
    fields = to_vllm_fields(request, WIDE)
    taken = protocol.ChatCompletionRequest(**fields)
    assert not taken.model_extra
    assert set(fields) <= set(protocol.ChatCompletionRequest.model_fields)
    params = taken.to_sampling_params(fields["max_tokens"], {})
    assert params.max_tokens == fields["max_tokens"]
    assert params.n == (request.n or 1)
    assert [turn["content"] for turn in taken.messages] == [m.text for m in request.messages]


@given(
    base=st.fixed_dictionaries(
        {"model": st.just("m"), "prompt": PROMPT | st.lists(PROMPT, min_size=1, max_size=2)},
        optional={**SAMPLING, "max_tokens": st.none() | st.integers(1, 64)},
    ),
    more=st.tuples(STREAM, st.sampled_from([{}, {"logprobs": 0}, {"logprobs": 5}])),
)
@settings(max_examples=200, suppress_health_check=[HealthCheck.too_slow])
def test_vllm_takes_every_completion_request_that_passes(
    base: dict[str, Any], more: tuple[dict[str, Any], ...]
) -> None:
    protocol = pytest.importorskip(
        "vllm.entrypoints.openai.completion.protocol", reason="vLLM is not installed"
    )
    request = CompletionRequest.model_validate({**base, **more[0], **more[1]})
    checked(request, WIDE)
    fields = to_vllm_fields(request, WIDE)
    taken = protocol.CompletionRequest(**fields)
    assert not taken.model_extra
    params = taken.to_sampling_params(fields["max_tokens"], {})
    assert params.max_tokens == fields["max_tokens"]
    assert taken.prompt == request.prompt


@pytest.mark.parametrize("kind", [ChatRequest, CompletionRequest])
def test_the_description_is_closed_and_a_json_schema(kind: type[Wire]) -> None:
    import jsonschema

    described = kind.model_json_schema()
    jsonschema.Draft202012Validator.check_schema(described)
    assert described["additionalProperties"] is False
    closed = [part.get("additionalProperties") for part in described["$defs"].values()]
    assert closed == [False] * len(closed)


@given(
    base=st.fixed_dictionaries(
        {"model": st.just("m"), "messages": st.lists(TURN, min_size=1, max_size=3)},
        optional=SAMPLING,
    )
)
def test_what_is_accepted_is_described(base: dict[str, Any]) -> None:
    import jsonschema

    request = ChatRequest.model_validate(base)
    jsonschema.validate(base, ChatRequest.model_json_schema())
    assert request.model == "m"


def test_the_openai_client_sends_what_is_accepted() -> None:
    """Bodies as the official client writes them."""
    import httpx
    from openai import OpenAI

    bodies: list[dict[str, Any]] = []

    def note(sent: httpx.Request) -> httpx.Response:
        bodies.append(json.loads(sent.content))
        return httpx.Response(400, json=error_body(Refused(400, "noted", "noted", "n"), "id"))

    from openai import BadRequestError

    client = OpenAI(
        api_key="k",
        base_url="http://x/v1",
        http_client=httpx.Client(transport=httpx.MockTransport(note)),
    )
    wanted: Any = {
        "type": "json_schema",
        "json_schema": {"name": "n", "schema": {"type": "object"}, "strict": True},
    }
    with pytest.raises(BadRequestError) as refused:
        client.chat.completions.create(
            model="m",
            messages=[{"role": "user", "content": "x"}],
            stream=True,
            stream_options={"include_usage": True},
            temperature=0.5,
            seed=1,
            stop=["a"],
            extra_body={"system_constitution": True},
        )
    assert (refused.value.code, refused.value.param) == ("noted", "n")
    with pytest.raises(BadRequestError):
        client.chat.completions.create(
            model="m",
            messages=[{"role": "user", "content": "x"}],
            response_format=wanted,
            logprobs=True,
            top_logprobs=2,
            max_completion_tokens=5,
            store=False,
            user="u",
        )
    for body in bodies:
        checked(ChatRequest.model_validate(body), LIMITS)
    with pytest.raises(BadRequestError):
        client.completions.create(model="m", prompt=["a", "b"], max_tokens=5, logprobs=1)
    checked(CompletionRequest.model_validate(bodies[-1]), LIMITS)


def test_a_refusal_survives_the_way_between_replicas() -> None:
    refused = Refused(429, "overloaded", "wait", "n", 1.2)
    again = pickle.loads(pickle.dumps(refused))
    assert error_body(again, "id") == error_body(refused, "id")
    assert again.headers == {"Retry-After": "2"}


@pytest.mark.parametrize(
    ("wait_s", "told"), [(0.0, "1"), (0.2, "1"), (1.0, "1"), (1.01, "2"), (math.inf, "86400")]
)
def test_how_long_to_wait_is_told_in_whole_seconds(wait_s: float, told: str) -> None:
    assert Refused(503, "unavailable", "m", retry_after_s=wait_s).headers == {"Retry-After": told}


def test_error_bodies_are_openais() -> None:
    assert error_body(Refused(401, "invalid_api_key", "no\nkey"), "r1") == {
        "error": {
            "message": "no key",
            "type": "authentication_error",
            "param": None,
            "code": "invalid_api_key",
        },
        "request_id": "r1",
    }
    kinds = {s: error_body(Refused(s, "c", "m"), "")["error"]["type"] for s in (400, 403, 429, 504)}
    assert kinds == {
        **{400: "invalid_request_error", 403: "permission_error"},
        **{429: "rate_limit_error", 504: "server_error"},
    }
    assert Refused(401, "invalid_api_key", "m").headers == {"WWW-Authenticate": "Bearer"}
    assert internal_error().status == 500
