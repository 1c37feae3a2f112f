"""A file of API keys, local or on S3, and what a request presents → the key it came with. Only
hashes are kept; knows no server.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import logging
import os
import re
import secrets
import time
from collections.abc import Callable, Iterable
from datetime import UTC, date, datetime
from fnmatch import fnmatchcase
from typing import Annotated, Any, TypeVar

import yaml
from pydantic import Field, ValidationError, field_validator

from gcai_ray.errors import ConfigError, GcaiError
from gcai_ray.section import Section
from gcai_ray.storage import Storage, explaining

PREFIX = "gcai-"
KEY_NAME = r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$"
HEADER = (
    "# API keys. Made with `gcai keys new`, which shows a key once; here is only its SHA-256.\n"
)
_BEARER = re.compile(rb"bearer +([\x21-\x7e]{1,512})", re.IGNORECASE)

Rate = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Glob = Annotated[str, Field(min_length=1, max_length=256)]
S = TypeVar("S", bound=Section)
logger = logging.getLogger("ray.serve")


class ApiKey(Section):
    """Who may ask which models, how much. `models`: globs over the model a request names, such as
    `tiny` or `tiny:*`; rates: a minute, through all doors; `expires`: the first day, in UTC, on
    which the key is no longer good.
    """

    name: Annotated[str, Field(pattern=KEY_NAME)]
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    models: Annotated[tuple[Glob, ...], Field(min_length=1)] = ("*",)
    requests_per_minute: Rate | None = None
    tokens_per_minute: Rate | None = None
    expires: date | None = None

    def may_use(self, model_id: str) -> bool:
        """Whether the key is good for the model that a request names."""
        return any(fnmatchcase(model_id, glob) for glob in self.models)

    def is_expired(self, today: date) -> bool:
        """Whether the key is no longer good on a day (UTC)."""
        return self.expires is not None and today >= self.expires


class Keyring(Section):
    """The keys of one file."""

    keys: tuple[ApiKey, ...]

    @field_validator("keys")
    @classmethod
    def _keys_differ(cls, keys: tuple[ApiKey, ...]) -> tuple[ApiKey, ...]:
        for what in ("name", "sha256"):
            seen: dict[str, str] = {}
            for key in keys:
                value = getattr(key, what)
                if value in seen:
                    said = (
                        f"two keys are called '{value}'"
                        if what == "name"
                        else (f"'{seen[value]}' and '{key.name}' have the same sha256")
                    )
                    raise ValueError(f"{said}: remove one")
                seen[value] = key.name
        return keys

    def find(self, presented: str, today: date | None = None) -> ApiKey | None:
        """The key that was presented, unless it is expired. Every entry is compared, so that the
        time it takes tells nothing.
        """
        day, digest = today or utc_today(), sha256_of(presented)
        found = None
        for key in self.keys:
            if hmac.compare_digest(key.sha256, digest) and not key.is_expired(day):
                found = key
        return found


def new_key() -> str:
    """A new key. It has 256 random bits, which nobody can guess from a hash: that is why a plain
    SHA-256, without salt or rounds, is right for it (it would not be for a password).
    """
    return PREFIX + secrets.token_urlsafe(32)


def sha256_of(key: str) -> str:
    """The hash that the file keeps of a key, 64 hexadecimal digits."""
    return hashlib.sha256(key.encode("utf-8", "surrogatepass")).hexdigest()


def utc_today() -> date:
    """The day it is in UTC."""
    return datetime.now(UTC).date()


def presented_key(headers: Iterable[tuple[bytes, bytes]]) -> str | None:
    """The key in `Authorization: Bearer …` of ASGI headers (names in lower case).

    None if there is none, two, or one that no key can be: not ASCII, or above 512 characters.
    """
    values = [value for name, value in headers if name.lower() == b"authorization"]
    found = _BEARER.fullmatch(values[0].strip(b" \t")) if len(values) == 1 else None
    return found[1].decode("ascii") if found else None


def load_keys(place: str) -> Keyring:
    """Read a file of keys, local or `s3://`.

    Raises:
        ConfigError: it is missing or cannot be used; names file and entry, never a hash.
        StorageError: the place cannot be read.
    """
    return keyring_of(_bytes_of(place), place)


def keyring_of(data: bytes, place: str) -> Keyring:
    """The keys in the bytes of a file; `place` names it in errors.

    Raises:
        ConfigError: names file and entry, never a hash: it may be a key in the wrong place.
    """
    try:
        raw = yaml.safe_load(data)
    except (yaml.YAMLError, UnicodeDecodeError, ValueError, RecursionError) as error:
        # The text around a fault of YAML may be a key: only its line is told.
        mark = getattr(error, "problem_mark", None)
        where = f" (line {mark.line + 1})" if mark is not None else ""
        raise ConfigError(f"{place}: not valid YAML{where}") from None
    if not isinstance(raw, dict):
        raise ConfigError(f"{place}: expected `keys:` with a list of API keys")
    return _validated(Keyring, raw, place)


def api_key(origin: str, **fields: Any) -> ApiKey:
    """A key from what a person gave; `origin` names it in errors.

    Raises:
        ConfigError: names the field.
    """
    return _validated(ApiKey, fields, origin)


def save_keys(place: str, ring: Keyring) -> None:
    """Write a file of keys, whole or not at all; a local one can be read by its owner alone.

    Raises:
        StorageError: it cannot be written.
    """
    rows = [key.model_dump(mode="json", exclude_defaults=True) for key in ring.keys]
    data = (HEADER + yaml.safe_dump({"keys": rows}, sort_keys=False)).encode("utf-8")
    storage = Storage(place)
    if not storage.is_local:
        storage.replace(data)
        return
    path = os.path.realpath(storage.path())  # a link stays one
    side = f"{path}.{secrets.token_hex(8)}"
    with explaining(f"cannot write {place}", place):
        os.makedirs(os.path.dirname(path), exist_ok=True)
        _write_private(side, data)
        os.replace(side, path)


def _write_private(path: str, data: bytes) -> None:
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def _bytes_of(place: str) -> bytes:
    try:
        return Storage(place).read()
    except FileNotFoundError:
        raise ConfigError(
            f"{place}: there is no such file of API keys; make it: gcai keys new {place} NAME"
        ) from None


def _validated(kind: type[S], raw: dict[str, Any], origin: str) -> S:
    try:
        return kind.model_validate(raw)
    except ValidationError as error:
        told = [_told(detail, raw) for detail in error.errors(include_url=False)]
        raise ConfigError(f"{origin}: {'; '.join(told)}") from None


def _told(detail: Any, raw: dict[str, Any]) -> str:
    """One fault. Values are not shown: one of them may be a key in the wrong place."""
    message = detail["msg"].removeprefix("Value error, ")
    if detail["loc"][-1:] == ("sha256",) and detail["type"] != "missing":
        message = "expected 64 hexadecimal digits in lower case, the SHA-256 of a key"
    loc = detail["loc"]
    if loc[:1] != ("keys",) or len(loc) < 2:
        return f"{loc[0]}: {message}" if loc else message
    field = "".join(f".{part}" for part in loc[2:])
    return f"entry {loc[1] + 1}{_called(raw, loc[1])}{field}: {message}"


def _called(raw: dict[str, Any], index: int) -> str:
    entry = raw["keys"][index]
    name = entry.get("name") if isinstance(entry, dict) else None
    return f" ('{name}')" if isinstance(name, str) and re.match(KEY_NAME, name) else ""


class KeysInForce:
    """The keys of a file as they are now: read when it is made, and again when `refresh` is called
    at least `refresh_s` seconds after the last try. A file that cannot be read or used changes
    nothing: the last good keys stay in force.

    Raises:
        ConfigError, StorageError: the file cannot be used when it is read first.
    """

    def __init__(
        self,
        place: str,
        refresh_s: float = 5.0,
        clock: Callable[[], float] = time.monotonic,
        today: Callable[[], date] = utc_today,
    ) -> None:
        self.place, self.refresh_s = place, refresh_s
        self._clock, self._today = clock, today
        data = _bytes_of(place)
        self._ring = keyring_of(data, place)
        self._seen = hashlib.sha256(data).digest()
        self._tried = self._good = clock()
        self.fault: str | None = None  # why the last try failed

    @property
    def ring(self) -> Keyring:
        """The keys in force."""
        return self._ring

    @property
    def age_s(self) -> float:
        """Seconds since the file was last read without a fault."""
        return self._clock() - self._good

    def find(self, presented: str) -> ApiKey | None:
        """The key in force that was presented, unless it is expired."""
        return self._ring.find(presented, self._today())

    def refresh(self) -> bool:
        """Read the file again if it is due; says whether the keys changed. It may take as long as
        S3 takes: call it outside of the event loop.
        """
        now = self._clock()
        if now - self._tried < self.refresh_s:
            return False
        self._tried = now
        try:
            changed = self._read()
        except GcaiError as error:
            # A ConfigError repeats nothing of the file but names.
            if self.fault != str(error):
                logger.warning("the last good API keys stay in force: %s", error)
            self.fault = str(error)
            return False
        self._good, self.fault = now, None
        return changed

    async def keep_fresh(self) -> None:
        """Refresh until cancelled, in a thread; run it as a task beside the server."""
        while True:
            await asyncio.sleep(self.refresh_s)
            await asyncio.to_thread(self.refresh)

    def _read(self) -> bool:
        """The file is a few kB: its bytes tell that it changed more surely than its time does."""
        data = _bytes_of(self.place)
        seen = hashlib.sha256(data).digest()
        if seen == self._seen:
            return False
        self._ring = keyring_of(data, self.place)
        self._seen = seen
        return True
