"""A constitution → a tuned model, as a job: `ray job submit --working-dir . -- python jobs/tune.py
CONFIG`.

The same as `gcai tune CONFIG`, for clusters where the command is not installed; its options may
follow.
"""

import sys

from gcai_ray.cli import app

if __name__ == "__main__":
    app(["tune", *sys.argv[1:]], prog_name="tune.py")
