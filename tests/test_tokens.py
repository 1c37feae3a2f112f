"""Counting prompt tokens: exact with a tokenizer made here, an estimate without one."""

from __future__ import annotations

import json
import pickle
from pathlib import Path

import pytest

from gcai_ray.engines.tokens import token_counter
from gcai_ray.errors import ConfigError

CORPUS = ["The chosen response is clear and cites its sources.", "the other answer made things up"]
TEMPLATE = (
    "{{ bos_token }}{% for m in messages %}<{{ m.role }}>{{ m.content }}</s>{% endfor %}"
    "{% if add_generation_prompt %}<assistant>{% endif %}"
)
REFUSES_SYSTEM = (
    "{% if messages[0].role == 'system' %}{{ raise_exception('no system role') }}{% endif %}"
)
CHAT = [
    {"role": "system", "content": "You read what people prefer."},
    {"role": "user", "content": "The response is clear. Ünïcode 👍 and\n\nlines."},
]


def save_tokenizer(path: Path, template: str | None) -> str:
    """A byte-level tokenizer with a hundred-odd merges, as a model ships one."""
    from tokenizers import ByteLevelBPETokenizer
    from transformers import PreTrainedTokenizerFast

    trained = ByteLevelBPETokenizer()
    trained.train_from_iterator(CORPUS, vocab_size=400, special_tokens=["<s>", "</s>"])
    trained.enable_truncation(5)  # shipped settings must not shorten a count
    trained.enable_padding(length=64)
    fast = PreTrainedTokenizerFast(
        tokenizer_object=trained._tokenizer, bos_token="<s>", eos_token="</s>"
    )
    fast.chat_template = template
    fast.save_pretrained(path)
    return str(path)


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A tokenizer with a chat template."""
    return save_tokenizer(tmp_path_factory.mktemp("tiny"), TEMPLATE)


def test_the_count_is_that_of_the_chat_template(tiny: str) -> None:
    from transformers import AutoTokenizer

    wanted = AutoTokenizer.from_pretrained(tiny).apply_chat_template(
        CHAT, add_generation_prompt=True, tokenize=True, return_dict=False
    )
    assert token_counter(tiny)(CHAT) == len(wanted)


def test_long_texts_are_counted_whole(tiny: str) -> None:
    long = [*CHAT[:1], {"role": "user", "content": "clear " * 20_000}]
    assert token_counter(tiny)(long) >= 20_000


def test_without_a_template_contents_are_counted_and_a_frame_added(tmp_path: Path) -> None:
    from transformers import AutoTokenizer

    path = save_tokenizer(tmp_path, None)
    tokenizer = AutoTokenizer.from_pretrained(path)
    contents = sum(len(tokenizer.encode(m["content"], add_special_tokens=False)) for m in CHAT)
    assert token_counter(path)(CHAT) == contents + 2 * 4 + 3


def test_a_counter_travels_as_its_spec_alone(tiny: str) -> None:
    for spec in (tiny, None):
        counter = token_counter(spec)
        packed = pickle.dumps(counter)
        assert len(packed) < 1_000
        assert pickle.loads(packed)(CHAT) == counter(CHAT)


def test_the_estimate_counts_words_pieces_and_the_frame() -> None:
    count = token_counter(None)
    assert count([]) == 3
    assert count([{"role": "user", "content": ""}]) == 3 + 4
    assert count([{"role": "user", "content": "a clear answer"}]) == 3 + 4 + 3
    assert count([{"role": "system", "content": "a clear answer"}]) == 3 + 4 + 3


@pytest.mark.parametrize(
    ("text", "low", "high"),
    [
        # Bounds: the least and the most that cl100k, o200k, Qwen and Tekken make of it, measured,
        # widened by the error the module states.
        ("a" * 10_000, 1_000, 4_000),
        ("คำตอบควรกระชับ ซื่อสัตย์ และเป็นประโยชน์ " * 10, 140, 450),
        ("😀👍🏽🎉 great 👨‍👩‍👧 " * 10, 100, 300),
        ("A response should say what it does not know. " * 500, 4_500, 5_500),
    ],
)
def test_the_estimate_sees_text_that_has_no_word_pieces(text: str, low: int, high: int) -> None:
    assert low <= token_counter(None)([{"role": "user", "content": text}]) <= high


def test_the_estimate_is_near_what_a_real_encoding_makes_of_prose(shared_data: Path) -> None:
    tekken = pytest.importorskip("mistral_common.tokens.tokenizers.tekken")
    folder = Path(pytest.importorskip("mistral_common").__file__).parent
    exact = tekken.Tekkenizer.from_file(str(folder / "data" / "tekken_240911.json"))
    lines = (shared_data / "haluquestqa" / "HaluQuestQA.csv").read_text().splitlines()
    text = "\n".join(line.split("\t", 4)[-1] for line in lines[1:200])
    estimate = token_counter(None)([{"role": "user", "content": text}])
    assert 0.9 <= estimate / len(exact.encode(text, bos=False, eos=False)) <= 1.1


@pytest.mark.parametrize("spec", ["/no/such/dir", "./nowhere", "a/b/c", "s3://bucket/model"])
def test_a_path_that_is_missing_is_one_clear_error(spec: str) -> None:
    with pytest.raises(ConfigError, match="no such directory") as caught:
        token_counter(spec)
    assert spec in str(caught.value)


def test_a_folder_without_a_usable_tokenizer_is_one_clear_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no tokenizer can be loaded"):
        token_counter(str(tmp_path))
    damaged = tmp_path / "damaged"
    save_tokenizer(damaged, TEMPLATE)
    stored = json.loads((damaged / "tokenizer.json").read_text())
    for content in ("{cut off", json.dumps(stored | {"model": {"type": "NoSuchModel"}}), "[]"):
        (damaged / "tokenizer.json").write_text(content)
        with pytest.raises(ConfigError) as caught:
            token_counter(str(damaged))
        assert "\n" not in str(caught.value)


def test_a_hub_id_that_cannot_be_had_is_one_clear_error(monkeypatch: pytest.MonkeyPatch) -> None:
    import huggingface_hub.constants

    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
    with pytest.raises(ConfigError, match="no-such-owner/no-such-model"):
        token_counter("no-such-owner/no-such-model")


def test_a_template_that_refuses_a_system_message_is_refused_at_once(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no system role"):
        token_counter(save_tokenizer(tmp_path, REFUSES_SYSTEM))
