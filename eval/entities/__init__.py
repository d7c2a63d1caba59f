"""Hallucinated entities without annotations: what a text names, and whether a detector finds it in the image."""

from eval.entities.names import Entity, find_entities

__all__ = ["Entity", "find_entities"]
