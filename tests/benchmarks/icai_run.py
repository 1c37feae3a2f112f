"""`pairs.csv` and `principles.json` of a folder → votes, by the ICAI package (`inverse-cai` 0.4.8).

Runs inside ICAI's own venv and imports nothing of ours. It loads the pairs and votes exactly as
`inverse_cai.algorithm.main.run` does in its stage 3: 40 principles a question, 3 seeds, its cache
of votes on. `icai_run.py FOLDER BASE_URL CONCURRENCY [SENT]`: every body that leaves by HTTP is
also written to the file SENT, one a line. The last line it prints is JSON.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path


def main(folder: str, base_url: str, concurrency: str, sent: str = "") -> None:
    """Vote once on every pair."""
    os.environ |= {"OPENAI_BASE_URL": base_url, "OPENAI_API_BASE": base_url}
    os.environ |= {"OPENAI_API_KEY": "none", "LANGSMITH_TRACING": "false"}
    from inverse_cai.algorithm.voting import get_votes_for_principles
    from inverse_cai.data.loader import standard
    from inverse_cai.experiment.config import ExpConfig
    from loguru import logger

    errors: list[str] = []
    logger.remove()
    logger.add(errors.append, level="ERROR", format="{message}")
    if sent:
        _write_down_what_is_sent(Path(sent))
    config = ExpConfig(async_task_num=int(concurrency))
    pairs = standard.load(Path(folder) / "pairs.csv", merge_prompts=config.data_merge_prompts)
    principles = json.loads((Path(folder) / "principles.json").read_text())
    began = time.perf_counter()
    with tempfile.TemporaryDirectory(dir=folder) as cache:
        _, votes = get_votes_for_principles(
            feedback_df=pairs,
            max_votes_in_single_prompt=config.s3_filter_max_votes_in_single_prompt,
            summaries=dict(enumerate(principles)),
            config=config,
            model_name="openai/scripted",
            cache_path=Path(cache) / "01_principle_votes_step3",
            max_concurrent_tasks=config.async_task_num,
            num_seeds=config.s3_num_seeds_to_reannotate_with,
            voting_method_cross_seed=config.s3_voting_method_cross_seed,
        )
    counted = sum((Counter(of) for of in votes.values()), Counter())
    said = {"ask_s": time.perf_counter() - began, "votes": counted}
    # Questions of a later seed that met a connection of the earlier one's closed event loop.
    said["num_failed"] = sum("Failed to generate" in error for error in errors)
    print(json.dumps(said), flush=True)


def _write_down_what_is_sent(path: Path) -> None:
    from openai import DefaultAsyncHttpxClient

    # Which HTTP library that is depends on the release of `openai`.
    client = next(kind for kind in DefaultAsyncHttpxClient.__mro__ if "send" in vars(kind))
    send, out = client.send, path.open("wb")

    async def written(self, request, **options):
        out.write(request.content.replace(b"\n", b" ") + b"\n")
        out.flush()
        return await send(self, request, **options)

    client.send = written


if __name__ == "__main__":
    main(*sys.argv[1:])
