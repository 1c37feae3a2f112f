"""A document of cluster/ → what its schemas say against it: KubeRay's CRDs, Kubernetes' own types,
Ray's autoscaler, AWS's instance fields. Knows no rule of ours.

A CRD's CEL rules (`x-kubernetes-validations`) are not evaluated; only an API server does that.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from functools import cache
from typing import Any, NamedTuple

import jsonschema
import kubernetes_validate
import yaml
from places import ROOT
from ray.autoscaler._private.kuberay.autoscaling_config import (
    _derive_autoscaling_config_from_ray_cr,
)
from ray.autoscaler._private.util import prepare_config, validate_config

CRDS = ROOT.parent / "shared" / "crds"
KUBERNETES = "1.37"
CLUSTER_KEYS = {"RayJob": "rayClusterSpec", "RayService": "rayClusterConfig"}
# Ray's own name in `node_config`: one subnet of several is picked per machine.
RAYS_INSTANCE_FIELDS = ("SubnetIds",)


class Pod(NamedTuple):
    """One pod template: `role` is head, submitter or worker."""

    place: str
    role: str
    template: dict[str, Any]

    @property
    def containers(self) -> list[dict[str, Any]]:
        spec = self.template["spec"]
        return [*spec["containers"], *spec.get("initContainers", [])]


def documents(name: str) -> list[dict[str, Any]]:
    """All YAML documents of a file of cluster/; anchors become copies of their own."""
    loaded = yaml.safe_load_all((ROOT / "cluster" / name).read_text(encoding="utf-8"))
    return [yaml.safe_load(yaml.dump(document, Dumper=_Plain)) for document in loaded]


REMOVED = object()


def put(node: Any, path: str, value: Any) -> None:
    """Set, add or remove what a dotted path leads to."""
    *steps, last = [int(s) if s.isdigit() else s for s in path.split(".")]
    for step in steps:
        node = node[step]
    if value is REMOVED:
        del node[last]
    elif isinstance(node, list):
        node[int(last) : int(last) + 1] = [value]
    else:
        node[last] = value


class _Plain(yaml.SafeDumper):
    def ignore_aliases(self, data: Any) -> bool:
        return True


def cluster_spec(document: dict[str, Any]) -> dict[str, Any]:
    """The RayCluster inside a RayCluster, RayJob or RayService."""
    key = CLUSTER_KEYS.get(document["kind"])
    return document["spec"][key] if key else document["spec"]


def pods(document: dict[str, Any]) -> Iterator[Pod]:
    """Every pod template of a KubeRay document."""
    cluster = cluster_spec(document)
    yield Pod("head", "head", cluster["headGroupSpec"]["template"])
    for group in cluster["workerGroupSpecs"]:
        yield Pod(f"group {group['groupName']}", "worker", group["template"])
    if document["kind"] == "RayJob":
        yield Pod("submitter", "submitter", document["spec"]["submitterPodTemplate"])


@cache
def _crd_validator(kind: str, version: str) -> jsonschema.Draft7Validator:
    path = CRDS / f"ray.io_{kind.lower()}s.yaml"
    crd = yaml.load(path.read_text(encoding="utf-8"), Loader=yaml.CSafeLoader)
    (schema,) = [
        v["schema"]["openAPIV3Schema"] for v in crd["spec"]["versions"] if v["name"] == version
    ]
    _close(schema)
    schema["properties"]["metadata"] = {"type": "object", "required": ["name", "namespace"]}
    return jsonschema.Draft7Validator(schema)


def _close(schema: Any) -> None:
    """Refuse what an API server would silently drop: fields that a structural schema does not
    list.
    """
    if isinstance(schema, list):
        for part in schema:
            _close(part)
    if not isinstance(schema, dict):
        return
    for part in list(schema.values()):
        _close(part)
    is_open = schema.get("x-kubernetes-preserve-unknown-fields") or "additionalProperties" in schema
    if schema.get("type") == "object" and not is_open:
        schema["additionalProperties"] = False


def crd_problems(document: dict[str, Any]) -> list[str]:
    """What the CRD of a `ray.io` document says against it."""
    validator = _crd_validator(document["kind"], document["apiVersion"].split("/")[1])
    return [
        f"{error.json_path}: {error.message[:200]}" for error in validator.iter_errors(document)
    ]


def kubernetes_problems(document: dict[str, Any]) -> list[str]:
    """What Kubernetes' own schema says against a document of its own kinds, unknown fields
    refused.
    """
    try:
        kubernetes_validate.validate(document, KUBERNETES, strict=True)
    except kubernetes_validate.ValidationError as error:
        return [f"{document['kind']}: {error.message[:200]}"]
    return []


def pod_problems(document: dict[str, Any]) -> list[str]:
    """What Kubernetes' schema of a pod says against the templates of a KubeRay document."""
    found = []
    for pod in pods(document):
        whole = {"apiVersion": "v1", "kind": "Pod", **pod.template}
        found += [f"{pod.place}: {problem}" for problem in kubernetes_problems(whole)]
    return found


def node_types(document: dict[str, Any]) -> dict[str, Any]:
    """What Ray's autoscaler understands of a KubeRay document: node type → resources and bounds.

    Raises:
        ValueError, AssertionError, KeyError, jsonschema.ValidationError: Ray refuses it.
    """
    cluster = {"metadata": document["metadata"], "spec": cluster_spec(document)}
    config = _derive_autoscaling_config_from_ray_cr(copy.deepcopy(cluster))
    validate_config(config)
    return config["available_node_types"]


def ray_up_problems(config: dict[str, Any]) -> list[str]:
    """What Ray's launcher and AWS's description of RunInstances say against a `ray up` file."""
    try:
        validate_config(prepare_config(copy.deepcopy(config)))
    except (jsonschema.ValidationError, ValueError, KeyError) as error:
        return [f"ray up: {str(error)[:200]}"]
    return [
        f"{name}: {problem}"
        for name, node in config["available_node_types"].items()
        for problem in _instance_problems(node["node_config"])
    ]


@cache
def _instance_shape() -> Any:
    from botocore.session import get_session

    return get_session().get_service_model("ec2").operation_model("RunInstances").input_shape


def _instance_problems(node_config: dict[str, Any]) -> list[str]:
    from botocore.validate import ParamValidator

    fields = {k: v for k, v in node_config.items() if k not in RAYS_INSTANCE_FIELDS}
    asked = {"MinCount": 1, "MaxCount": 1, **fields}
    report = ParamValidator().validate(asked, _instance_shape())
    return [report.generate_report()] if report.has_errors() else []
