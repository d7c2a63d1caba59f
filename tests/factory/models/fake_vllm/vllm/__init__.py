"""Stands in for vLLM: the same module, arguments and protocol, no model."""
