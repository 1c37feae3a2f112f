"""A corpus larger than the object store of any node gives the constitution of one machine."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import pytest
import yaml
from bucket import Bucket
from hosts import Hosts
from planted_runs import Reference, on_s3, run_here
from same_result import differences
from servers.planted import write_corpus
from submitted import Job

pytestmark = pytest.mark.cluster
STORE_BYTES = 80 * 10**6  # Ray refuses less than 79 million
NUM_ANNOTATIONS = 400
ANSWER_CHARS = 190_000  # 280 pairs of answers, 106 million characters in one file


def lengthened(source: dict[str, Any]) -> None:
    """Make the answers of a source so long that all of them do not fit."""
    file = Path(source["path"])
    with file.open(newline="", encoding="utf-8") as text:
        rows = list(csv.DictReader(text))
    for row in rows:
        for name in ("answer_1", "answer_2"):
            times = ANSWER_CHARS // len(row[name])
            row[name] = " ".join([row[name]] * times)
    with file.open("w", newline="", encoding="utf-8") as out:
        writer = csv.DictWriter(out, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


@pytest.fixture
def long_answers(code: Path, tmp_path: Path) -> Reference:
    """The run of one machine, by rules, of people's reasons for very long answers."""
    sources = write_corpus(tmp_path / "data", NUM_ANNOTATIONS, noise=0.1, seed=2)["sources"]
    lengthened(sources[0])
    settings = {
        "name": "long",
        "root": "",
        "sources": sources,
        "evaluate": {"num_pairs": 20, "num_resamples": 0},
    }
    config = code / "long.yaml"
    config.write_text(yaml.safe_dump(settings), encoding="utf-8")
    run_here(code, config, tmp_path / "here", "ray.num_cpus=2")
    return Reference(code, config, tmp_path / "here")


def test_an_object_store_smaller_than_the_data(
    hosts: Hosts, bucket: Bucket, long_answers: Reference, tmp_path: Path
) -> None:
    sources = yaml.safe_load(long_answers.config.read_text(encoding="utf-8"))["sources"]
    assert Path(sources[0]["path"]).stat().st_size > STORE_BYTES
    changes = [*on_s3(bucket, sources, "data/long"), f"root={bucket.url('runs/long')}"]
    options = [part for change in changes for part in ("--set", change)]
    hosts.restart(STORE_BYTES)
    Job(hosts, long_answers.code, [long_answers.config.name, *options]).submit().succeed()
    found = bucket.get_folder("runs/long", tmp_path / "found")
    assert differences(found, long_answers.root) == []
