"""A document of cluster/ → what our own rules say against it: rights, resources, probes, secrets,
where pods stand, who may reach them. The schemas are `cluster_schemas`' part.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from cluster_schemas import Pod, cluster_spec, crd_problems, node_types, pod_problems, pods

SECRET_NAME = re.compile(r"SECRET|TOKEN|PASSWORD|SALT|API_KEY|ACCESS_KEY", re.IGNORECASE)
SECRET_VALUE = re.compile(
    r"AKIA[0-9A-Z]{12}|\bsk-[A-Za-z0-9_-]{16}|\bhf_[A-Za-z0-9]{16}|-----BEGIN|"
    r"(SECRET|TOKEN|PASSWORD|SALT|API_KEY|ACCESS_KEY)\w*=\S"
)
RESOURCES = ("cpu", "memory", "ephemeral-storage")
MARKET = "eks.amazonaws.com/capacityType"
UNITS = {"Ki": 2**10, "Mi": 2**20, "Gi": 2**30}
HEALTH = {
    "head": {"path": "/api/gcs_healthz", "port": 8265},
    "worker": {"path": "/api/local_raylet_healthz", "port": 52365},
}
# A worker of a RayService is ready when Serve's proxy on it is: what is ready is sent requests.
SERVING = {"path": "/-/healthz", "port": 8000}


def kuberay_problems(document: dict[str, Any]) -> list[str]:
    """What the CRD, else Kubernetes' schema of a pod, else our rules say against a document: each
    reads what the one before it found valid.
    """
    return crd_problems(document) or pod_problems(document) or list(_rule_problems(document))


def _rule_problems(document: dict[str, Any]) -> Iterator[str]:
    cluster = cluster_spec(document)
    if cluster.get("authOptions", {}).get("mode") != "token":
        yield "authOptions.mode is not token: who reaches the cluster can run code"
    if document["metadata"]["namespace"] != "gcai":
        yield "not in the namespace whose pods are kept restricted"
    yield from literal_secrets(document)
    yield from _container_problems({"name": "autoscaler", **cluster["autoscalerOptions"]})
    yield from _autoscaling_problems(document)
    serves = document["kind"] == "RayService"
    found = [f"{pod.place}: {p}" for pod in pods(document) for p in _pod_problems(pod, serves)]
    # Read only where the pods are as they should be: their /dev/shm is measured.
    yield from found or _object_store_problems(document)


def _autoscaling_problems(document: dict[str, Any]) -> Iterator[str]:
    types = node_types(document)
    if types["headgroup"]["resources"]["CPU"] != 0:
        yield "head: takes tasks; set num-cpus to 0"
    if document["kind"] == "RayService":  # how many stand is `service_rules`' part
        return
    for name, node in types.items():
        if node["resources"].get("GPU") and node["min_workers"]:
            yield f"group {name}: GPU nodes stand while nothing asks the model"


def _pod_problems(pod: Pod, serves: bool) -> Iterator[str]:
    spec = pod.template["spec"]
    for key in ("hostNetwork", "hostPID", "hostIPC"):
        if spec.get(key):
            yield f"{key} is set"
    yield from (f"volume {v['name']}: hostPath" for v in spec.get("volumes", []) if "hostPath" in v)
    if not spec.get("securityContext", {}).get("runAsNonRoot"):
        yield "the pod may run as root"
    if pod.role != "head" and spec.get("automountServiceAccountToken") is not False:
        yield "carries a token of Kubernetes it does not need"
    for container in pod.containers:
        yield from _container_problems(container)
        if pod.role != "submitter":
            yield from _probe_problems(container, pod.role, serves)
    if pod.role != "submitter":
        yield from _market_problems(pod, serves)
        yield from _shared_memory_problems(pod)


def _container_problems(container: dict[str, Any]) -> Iterator[str]:
    name, rights = container["name"], container.get("securityContext", {})
    if rights.get("privileged") or rights.get("allowPrivilegeEscalation") is not False:
        yield f"{name}: may become privileged"
    if rights.get("capabilities") != {"drop": ["ALL"]}:
        yield f"{name}: keeps capabilities"
    if rights.get("seccompProfile") != {"type": "RuntimeDefault"}:
        yield f"{name}: no seccomp profile"
    if not rights.get("runAsNonRoot") or not rights.get("runAsUser", 0):
        yield f"{name}: may run as root"
    for kind in ("requests", "limits"):
        given = container.get("resources", {}).get(kind, {})
        yield from (f"{name}: no {kind} of {r}" for r in RESOURCES if r not in given)
    image = container.get("image", ":0")
    if ":" not in image.rsplit("/", 1)[-1] or image.endswith(":latest"):
        yield f"{name}: image without a version"


def _probe_problems(container: dict[str, Any], role: str, serves: bool) -> Iterator[str]:
    ready = SERVING if serves and role == "worker" else HEALTH[role]
    for kind, health in (("readinessProbe", ready), ("livenessProbe", HEALTH[role])):
        if container.get(kind, {}).get("httpGet") != health:
            yield f"{container['name']}: {kind} does not ask {health['path']}"


def _market_problems(pod: Pod, serves: bool) -> Iterator[str]:
    """A lost worker's work is done again; a lost head, or what serves, is missed at once."""
    spec = pod.template["spec"]
    wanted = "ON_DEMAND" if pod.role == "head" or serves else "SPOT"
    if spec.get("nodeSelector", {}).get(MARKET) != wanted:
        yield f"does not stand on {wanted} nodes"
    if wanted != "SPOT" and any("spot" in str(t) for t in spec.get("tolerations", [])):
        yield "tolerates spot nodes"


