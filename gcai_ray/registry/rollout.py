"""An index and what is wanted → the index after it. Pure: reads and writes nothing.

A name's first version is live at once; a later one is tried on a share of the callers, then
promoted. Nothing is ever taken out, so that everything can be taken back.
"""

from __future__ import annotations

import re
from typing import Any

from gcai_ray.errors import InputError
from gcai_ray.registry.entries import Canary, Entry, Index, Version
from gcai_ray.serving_config import ADAPTER_NAME


def added(index: Index, name: str, version: Version, live: bool = True) -> Index:
    """With one more version, numbered anew. It becomes live if no version of this name is live yet
    and `live` is said.

    The same files twice are refused, unless the earlier version was withdrawn: where they stand
    and their figures would otherwise be dropped without a word.

    Raises:
        InputError: the name cannot be one, the files are a version already, or its base is
            another than that of the versions there.
    """
    if not re.fullmatch(ADAPTER_NAME, name):
        raise InputError(
            f"adapter name {name!r} cannot be used: 1 to 64 letters, digits, - and _, of which the "
            "first is a letter or digit"
        )
    before = index.entries.get(name, Entry(name=name))
    _refuse_double(before, version)
    _refuse_other_base(before, version)
    number = max((of.number for of in before.versions), default=0) + 1
    version = version.model_copy(update={"number": number, "withdrawn": False})
    goes_live = live and before.live is None
    after = _changed(
        before,
        versions=(*before.versions, version),
        live=number if goes_live else before.live,
    )
    stays = "no version is live" if after.live is None else f"version {after.live} is live"
    return _after(index, after, f"version {number} added; {stays}")


def with_canary(index: Index, name: str, number: int, share: float) -> Index:
    """With a version that answers a share of the callers, or another share for the one that does.

    Raises:
        InputError: no such version, it is live or withdrawn, another one is a canary, or the share
            is not above 0 and at most 1.
    """
    entry, version = _standing(index, name, number)
    if not 0 < share <= 1:
        raise InputError(f"{name}: share {share:g} is not above 0 and at most 1, such as 0.1")
    if number == entry.live:
        raise InputError(f"{name}: version {number} is live already: it answers every caller")
    if entry.canary is not None and entry.canary.version != number:
        raise InputError(
            f"{name}: version {entry.canary.version} is a canary; `promote` it, or drop it with "
            f"`rollback`, before version {number} becomes one"
        )
    after = _changed(entry, canary=Canary(version=version.number, share=share))
    others = "no version" if entry.live is None else f"version {entry.live}"
    said = f"version {number} answers {percent(share)} of the callers, {others} the rest"
    return _after(index, after, said)


def promoted(index: Index, name: str) -> Index:
    """With the canary live; the version that was is kept to go back to.

    Raises:
        InputError: no such name, or no canary.
    """
    entry = _entry(index, name)
    if entry.canary is None:
        raise InputError(
            f"{name}: no version is a canary, so there is none to promote; begin with `gcai "
            "adapters canary` (--share 1 for all callers at once)"
        )
    was = () if entry.live is None else (entry.live,)
    number = entry.canary.version
    after = _changed(entry, live=number, canary=None, previous=(*entry.previous, *was))
    instead = f", in place of version {entry.live}" if was else ""
    return _after(index, after, f"version {number} is live{instead}")


def rolled_back(index: Index, name: str) -> Index:
    """Without the canary; where there is none, with the version live that was before.

    Raises:
        InputError: no such name, or nothing to go back to.
    """
    entry = _entry(index, name)
    if entry.canary is not None:
        stays = "no version is live" if entry.live is None else f"version {entry.live} is live"
        said = f"version {entry.canary.version} is no canary any more; {stays}"
        return _after(index, _changed(entry, canary=None), said)
    if not entry.previous:
        raise InputError(f"{name}: no canary and no earlier live version to go back to")
    *earlier, number = entry.previous
    after = _changed(entry, live=number, previous=tuple(earlier))
    return _after(index, after, f"version {number} is live again, in place of version {entry.live}")


def withdrawn(index: Index, name: str, number: int) -> Index:
    """With a version that can no longer be asked for, nor gone back to.

    Raises:
        InputError: no such version, or it answers callers.
    """
    entry, version = _standing(index, name, number)
    if entry.live == number:
        raise InputError(
            f"{name}: version {number} is live; make another one live first (`rollback`, or "
            "`canary` and `promote`)"
        )
    if entry.canary is not None and entry.canary.version == number:
        raise InputError(f"{name}: version {number} is a canary; drop it first with `rollback`")
    gone = version.model_copy(update={"withdrawn": True})
    after = _changed(
        entry,
        versions=tuple(gone if of.number == number else of for of in entry.versions),
        previous=tuple(of for of in entry.previous if of != number),
    )
    return _after(index, after, f"version {number} is withdrawn")


def percent(share: float) -> str:
    """A share as people write it."""
    return f"{100 * share:.4g} %"


def _after(index: Index, entry: Entry, said: str) -> Index:
    entries = dict(sorted({**index.entries, entry.name: entry}.items()))
    return index.model_copy(update={"entries": entries, "action": f"{entry.name}: {said}"})


def _changed(entry: Entry, **changes: Any) -> Entry:
    return Entry.model_validate(dict(entry) | changes)


def _entry(index: Index, name: str) -> Entry:
    if name not in index.entries:
        known = ", ".join(index.entries) or "none; begin with `gcai adapters add`"
        raise InputError(f"there is no adapter {name!r} in the registry; there are: {known}")
    return index.entries[name]


def _standing(index: Index, name: str, number: int) -> tuple[Entry, Version]:
    entry = _entry(index, name)
    version = entry.version(number)
    if version is None or version.withdrawn:
        why = "was withdrawn" if version else "is not there"
        standing = ", ".join(str(of.number) for of in entry.versions if not of.withdrawn) or "none"
        raise InputError(f"{name}: version {number} {why}; there are: {standing}")
    return entry, version


def _refuse_double(entry: Entry, version: Version) -> None:
    for known in entry.versions:
        if known.digest == version.digest and not known.withdrawn:
            raise InputError(
                f"{entry.name}: the files of {version.adapter} are version {known.number} already "
                f"(added {known.added_at} from {known.adapter}); nothing was changed"
            )


def _refuse_other_base(entry: Entry, version: Version) -> None:
    """Versions of one name are loaded onto one base model, where another's weights say nothing."""
    for known in entry.versions:
        if known.base_model != version.base_model and not known.withdrawn:
            raise InputError(
                f"{entry.name}: {version.adapter} is an adapter of {version.base_model}, version "
                f"{known.number} one of {known.base_model}; give it another name"
            )
