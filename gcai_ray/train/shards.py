"""FSDP2 on CPUs: torch shards there as it does on GPUs, but accelerate 1.15 looks for GPUs first
and would keep a whole copy in every worker without a word.
"""

from __future__ import annotations

from typing import Any


def shard_on_cpus() -> None:
    """Have accelerate take the FSDP settings it is given on CPUs too. For this process."""
    from accelerate.state import AcceleratorState, DistributedType, PartialState

    begin = AcceleratorState.__init__

    def begun(self: Any, *args: Any, fsdp_plugin: Any = None, **others: Any) -> None:
        begin(self, *args, fsdp_plugin=fsdp_plugin, **others)
        if fsdp_plugin is not None and self.distributed_type == DistributedType.MULTI_CPU:
            self.distributed_type = DistributedType.FSDP
            PartialState._shared_state["distributed_type"] = DistributedType.FSDP
            self.fsdp_plugin = fsdp_plugin

    AcceleratorState.__init__ = begun  # pyright: ignore[reportAttributeAccessIssue]
