"""The bucket of a namespace cluster, looked at from the test: files in and out, and waiting for
what a stage leaves there. Knows no job.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from hosts import POLL_S, S3_KEYS, S3_PORT, Hosts

NAME = "gcai"
ASKING = ("extract", "distill", "vote", "evaluate")
WATCH_S = 180


class Bucket:
    """The S3 server of `hosts`; keys are given without the bucket's name."""

    def __init__(self, hosts: Hosts) -> None:
        from botocore.config import Config
        from botocore.session import Session

        quiet = {
            "request_checksum_calculation": "when_required",
            "response_checksum_validation": "when_required",
        }
        self._client: Any = Session().create_client(
            "s3",
            endpoint_url=hosts.door("s3", S3_PORT).url,
            region_name="us-east-1",
            aws_access_key_id=S3_KEYS[0],
            aws_secret_access_key=S3_KEYS[1],
            config=Config(**quiet),
        )

    def create(self) -> None:
        """Make the bucket."""
        self._client.create_bucket(Bucket=NAME)

    def url(self, key: str) -> str:
        """As a configuration names it."""
        return f"s3://{NAME}/{key}"

    def put(self, file: Path, key: str) -> str:
        """Upload a file; its URL."""
        with file.open("rb") as body:
            self._client.put_object(Bucket=NAME, Key=key, Body=body)
        return self.url(key)

    def put_folder(self, folder: Path, prefix: str) -> None:
        """Upload every file below a folder."""
        for file in sorted(path for path in folder.rglob("*") if path.is_file()):
            self.put(file, f"{prefix}/{file.relative_to(folder)}")

    def get_folder(self, prefix: str, folder: Path) -> Path:
        """Download everything below a prefix; the folder."""
        for key in self.keys(f"{prefix}/"):
            file = folder / key.removeprefix(f"{prefix}/")
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(self._client.get_object(Bucket=NAME, Key=key)["Body"].read())
        return folder

    def keys(self, prefix: str) -> list[str]:
        """Sorted keys that begin so."""
        pages = self._client.get_paginator("list_objects_v2").paginate(Bucket=NAME, Prefix=prefix)
        return sorted(item["Key"] for page in pages for item in page.get("Contents", ()))

    def wait_until_at_work(
        self, root: str, stage: str, num: int, goes_on: Callable[[], bool]
    ) -> None:
        """Wait until a stage of the run below `root` has left so many files: replies where it asks,
        else parts.

        Raises AssertionError when it is done already, the run has ended, or nothing came in time.
        """
        prefix = f"{root}/replies/{stage}/" if stage in ASKING else f"{root}/{stage}/"
        deadline = time.monotonic() + WATCH_S
        while (found := len(self.keys(prefix))) < num:
            if time.monotonic() > deadline or not goes_on():
                raise AssertionError(f"{prefix} never held {num} files, but {found}")
            time.sleep(POLL_S)
        if any(key.endswith("manifest.json") for key in self.keys(f"{root}/{stage}/")):
            raise AssertionError(f"{stage} was done before it could be disturbed")
