"""The JSON Schema a reply is to satisfy → a refusal where it would cost the replica too much, lead
out of the request, or mean nothing. Knows no HTTP and no engine.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from typing import Any
from urllib.parse import unquote

import jsonschema_rs

from gcai_ray.serve.errors import INVALID, Refused

MAX_SCHEMA_BYTES = 32_000
MAX_SCHEMA_DEPTH = 32
# xgrammar unrolls `{0,9999}`: one takes 7 s of a replica's event loop; 1,000 in all, a tenth of it.
MAX_REPEATS = 1000
MAX_PATTERN_CHARS = 4096
LEAST_INT, MOST_INT = -(2**63), 2**64 - 1  # what msgpack, which carries it to the engine, can hold
REFERENCES = ("$ref", "$dynamicRef", "$recursiveRef")


def check_schema(schema: dict[str, Any], param: str) -> None:
    """Refuse a schema that is too large or too deep, that refers to other documents, or is none.

    Raises:
        Refused: 400; `param` is the field it came in.
    """
    for depth, key, value in _walk(schema):
        if depth > MAX_SCHEMA_DEPTH:
            raise _refused(param, f"nested deeper than {MAX_SCHEMA_DEPTH}")
        if key in REFERENCES and isinstance(value, str) and not value.startswith("#"):
            raise _refused(param, f"{key} leads out of the schema; only #/… may stand there")
        for text in (key, value):
            if isinstance(text, str) and not _is_clean(text):
                raise _refused(param, "holds a NUL character or half of a surrogate pair")
    if _size(schema, param) > MAX_SCHEMA_BYTES:
        raise _refused(param, f"larger than {MAX_SCHEMA_BYTES} bytes")
    wholes = (value for _, _, value in _walk(schema) if isinstance(value, int))
    if not all(LEAST_INT <= value <= MOST_INT for value in wholes):
        raise _refused(param, "holds a whole number beyond 64 bits")
    _check_patterns(schema, param)
    try:
        jsonschema_rs.validator_for(schema, offline=True)
    except (jsonschema_rs.ValidationError, jsonschema_rs.ReferencingError, ValueError) as error:
        # What it says repeats the schema, at length.
        raise _refused(param, "is not a JSON Schema that can be used") from error
    if _is_circular(schema):
        raise _refused(param, "a $ref in it leads back to where it stands, which nothing satisfies")


def _check_patterns(schema: dict[str, Any], param: str) -> None:
    patterns = [found for _, key, value in _walk(schema) for found in _patterns(key, value)]
    if sum(map(len, patterns)) > MAX_PATTERN_CHARS:
        raise _refused(param, f"its patterns have more than {MAX_PATTERN_CHARS} characters in all")
    if sum(map(_repeats, patterns)) > MAX_REPEATS:
        told = f"its patterns repeat more than {MAX_REPEATS} times in all, as {{0,{MAX_REPEATS}}}"
        raise _refused(param, told)


def _is_circular(schema: dict[str, Any]) -> bool:
    """Whether a place in it is, by way of references, the same as itself. Of an object or a list
    within itself, such as a tree, that is not so. xgrammar accepts it and then admits no token.
    """
    nodes = [value for _, _, value in _walk(schema) if isinstance(value, dict)]
    order = TopologicalSorter({id(of): [id(at) for at in _same(of, schema)] for of in nodes})
    try:
        order.prepare()
    except CycleError:
        return True
    return False


def _same(of: dict[str, Any], schema: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Schemas that the very value has to satisfy which has to satisfy this one."""
    several = (member for name in ("allOf", "anyOf", "oneOf") for member in _list(of.get(name)))
    for found in (*several, _target(of.get("$ref"), schema)):
        if isinstance(found, dict):
            yield found


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _target(reference: Any, schema: dict[str, Any]) -> Any:
    """What `#/$defs/a` points to; None where it is written otherwise."""
    if not isinstance(reference, str) or (reference + "/")[:2] != "#/":
        return None
    found: Any = schema
    for part in reference.split("/")[1:]:
        name = unquote(part).replace("~1", "/").replace("~0", "~")
        if isinstance(found, list) and name.isdecimal() and int(name) < len(found):
            found = found[int(name)]
        else:
            found = found.get(name) if isinstance(found, dict) else None
    return found


def _refused(param: str, why: str) -> Refused:
    return Refused(400, INVALID, f"{param}: {why}", param)


def _walk(schema: dict[str, Any]) -> Iterator[tuple[int, str | None, Any]]:
    """Depth, key and value of all that is in it; goes no deeper than is allowed."""
    waiting: list[tuple[int, str | None, Any]] = [(0, None, schema)]
    while waiting:
        depth, key, value = waiting.pop()
        yield depth, key, value
        if isinstance(value, dict):
            waiting += [(depth + 1, str(name), of) for name, of in value.items()]
        elif isinstance(value, list):
            waiting += [(depth + 1, None, of) for of in value]


def _patterns(key: str | None, value: Any) -> list[str]:
    if key == "pattern" and isinstance(value, str):
        return [value]
    return list(value) if key == "patternProperties" and isinstance(value, dict) else []


def _repeats(pattern: str) -> int:
    """How often the parts of a pattern may be repeated, as far as it is told in numbers."""
    counts = re.findall(r"\{(\d*)(?:,(\d*))?\}", pattern)
    return sum(max(int(few or 0), int(many or 0)) for few, many in counts)


def _is_clean(text: str) -> bool:
    return "\0" not in text and not any("\ud800" <= sign <= "\udfff" for sign in text)


def _size(schema: dict[str, Any], param: str) -> int:
    try:
        return len(json.dumps(schema, ensure_ascii=False, allow_nan=False).encode("utf-8"))
    except ValueError as error:  # NaN, or an integer of thousands of digits
        raise _refused(param, "holds a number that JSON has not") from error
