"""Questions → replies of any OpenAI-compatible endpoint, asked from Ray actors over HTTP."""

from gcai_ray.engines.openai.actor import answers

__all__ = ["answers"]
