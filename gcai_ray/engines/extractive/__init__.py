"""Human sentences → candidate principles by rules over a dependency parse. Generates nothing, needs
no weights of a language model.
"""

from gcai_ray.engines.extractive.answering import answers
from gcai_ray.engines.extractive.extractor import Extractor, Ground, Outcome, Reading

__all__ = ["Extractor", "Ground", "Outcome", "Reading", "answers"]
