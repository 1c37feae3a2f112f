"""cluster/ray-up-aws.yaml is what Ray's launcher and AWS accept, and keeps our rules; a broken copy
is refused.
"""

from __future__ import annotations

from typing import Any

import pytest
from cluster_rules import ray_up_rule_problems
from cluster_schemas import REMOVED, documents, put, ray_up_problems

RAY_UP_BREAKS: dict[str, tuple[str, Any]] = {
    "unknown key": ("max_worker", 3),
    "unknown key of a node type": ("available_node_types.cpu.min_worker", 1),
    "unknown field of an instance": (
        "available_node_types.gpu.node_config.InstanceTyp",
        "g6.2xlarge",
    ),
    "wrong type of an instance field": (
        "available_node_types.cpu.node_config.SecurityGroupIds",
        "sg-1",
    ),
    "no such head": ("head_node_type", "headnode"),
    "text for a number": ("max_workers", "24"),
    "head on spot": (
        "available_node_types.head.node_config.InstanceMarketOptions",
        {"MarketType": "spot"},
    ),
    "worker on demand": ("available_node_types.gpu.node_config.InstanceMarketOptions", REMOVED),
    "head takes tasks": ("available_node_types.head.resources.CPU", 4),
    "authentication off": ("docker.run_options.1", "--env RAY_AUTH_MODE=disabled"),
    "no token": ("file_mounts", {}),
    "privileged": ("docker.run_options.2", "--privileged"),
    "dashboard for all": ("head_start_ray_commands.1", "ray start --head --dashboard-host=0.0.0.0"),
    "no role": ("available_node_types.cpu.node_config.IamInstanceProfile", REMOVED),
    "security group of Ray's": ("available_node_types.cpu.node_config.SecurityGroupIds", REMOVED),
    "credentials for any process": (
        "available_node_types.gpu.node_config.MetadataOptions",
        REMOVED,
    ),
    "literal secret": ("docker.run_options.0", "--env GCAI_SALT=pepper"),
    "literal key": ("setup_commands", ["export AWS_SECRET_ACCESS_KEY=abc"]),
}


def _ray_up_objections(config: dict[str, Any]) -> list[str]:
    pytest.importorskip("botocore")
    return ray_up_problems(config) or list(ray_up_rule_problems(config))


def test_ray_up_file_is_accepted():
    (config,) = documents("ray-up-aws.yaml")
    assert _ray_up_objections(config) == []


@pytest.mark.parametrize("what", RAY_UP_BREAKS)
def test_broken_ray_up_file_is_refused(what: str):
    (config,) = documents("ray-up-aws.yaml")
    put(config, *RAY_UP_BREAKS[what])
    assert _ray_up_objections(config)
