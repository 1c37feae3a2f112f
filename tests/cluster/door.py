"""A port inside a network namespace → a port of this machine's loopback, so that a test talks to
hosts that no address leads to. Knows nothing of what is said.
"""

from __future__ import annotations

import ctypes
import os
import socket
import threading
from contextlib import suppress

CLONE_NEWNET = 0x40000000  # linux/sched.h
CONNECT_S = 5.0
CHUNK_BYTES = 1 << 16


class Door:
    """Listens on `127.0.0.1:port`; what comes goes on to `host`:`inner_port`, asked from inside
    `namespace` (a name of `ip netns`).
    """

    def __init__(self, namespace: str, host: str, inner_port: int) -> None:
        self._namespace, self._target = namespace, (host, inner_port)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        threading.Thread(target=self._serve, daemon=True).start()

    @property
    def url(self) -> str:
        """As an HTTP client wants it."""
        return f"http://127.0.0.1:{self.port}"

    def close(self) -> None:
        """Take no more connections."""
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _serve(self) -> None:
        _enter(self._namespace)  # of this thread alone: what it connects is connected in there
        while True:
            try:
                near, _ = self._listener.accept()
            except OSError:
                return
            try:
                far = socket.create_connection(self._target, timeout=CONNECT_S)
            except OSError:  # a dead host, as its caller should see it
                near.close()
                continue
            far.settimeout(None)
            for ends in ((near, far), (far, near)):
                threading.Thread(target=_pump, args=ends, daemon=True).start()


def _enter(namespace: str) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    with open(f"/run/netns/{namespace}", "rb") as file:
        if libc.setns(file.fileno(), CLONE_NEWNET):
            error = ctypes.get_errno()
            raise OSError(error, os.strerror(error), namespace)


def _pump(source: socket.socket, sink: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(CHUNK_BYTES):
            sink.sendall(data)
    with suppress(OSError):
        sink.shutdown(socket.SHUT_WR)
