"""Names of models in requests → which base, which adapter version, which constitution. Knows no
HTTP and asks no model.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from gcai_ray.errors import ArtifactError
from gcai_ray.registry import Version
from gcai_ray.schemas import Constitution
from gcai_ray.serve.adapters import Adapters
from gcai_ray.serve.constitution import summary
from gcai_ray.serving_config import ServeConfig
from gcai_ray.storage import Storage

MAX_CONSTITUTIONS = 64  # kept in memory


@dataclass(frozen=True)
class Target:
    """What a request is answered by. `engine_id`: the name the replicas know it by."""

    base: str
    engine_id: str
    version: Version | None = None

    @property
    def adapter(self) -> str | None:
        """The id for Serve to send it where the adapter is loaded; None for the base itself."""
        return None if self.version is None else self.engine_id


class Catalogue:
    """All that can be asked for. `refresh` reads the registry; everything else only looks."""

    def __init__(self, config: ServeConfig):
        alone = len(config.models) == 1
        self._adapters = {
            model.id: Adapters(model, config.registry, alone) for model in config.models
        }
        self._place = config.constitution
        self._own: Constitution | None = None
        self.began = int(time.time())

    def refresh(self) -> None:
        """Read what may have changed.

        Raises:
            GcaiError: something cannot be read; what was known stays.
        """
        if self._place is not None and self._own is None:
            self._own = read_constitution(self._place)
        for adapters in self._adapters.values():
            adapters.refresh()

    def find(self, model: str, who: str) -> Target | None:
        """What answers for `base`, `base:adapter` or `base:adapter@3`; None: there is no such."""
        base, colon, adapter = model.partition(":")
        if base not in self._adapters:
            return None
        if not colon:
            return Target(base, base)
        found = self._adapters[base].find(adapter, who)
        return None if found is None else Target(base, found.id, found.version)

    def constitution(self, target: Target) -> Constitution | None:
        """What a model was tuned to, or, for a base, what the application is given. Reads the
        adapter's own file the first time.
        """
        if target.version is None:
            return self._own
        if target.version.constitution is None:
            return None
        return _constitution_of(target.version.adapter, target.version.constitution.sha256)

    def cards(self) -> Iterator[dict[str, Any]]:
        """What `/v1/models` lists, in its own order: bases, then their adapters."""
        for base, adapters in self._adapters.items():
            own = None if self._own is None else summary(self._own)
            yield self._card(base, base, None) | {"system_constitution": own}
            for name, version, is_live in adapters:
                if is_live:
                    yield self._card(f"{base}:{name}", base, version)
                yield self._card(f"{base}:{name}@{version.number}", base, version)

    def _card(self, name: str, base: str, version: Version | None) -> dict[str, Any]:
        card: dict[str, Any] = {
            "id": name,
            "object": "model",
            "created": self.began,
            "owned_by": "gcai",
            "parent": None if version is None else base,
        }
        if version is None:
            return card
        told = version.constitution
        return card | {
            "version": version.number,
            "constitution": None if told is None else told.model_dump(mode="json"),
            "evaluation": version.evaluation,
        }


def read_constitution(place: str) -> Constitution:
    """A constitution.json, of this machine, on `s3://`, or one that ships (`sample:…`).

    Raises:
        InputError: it is missing, or no constitution.
    """
    from gcai_ray.steps.prompting import given_constitution

    return given_constitution(place)


@lru_cache(maxsize=MAX_CONSTITUTIONS)
def _constitution_of(folder: str, digest: str) -> Constitution:
    """The one an adapter was registered with, and no other that lies there now."""
    data = Storage(folder).read("constitution.json")
    if hashlib.sha256(data).hexdigest() != digest:
        raise ArtifactError(f"{folder}/constitution.json is not the one that was registered")
    return Constitution.model_validate_json(data)
