"""Row types ↔ their JSON Schemas in `schemas/`, for readers in any language."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from gcai_ray.schemas import DOCUMENTS, SCHEMA_VERSION, TABLES, Row


def write_schemas(directory: str) -> list[str]:
    """Write `<artifact>.schema.json` for every artifact; returns the file names."""
    Path(directory).mkdir(parents=True, exist_ok=True)
    for name, text in _texts().items():
        Path(directory, name).write_text(text, encoding="utf-8")
    return list(_texts())


def outdated_schemas(directory: str) -> list[str]:
    """File names whose content is missing or differs from the code, or that the code does not
    know.
    """
    wanted = _texts()
    found = {path.name: path.read_text(encoding="utf-8") for path in Path(directory).glob("*.json")}
    return sorted(name for name in wanted | found if wanted.get(name) != found.get(name))


def json_schemas() -> dict[str, dict[str, Any]]:
    """JSON Schema (2020-12) per artifact, by name."""
    return {name: _json_schema(name, model) for name, model in (TABLES | DOCUMENTS).items()}


def _json_schema(name: str, model: type[Row]) -> dict[str, Any]:
    head = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "version": SCHEMA_VERSION,
        "artifact": name,
    }
    return head | model.model_json_schema()


def _texts() -> dict[str, str]:
    schemas = json_schemas().items()
    return {
        f"{name}.schema.json": json.dumps(schema, indent=2, ensure_ascii=False) + "\n"
        for name, schema in schemas
    }
