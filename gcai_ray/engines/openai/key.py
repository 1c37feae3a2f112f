"""The environment → the API key, hidden wherever it could be printed. Knows no HTTP."""

from __future__ import annotations

import ipaddress
import os
from urllib.parse import urlsplit

from gcai_ray.engine_config import OpenAIEngine
from gcai_ray.errors import ConfigError

LOCAL_SUFFIXES = (".local", ".internal", ".svc", ".localhost", ".lan")


class Key:
    """An API key, or "" for none. Pickles, but prints as stars; no dataclass, since Ray writes
    those out field by field.
    """

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def __repr__(self) -> str:
        """Stars."""
        return "Key(***)"

    def __eq__(self, other: object) -> bool:
        """Ray looks instances up by their arguments."""
        return isinstance(other, Key) and other._value == self._value

    def __hash__(self) -> int:
        """As equality."""
        return hash(self._value)

    def headers(self) -> dict[str, str]:
        """The header that shows the key to the server; none when there is no key."""
        return {"Authorization": f"Bearer {self._value}"} if self._value else {}

    def hidden_in(self, text: str) -> str:
        """The text with the key starred out, should the server have quoted it."""
        return text.replace(self._value, "***") if self._value else text


def read_key(engine: OpenAIEngine) -> Key:
    """The key from the environment variable `engine.api_key_env`.

    Raises:
        ConfigError: it is not set though the endpoint is not a private one, or it holds characters
            no header can carry.
    """
    value = os.environ.get(engine.api_key_env, "").strip()
    if not value and not is_private(engine.base_url):
        raise ConfigError(
            f"engine.api_key_env: the environment variable {engine.api_key_env} is not set, and "
            f"{engine.base_url} is no private address; export the key, or name the variable that "
            "holds it"
        )
    if not (value.isascii() and value.isprintable()):
        raise ConfigError(
            f"engine.api_key_env: the environment variable {engine.api_key_env} holds characters "
            "an HTTP header cannot carry; copy the key again"
        )
    return Key(value)


def is_private(url: str) -> bool:
    """Whether a URL names a loopback or private address, or a host only a private network knows."""
    host = (urlsplit(url).hostname or "").rstrip(".").lower()
    try:
        return ipaddress.ip_address(host).is_private
    except ValueError:
        return "." not in host or host.endswith(LOCAL_SUFFIXES)
