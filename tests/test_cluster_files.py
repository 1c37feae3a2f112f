"""The Kubernetes files of cluster/ are what KubeRay, Kubernetes and Ray accept, and keep our rules;
a broken copy of any is refused.
"""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from importlib.metadata import version
from typing import Any

import pytest
from cluster_rules import HEALTH, kuberay_problems, literal_secrets
from cluster_schemas import (
    CRDS,
    REMOVED,
    cluster_spec,
    documents,
    kubernetes_problems,
    node_types,
    pod_problems,
    pods,
    put,
)
from places import ROOT

from gcai_ray.config import load_config

KUBERAY_FILES = (
    "raycluster.yaml",
    "rayjob-read.yaml",
    "rayjob-model.yaml",
    "rayjob-judge.yaml",
    "rayjob-tune.yaml",
    "rayservice.yaml",
)
JOB_FILES = tuple(name for name in KUBERAY_FILES if name.startswith("rayjob"))
needs_crds = pytest.mark.skipif(not CRDS.is_dir(), reason=f"no KubeRay CRDs at {CRDS}")


def _kuberay(name: str) -> dict[str, Any]:
    (document,) = documents(name)
    return document


def test_every_file_of_the_folder_is_checked_here():
    """`rayservice.yaml` and `serve-ingress.yaml` in `test_service_files` too."""
    found = {path.name for path in (ROOT / "cluster").glob("*.y*ml")}
    assert found == {*KUBERAY_FILES, "namespace.yaml", "ray-up-aws.yaml", "serve-ingress.yaml"}


@needs_crds
@pytest.mark.parametrize("name", KUBERAY_FILES)
def test_kuberay_file_is_accepted(name: str):
    document = _kuberay(name)
    assert kuberay_problems(document) == []


def test_namespace_file_is_accepted():
    for document in documents("namespace.yaml"):
        assert kubernetes_problems(document) == []
        assert list(literal_secrets(document)) == []


