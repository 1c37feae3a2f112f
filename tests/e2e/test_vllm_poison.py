"""A row that kills real vLLM: it is set aside, and costs nobody else an answer."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import pyarrow as pa
import pytest

from gcai_ray.artifact_writer import ArtifactWriter
from gcai_ray.asking.ask import ask
from gcai_ray.asking.rounds import KILLED
from gcai_ray.schemas import Request, arrow_schema
from gcai_ray.storage import Storage

pytestmark = [
    pytest.mark.slow,
    pytest.mark.usefixtures("ray_address"),
    pytest.mark.skipif(find_spec("vllm") is None, reason="vllm is not installed"),
]


def test_a_row_that_kills_vllm_is_set_aside_and_all_others_are_answered(
    tmp_path: Path, tiny_model: Path
) -> None:
    from test_vllm_engine import on_cpu, question
    from tiny_model import POISON

    rows = [question(n, f"[1] The response {n} is clear.") for n in range(11)]
    poisoned = question(11, f"[1] A reason with {POISON} in it.")
    rows.insert(3, poisoned)  # the last of its batch: nobody waits behind it
    engine = on_cpu(
        tiny_model,
        batch_size=4,
        max_concurrent_batches=1,
        max_attempts=1,
        engine_args={"logits_processors": ["poison:Poison"]},
    )
    writer = ArtifactWriter(Storage(str(tmp_path)), ("extract", "f" * 32))
    asked = [{name: row[name] for name in Request.model_fields} for row in rows]
    writer.write_table("requests", pa.Table.from_pylist(asked, schema=arrow_schema(Request)))
    ask(engine, "extract", writer)
    found = pa.concat_tables(writer.tables("replies")).to_pylist()
    assert sorted(row["request_id"] for row in found) == sorted(row["id"] for row in rows)
    [bad] = [row for row in found if not row["parsed"]]
    assert (bad["request_id"], bad["attempt"]) == (poisoned["id"], 1)
    assert bad["error"] == KILLED
