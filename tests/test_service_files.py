"""cluster/rayservice.yaml serves what jobs/serve_gpu.yaml serves, and is what Ray Serve, our own
settings and our rules accept; serve-ingress.yaml leads to it; a broken copy of either is refused.
"""

from __future__ import annotations

import copy
from typing import Any

import pytest
import yaml
from cluster_rules import SERVING, kuberay_problems, literal_secrets
from cluster_schemas import (
    CRDS,
    REMOVED,
    cluster_spec,
    documents,
    kubernetes_problems,
    put,
)
from places import ROOT
from service_rules import serve_settings, service_problems

from gcai_ray.config import load_config
from gcai_ray.serving_config import load_serve_config

ARGS = "applications.0.args"
WORKER = "workerGroupSpecs.0.template.spec"
# What is broken → where in serveConfigV2, and what stands there then.
SETTINGS_BREAKS: dict[str, tuple[str, Any]] = {
    "unknown setting": (f"{ARGS}.limit", {}),
    "unknown setting of a model": (f"{ARGS}.models.0.replica", 2),
    "unknown field of an application": ("applications.0.arguments", {}),
    "unknown field of http_options": ("http_options.hosts", "0.0.0.0"),
    "unknown field of Serve": ("proxy", "EveryNode"),
    "text for a number": (f"{ARGS}.models.0.max_lora_rank", "sixteen"),
    "another application": ("applications.0.import_path", "gcai_ray.serve.app:application"),
    "no application": ("applications", []),
    "no keys": (f"{ARGS}.keys", REMOVED),
    "open for all": (f"{ARGS}.insecure", True),
    "only this pod": ("http_options.host", "127.0.0.1"),
    "only this pod, and without keys": (f"{ARGS}.host", "127.0.0.1"),
    "another port": ("http_options.port", 8080),
    "another name": ("applications.0.name", "gcai"),
    "another path": ("applications.0.route_prefix", "/qwen"),
    "a proxy on the head alone": ("proxy_location", "HeadOnly"),
    "connections cut": ("http_options.keep_alive_timeout_s", 5),
    "replies cut": (f"{ARGS}.drain_s", 20),
    "registry on one node": (f"{ARGS}.registry", "runs/registry"),
    "keys on one node": (f"{ARGS}.keys", "/home/gcai/keys.yaml"),
    "more replicas than GPUs": (f"{ARGS}.models.0.replicas", [2, 8]),
    "fewer replicas than GPUs": (f"{ARGS}.models.0.replicas", [1, 4]),
    "a replica on two nodes": (f"{ARGS}.models.0.tensor_parallel_size", 2),
    "doors without nodes": (f"{ARGS}.doors", 5),
    "code of a model": (f"{ARGS}.models.0.engine_args", {"trust_remote_code": True}),
}
# The same for the cluster around it.
CLUSTER_BREAKS: dict[str, tuple[str, Any]] = {
    "no GPU stands": ("workerGroupSpecs.1.minReplicas", 0),
    "too few GPUs": ("workerGroupSpecs.1.maxReplicas", 2),
    "no front": (f"{WORKER}.containers.0.env.0.value", "none"),
    "no front on the head": ("headGroupSpec.template.spec.containers.0.env", REMOVED),
    "no port": (f"{WORKER}.containers.0.ports", REMOVED),
    "no port of the Service": ("headGroupSpec.template.spec.containers.0.ports.3", REMOVED),
    "ready before its proxy": (
        f"{WORKER}.containers.0.readinessProbe.httpGet",
        {"path": "/api/local_raylet_healthz", "port": 52365},
    ),
    "alive by its proxy": (f"{WORKER}.containers.0.livenessProbe.httpGet", SERVING),
    "on spot": (f"{WORKER}.nodeSelector", {"eks.amazonaws.com/capacityType": "SPOT"}),
    "literal key": (f"{WORKER}.containers.0.env.1", {"name": "HF_TOKEN", "value": "hf_x"}),
    "authentication off": ("authOptions.mode", "disabled"),
}
SERVICE_BREAKS: dict[str, tuple[str, Any]] = {
    "unknown field": ("serveConfig", "{}"),
    "requests to the head": ("excludeHeadPodFromServeSvc", REMOVED),
    "the old cluster at once": ("rayClusterDeletionDelaySeconds", 10),
    "no second cluster": ("upgradeStrategy.type", "None"),
}


def service() -> dict[str, Any]:
    (document,) = documents("rayservice.yaml")
    return document


def objections(document: dict[str, Any]) -> list[str]:
    """By the CRD and our rules of any cluster, where KubeRay's CRDs are at hand; then as a
    service.
    """
    return (kuberay_problems(document) if CRDS.is_dir() else []) or service_problems(document)


def test_the_service_is_accepted() -> None:
    assert objections(service()) == []


@pytest.mark.parametrize("what", SETTINGS_BREAKS)
def test_broken_settings_are_refused(what: str) -> None:
    document = service()
    settings = serve_settings(document)
    put(settings, *SETTINGS_BREAKS[what])
    document["spec"]["serveConfigV2"] = yaml.safe_dump(settings)
    assert service_problems(document)


@pytest.mark.skipif(not CRDS.is_dir(), reason=f"no KubeRay CRDs at {CRDS}")
@pytest.mark.parametrize("what", CLUSTER_BREAKS)
def test_a_broken_cluster_is_refused(what: str) -> None:
    document = service()
    put(cluster_spec(document), *CLUSTER_BREAKS[what])
    assert objections(document)


@pytest.mark.skipif(not CRDS.is_dir(), reason=f"no KubeRay CRDs at {CRDS}")
@pytest.mark.parametrize("what", SERVICE_BREAKS)
def test_a_broken_service_is_refused(what: str) -> None:
    document = service()
    put(document["spec"], *SERVICE_BREAKS[what])
    assert objections(document)


