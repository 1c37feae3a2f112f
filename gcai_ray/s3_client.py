"""s3fs with two things it lacks: a PUT that stalls is given up, and a read is one request.

Imports s3fs; knows nothing of what is stored.
"""

from __future__ import annotations

import socket
from typing import Any

import s3fs
from botocore.handlers import add_expect_header
from s3fs.core import _error_wrapper

from gcai_ray import object_store

TIMES = 3  # a body that broke off is asked for; around all attempts of botocore


def patient_socket(address: tuple[Any, ...]) -> socket.socket:
    """A socket that breaks when nothing it has sent is acknowledged for so long as a read may
    take; aiohttp's own timeout starts only after a body is sent.
    """
    family, kind, protocol = address[:3]
    made = socket.socket(family, kind, protocol)
    made.setblocking(False)
    if hasattr(socket, "TCP_USER_TIMEOUT"):  # Linux
        made.setsockopt(
            socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, int(1000 * object_store.READ_TIMEOUT_S)
        )
    return made


class S3Files(s3fs.S3FileSystem):
    """The filesystem of `s3://` paths."""

    retries = TIMES

    async def _call_s3(self, method: str, *args: Any, **kwargs: Any) -> Any:
        """As s3fs has it, but once: botocore makes a request again, and s3fs around it would
        multiply its attempts by five.
        """
        await self.set_session()
        call = getattr(await self.get_s3(kwargs.get("Bucket")), method)
        settings = self._get_s3_method_kwargs(call, *args, **kwargs)
        return await _error_wrapper(call, kwargs=settings, retries=1)

    async def set_session(self, *args: Any, **kwargs: Any) -> Any:
        """Without `Expect: 100-continue`, for whose answer a PUT would wait for ever."""
        client = await super().set_session(*args, **kwargs)
        client.meta.events.unregister("before-call.s3", add_expect_header)
        return client

    async def _cat_file(self, path: str, *args: Any, **kwargs: Any) -> bytes:
        """In one request: one for the size before it would hide the service's code of an error."""
        return await super()._cat_file(path, *args, **kwargs | {"max_concurrency": 1})
