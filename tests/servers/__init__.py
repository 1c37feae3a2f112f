"""Servers the tests and benchmarks run against, and what they know."""
