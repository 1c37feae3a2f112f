"""Pairs → an adapter, by real training on two workers: what is learnt, what is handed on, what a
crash costs.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
from asking_runs import artifact, gcai, ran
from places import ROOT
from servers.launch import Scripted
from tuning_runs import TUNE, curve, started, write_tuning_job

from gcai_ray.artifacts import Artifact

pytestmark = pytest.mark.usefixtures("ray_address")
EVERY = 4  # of `tuning_runs.PHASE`
PROMPT = [{"role": "user", "content": "How do I begin with chess in 99 days?"}]


@pytest.fixture(scope="module")
def server() -> Iterator[Scripted]:
    with Scripted() as running:
        yield running


@pytest.fixture(scope="module")
def tuned(
    tmp_path_factory: pytest.TempPathFactory, server: Scripted, tiny_model: Path
) -> tuple[Path, Artifact, str]:
    """Folder and job of a finished run, its adapter, and what the command printed."""
    folder = tmp_path_factory.mktemp("tuned")
    output = ran("tune", write_tuning_job(folder, server, tiny_model))
    return folder, artifact(folder, "tune"), output


def metrics_of(found: Artifact) -> list[dict[str, Any]]:
    return found.read("metrics").to_pylist()


def test_losses_fall_and_the_better_response_is_preferred(
    tuned: tuple[Path, Artifact, str],
) -> None:
    metrics = metrics_of(tuned[1])
    for objective, fall in (("sft", 2.0), ("dpo", 0.1)):
        loss, held = (curve(metrics, objective, name) for name in ("loss", "eval_loss"))
        assert loss[1] - loss[max(loss)] > fall
        assert list(loss) == list(range(1, max(loss) + 1))
        assert held[max(held)] < held[min(held)]
        assert list(held) == [*range(4, max(loss), 4), max(loss)]  # and at the end
    assert curve(metrics, "dpo", "loss")[1] == pytest.approx(0.6931, abs=1e-3)  # the reference
    margins = curve(metrics, "dpo", "eval_reward_margin")
    assert 0 < margins[4] < margins[8]
    assert curve(metrics, "dpo", "eval_reward_accuracy")[8] > 0.5
    assert curve(metrics, "sft", "tokens_per_s")[3] > 0


def test_the_artifact_is_a_folder_peft_loads_and_its_words_differ_from_the_bases(
    tuned: tuple[Path, Artifact, str], tiny_model: Path
) -> None:
    _, found, _ = tuned
    folder = found.url
    base, tokenizer = loaded(tiny_model, folder)
    before = said(base, tokenizer)
    from peft import PeftModel

    model = PeftModel.from_pretrained(base, folder)
    assert said(model, tokenizer) != before
    assert model.peft_config["default"].r == 16
    names = {part.name for part in found.manifest.parts}
    assert {"adapter_config.json", "adapter_model.safetensors", "chat_template.jinja"} <= names
    assert not any(name.endswith((".bin", ".pt")) for name in names)
    settings = json.loads(found.document("adapter_config.json"))
    assert settings["base_model_name_or_path"] == "tests/tiny"


@pytest.mark.long
def test_vllm_loads_the_folder_as_it_stands(
    tuned: tuple[Path, Artifact, str], tiny_model: Path
) -> None:
    script = ROOT / "tests" / "vllm_says.py"
    question = PROMPT[0]["content"]
    command = [sys.executable, str(script), str(tiny_model), tuned[1].url, question]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    base, with_adapter = (
        json.loads(line)["text"] for line in done.stdout.splitlines() if line.startswith("{")
    )
    assert base != with_adapter


@pytest.mark.long
def test_shards_over_two_workers_give_the_losses_of_two_copies(
    tuned: tuple[Path, Artifact, str], server: Scripted, tiny_model: Path, tmp_path: Path
) -> None:
    """FSDP2. What it alone keeps in a checkpoint shows that it was at work."""
    where = TUNE["where"] | {"strategy": "fsdp"}
    ran("tune", write_tuning_job(tmp_path, server, tiny_model, where=where))
    sharded = artifact(tmp_path, "tune")
    assert sharded.manifest.fingerprint == tuned[1].manifest.fingerprint
    for objective in ("sft", "dpo"):
        for name in ("loss", "eval_loss"):
            ours, theirs = (curve(metrics_of(of), objective, name) for of in (sharded, tuned[1]))
            assert ours == pytest.approx(theirs, abs=1e-3)
    kept = {path.name for path in tmp_path.glob("run/training/*/sft/step-*/*")}
    assert "pytorch_model_fsdp.bin" in kept
    base, tokenizer = loaded(tiny_model, sharded.url)
    before = said(base, tokenizer)
    from peft import PeftModel

    assert said(PeftModel.from_pretrained(base, sharded.url), tokenizer) != before


@pytest.mark.long
def test_all_weights_are_a_model_that_plain_transformers_loads(
    server: Scripted, tiny_model: Path, tmp_path: Path
) -> None:
    phases = {"sft": TUNE["sft"] | {"learning_rate": 1e-3}, "dpo": None}
    ran("tune", write_tuning_job(tmp_path, server, tiny_model, method="full", **phases))
    found = artifact(tmp_path, "tune")
    base, tokenizer = loaded(tiny_model, found.url)
    assert said(loaded(Path(found.url), found.url)[0], tokenizer) != said(base, tokenizer)
    losses = curve(metrics_of(found), "sft", "eval_loss")
    assert losses[max(losses)] < losses[min(losses)]


def loaded(model: Path, tokenizer: str) -> tuple[Any, Any]:
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    base = AutoModelForCausalLM.from_pretrained(model, dtype=torch.float32)
    return base, AutoTokenizer.from_pretrained(tokenizer)


def said(model: Any, tokenizer: Any) -> str:
    text = tokenizer.apply_chat_template(PROMPT, tokenize=False, add_generation_prompt=True)
    ids = tokenizer(text, return_tensors="pt", add_special_tokens=False).input_ids
    out = model.generate(ids, max_new_tokens=30, do_sample=False)
    return str(tokenizer.decode(out[0][ids.shape[1] :]))


def test_merged_weights_say_what_base_and_adapter_say(
    tuned: tuple[Path, Artifact, str], tiny_model: Path, tmp_path: Path
) -> None:
    from peft import PeftModel

    _, found, _ = tuned
    into = tmp_path / "merged"
    ran("merge", found.url, into, "--base", tiny_model, "--dtype", "float32")
    base, tokenizer = loaded(tiny_model, found.url)
    merged, _ = loaded(into, found.url)
    assert said(merged, tokenizer) == said(PeftModel.from_pretrained(base, found.url), tokenizer)
    assert (into / "constitution.json").is_file()
    code, output = gcai("merge", found.url, into)
    assert code == 2
    assert "not empty" in output


def test_an_adapter_of_another_base_is_refused_by_its_layer(
    tuned: tuple[Path, Artifact, str], tmp_path: Path
) -> None:
    from tiny_model import write_tiny_model

    other = write_tiny_model(tmp_path / "other", {"hidden_size": 64})
    code, output = gcai("merge", tuned[1].url, tmp_path / "m", "--base", other)
    assert code == 2
    assert "it was tuned on another model" in " ".join(output.split())
    one_layer = write_tiny_model(tmp_path / "one", {"num_hidden_layers": 1})
    code, output = gcai("merge", tuned[1].url, tmp_path / "m", "--base", one_layer)
    assert code == 2
    assert "has no layer model.layers.1" in " ".join(output.split())


def test_the_card_and_the_facts_say_whose_constitution_it_is(
    tuned: tuple[Path, Artifact, str],
) -> None:
    folder, found, output = tuned
    card = found.document("README.md").decode()
    assert card.startswith("---\nbase_model: tests/tiny\n")
    for words in ("of 100 people", "candidate", "The AI should be honest.", "held-out loss"):
        assert words in card
    facts = json.loads(found.document("training.json"))
    pairs = artifact(folder, "revise").read("training_pairs").to_pylist()
    train = [row for row in pairs if row["split"] == "train"]
    by_revision = [row for row in train if row["made_by"] == "revision"]
    assert facts["rows"]["sft-train"]["num_rows"] == len(by_revision)
    assert facts["rows"]["dpo-train"]["num_rows"] == len(train)
    counts = facts["training_rows_per_principle"]
    assert sum(counts.values()) == len(train) + len(by_revision)
    assert facts["inputs"]["revise"] == artifact(folder, "revise").manifest.fingerprint
    given = json.loads((folder / "given.json").read_text())
    assert json.loads(found.document("constitution.json")) == given
    assert str(folder) not in card + json.dumps(facts)
    assert f"adapter:      {found.url}" in output


def test_what_stands_is_not_trained_again(tuned: tuple[Path, Artifact, str]) -> None:
    folder, _, _ = tuned
    before = sorted(path.stat().st_mtime_ns for path in (folder / "run").rglob("*.safetensors"))
    assert "kept from before" in ran("tune", folder / "job.yaml")
    after = sorted(path.stat().st_mtime_ns for path in (folder / "run").rglob("*.safetensors"))
    assert before == after
    events = list((folder / "run" / "training").rglob("events.out.tfevents.*"))
    assert {path.parent.parent.name for path in events} == {"sft", "dpo"}


@pytest.mark.long
def test_killed_workers_and_a_killed_command_cost_no_more_than_a_checkpoint(
    tuned: tuple[Path, Artifact, str],
    ray_address: str,
    tmp_path: Path,
    server: Scripted,
    tiny_model: Path,
) -> None:
    job = write_tuning_job(tmp_path, server, tiny_model)
    first = started(job, ray_address)
    kill_after_checkpoint(tmp_path, "sft", first, EVERY)
    kill_after_checkpoint(tmp_path, "dpo", first, EVERY, command=True)
    assert first.wait() == -signal.SIGKILL
    ran("tune", job)
    found, undisturbed = artifact(tmp_path, "tune"), tuned[1]
    for objective in ("sft", "dpo"):
        for name in ("loss", "eval_loss"):
            one = curve(metrics_of(found), objective, name)
            other = curve(metrics_of(undisturbed), objective, name)
            assert one == pytest.approx(other, abs=1e-4)


@pytest.mark.long
def test_a_rank_killed_right_after_a_report_costs_at_most_the_updates_between_two(
    ray_address: str, tmp_path: Path, server: Scripted, tiny_model: Path
) -> None:
    sft = TUNE["sft"] | {"max_steps": 15 * EVERY}
    job = write_tuning_job(tmp_path, server, tiny_model, sft=sft, dpo=None)
    process = started(job, ray_address)
    stood = kill_after_checkpoint(tmp_path, "sft", process, 5 * EVERY)
    assert process.wait() == 0
    found = artifact(tmp_path, "tune")
    [begun, again] = json.loads(found.document("training.json"))["phases"]["sft"]["starts"]
    assert begun == 0
    assert again >= stood - EVERY  # the checkpoint that just stood may be lost with the worker
    assert list(curve(metrics_of(found), "sft", "loss")) == list(range(1, 15 * EVERY + 1))


def kill_after_checkpoint(
    folder: Path,
    objective: str,
    process: subprocess.Popen[str],
    at_least: int,
    command: bool = False,
) -> int:
    """SIGKILL one training worker, or the command, as soon as a checkpoint of so many updates
    stands; the update of that checkpoint.
    """
    deadline = time.monotonic() + 300
    while (update := last_checkpoint(folder, objective)) < at_least:
        if process.poll() is not None or time.monotonic() > deadline:
            raise RuntimeError(f"no checkpoint of {objective}: {process.stdout.read()}")  # type: ignore[union-attr]
        time.sleep(0.02)
    if command:
        process.kill()
        return update
    workers = [
        one.pid
        for one in psutil.process_iter(["cmdline"])
        if "RayTrainWorker" in " ".join(one.info["cmdline"] or ())
    ]
    os.kill(max(workers), signal.SIGKILL)
    return update


def last_checkpoint(folder: Path, objective: str) -> int:
    """The update of the newest checkpoint that stands whole; 0: there is none."""
    found = (folder / "run" / "training").glob(f"*/{objective}/step-*/trainer_state.json")
    return max((int(path.parent.name.removeprefix("step-")) for path in found), default=0)


@pytest.mark.long
def test_a_loss_that_is_no_number_ends_the_run_and_names_the_last_good_checkpoint(
    tmp_path: Path, server: Scripted, tiny_model: Path
) -> None:
    sft = {"batch_size": 8, "every": 1, "learning_rate": 0.99, "warmup_share": 0.0}
    lora = {"alpha": 10**30}
    job = write_tuning_job(tmp_path, server, tiny_model, sft=sft, lora=lora)
    code, output = gcai("tune", job)
    said = " ".join(output.split())
    assert code == 1
    assert "tune: sft:" in said
    assert "at update" in said
    assert "lower tune.sft.learning_rate" in said
    assert not list((tmp_path / "run").glob("tune/*/manifest.json"))
