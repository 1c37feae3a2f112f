"""The adapters of one base model, those of the configuration and those of the registry → which
version a name in a request means, for this caller.

Both the door and a model's replicas hold one; the door decides, a replica looks a version up by its
number. Knows no HTTP and no engine.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from gcai_ray.engines.model_files import is_hub_id
from gcai_ray.errors import InputError
from gcai_ray.registry import Index, Version, choose, read_index, read_version
from gcai_ray.serving_config import ServedModel
from gcai_ray.storage import Storage

GIVEN = 1  # the only version of an adapter that the configuration names


@dataclass(frozen=True)
class Named:
    """A version under the name the engine knows it by: `model:adapter@number`."""

    id: str
    version: Version


class Adapters:
    """What one base model can be asked for beside itself. `refresh` reads the registry anew; all
    else reads what is known. `is_alone`: no other base is served, so that an adapter whose base
    goes by another name (a path, say) can only be meant for this one.
    """

    def __init__(self, model: ServedModel, registry: str | None, is_alone: bool = True):
        self._model, self._is_alone = model, is_alone
        self._registry = None if registry is None else Storage(registry)
        self._given: dict[str, Version] = {}
        self._index = Index()

    def refresh(self) -> None:
        """Read the registry, and adapters of the configuration that were not read yet.

        Raises:
            GcaiError: one of them cannot be read; what was known before stays.
        """
        for name, place in self._model.adapters.items():
            if name not in self._given:
                self._given[name] = read_version(place, GIVEN)
        if self._registry is not None:
            self._index = read_index(self._registry, self._index)

    def find(self, text: str, who: str) -> Named | None:
        """The version that `adapter` or `adapter@3` means for a caller; None: there is none."""
        name, _, number = text.partition("@")
        if name in self._given:
            known = number in ("", str(GIVEN))
            return self._named(name, self._given[name]) if known else None
        version = choose(self._index, text, who)
        return self._named(name, version) if version and self._fits(version) else None

    def version(self, engine_id: str) -> Version:
        """The version an id of the engine names.

        Raises:
            InputError: there is none, even after another look at the registry.
        """
        text = engine_id.partition(":")[2]
        found = self.find(text, "")
        if found is None:
            self.refresh()
            found = self.find(text, "")
        if found is None:
            raise InputError(f"there is no adapter {text}")
        return found.version

    def __iter__(self) -> Iterator[tuple[str, Version, bool]]:
        """Name, version and whether it is live, of all that can be asked for by a plain name or by
        a number.
        """
        for name, version in sorted(self._given.items()):
            yield name, version, True
        for name, entry in sorted(self._index.entries.items()):
            if name not in self._given:
                found = (of for of in entry.versions if not of.withdrawn and self._fits(of))
                yield from ((name, of, of.number == entry.live) for of in found)

    def _named(self, name: str, version: Version) -> Named:
        return Named(f"{self._model.id}:{name}@{version.number}", version)

    def _fits(self, version: Version) -> bool:
        """Whether an adapter of the registry was tuned on this base, as far as names can tell."""
        own = self._model.model.rstrip("/")
        if version.base_model in (self._model.id, own, own.rsplit("/", 1)[-1]):
            return True
        return self._is_alone and not (is_hub_id(own) and is_hub_id(version.base_model))
