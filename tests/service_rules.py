"""A RayService of cluster/ → what Ray Serve, our own settings and our rules say against what it
serves: settings, keys, places, whether its nodes hold it and its requests reach the end.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import yaml
from cluster_schemas import node_types, pods
from pydantic import BaseModel, ValidationError
from ray.serve.schema import HTTPOptionsSchema, ServeApplicationSchema, ServeDeploySchema

from gcai_ray.errors import ConfigError
from gcai_ray.serve.app import DOOR_CPUS
from gcai_ray.serve.surroundings import SURROUNDINGS
from gcai_ray.serving_config import ServeConfig
from gcai_ray.yaml_file import validated

IMPORT_PATH = "gcai_ray.serve.app:build"


def serve_settings(document: dict[str, Any]) -> dict[str, Any]:
    """What stands in `serveConfigV2`, which is text."""
    return yaml.safe_load(document["spec"]["serveConfigV2"])


def service_problems(document: dict[str, Any]) -> list[str]:
    """What speaks against serving this; the rules read only what is valid."""
    settings = serve_settings(document)
    found = list(_schema_problems(settings))
    if found:
        return found
    (application,) = settings["applications"]
    try:
        config = validated(ServeConfig, application["args"], "args")
        config.refuse_open_door(insecure=False)
    except ConfigError as error:
        return [str(error)]
    return [
        *_place_problems(settings, application, config),
        *_room_problems(document, config),
        *_end_problems(document, config),
        *_front_problems(document),
    ]


def _schema_problems(settings: dict[str, Any]) -> Iterator[str]:
    """Ray takes fields it does not know and forgets them: they are refused here."""
    try:
        ServeDeploySchema.model_validate(settings)
    except ValidationError as error:
        yield f"serveConfigV2: {error.errors()[0]['loc']}: {error.errors()[0]['msg']}"
        return
    applications = settings["applications"]
    if [of["import_path"] for of in applications] != [IMPORT_PATH]:
        yield f"serveConfigV2: not one application of {IMPORT_PATH}"
    yield from _unknown(ServeDeploySchema, settings)
    yield from _unknown(HTTPOptionsSchema, settings.get("http_options", {}))
    for application in applications:
        yield from _unknown(ServeApplicationSchema, application)


def _unknown(kind: type[BaseModel], given: dict[str, Any]) -> Iterator[str]:
    yield from (f"serveConfigV2: unknown {name}" for name in given if name not in kind.model_fields)


def _place_problems(
    settings: dict[str, Any], application: dict[str, Any], config: ServeConfig
) -> Iterator[str]:
    http = settings["http_options"]
    if application["name"] != config.name:
        yield f"the application is called {application['name']} and {config.name}"
    if (http["host"], http["port"]) != (config.host, config.port):
        yield f"Serve listens on {http['host']}:{http['port']}, the settings say otherwise"
    if config.is_loopback:
        yield "no other pod can reach the door"
    if settings.get("proxy_location") != "EveryNode" or application.get("route_prefix") != "/":
        yield "the Service leads to nodes without a proxy, or to another path"
    places = [config.registry, config.keys, config.constitution]
    for place in places + [of for model in config.models for of in model.adapters.values()]:
        if place is not None and not place.startswith("s3://"):
            yield f"{place}: no node has it"


def _room_problems(document: dict[str, Any], config: ServeConfig) -> Iterator[str]:
    """As many GPUs stand as the least replicas take, and as many may come as the most."""
    nodes = [n for n in node_types(document).values() if n["resources"].get("GPU")]
    for which, bound in enumerate(("min_workers", "max_workers")):
        has = sum(n[bound] * n["resources"]["GPU"] for n in nodes)
        wanted = sum(m.tensor_parallel_size * m.replica_range[which] for m in config.models)
        if has != wanted:
            yield f"{bound}: {has:g} GPUs, the models' replicas take {wanted}"
    widest = max(model.tensor_parallel_size for model in config.models)
    if any(n["resources"][of] < widest for n in nodes for of in ("CPU", "GPU")):
        yield "no node holds a whole replica"
    others = [n for n in node_types(document).values() if not n["resources"].get("GPU")]
    if sum(n["min_workers"] * n["resources"]["CPU"] for n in others) < config.doors * DOOR_CPUS:
        yield "no node stands for the doors"


def _end_problems(document: dict[str, Any], config: ServeConfig) -> Iterator[str]:
    """No reply is cut: not by the end of a replica, of a cluster, nor of a connection."""
    longest = config.limits.request_timeout_s
    if config.drain_s < longest:
        yield f"drain_s: {config.drain_s:g} s, a reply may take {longest:g}"
    if document["spec"].get("rayClusterDeletionDelaySeconds", 60) < longest:
        yield "rayClusterDeletionDelaySeconds: the old cluster goes before its replies are whole"
    http = serve_settings(document)["http_options"]
    if http.get("keep_alive_timeout_s", 0) <= longest:
        yield "keep_alive_timeout_s: shorter than a reply may take"
    if document["spec"].get("upgradeStrategy") != {"type": "NewCluster"}:
        yield "upgradeStrategy: a new image would end what is being answered"


def _front_problems(document: dict[str, Any]) -> Iterator[str]:
    if not document["spec"].get("excludeHeadPodFromServeSvc"):
        yield "the Service leads to the head, which has no door"
    for pod in pods(document):
        (container,) = pod.containers
        given = {of["name"]: of.get("value") for of in container.get("env", [])}
        for name, value in SURROUNDINGS.items():
            if given.get(name) != value:
                yield f"{pod.place}: {name} is not {value}"
        ports = {of["name"]: of["containerPort"] for of in container.get("ports", [])}
        if ports.get("serve") != 8000:  # KubeRay takes the Service's port from the head's
            yield f"{pod.place}: the port `serve` is not there"
