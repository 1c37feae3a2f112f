"""A served base model and an adapter on S3, asked by the official `openai` client: what it answers,
whom it turns away, and that a change of the registry is seen while it runs.
"""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Iterator
from pathlib import Path

import jsonschema
import openai
import pytest
from asking_runs import gcai
from constitution_example import constitution
from s3_gateway import Gateway, missing, use_s3
from serve_place import put
from served import Served, chat, tiny_settings

pytestmark = [pytest.mark.slow]
SCHEMA = {
    "type": "object",
    "properties": {
        "answer": {"type": "string", "enum": ["yes", "no"]},
        "sure": {"type": "boolean"},
    },
    "required": ["answer", "sure"],
    "additionalProperties": False,
}


class Place:
    """A registry with one adapter, keys, and the application in front of it."""

    def __init__(self, app: Served, registry: str, keys: dict[str, str], adapter: Path) -> None:
        self.app, self.registry, self.keys, self.adapter = app, registry, keys, adapter


@pytest.fixture(scope="module")
def store(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    """On a real S3 server where one is installed, else a folder."""
    if missing():
        yield str(tmp_path_factory.mktemp("store"))
        return
    s3: Gateway = request.getfixturevalue("s3")
    with use_s3(s3.environment()):
        yield f"s3://{request.getfixturevalue('s3_bucket')}/serving"


@pytest.fixture(scope="module")
def place(
    store: str, tiny_model: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Place]:
    folder = tmp_path_factory.mktemp("served")
    adapter = tiny_model.with_name("tiny-lora")
    (adapter / "constitution.json").write_text(constitution().model_dump_json())
    url = put(adapter, f"{store}/adapters/first")
    registry = f"{store}/registry"
    assert gcai("adapters", "add", registry, "aligned", url)[0] == 0
    keys = {
        "ann": new_key(folder, "ann"),
        "base": new_key(folder, "base", "--models", "tiny"),
        "slow": new_key(folder, "slow", "--requests-per-minute", "2"),
    }
    settings = tiny_settings(tiny_model, registry=registry, keys=str(folder / "keys.yaml"))
    with Served(folder, settings) as app:
        yield Place(app, registry, keys, adapter)


def new_key(folder: Path, name: str, *options: str) -> str:
    code, output = gcai("keys", "new", folder / "keys.yaml", name, *options)
    assert code == 0
    return next(word for word in output.split() if word.startswith("gcai-"))


def test_the_official_client_chats_streams_and_gets_json(place: Place) -> None:
    client = place.app.client(place.keys["ann"])
    whole = chat(client, "tiny")
    assert whole.choices[0].message.content
    assert whole.usage.completion_tokens == 16
    pieces = list(chat(client, "tiny", stream=True, stream_options={"include_usage": True}))
    text = "".join(c.choices[0].delta.content or "" for c in pieces if c.choices)
    assert text == whole.choices[0].message.content
    assert pieces[-1].usage.completion_tokens == 16
    assert all(c.usage is None for c in chat(client, "tiny", stream=True))
    shape = {"type": "json_schema", "json_schema": {"name": "a", "schema": SCHEMA}}
    told = chat(client, "tiny", response_format=shape, max_tokens=64, temperature=1, seed=3)
    jsonschema.validate(json.loads(told.choices[0].message.content), SCHEMA)
    done = client.completions.create(model="tiny", prompt="Once", max_tokens=4, temperature=0)
    assert done.usage.completion_tokens == 4


def test_the_adapter_of_the_registry_answers_by_its_name(place: Place) -> None:
    client = place.app.client(place.keys["ann"])
    base, tuned = chat(client, "tiny"), chat(client, "tiny:aligned")
    assert tuned.choices[0].message.content != base.choices[0].message.content
    assert tuned.model == "tiny:aligned@1"
    assert chat(client, "tiny:aligned@1").choices[0].message.content == (
        tuned.choices[0].message.content
    )
    names = [model.id for model in client.models.list()]
    assert names == ["tiny", "tiny:aligned", "tiny:aligned@1"]


def test_a_model_tells_its_constitution_and_the_people_behind_it(place: Place) -> None:
    with place.app.http(place.keys["ann"]) as http:
        card = http.get("/v1/models/tiny:aligned").json()
        assert card["constitution"]["title"] == constitution().title
        assert card["constitution"]["num_people"] == constitution().num_people
        [told] = http.get("/v1/constitution", params={"model": "tiny:aligned"}).json()["data"]
        assert [p["text"] for p in told["principles"]] == [
            p.text for p in constitution().principles
        ]
        assert all(p["num_people"] > 0 for p in told["principles"])
        assert http.get("/v1/constitution", params={"model": "tiny:other"}).status_code == 404


def test_the_base_may_be_told_the_constitution_or_reflect_on_it(place: Place) -> None:
    client = place.app.client(place.keys["ann"])
    plain = chat(client, "tiny")
    told = chat(client, "tiny", extra_body={"system_constitution": True})
    assert told.usage.prompt_tokens > plain.usage.prompt_tokens + 100
    thought = chat(client, "tiny", extra_body={"reflect": True}, seed=1)
    facts = thought.model_extra["reflection"]  # type: ignore[index]
    assert facts["rounds"] == 1
    assert len(facts["principle_ids"]) == 1
    assert facts["tokens"] == thought.usage.total_tokens > 3 * plain.usage.total_tokens


def test_a_wrong_key_a_foreign_model_and_too_many_requests_are_turned_away(place: Place) -> None:
    for key in ("none", "gcai-" + "x" * 43):
        with pytest.raises(openai.AuthenticationError):
            chat(place.app.client(key), "tiny")
    with pytest.raises(openai.PermissionDeniedError):
        chat(place.app.client(place.keys["base"]), "tiny:aligned")
    assert [m.id for m in place.app.client(place.keys["base"]).models.list()] == ["tiny"]
    slow = place.app.client(place.keys["slow"])
    chat(slow, "tiny")
    chat(slow, "tiny")
    with pytest.raises(openai.RateLimitError) as refused:
        chat(slow, "tiny")
    assert 1 <= int(refused.value.response.headers["retry-after"]) <= 60
    with pytest.raises(openai.NotFoundError, match="no such model"):
        chat(place.app.client(place.keys["ann"]), "tiny:unknown")


def test_a_canary_is_promoted_and_rolled_back_while_it_answers(place: Place) -> None:
    client = place.app.client(place.keys["ann"])
    second = place.adapter.with_name("second")
    shutil.copytree(place.adapter, second, dirs_exist_ok=True)
    settings = json.loads((second / "adapter_config.json").read_text())
    (second / "adapter_config.json").write_text(json.dumps(settings | {"lora_alpha": 7}))
    url = put(second, place.registry.rsplit("/", 1)[0] + "/adapters/second")
    done("add", place.registry, "aligned", url)
    waits_for(client, "tiny:aligned@2")
    assert chat(client, "tiny:aligned").model == "tiny:aligned@1"
    done("canary", place.registry, "aligned", "2", "--share", "1")
    answers(client, "tiny:aligned@2")
    done("rollback", place.registry, "aligned")
    answers(client, "tiny:aligned@1")
    done("canary", place.registry, "aligned", "2", "--share", "1")
    done("promote", place.registry, "aligned")
    answers(client, "tiny:aligned@2")
    done("rollback", place.registry, "aligned")
    answers(client, "tiny:aligned@1")


def done(*command: str) -> None:
    code, output = gcai("adapters", *command)
    assert code == 0, output


def waits_for(client: openai.OpenAI, name: str) -> None:
    deadline = time.monotonic() + 30
    while name not in [model.id for model in client.models.list()]:
        assert time.monotonic() < deadline
        time.sleep(0.2)


def answers(client: openai.OpenAI, name: str) -> None:
    """Until the door has seen the change; every request on the way is answered."""
    deadline = time.monotonic() + 30
    while chat(client, "tiny:aligned", max_tokens=1).model != name:
        assert time.monotonic() < deadline
        time.sleep(0.2)


def test_health_needs_no_key_and_counts_are_there_for_prometheus(place: Place) -> None:
    with place.app.http() as http:
        assert http.get("/health").json() == {"status": "ok"}
        assert http.get("/ready").json()["ready"] is True
        assert http.get("/v1/models").status_code == 401


def test_the_logs_have_names_and_no_words(place: Place) -> None:
    secret = "a word nobody else says: xylotheque"
    client = place.app.client(place.keys["ann"])
    chat(client, "tiny", secret, extra_headers={"X-Request-Id": "look-for-me"})
    texts = [path.read_text(errors="replace") for path in place.app.logs.rglob("*.log")]
    assert texts
    assert any("look-for-me" in text and "key=ann" in text for text in texts)
    for word in ("xylotheque", *place.keys.values()):
        assert not any(word in text for text in texts)
