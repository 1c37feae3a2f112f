"""One stage, and those it needs, as a job: `ray job submit --working-dir . -- python jobs/stage.py
VERB CONFIG`.

The same as `gcai VERB CONFIG` (ingest, extract, distill, vote, ratify, evaluate, prompts, revise,
tune, report), for clusters where the command is not installed; its options may follow.
"""

from gcai_ray.cli import app

if __name__ == "__main__":
    app(prog_name="stage.py")
