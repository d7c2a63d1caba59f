"""Turns geometry into words: place, distance, size, counts and relations. No model has a say here.

large red umbrella | on the left | close to the viewer
count | two balls
relation | the red umbrella | in front of | the blue ball
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import Literal

from pydantic import Field

from factory.english import counted, head
from factory.geometry import area_fraction, center_x, distance_word, place_word, size_word
from factory.records import Item, Object, Rejection
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
        objects = tuple(worded(o, item.size_wh) for o in item.objects or ())
        lines = [object_line(o) for o in objects] + count_lines(objects)
        lines += relation_lines(objects, item.size_wh[0], self._config)
        return replace(item, objects=objects, facts=tuple(lines))


def worded(object_: Object, size_wh: tuple[int, int]) -> Object:
    """Return the object with its place, distance and size in words."""
    fraction = area_fraction(object_.box_xyxy, size_wh)
    distance = "" if object_.nearness is None else distance_word(object_.nearness)
    return replace(
        object_,
        area_fraction=fraction,
        place=place_word(object_.box_xyxy, size_wh),
        distance=distance,
        size=size_word(fraction),
    )


def object_line(object_: Object) -> str:
    """Return the fact of one object."""
    return " | ".join(
        part for part in (f"{object_.size} {object_.phrase}".strip(), object_.place, object_.distance) if part
    )


def count_lines(objects: Sequence[Object]) -> list[str]:
    """Return how many there are of each kind of which there is more than one."""
    numbers = Counter(head(o.phrase) for o in objects)
    return [f"count | {counted(number, noun)}" for noun, number in numbers.items() if number > 1]


def relation_lines(objects: Sequence[Object], width: int, config: FactsConfig) -> list[str]:
    """Return how the extremes lie to each other, among objects that no other shares its phrase with."""
    phrases = Counter(o.phrase for o in objects)
    unique = [o for o in objects if phrases[o.phrase] == 1]
    lines = []
    if len(unique) > 1:
        by_nearness = sorted(unique, key=lambda o: o.nearness or 0.0)
        far, near = by_nearness[0], by_nearness[-1]
        if (near.nearness or 0.0) - (far.nearness or 0.0) >= config.min_nearness_gap:
            lines.append(_relation(near, "in front of", far))
        by_x = sorted(unique, key=lambda o: center_x(o.box_xyxy, width))
        gap = center_x(by_x[-1].box_xyxy, width) - center_x(by_x[0].box_xyxy, width)
        if config.sideways and gap >= config.min_sideways_gap:
            lines.append(_relation(by_x[0], "to the left of", by_x[-1]))
    return lines


def _relation(subject: Object, relation: str, other: Object) -> str:
    return f"relation | the {subject.phrase} | {relation} | the {other.phrase}"