def _shared_memory_problems(pod: Pod) -> Iterator[str]:
    """Ray's object store lies in /dev/shm: what does not fit there goes to disk from the start."""
    spec = pod.template["spec"]
    (container, *_) = spec["containers"]
    names = [m["name"] for m in container["volumeMounts"] if m["mountPath"] == "/dev/shm"]
    volumes = [v["emptyDir"] for v in spec["volumes"] if v["name"] in names and "emptyDir" in v]
    memory = container.get("resources", {}).get("limits", {}).get("memory", "0Gi")
    if [v.get("medium") for v in volumes] != ["Memory"]:
        yield "/dev/shm is not in memory"
    elif size_bytes(volumes[0]["sizeLimit"]) > size_bytes(memory) / 2:
        yield "/dev/shm takes more than half of the memory"


def _object_store_problems(document: dict[str, Any]) -> Iterator[str]:
    cluster = cluster_spec(document)
    for group in [cluster["headGroupSpec"], *cluster["workerGroupSpecs"]]:
        wanted = int(group["rayStartParams"]["object-store-memory"])
        (shm,) = [v for v in group["template"]["spec"]["volumes"] if v["name"] == "shm"]
        if wanted > size_bytes(shm["emptyDir"]["sizeLimit"]):
            yield f"{group.get('groupName', 'head')}: {wanted} bytes do not fit in /dev/shm"


def size_bytes(quantity: str) -> int:
    """Bytes of a Kubernetes quantity such as `16Gi`."""
    return int(quantity[:-2]) * UNITS[quantity[-2:]]


def literal_secrets(node: Any, place: str = "$") -> Iterator[str]:
    """Places where a secret stands as such instead of by reference."""
    if isinstance(node, dict):
        if node.get("kind") == "Secret":
            yield f"{place}: a Secret is made by hand, never in a file"
        if SECRET_NAME.search(str(node.get("name", ""))) and "value" in node:
            yield f"{place}: {node['name']} has its value in the file"
        for key, value in node.items():
            yield from literal_secrets(value, f"{place}.{key}")
    elif isinstance(node, list):
        for i, value in enumerate(node):
            yield from literal_secrets(value, f"{place}[{i}]")
    elif isinstance(node, str) and SECRET_VALUE.search(node):
        yield f"{place}: looks like a secret"


def ray_up_rule_problems(config: dict[str, Any]) -> Iterator[str]:
    """What our rules say against a `ray up` file for AWS."""
    head = config["head_node_type"]
    yield from literal_secrets(config)
    yield from _door_problems(config)
    if config["available_node_types"][head]["resources"].get("CPU") != 0:
        yield "the head takes tasks"
    for name, node in config["available_node_types"].items():
        for problem in _machine_problems(node["node_config"], name == head):
            yield f"{name}: {problem}"


def _machine_problems(machine: dict[str, Any], is_head: bool) -> Iterator[str]:
    is_spot = machine.get("InstanceMarketOptions", {}).get("MarketType") == "spot"
    if is_spot == is_head:
        yield "spot" if is_spot else "on demand"
    for field in ("IamInstanceProfile", "KeyName", "SecurityGroupIds"):
        if not machine.get(field):
            yield f"no {field}"
    if machine.get("MetadataOptions", {}).get("HttpTokens") != "required":
        yield "any process may ask for the machine's credentials"
    if not all(disk["Ebs"].get("Encrypted") for disk in machine["BlockDeviceMappings"]):
        yield "the disk is not encrypted"


def _door_problems(config: dict[str, Any]) -> Iterator[str]:
    options = config["docker"]["run_options"]
    if "--env RAY_AUTH_MODE=token" not in options:
        yield "token authentication is off"
    if not any(place.endswith("/.ray/auth_token") for place in config.get("file_mounts", {})):
        yield "the nodes have no token"
    if not {"--cap-drop ALL", "--security-opt no-new-privileges"} <= set(options):
        yield "the container may become privileged"
    if not any("--dashboard-host=127.0.0.1" in c for c in config["head_start_ray_commands"]):
        yield "the dashboard does not listen on loopback alone"
