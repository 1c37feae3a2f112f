"""What the registry knows: adapters, their versions, and which of them answer. Opens nothing."""

from __future__ import annotations

import hashlib
import json
from typing import Annotated, Any, Literal

from pydantic import Field, field_validator, model_validator

from gcai_ray.schemas import Row
from gcai_ray.serving_config import AdapterName
from gcai_ray.train.adapter import ADAPTER_FILES

FORMAT: Literal[1] = 1  # of the index; another one is refused
Sha256 = Annotated[str, Field(pattern="^[0-9a-f]{64}$")]
Number = Annotated[int, Field(ge=1)]
Share = Annotated[float, Field(gt=0, le=1)]


class FileFacts(Row):
    """What a file of an adapter must be, byte by byte."""

    size_bytes: Annotated[int, Field(ge=0)]
    sha256: Sha256


class ConstitutionFacts(Row):
    """Which constitution an adapter was tuned to, in figures for people; `sha256` of its file."""

    title: str
    mode: str
    status: str
    model: str | None
    num_principles: int
    num_people: int
    num_preferences: int
    num_reasons: int
    num_statements: int
    sha256: Sha256


class Version(Row):
    """One adapter, never changed again. `adapter`: folder or `s3://` folder, without a slash at its
    end; `rank`: of LoRA; `files`: what `fetch` takes and compares; `evaluation`: a few figures and
    where they come from; `added_at`: UTC, ISO 8601.
    """

    number: Number
    adapter: Annotated[str, Field(min_length=1)]
    base_model: Annotated[str, Field(min_length=1)]
    rank: Number
    files: dict[str, FileFacts]
    constitution: ConstitutionFacts | None = None
    evaluation: dict[str, Any] | None = None
    added_at: str
    withdrawn: bool = False

    @field_validator("files")
    @classmethod
    def _files_of_an_adapter(cls, files: dict[str, FileFacts]) -> dict[str, FileFacts]:
        """Names become paths on a node's disk: no other name passes."""
        if set(files) != set(ADAPTER_FILES):
            raise ValueError(f"files {sorted(files)}: expected {' and '.join(ADAPTER_FILES)}")
        return files

    @property
    def digest(self) -> str:
        """128-bit hash of what its files hold: the same weights wherever they stand."""
        facts = sorted((name, of.size_bytes, of.sha256) for name, of in self.files.items())
        return hashlib.blake2b(json.dumps(facts).encode(), digest_size=16).hexdigest()


class Canary(Row):
    """A version that answers a share of the callers."""

    version: Number
    share: Share


class Entry(Row):
    """An adapter by its name. `versions` are in order and never taken out; `previous`: numbers that
    were live, the last one last.
    """

    name: AdapterName
    versions: tuple[Version, ...] = ()
    live: Number | None = None
    canary: Canary | None = None
    previous: tuple[Number, ...] = ()

    @model_validator(mode="after")
    def _fits(self) -> Entry:
        numbers = [version.number for version in self.versions]
        if numbers != sorted(set(numbers)):
            raise ValueError(f"{self.name}: versions {numbers} are not in order")
        standing = {version.number for version in self.versions if not version.withdrawn}
        named = {self.live, self.canary.version if self.canary else None, *self.previous} - {None}
        if not named <= standing:
            raise ValueError(
                f"{self.name}: version {min(named - standing)} is named, but not there"
            )
        return self

    def version(self, number: int) -> Version | None:
        """The version of this number, withdrawn or not; None: there is none."""
        return next((of for of in self.versions if of.number == number), None)


class Index(Row):
    """The whole registry after one change. `number` counts changes from 1 (0: none yet); `at`: UTC,
    ISO 8601; `action`: what was done, in words; `by`: user and host; `attempt` is random, so that
    a writer whose answer was lost knows its own file.
    """

    format: Literal[1] = FORMAT
    number: Annotated[int, Field(ge=0)] = 0
    at: str = ""
    action: str = ""
    by: str = ""
    attempt: str = ""
    entries: dict[str, Entry] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _called_by_their_names(self) -> Index:
        wrong = [name for name, entry in self.entries.items() if name != entry.name]
        if wrong:
            raise ValueError(f"entry '{wrong[0]}' holds '{self.entries[wrong[0]].name}'")
        return self
