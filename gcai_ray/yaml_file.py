"""A YAML file and `--set` overrides → a validated section, or one message that names file, key,
value and likely fix. Knows no key.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import ValidationError

from gcai_ray.errors import ConfigError
from gcai_ray.section import Section

S = TypeVar("S", bound=Section)


def read_yaml(path: str | Path, overrides: tuple[str, ...], keys: str) -> dict[str, Any]:
    """The keys and values of a file, with `a.b=c` overrides laid over them (values are YAML).

    Raises:
        ConfigError: the file cannot be read, or is no mapping; `keys` says what it should hold.
    """
    try:
        raw = yaml.safe_load(Path(path).read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(f"{path}: cannot read the configuration: {error.strerror}") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: not valid YAML: {' '.join(str(error).split())}") from error
    if not isinstance(raw, dict):
        raise ConfigError(f"{path}: expected keys and values ({keys}), found {_kind(raw)}")
    for override in overrides:
        _apply_override(raw, override)
    return raw


def validated(
    kind: type[S],
    raw: dict[str, Any],
    origin: str,
    tags: Callable[[str], list[str]] = lambda key: [],
) -> S:
    """The section; `origin` names the file in errors, `tags` what a missing discriminator may be.

    Raises:
        ConfigError: every fault with its key and the value seen.
    """
    try:
        return kind.model_validate(raw)
    except ValidationError as error:
        lines = [_describe(detail, tags) for detail in error.errors()]
        raise ConfigError(f"{origin}: {'; '.join(lines)}") from error


def _describe(detail: Any, tags: Callable[[str], list[str]]) -> str:
    place = ".".join(str(part) for part in detail["loc"])
    message = detail["msg"].removeprefix("Value error, ")
    if detail["type"] == "union_tag_not_found":
        tag = detail["ctx"]["discriminator"].strip("'")
        return f"{place}: `{tag}` is missing; it is one of {', '.join(tags(tag))}"
    seen = detail.get("input")
    shown = f" (found {seen!r})" if isinstance(seen, str | int | float | bool) else ""
    return f"{place}: {message}{shown}" if place else f"{message}{shown}"


def _apply_override(raw: dict[str, Any], override: str) -> None:
    path, sign, text = override.partition("=")
    if not sign or not path.strip():
        raise ConfigError(
            f"--set {override}: expected key=value, for example --set ratify.num_general=3"
        )
    *parents, last = path.strip().split(".")
    node: Any = raw
    for parent in parents:
        node = _child(node, parent, override)
    try:
        value = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise ConfigError(f"--set {override}: the value is not valid YAML") from error
    if isinstance(node, list):
        node[_index(node, last, override)] = value
    elif isinstance(node, dict):
        node[last] = value
    else:
        raise ConfigError(f"--set {override}: '{last}' has no place in {_kind(node)}")


def _child(node: Any, key: str, override: str) -> Any:
    if isinstance(node, list):
        return node[_index(node, key, override)]
    if isinstance(node, dict):
        if node.get(key) is None:
            node[key] = {}
        return node[key]
    raise ConfigError(f"--set {override}: '{key}' is below {_kind(node)}, which has no keys")


def _index(items: list[Any], key: str, override: str) -> int:
    if not key.isdigit() or int(key) >= len(items):
        raise ConfigError(f"--set {override}: '{key}' is no index of a list of {len(items)}")
    return int(key)


def _kind(value: Any) -> str:
    names = {
        type(None): "nothing",
        list: "a list",
        str: "text",
        int: "a number",
        float: "a number",
        bool: "true/false",
    }
    return names.get(type(value), type(value).__name__)
