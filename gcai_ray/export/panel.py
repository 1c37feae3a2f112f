"""A run's artifacts → all who annotate beside people, and what they say about which pair."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain

from gcai_ray.artifacts import Artifact
from gcai_ray.export import annotators
from gcai_ray.export.annotators import Annotator, key_of
from gcai_ray.export.document import needed
from gcai_ray.export.opinions import Annotation, Opinions, matched, voted
from gcai_ray.schemas import Constitution, Kind

Artifacts = dict[str, Artifact]
_ANSWERS = ["row_id", "a_first", "b_first", "outcome"]


@dataclass(frozen=True)
class Panel:
    """Who annotates (id → annotator), and what they say."""

    annotators: dict[str, Annotator]
    opinions: list[Opinions]
    votes: Opinions | None  # those of our own principles; None: no model voted
    silent: list[str]  # principles that say nothing about any pair

    def of(self, row_id: str, preferred: str) -> dict[str, Annotation]:
        """What is said about one pair."""
        said = [opinions.of(row_id, preferred) for opinions in self.opinions]
        return {key: it for one in said for key, it in one.items()}


def panel(run: str, artifacts: Artifacts, baseline: Artifacts) -> Panel:
    """Only those who say something: Feedback Forensics fails on an annotator without annotations.

    Raises:
        ArtifactError: no constitution yet.
    """
    ours = _constitution(needed(run, artifacts, "ratify"))
    theirs = _constitution(baseline["ratify"]) if "ratify" in baseline else None
    found = annotators.principles(ours, theirs) | annotators.judges()
    keys = {name: key_of(annotator) for name, annotator in found.items()}
    own = {principle.id: keys[principle.id] for principle in ours.principles}
    if ours.model:
        said = list(_of_model(artifacts, baseline, keys, own))
    else:
        of_reasons = {p.id: own[p.id] for p in ours.principles if p.kind is Kind.CONTEXTUAL}
        said = [_of_reasons(needed(run, artifacts, "vote"), of_reasons)]
    heard = set[str]().union(*(opinions.speakers() for opinions in said))
    return Panel(
        annotators={keys[name]: it for name, it in found.items() if keys[name] in heard},
        opinions=said,
        votes=said[0] if ours.model else None,
        silent=[p.text for p in ours.principles if own[p.id] not in heard],
    )


def _constitution(ratified: Artifact) -> Constitution:
    return Constitution.model_validate_json(ratified.document("constitution.json"))


def _of_reasons(vote: Artifact, own: dict[str, str]) -> Opinions:
    return matched(vote.tables("matches", ["row_id", "principle_id"]), "principle_id", own)


def _of_model(
    artifacts: Artifacts, baseline: Artifacts, keys: dict[str, str], own: dict[str, str]
) -> Iterator[Opinions]:
    """Votes of our principles, votes of the baseline's, verdicts of the judges."""
    stages = [artifacts[name] for name in ("vote", "evaluate") if name in artifacts]
    columns = ["principle_id", *_ANSWERS]
    yield voted(chain(*(s.tables("votes", columns) for s in stages)), "principle_id", own)
    stages += [baseline["vote"]] if "vote" in baseline else []
    others = {name: key for name, key in keys.items() if name not in own}
    yield voted(chain(*(s.tables("votes", columns) for s in stages)), "principle_id", others)
    verdicts = chain(*(s.tables("verdicts", ["constitution", *_ANSWERS]) for s in stages))
    yield voted(verdicts, "constitution", others)
