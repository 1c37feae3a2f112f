"""Pairs → token ids: what is learnt, what is only read, what is too long; and models and tokenizers
that cannot be used are refused in one line.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from gcai_ray.errors import ConfigError, InputError, StageError
from gcai_ray.schemas import TrainingPair, arrow_schema
from gcai_ray.storage import Storage
from gcai_ray.train.chat import load_tokenizer, split
from gcai_ray.train.model import check_model_folder
from gcai_ray.train.places import local_copy
from gcai_ray.train.rows import IGNORED, Rows, objectives, open_rows, tokenised, write_rows
from gcai_ray.train.run import task_of
from gcai_ray.training_config import TuneConfig

TALK = [
    {"role": "user", "content": "Hello."},
    {"role": "assistant", "content": "Yes?"},
    {"role": "user", "content": "How do I mend it?"},
]


def pair(number: int, **changes: Any) -> dict[str, Any]:
    usual = {
        "id": f"{number:032x}",
        "prompt_id": f"{number:032x}",
        "source": "s",
        "split": "train",
        "prompt": TALK,
        "chosen": f"Take it off, {number}.",
        "rejected": "whatever",
        "made_by": "revision",
        "principle_ids": ["a" * 32],
        "round": 1,
        "model": "m",
    }
    return usual | changes


def written(folder: Path, model: Path, *pairs: dict[str, Any], **tune: Any) -> tuple[Rows, Storage]:
    storage = Storage(str(folder))
    table = pa.Table.from_pylist(list(pairs), schema=arrow_schema(TrainingPair))
    settings = TuneConfig(model=str(model), **tune)
    return write_rows(storage, ("training", "k", "rows"), [table], settings), storage


def rows_of(rows: Rows, storage: Storage, kind: str, half: str = "train") -> list[dict[str, Any]]:
    return open_rows(storage.path(*rows.files[kind, half].place)).to_list()


def test_only_the_last_answer_and_its_end_are_learnt(tiny_model: Path) -> None:
    tokenizer = load_tokenizer(str(tiny_model), "tiny")
    row = tokenised(tokenizer, "sft", pair(1))
    learnt = [token for token, label in zip(*row.values(), strict=True) if label != IGNORED]
    given = [token for token, label in zip(*row.values(), strict=True) if label == IGNORED]
    assert tokenizer.decode(learnt) == "Take it off, 1.<|im_end|>"
    asked = tokenizer.apply_chat_template(TALK, tokenize=False, add_generation_prompt=True)
    assert tokenizer.decode(given) == asked
    assert [label for label in row["labels"] if label != IGNORED] == learnt


def test_both_answers_follow_the_same_prompt(tiny_model: Path) -> None:
    tokenizer = load_tokenizer(str(tiny_model), "tiny")
    row = tokenised(tokenizer, "dpo", pair(1))
    assert tokenizer.decode(row["chosen_ids"]) == "Take it off, 1.<|im_end|>"
    assert tokenizer.decode(row["rejected_ids"]) == "whatever<|im_end|>"
    assert row["prompt_ids"] == split(tokenizer, TALK, "x")[0]


def test_rows_stand_in_the_order_of_their_ids_whatever_order_they_came_in(
    tmp_path: Path, tiny_model: Path
) -> None:
    pairs = [pair(n) for n in range(6)]
    one = rows_of(*written(tmp_path / "a", tiny_model, *pairs), "sft")
    other = rows_of(*written(tmp_path / "b", tiny_model, *reversed(pairs)), "sft")
    assert one == other
    assert len(one) == 6


def test_comparisons_are_for_preference_optimisation_alone(
    tmp_path: Path, tiny_model: Path
) -> None:
    held = pair(3, split="test", principle_ids=["b" * 32])
    rows, storage = written(tmp_path, tiny_model, pair(1), pair(2, made_by="comparison"), held)
    sizes = {key: file.num_rows for key, file in rows.files.items()}
    assert sizes == {
        ("sft", "train"): 1,
        ("sft", "test"): 1,
        ("dpo", "train"): 2,
        ("dpo", "test"): 1,
    }
    assert rows.principle_counts == {"a" * 32: 3}  # held-out rows are not learnt
    [row] = rows_of(rows, storage, "sft")
    assert rows.files["sft", "train"].num_tokens == len(row["input_ids"])


def test_a_row_longer_than_the_limit_is_a_reject_and_never_cut(
    tmp_path: Path, tiny_model: Path
) -> None:
    long = pair(2, rejected="word " * 200)
    rows, _ = written(tmp_path, tiny_model, pair(1), long, max_length=100)
    assert rows.files["sft", "train"].num_rows == 2
    assert rows.files["dpo", "train"].num_rows == 1
    [reject] = rows.rejects
    assert "more than tune.max_length = 100" in reject["reason"]
    assert reject["reason"].startswith("dpo: ")
    assert reject["value"] == long["chosen"]


def test_an_objective_that_is_off_has_no_rows(tmp_path: Path, tiny_model: Path) -> None:
    rows, _ = written(tmp_path, tiny_model, pair(1), dpo=None)
    assert set(rows.files) == {("sft", "train")}
    assert objectives(TuneConfig(model="m", dpo=None)) == ("sft",)


def test_nothing_to_train_on_names_where_to_look(tmp_path: Path, tiny_model: Path) -> None:
    rows, storage = written(tmp_path, tiny_model, pair(1, made_by="comparison"))
    with pytest.raises(StageError, match="no pair made by revision to train sft on"):
        task_of(storage, TuneConfig(model=str(tiny_model)), rows, "sft", 0, None)


@pytest.mark.parametrize(
    ("batch_size", "workers", "rows_per_step", "expected"),
    [(32, 1, 4, 4), (32, 2, 4, 4), (6, 1, 4, 3), (10, 2, 4, 1), (8, 2, 16, 4), (7, 7, 4, 1)],
)
def test_a_batch_is_made_up_of_whole_steps_on_any_number_of_workers(
    tmp_path: Path,
    tiny_model: Path,
    batch_size: int,
    workers: int,
    rows_per_step: int,
    expected: int,
) -> None:
    rows, storage = written(tmp_path, tiny_model, pair(1))
    where = {"num_workers": workers, "rows_per_step": rows_per_step}
    settings = TuneConfig.model_validate(
        {
            "model": "m",
            "where": where,
            "sft": {"batch_size": batch_size},
            "dpo": {"batch_size": batch_size},
        }
    )
    task = task_of(storage, settings, rows, "sft", 0, None)
    assert task.rows_per_step == expected
    assert batch_size // workers % expected == 0


def without(model: Path, into: Path, **changes: Any) -> Path:
    """A copy of a model whose tokenizer settings are changed; None takes one out."""
    shutil.copytree(model, into)
    path = into / "tokenizer_config.json"
    settings = json.loads(path.read_text())
    for name, value in changes.items():
        settings.pop(name, None)
        if value is not None:
            settings[name] = value
    path.write_text(json.dumps(settings))
    return into


def test_a_model_without_a_chat_template_is_refused(tmp_path: Path, tiny_model: Path) -> None:
    folder = without(tiny_model, tmp_path / "m", chat_template=None)
    (folder / "chat_template.jinja").unlink(missing_ok=True)
    with pytest.raises(ConfigError, match="has no chat template"):
        load_tokenizer(str(folder), "m")


def test_a_tokenizer_without_an_end_is_refused(tmp_path: Path, tiny_model: Path) -> None:
    folder = without(tiny_model, tmp_path / "m", eos_token=None)
    (folder / "special_tokens_map.json").unlink(missing_ok=True)
    with pytest.raises(ConfigError, match="no end token"):
        load_tokenizer(str(folder), "m")


def test_a_template_whose_prompt_is_no_beginning_of_the_whole_is_refused(
    tmp_path: Path, tiny_model: Path
) -> None:
    folder = without(tiny_model, tmp_path / "m")
    template = folder / "chat_template.jinja"
    text = "{% for m in messages %}{{ loop.length }}{{ m.content }}<|im_end|>{% endfor %}"
    template.write_text(text)
    with pytest.raises(ConfigError, match="writes the beginning of a conversation otherwise"):
        load_tokenizer(str(folder), "m")


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ({"pytorch_model.bin": "config.json"}, "pytorch_model.bin is a pickle"),
        ({"notes.txt": "config.json"}, r"it has no \*\.safetensors"),
        ({"adapter_config.json": "adapter_model.safetensors"}, "an adapter; give its base model"),
        ({"README.md": "x.safetensors"}, "no config.json"),
    ],
)
def test_weights_that_are_not_safe_or_not_there_are_refused(
    tmp_path: Path, files: dict[str, str], said: str
) -> None:
    for one, other in files.items():
        (tmp_path / one).write_text("{}")
        (tmp_path / other).write_text("{}")
    with pytest.raises(ConfigError, match=said):
        check_model_folder(str(tmp_path), "mine")


def test_a_folder_on_s3_is_copied_once_for_all_processes_of_a_node(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import fsspec

    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    memory = fsspec.filesystem("memory")
    memory.pipe({"/models/tiny/config.json": b"{}", "/models/tiny/sub/x.txt": b"x"})
    copied = Path(local_copy("memory://models/tiny"))
    assert (copied / "config.json").read_bytes() == b"{}"
    assert (copied / "sub" / "x.txt").read_bytes() == b"x"
    memory.rm("/models", recursive=True)
    assert local_copy("memory://models/tiny") == str(copied)
    with pytest.raises(InputError, match="no file or folder memory://models/none"):
        local_copy("memory://models/none")
