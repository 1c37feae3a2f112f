"""The planted benchmark: annotators whose principles are known → how many of them come back."""
