"""A tokenizer and messages → token ids, the words to learn told from those that are given.

Knows no row of ours.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from gcai_ray.errors import ConfigError

Messages = Sequence[Mapping[str, str]]
PROBE = ({"role": "user", "content": "Hello."},)


def load_tokenizer(folder: str, model: str) -> Any:
    """The tokenizer in a folder, checked; `model` is what a person called it.

    Raises:
        ConfigError: it has no chat template, no end token, or a template that cannot be told apart.
    """
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(folder, trust_remote_code=False)
    if not tokenizer.chat_template:
        raise ConfigError(
            f"tune.model: {model} has no chat template, so nobody knows how a conversation is "
            "written for it: take its instruction-tuned version, or add chat_template.jinja"
        )
    if tokenizer.eos_token_id is None:
        raise ConfigError(
            f"tune.model: the tokenizer of {model} has no end token (eos_token): a tuned model "
            "would never stop; set it in tokenizer_config.json"
        )
    if tokenizer.pad_token_id is None:
        tokenizer.pad_token = tokenizer.eos_token
    split(tokenizer, PROBE, "Yes.")  # a template that cannot be used is refused here
    return tokenizer


def split(tokenizer: Any, prompt: Messages, response: str) -> tuple[list[int], list[int]]:
    """Token ids of the prompt as the model will read it, and of the response with its end.

    Rendered as one text and cut where the prompt's own rendering ends, so that what is learnt is
    what is asked for when the model is served.

    Raises:
        ConfigError: the template writes a conversation otherwise than its beginning.
    """
    given = _rendered(tokenizer, prompt, add_generation_prompt=True)
    turn = {"role": "assistant", "content": response}
    whole = _rendered(tokenizer, [*prompt, turn], add_generation_prompt=False)
    if not whole.startswith(given):
        raise ConfigError(
            "tune.model: its chat template writes the beginning of a conversation otherwise once "
            f"an answer follows ({_difference(given, whole)}): such a template cannot be trained "
            "on; take one whose prompt is a beginning of the whole"
        )
    ends = _up_to_end(tokenizer, whole[len(given) :])
    return _ids(tokenizer, given), _ids(tokenizer, ends)


def _up_to_end(tokenizer: Any, text: str) -> str:
    """Up to the end token: a line break that a template writes after it is never generated."""
    end = tokenizer.eos_token
    place = text.rfind(end)
    return text[: place + len(end)] if place >= 0 else text.rstrip("\n") + end


def _rendered(tokenizer: Any, messages: Messages, **how: bool) -> str:
    chat = [dict(message) for message in messages]
    return str(tokenizer.apply_chat_template(chat, tokenize=False, **how))


def _ids(tokenizer: Any, text: str) -> list[int]:
    """The template has written all special tokens already."""
    return list(tokenizer(text, add_special_tokens=False)["input_ids"])


def _difference(given: str, whole: str) -> str:
    pairs = enumerate(zip(given, whole, strict=False))
    place = next((n for n, (one, other) in pairs if one != other), len(whole))
    return f"{given[place : place + 40]!r} against {whole[place : place + 40]!r}"