def test_the_cluster_is_that_of_the_jobs_but_for_who_works_in_it() -> None:
    """Head, account, rights and GPU machine are the same; neither salt nor provider's key is
    there, which serving does not need.
    """
    wanted, found = cluster_spec(documents("raycluster.yaml")[0]), cluster_spec(service())
    assert found["autoscalerOptions"] == wanted["autoscalerOptions"]
    assert [g["groupName"] for g in found["workerGroupSpecs"]] == ["door", "gpu"]
    for ours, theirs in (
        (found["headGroupSpec"], wanted["headGroupSpec"]),
        (found["workerGroupSpecs"][1], wanted["workerGroupSpecs"][1]),
    ):
        ours, theirs = ours["template"]["spec"], theirs["template"]["spec"]
        assert ours["serviceAccountName"] == theirs["serviceAccountName"]
        assert ours["securityContext"] == theirs["securityContext"]
        for field in ("image", "resources", "securityContext", "livenessProbe", "envFrom"):
            assert ours["containers"][0][field] == theirs["containers"][0][field]
    text = (ROOT / "cluster" / "rayservice.yaml").read_text(encoding="utf-8")
    assert "GCAI_SALT" not in text
    assert "OPENAI_API_KEY" not in text


def test_the_service_serves_what_a_gpu_machine_serves() -> None:
    """All but where it listens and how many there are of each."""
    (application,) = serve_settings(service())["applications"]
    ours = load_serve_config(ROOT / "jobs" / "serve_gpu.yaml")
    ours.refuse_open_door(insecure=False)
    theirs = type(ours).model_validate(application["args"])
    assert theirs.keys is not None
    assert _without_size(ours.model_dump()) == _without_size(theirs.model_dump())


def _without_size(settings: dict[str, Any]) -> dict[str, Any]:
    left = {k: v for k, v in settings.items() if k not in ("host", "doors", "num_cpus")}
    left["models"] = [
        {k: v for k, v in model.items() if k != "replicas"} for model in settings["models"]
    ]
    return left


def test_adapters_tuned_by_our_job_fit_what_is_served() -> None:
    tuned = load_config(ROOT / "jobs" / "tune_lora_1gpu.yaml").tune
    (model,) = load_serve_config(ROOT / "jobs" / "serve_gpu.yaml").models
    assert (tuned.model, tuned.dtype) == (model.model, model.dtype)
    assert tuned.lora.rank <= model.max_lora_rank
    assert tuned.max_length <= model.context_tokens


def test_the_tiny_job_is_valid_too() -> None:
    load_serve_config(ROOT / "jobs" / "serve_tiny.yaml").refuse_open_door(insecure=False)


@pytest.mark.slow
@pytest.mark.ray
def test_the_application_is_built_from_the_service(ray_address: str) -> None:
    """As Serve builds it on the head, where there is no GPU."""
    pytest.importorskip("vllm")
    from ray.serve._private.build_app import build_app

    from gcai_ray.serve.app import build

    (application,) = serve_settings(service())["applications"]
    built = build_app(build(copy.deepcopy(application["args"])), name=application["name"])
    found = {of.name: of._deployment_config for of in built.deployments}
    assert set(found) == {"door", "model-qwen"}
    assert found["door"].num_replicas == 2
    grown = found["model-qwen"].autoscaling_config
    assert (grown.min_replicas, grown.max_replicas) == (2, 4)


def ingress_documents() -> tuple[dict[str, Any], dict[str, Any]]:
    ingress, policy = documents("serve-ingress.yaml")
    assert (ingress["kind"], policy["kind"]) == ("Ingress", "NetworkPolicy")
    return ingress, policy


def test_the_ingress_leads_to_the_service_over_tls_alone() -> None:
    ingress, policy = ingress_documents()
    for document in (ingress, policy):
        assert kubernetes_problems(document) == []
        assert list(literal_secrets(document)) == []
        assert document["metadata"]["namespace"] == service()["metadata"]["namespace"]
    (rule,) = ingress["spec"]["rules"]
    (path,) = rule["http"]["paths"]
    name = service()["metadata"]["name"]
    assert path["backend"]["service"] == {"name": f"{name}-serve-svc", "port": {"name": "serve"}}
    told = {k.rsplit("/", 1)[1]: v for k, v in ingress["metadata"]["annotations"].items()}
    assert yaml.safe_load(told["listen-ports"]) == [{"HTTPS": 443}]
    assert told["healthcheck-path"] == SERVING["path"]
    args = serve_settings(service())["applications"][0]["args"]
    http = serve_settings(service())["http_options"]
    idle_s = int(told["load-balancer-attributes"].removeprefix("idle_timeout.timeout_seconds="))
    assert args["limits"]["request_timeout_s"] < idle_s < http["keep_alive_timeout_s"]


def test_only_the_load_balancer_and_prometheus_reach_the_workers() -> None:
    _, policy = ingress_documents()
    assert policy["spec"]["podSelector"]["matchLabels"] == {"ray.io/serve": "true"}
    assert policy["spec"]["policyTypes"] == ["Ingress"]
    ports = [[p["port"] for p in rule["ports"]] for rule in policy["spec"]["ingress"]]
    assert ports == [[8000], [8080]]
    assert all(len(rule["from"]) == 1 for rule in policy["spec"]["ingress"])


def test_a_broken_ingress_is_refused() -> None:
    ingress, policy = ingress_documents()
    ingress["spec"]["rule"] = ingress["spec"].pop("rules")
    policy["spec"]["ingress"][0]["ports"][0]["ports"] = 8000
    assert kubernetes_problems(ingress)
    assert kubernetes_problems(policy)
