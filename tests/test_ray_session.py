"""The local Ray: who can reach it."""

from __future__ import annotations

import psutil
import pytest

LOOPBACK = {"127.0.0.1", "::1", "::ffff:127.0.0.1"}


@pytest.mark.ray
def test_a_local_ray_listens_on_loopback_only(ray_address: str) -> None:
    driver = psutil.Process()
    family = [driver, *driver.children(recursive=True)]
    sockets = [
        (process.name(), connection.laddr.ip)
        for process in family
        for connection in process.net_connections("inet")
        if connection.status == psutil.CONN_LISTEN
    ]
    assert {name for name, _ in sockets} >= {"raylet", "gcs_server"}
    assert [place for place in sockets if place[1] not in LOOPBACK] == []
    assert ray_address.startswith("127.0.0.1:")
