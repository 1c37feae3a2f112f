"""A model's name with an adapter in it → a verified folder on this node, for vLLM to load.

Takes the place of `ray.serve.llm`'s loader, which knows one bucket, no checksums and no versions.
Knows no HTTP; what a caller may ask for is decided at the door.
"""

from __future__ import annotations

import asyncio
import os
import tempfile
from typing import Any

from ray.llm._internal.common.models import global_id_manager
from ray.llm._internal.serve.core.configs.llm_config import DiskMultiplexConfig

from gcai_ray.errors import GcaiError
from gcai_ray.serve.adapters import Adapters
from gcai_ray.serve.unusable import AdapterUnusable
from gcai_ray.serving_config import ServedModel

MAX_FETCH_S = 60.0  # that a request waits; what is fetched meanwhile is there for the next one


class AdapterLoader:
    """What `ray.serve.llm.LLMServer` takes as its loader of adapters."""

    def __init__(
        self,
        download_timeout_s: float | None = None,
        max_tries: int = 1,
        *,
        model: ServedModel,
        registry: str | None,
        request_timeout_s: float,
    ):
        self._timeout_s = min(MAX_FETCH_S, request_timeout_s / 2)
        self._adapters = Adapters(model, registry)
        self._folder = os.path.join(tempfile.gettempdir(), f"gcai_ray-{os.getuid()}", "adapters")

    async def load_model_from_config(self, lora_model_id: str, llm_config: Any) -> Any:
        """Fetch the version named, verify it, and say where it lies.

        Raises:
            AdapterUnusable: it is not there, damaged, or its store cannot be reached in time.
        """
        fetched = asyncio.to_thread(self._fetched, lora_model_id)
        try:
            folder = await asyncio.wait_for(fetched, self._timeout_s)
        except TimeoutError as error:
            raise AdapterUnusable(lora_model_id, "its store does not answer") from error
        return DiskMultiplexConfig(
            model_id=lora_model_id,
            max_total_tokens=None,
            local_path=folder,
            lora_assigned_int_id=global_id_manager.next(),
        )

    def _fetched(self, lora_model_id: str) -> str:
        from gcai_ray.registry import fetch

        try:
            version = self._adapters.version(lora_model_id)
            return fetch(version, self._folder)
        except GcaiError as error:
            raise AdapterUnusable(lora_model_id, why(error), str(error)) from error


def why(error: GcaiError) -> str:
    """The cause in words that hold no path."""
    from gcai_ray.errors import ArtifactError, StorageError

    if isinstance(error, ArtifactError):
        return "its files are damaged or missing"
    return "its store cannot be read" if isinstance(error, StorageError) else "it cannot be used"
