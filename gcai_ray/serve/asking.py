"""A request to a model's replicas → its reply, or its stream, within a time; a replica that is lost
is asked again elsewhere. Knows no HTTP.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator
from typing import Any

from ray.exceptions import RayActorError, RayTaskError, TaskCancelledError
from ray.serve.exceptions import (
    BackPressureError,
    DeploymentUnavailableError,
    ReplicaUnavailableError,
)
from ray.serve.handle import DeploymentHandle

from gcai_ray.causes import causes
from gcai_ray.serve.catalogue import Target
from gcai_ray.serve.errors import Refused, internal_error
from gcai_ray.serve.guard import ClientGone
from gcai_ray.serve.unusable import AdapterUnusable

LOG = logging.getLogger("ray.serve")
TRIES = 2
RETRY_AFTER_S = 2.0
LOST = (RayActorError, ReplicaUnavailableError, DeploymentUnavailableError)


class Asker:
    """Handles of models by their id."""

    def __init__(self, handles: dict[str, DeploymentHandle], timeout_s: float):
        self._handles = handles
        self._timeout_s = timeout_s

    async def first(
        self, target: Target, method: str, fields: dict[str, Any], request_id: str
    ) -> tuple[Any, AsyncIterator[Any]]:
        """The first thing that comes back, and the rest. A replica that died before it said
        anything is asked again, once.

        Raises:
            Refused: 503 where no replica or adapter can answer, 504 where none does in time.
            ClientGone: the client left.
        """
        deadline = time.monotonic() + self._timeout_s
        for left in reversed(range(TRIES)):
            try:
                return await self._begun(target, method, fields, request_id, deadline)
            except LOST as error:
                LOG.warning("request %s: a replica was lost: %s", request_id, type(error).__name__)
                if not left:
                    raise _unavailable() from error
        raise _unavailable()

    async def _begun(
        self, target: Target, method: str, fields: dict[str, Any], request_id: str, deadline: float
    ) -> tuple[Any, AsyncIterator[Any]]:
        stream = self._handle(target).answer.remote(method, fields, request_id)
        rest = timed(aiter(stream), deadline)
        try:
            return await anext(rest), explained(rest, request_id)
        except StopAsyncIteration as error:
            raise _unavailable() from error
        except TaskCancelledError as error:  # Serve ends what nobody waits for
            raise ClientGone from error
        except (RayTaskError, BackPressureError, AdapterUnusable) as error:
            raise refused(error, request_id) from error

    def _handle(self, target: Target) -> Any:
        """One configured handle per id is kept by Serve's own cache of options."""
        handle = self._handles[target.base]
        if target.adapter is None:
            return handle.options(stream=True)
        return handle.options(stream=True, multiplexed_model_id=target.adapter)

    async def is_ready(self, base: str, timeout_s: float) -> bool:
        """Whether a replica of a base answers now."""
        try:
            await asyncio.wait_for(self._handles[base].check_health.remote(), timeout_s)
        except (TimeoutError, RayTaskError, BackPressureError, *LOST):
            return False
        return True


async def timed(stream: AsyncIterator[Any], deadline: float) -> AsyncIterator[Any]:
    """The same items; ends with 504 where the next does not come in time.

    Raises:
        Refused: the deadline passed.
    """
    while True:
        try:
            async with asyncio.timeout(deadline - time.monotonic()):
                item = await anext(stream)
        except StopAsyncIteration:
            return
        except TimeoutError as error:
            raise Refused(504, "timeout", "the model did not answer in time") from error
        yield item


async def explained(stream: AsyncIterator[Any], request_id: str) -> AsyncIterator[Any]:
    """The same items, of a reply that has begun and so cannot be asked for again.

    Raises:
        Refused: the replica was lost, or failed.
        ClientGone: the client left.
    """
    try:
        async for item in stream:
            yield item
    except TaskCancelledError as error:
        raise ClientGone from error
    except LOST as error:
        LOG.warning("request %s: its replica was lost: %s", request_id, type(error).__name__)
        raise _unavailable() from error
    except RayTaskError as error:
        raise refused(error, request_id) from error


def refused(error: BaseException, request_id: str) -> Refused:
    """What a caller is told of a failure in a replica; the log is told all."""
    LOG.warning("request %s failed in a replica: %s", request_id, error)
    # Ray's wrapper is of the same class, and speaks a traceback.
    known = (of for of in causes(error) if not isinstance(of, RayTaskError))
    found = next((of for of in known if isinstance(of, AdapterUnusable)), None)
    if found is not None:
        return Refused(503, "adapter_unavailable", str(found), retry_after_s=RETRY_AFTER_S)
    if any(isinstance(of, BackPressureError) for of in causes(error)):
        told = "too many requests wait for the model; come again"
        return Refused(429, "overloaded", told, retry_after_s=RETRY_AFTER_S)
    return internal_error()


def _unavailable() -> Refused:
    why = "no replica of the model can answer now; come again"
    return Refused(503, "model_unavailable", why, retry_after_s=RETRY_AFTER_S)
