"""Adapters and base models → an OpenAI-compatible endpoint on Ray Serve.

With `train/`, the only part that imports torch and vLLM's server; knows no stage.
"""