def test_namespace_refuses_privileged_pods_and_has_the_accounts_pods_use():
    found = documents("namespace.yaml")
    (namespace,) = [d for d in found if d["kind"] == "Namespace"]
    assert namespace["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] == "restricted"
    accounts = {d["metadata"]["name"] for d in found if d["kind"] == "ServiceAccount"}
    used = {
        pod.template["spec"]["serviceAccountName"]
        for name in KUBERAY_FILES
        for pod in pods(_kuberay(name))
        if pod.role != "submitter"
    }
    assert used == accounts


def test_only_rays_pods_the_submitter_and_the_operator_reach_ray():
    (policy,) = [d for d in documents("namespace.yaml") if d["kind"] == "NetworkPolicy"]
    assert policy["spec"]["policyTypes"] == ["Ingress"]
    among_nodes, from_outside = policy["spec"]["ingress"]
    assert among_nodes == {"from": [{"podSelector": policy["spec"]["podSelector"]}]}
    assert from_outside["ports"] == [{"protocol": "TCP", "port": HEALTH["head"]["port"]}]
    submitter, operator = from_outside["from"]
    assert operator == {
        "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "kuberay-operator"}}
    }
    for name in JOB_FILES:
        template = _kuberay(name)["spec"]["submitterPodTemplate"]
        assert template["metadata"]["labels"] == submitter["podSelector"]["matchLabels"]


def test_probes_ask_what_ray_answers_without_a_token():
    from ray._private.ray_constants import DEFAULT_DASHBOARD_AGENT_LISTEN_PORT
    from ray.dashboard.http_server_agent import PUBLIC_EXACT_PATHS

    assert HEALTH["worker"]["path"] in PUBLIC_EXACT_PATHS
    assert HEALTH["worker"]["port"] == DEFAULT_DASHBOARD_AGENT_LISTEN_PORT


@pytest.mark.parametrize("name", KUBERAY_FILES)
def test_ray_is_the_locked_version(name: str):
    assert cluster_spec(_kuberay(name))["rayVersion"] == version("ray")


@pytest.mark.parametrize("name", JOB_FILES)
def test_every_job_describes_the_same_cluster(name: str):
    """Only two jobs differ. Reading has no GPU group, and the image without CUDA; tuning has whole
    machines of GPUs instead of single ones.
    """
    wanted = cluster_spec(_kuberay("raycluster.yaml"))
    if name == "rayjob-tune.yaml":
        wanted["workerGroupSpecs"][1] = _with_eight_gpus(wanted["workerGroupSpecs"][1])
    if name == "rayjob-read.yaml":
        wanted["workerGroupSpecs"] = wanted["workerGroupSpecs"][:1]
        for pod in (wanted["headGroupSpec"], wanted["workerGroupSpecs"][0]):
            (container,) = pod["template"]["spec"]["containers"]
            container["image"] = container["image"].replace("-gpu", "-cpu")
    assert cluster_spec(_kuberay(name)) == wanted


def _with_eight_gpus(group: dict[str, Any]) -> dict[str, Any]:
    """What a group of single GPUs becomes where all of a machine's train together."""
    sizes = {"cpu": "64", "memory": "512Gi", "ephemeral-storage": "600Gi", "nvidia.com/gpu": "8"}
    start = {"num-cpus": "16", "object-store-memory": "34359738368"}
    group |= {"groupName": "train", "maxReplicas": 2, "rayStartParams": start}
    spec = group["template"]["spec"]
    spec["containers"][0]["resources"] = {"requests": sizes, "limits": sizes}
    for volume, size in zip(spec["volumes"], ("64Gi", "200Gi", "300Gi"), strict=True):
        volume["emptyDir"]["sizeLimit"] = size
    return group


def test_autoscaler_sees_a_head_without_cpus_and_gpus_from_zero():
    types = node_types(_kuberay("rayjob-model.yaml"))
    assert types["headgroup"]["resources"]["CPU"] == 0
    assert types["cpu"]["resources"]["CPU"] == 8
    assert types["gpu"]["resources"]["GPU"] == 1
    assert (types["gpu"]["min_workers"], types["gpu"]["max_workers"]) == (0, 8)


def test_the_workers_of_a_training_job_fit_one_machine():
    """So that they talk over the machine's own links; and no machine stands before they ask."""
    node = node_types(_kuberay("rayjob-tune.yaml"))["train"]
    where = load_config(ROOT / "jobs" / "tune_fsdp_8gpu.yaml").tune.where
    assert where.num_workers == node["resources"]["GPU"]
    assert where.num_workers * where.cpus_per_worker <= node["resources"]["CPU"]
    assert node["min_workers"] == 0


@pytest.mark.parametrize(
    ("name", "asked", "groups"),
    [
        ("rayjob-read.yaml", "stage.py ingest", ["cpu"]),
        ("rayjob-model.yaml", "stage.py ratify", ["cpu", "gpu"]),
        ("rayjob-judge.yaml", "stage.py report", ["cpu", "gpu"]),
        ("rayjob-tune.yaml", "tune.py", ["cpu", "train"]),
    ],
)
def test_job_runs_a_stage_and_leaves_no_node_behind(name: str, asked: str, groups: list[str]):
    spec = _kuberay(name)["spec"]
    command, *script, config = shlex.split(spec["entrypoint"])
    assert (command, config) == ("python", "/etc/gcai/run.yaml")
    assert script == shlex.split(f"/opt/gcai/jobs/{asked}")
    local = [sys.executable, *shlex.split(f"jobs/{asked}")]
    known = subprocess.run([*local, "--help"], capture_output=True, cwd=ROOT)
    assert known.returncode == 0, known.stderr
    assert [g["groupName"] for g in cluster_spec(_kuberay(name))["workerGroupSpecs"]] == groups
    assert spec["shutdownAfterJobFinishes"] is True
    assert 0 < spec["ttlSecondsAfterFinished"] <= 3600
    assert spec["backoffLimit"] >= 1
    assert spec["activeDeadlineSeconds"] >= 3600


HEAD, CPU, GPU = "headGroupSpec", "workerGroupSpecs.0", "workerGroupSpecs.1"
HEAD_POD, CPU_POD = f"{HEAD}.template.spec", f"{CPU}.template.spec"
HEAD_BOX, CPU_BOX = f"{HEAD_POD}.containers.0", f"{CPU_POD}.containers.0"
SPOT = {"eks.amazonaws.com/capacityType": "SPOT"}
TOLERATED = [{"key": "gcai/spot", "operator": "Exists", "effect": "NoSchedule"}]
DOCKER = {"name": "host", "hostPath": {"path": "/var/run/docker.sock"}}
# What is broken → where below the cluster's spec, and what stands there then.
BREAKS: dict[str, tuple[str, Any]] = {
    "unknown field": (f"{HEAD}.replica", 1),
    "unknown field of a pod": (f"{CPU_POD}.nodeSelectors", SPOT),
    "unknown field of a container": (f"{HEAD_BOX}.livenesProbe", {}),
    "unknown field of a probe": (f"{CPU_BOX}.livenessProbe.period", 3),
    "text for a number": (f"{CPU}.maxReplicas", "16"),
    "number for a text": (f"{HEAD}.rayStartParams.num-cpus", 0),
    "group without pods": (f"{CPU}.template", REMOVED),
    "no limits": (f"{CPU_BOX}.resources.limits", REMOVED),
    "no request of memory": (f"{HEAD_BOX}.resources.requests.memory", REMOVED),
    "no request of disk": (f"{CPU_BOX}.resources.requests.ephemeral-storage", REMOVED),
    "autoscaler without resources": ("autoscalerOptions.resources", REMOVED),
    "autoscaler as root": ("autoscalerOptions.securityContext", {"runAsUser": 0}),
    "privileged": (f"{CPU_BOX}.securityContext.privileged", True),
    "escalation": (f"{HEAD_BOX}.securityContext.allowPrivilegeEscalation", REMOVED),
    "root": (f"{CPU_BOX}.securityContext.runAsUser", 0),
    "capability": (f"{CPU_BOX}.securityContext.capabilities.add", ["SYS_ADMIN"]),
    "no seccomp": (f"{CPU_BOX}.securityContext.seccompProfile", REMOVED),
    "init container": (f"{CPU_POD}.initContainers", [{"name": "fetch", "image": "busybox:1.37"}]),
    "path of the host": (f"{CPU_POD}.volumes.2", DOCKER),
    "network of the host": (f"{HEAD_POD}.hostNetwork", True),
    "literal salt": (f"{HEAD_BOX}.env.0", {"name": "GCAI_SALT", "value": "pepper"}),
    "literal key": (f"{CPU_BOX}.env.3", {"name": "NOTE", "value": "AKIAABCDEFGHIJKLMNOP"}),
    "no readiness": (f"{CPU_BOX}.readinessProbe", REMOVED),
    "liveness of something else": (f"{HEAD_BOX}.livenessProbe.httpGet.path", "/"),
    "authentication off": ("authOptions.mode", "disabled"),
    "authentication left out": ("authOptions", REMOVED),
    "head on spot": (f"{HEAD_POD}.nodeSelector", SPOT),
    "head tolerates spot": (f"{HEAD_POD}.tolerations", TOLERATED),
    "worker anywhere": (f"{CPU_POD}.nodeSelector", REMOVED),
    "worker with a token": (f"{CPU_POD}.automountServiceAccountToken", True),
    "head takes tasks": (f"{HEAD}.rayStartParams.num-cpus", "4"),
    "GPUs that stand": (f"{GPU}.minReplicas", 1),
    "object store on disk": (f"{CPU_POD}.volumes.0.emptyDir.medium", REMOVED),
    "object store above its place": (f"{GPU}.rayStartParams.object-store-memory", "10737418240"),
    "image without a version": (f"{HEAD_BOX}.image", "registry.example.com/gcai-ray:latest"),
}
SUBMITTER_BREAKS: dict[str, tuple[str, Any]] = {
    "privileged": ("spec.containers.0.securityContext.privileged", True),
    "no limits": ("spec.containers.0.resources.limits", REMOVED),
    "with a token": ("spec.automountServiceAccountToken", REMOVED),
    "root": ("spec.securityContext", REMOVED),
}


@needs_crds
@pytest.mark.parametrize("what", BREAKS)
@pytest.mark.parametrize("name", ["raycluster.yaml", "rayjob-model.yaml"])
def test_broken_kuberay_file_is_refused(name: str, what: str):
    document = _kuberay(name)
    put(cluster_spec(document), *BREAKS[what])
    assert kuberay_problems(document)


@pytest.mark.parametrize(
    "what", ["unknown field of a pod", "unknown field of a container", "unknown field of a probe"]
)
def test_pods_are_checked_by_kubernetes_own_schema_too(what: str):
    document = _kuberay("raycluster.yaml")
    assert pod_problems(document) == []
    put(cluster_spec(document), *BREAKS[what])
    assert pod_problems(document)


@needs_crds
@pytest.mark.parametrize("what", SUBMITTER_BREAKS)
def test_broken_submitter_is_refused(what: str):
    document = _kuberay("rayjob-read.yaml")
    put(document["spec"]["submitterPodTemplate"], *SUBMITTER_BREAKS[what])
    assert kuberay_problems(document)


@needs_crds
def test_cluster_in_another_namespace_is_refused():
    document = _kuberay("raycluster.yaml")
    document["metadata"]["namespace"] = "default"
    assert kuberay_problems(document)


def test_broken_network_policy_is_refused():
    (policy,) = [d for d in documents("namespace.yaml") if d["kind"] == "NetworkPolicy"]
    policy["spec"]["ingres"] = policy["spec"].pop("ingress")
    assert kubernetes_problems(policy)


@pytest.mark.parametrize(
    ("text", "is_secret"),
    [
        ("AKIAIOSFODNN7EXAMPLE", True),
        ("export OPENAI_API_KEY=abc", True),
        ("sk-proj-abcdefghijklmnop", True),
        ("-----BEGIN RSA PRIVATE KEY-----", True),
        ("--env-file ~/.gcai.env", False),
        ("arn:aws:iam::000000000000:role/gcai-s3", False),
    ],
)
def test_literal_secrets_are_told_from_references(text: str, is_secret: bool):
    assert bool(list(literal_secrets({"args": [text]}))) is is_secret


def test_readme_names_every_file_and_no_other():
    text = (ROOT / "cluster" / "README.md").read_text(encoding="utf-8")
    named = set(re.findall(r"^\| (.*?) \|", text, re.MULTILINE))
    listed = {name for cell in named for name in re.findall(r"`([\w.-]+)`", cell)}
    assert listed == {path.name for path in (ROOT / "cluster").iterdir()} - {"README.md"}
