"""Chat messages → how many prompt tokens they take. Knows no engine, no stage and no limit.

With the model's own tokenizer the count is exact. Without one it is an estimate: the WordPiece
tokens of the packaged MiniLM model, and the frame OpenAI documents for its chat models (4 tokens a
message, 3 for the reply's beginning).

Estimate over exact, summed over 400 of our questions each (contextual, vote, general; English, from
HaluQuestQA and CCAI): 1.02 to 1.06 of OpenAI's cl100k and o200k, single questions 0.99 to 1.11;
0.90 to 1.01 of Qwen's and Mistral's Tekken, single questions 0.88 to 1.07. Other text, all four
encodings: German and French 1.2 to 1.6, Russian 2.0 to 3.3, Python code 1.2, Chinese 0.8 to 1.5,
Thai 0.9 to 2.1, emoji 0.4 to 1.0, one letter 10,000 times 2.7, thousands of blank lines 0.5. Where
that is too coarse, name the model's tokenizer. One thread counts about 1 million tokens a second.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gcai_ray.engines.minilm import packaged_model_dir
from gcai_ray.errors import ConfigError

if TYPE_CHECKING:
    from tokenizers import Tokenizer

Messages = Sequence[Mapping[str, str]]

MESSAGE_TOKENS = 4
REPLY_START_TOKENS = 3
# What WordPiece has no piece for (emoji, Thai, a "word" of over 100 letters) is one unknown token
# to it; byte-level tokenizers take a token for 2 to 4 bytes of such text.
UNKNOWN_BYTES_PER_TOKEN = 3
UNKNOWN = "[UNK]"
_PROBE = ({"role": "system", "content": "s"}, {"role": "user", "content": "u"})


@dataclass(frozen=True)
class TokenCounter:
    """Counts the prompt tokens of chat messages. Pickles as its spec; the tokenizer is loaded once
    per process.

    tokenizer: local path or hub id of the model's tokenizer; None estimates.
    """

    tokenizer: str | None = None

    def __call__(self, messages: Messages) -> int:
        """Prompt tokens of a chat, with all that its template adds before the reply.

        Raises:
            ConfigError: the tokenizer cannot be loaded, or its chat template refuses the messages.
        """
        if self.tokenizer is None:
            texts = sum(_estimated_text(m["role"], m["content"]) for m in messages)
            return texts + MESSAGE_TOKENS * len(messages) + REPLY_START_TOKENS
        return _exact(self.tokenizer, messages)


def token_counter(tokenizer: str | None) -> TokenCounter:
    """A counter for a tokenizer, tried once so that a wrong one is refused here.

    Raises:
        ConfigError: no such path or hub id, no tokenizer in it, or its chat template refuses a
            system message.
    """
    counter = TokenCounter(tokenizer)
    counter(_PROBE)
    return counter


def _exact(spec: str, messages: Messages) -> int:
    tokenizer = _loaded(spec)
    if not tokenizer.chat_template:
        texts = sum(_num_ids(tokenizer, message["content"]) for message in messages)
        return texts + MESSAGE_TOKENS * len(messages) + REPLY_START_TOKENS
    return _num_ids(tokenizer, _rendered(spec, tokenizer, messages))


def _rendered(spec: str, tokenizer: Any, messages: Messages) -> str:
    from jinja2 import TemplateError

    chat = [dict(message) for message in messages]
    try:
        return tokenizer.apply_chat_template(chat, tokenize=False, add_generation_prompt=True)
    except TemplateError as error:
        raise ConfigError(
            f"engine.tokenizer {spec}: its chat template refuses messages of the roles "
            f"{', '.join(message['role'] for message in messages)}: {error}; use a model whose "
            "template takes a system message"
        ) from error


def _num_ids(tokenizer: Any, text: str) -> int:
    """Tokens of a text as it stands: a chat template writes its special tokens itself."""
    if tokenizer.is_fast:
        backend = tokenizer.backend_tokenizer
        return len(backend.encode_batch_fast([text], add_special_tokens=False)[0])
    return len(tokenizer.encode(text, add_special_tokens=False))


@lru_cache(maxsize=8)
def _loaded(spec: str) -> Any:
    """The tokenizer of a path or hub id; a hub id that is in the cache opens no connection."""
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    if not _is_hub_id(spec) and not Path(spec).is_dir():
        raise ConfigError(
            f"engine.tokenizer {spec}: no such directory; give a local directory with the model's "
            "tokenizer, a hub id such as Qwen/Qwen3-8B, or leave it out for an estimate"
        )
    try:
        tokenizer = _from_pretrained(spec)
    except Exception as error:  # `tokenizers` raises plain Exception for a bad file
        said = str(error).strip()
        reason = said.splitlines()[0].rstrip(".") if said else type(error).__name__
        raise ConfigError(
            f"engine.tokenizer {spec}: no tokenizer can be loaded from it: {reason}; check the "
            "name and the connection, or leave it out for an estimate"
        ) from error
    if tokenizer.is_fast:
        tokenizer.backend_tokenizer.no_truncation()
        tokenizer.backend_tokenizer.no_padding()
    return tokenizer


def _from_pretrained(spec: str) -> Any:
    from transformers import AutoTokenizer

    if not Path(spec).is_dir():
        try:
            return AutoTokenizer.from_pretrained(
                spec, trust_remote_code=False, local_files_only=True
            )
        except (OSError, ValueError):
            return AutoTokenizer.from_pretrained(spec, trust_remote_code=False)
    return AutoTokenizer.from_pretrained(spec, trust_remote_code=False, local_files_only=True)


def _is_hub_id(spec: str) -> bool:
    """`name` or `owner/name`; everything else is meant as a path."""
    return spec.count("/") <= 1 and not spec.startswith((".", "/", "~"))


def _estimated_text(role: str, text: str) -> int:
    # A system message is the same in every question of a stage.
    return _estimated_system(text) if role == "system" else _estimated(text)


@lru_cache(maxsize=64)
def _estimated_system(text: str) -> int:
    return _estimated(text)


def _estimated(text: str) -> int:
    encoding = _word_pieces().encode_batch_fast([text], add_special_tokens=False)[0]
    unknown = _word_pieces().token_to_id(UNKNOWN)
    if unknown not in encoding.ids:
        return len(encoding)
    return len(encoding) + _unknown_tokens(text, unknown)


def _unknown_tokens(text: str, unknown: int | None) -> int:
    """What the unknown pieces of a text take beyond the one token each that they count for."""
    encoding = _word_pieces().encode(text, add_special_tokens=False)
    return sum(
        (len(text[start:end].encode("utf-8", "replace")) - 1) // UNKNOWN_BYTES_PER_TOKEN
        for key, (start, end) in zip(encoding.ids, encoding.offsets, strict=True)
        if key == unknown
    )


@lru_cache(maxsize=1)
def _word_pieces() -> Tokenizer:
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(str(packaged_model_dir() / "tokenizer.json"))
    tokenizer.no_truncation()
    tokenizer.no_padding()
    return tokenizer
