"""What Serve's own processes find in their environment. `gcai serve` brings it to a Ray that it
starts; on a cluster every node has it before Serve starts there (cluster/rayservice.yaml).
"""

from __future__ import annotations

import os

SURROUNDINGS = {
    # What stands before Serve's proxies: safety rests on it.
    "RAY_SERVE_HTTP_PROXY_CALLBACK_IMPORT_PATH": "gcai_ray.serve.front.middlewares",
    # Speed alone, as in Serve's own mode for throughput: a piece of a stream passed on by gRPC
    # costs half of one that is an object of Ray's, and each thread less is a hop less.
    "RAY_SERVE_USE_GRPC_BY_DEFAULT": "1",
    "RAY_SERVE_RUN_ROUTER_IN_SEPARATE_LOOP": "0",
    "RAY_SERVE_RUN_USER_CODE_IN_SEPARATE_THREAD": "0",
    # gRPC's own bound, 4 MiB, is below what settings may let in, and a constitution may say.
    "RAY_SERVE_REPLICA_GRPC_MAX_MESSAGE_LENGTH": "268435456",
    # A line a request goes to Serve's log files alone, not through Ray to whoever started it.
    "RAY_SERVE_LOG_TO_STDERR": "0",
    # Of the controller, which looks ten times a second for changes of a few a day.
    "RAY_SERVE_CONTROL_LOOP_INTERVAL_S": "0.25",
}


def put_in_force() -> None:
    """Give them to this process, and so to a Ray it starts; what is set already stays."""
    for name, value in SURROUNDINGS.items():
        os.environ.setdefault(name, value)
