"""Settings → the Ray Serve application: doors in front, one deployment of vLLM replicas per model.

`build` is what `serve deploy` and a RayService name as `import_path`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gcai_ray.serving_config import ServeConfig, load_serve_config
from gcai_ray.yaml_file import validated

if TYPE_CHECKING:
    from ray.serve.deployment import Application

DOOR_CPUS = 0.5
SPARE = 64  # requests a door takes beyond its limit, to tell them so


def build(args: dict[str, Any]) -> Application:
    """The application of a Serve config file: `args` holds the settings themselves, or `config`,
    the path of a YAML file with them.

    Raises:
        ConfigError: the settings cannot be used, or would let everybody in.
    """
    given = dict(args)
    insecure = bool(given.pop("insecure", False))
    if set(given) == {"config"}:
        config = load_serve_config(given["config"])
    else:
        config = validated(ServeConfig, given, "args")
    # Serve listens where its own `http_options` say, whatever stands here.
    config.model_copy(update={"host": "0.0.0.0"}).refuse_open_door(insecure)
    return application(config)


def application(config: ServeConfig) -> Application:
    """Doors and models, bound together."""
    from ray import serve

    from gcai_ray.serve.door import Door
    from gcai_ray.serve.models import deployment

    taken = config.limits.max_in_flight + SPARE
    ingress = serve.deployment(
        serve.ingress()(Door),
        name="door",
        num_replicas=config.doors,
        max_ongoing_requests=taken,
        ray_actor_options={"num_cpus": DOOR_CPUS},
        graceful_shutdown_timeout_s=config.drain_s,
        graceful_shutdown_wait_loop_s=1.0,
    )
    return ingress.bind(config, *(deployment(model, config) for model in config.models))
