"""Real corpora from nothing: seconds per stage, the whole, and peak memory. Needs ../shared/data.

`jobs/real_cpu.yaml`; target: under 180 s after Ray is up, and under 4 GB. With `--ukp` the 84,445
votes of UKPConvArg1 instead (about ten minutes on two cores).
"""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path

import yaml

from tests.benchmarks.measure import measured, print_table
from tests.benchmarks.ukp import write_votes

ROOT = Path(__file__).parents[2]
DATA = ROOT.parent / "shared" / "data"


def main() -> None:
    """Run it and print where the time goes."""
    if not DATA.is_dir():
        print("bench_real: skipped, no ../shared/data")
        return
    with tempfile.TemporaryDirectory() as folder:
        job = _ukp(Path(folder)) if "--ukp" in sys.argv else "jobs/real_cpu.yaml"
        command = [sys.executable, "-m", "gcai_ray.cli", "run", job, "--json"]
        result = measured([*command, "--set", f"root={folder}/run"])
    stages = json.loads(result.output[result.output.index("{") :])["stages"]
    rows = [[s["stage"], f"{s['seconds']:.1f}", f"{sum(s['num_rows'].values()):,}"] for s in stages]
    rows.append(["whole, with Ray's start", f"{result.seconds:.1f}", ""])
    rows.append(["peak MB (PSS, all processes)", f"{result.peak_mb:,.0f}", ""])
    print_table(Path(job).name, ["stage", "seconds", "rows"], rows)


def _ukp(folder: Path) -> str:
    path = folder / "ukp.yaml"
    source = write_votes(DATA, folder)
    path.write_text(yaml.safe_dump({"name": "ukp", "root": str(folder), "sources": [source]}))
    return str(path)


if __name__ == "__main__":
    main()
