"""Turns geometry into words: place, distance, size, counts and relations. No model has a say here."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Literal

from pydantic import Field

from factory import wording
from factory.records import Item, Rejection
from recipes import Config


class FactsConfig(Config):
    """Compute what can be said of the objects' geometry."""

    kind: Literal["facts"] = "facts"
    min_nearness_gap: float = Field(default=0.15, ge=0.0, le=1.0)
    """The nearest object is said to be in front of the farthest if it is nearer by at least this."""
    sideways: bool = False
    """Also say which of the outermost objects is to the left of the other."""
    min_sideways_gap: float = Field(default=0.2, ge=0.0, le=1.0)
    """Distance of two centres, as a fraction of the width, from which left and right are said."""
    same_distance: bool = False
    """Also say which things are at the same distance from the viewer."""
    hidden: bool = False
    """Also say which thing is partly hidden behind which nearer one."""
    shares: bool = False
    """Also say of things that take up a quarter of the image or more how much that is."""

    def build(self) -> "Facts":
        """Return the stage."""
        return Facts(self)

    def identity(self) -> dict[str, str]:
        """Return what decides the result."""
        return {"version": str(Facts.version)}


class Facts:
    """Adds the words to each object and the facts as lines of text."""

    name = "facts"
    version = 1
    needs: tuple[str, ...] = ("objects", "objects.nearness")
    adds: tuple[str, ...] = ("objects.place", "facts")

    def __init__(self, config: FactsConfig) -> None:
        self._config = config

    def open(self) -> None:
        """Do nothing: there is no model."""

    def close(self) -> None:
        """Do nothing: there is no model."""

    def run(self, items: Sequence[Item]) -> list[Item | Rejection]:
        """Return each item with its facts, maybe none."""
        return [self._state(item) for item in items]

    def _state(self, item: Item) -> Item:
        config = self._config
        objects = tuple(wording.worded(o, item.size_wh) for o in item.objects or ())
        lines = [wording.object_line(o) for o in objects] + wording.count_lines(objects)
        lines += wording.front_lines(objects, config.min_nearness_gap)
        if config.sideways:
            lines += wording.sideways_lines(objects, item.size_wh[0], config.min_sideways_gap)
        if config.same_distance:
            lines += wording.same_distance_lines(objects)
        if config.hidden:
            lines += wording.hidden_lines(objects)
        if config.shares:
            lines += wording.share_lines(objects, item.size_wh)
        return replace(item, objects=objects, facts=tuple(lines))
