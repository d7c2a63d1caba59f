"""What geometry allows to be said of objects: words for each, and lines of facts. No model has a say here.

large red umbrella | on the left | close to the viewer
count | two balls
relation | the red umbrella | in front of | the blue ball
hidden | the green car | behind | the blue bus
share | the red umbrella | about a quarter of the image
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

from factory import rle
from factory.english import counted, head
from factory.geometry import (
    area_fraction,
    center_x,
    covered_by_box,
    covered_by_mask,
    distance_word,
    place_word,
    same_distance,
    share_words,
    size_word,
)
from factory.records import Object

PARTLY_HIDDEN = 0.15
"""A thing is partly hidden if nearer things lie over so much of its box."""


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


def told_apart(objects: Sequence[Object]) -> list[Object]:
    """Return the objects that no other shares its phrase with: only these can be spoken of by name."""
    phrases = Counter(o.phrase for o in objects)
    return [o for o in objects if phrases[o.phrase] == 1]


def front_lines(objects: Sequence[Object], min_gap: float) -> list[str]:
    """Return that the nearest thing is in front of the farthest, if it is nearer by at least `min_gap`."""
    placed = sorted(told_apart(objects), key=lambda o: o.nearness or 0.0)
    if len(placed) < 2 or (placed[-1].nearness or 0.0) - (placed[0].nearness or 0.0) < min_gap:
        return []
    return [_relation(placed[-1], "in front of", placed[0])]


def sideways_lines(objects: Sequence[Object], width: int, min_gap: float) -> list[str]:
    """Return that the outermost thing on the left is to the left of that on the right."""
    placed = sorted(told_apart(objects), key=lambda o: center_x(o.box_xyxy, width))
    if len(placed) < 2:
        return []
    gap = center_x(placed[-1].box_xyxy, width) - center_x(placed[0].box_xyxy, width)
    return [_relation(placed[0], "to the left of", placed[-1])] if gap >= min_gap else []


def same_distance_lines(objects: Sequence[Object]) -> list[str]:
    """Return the neighbours in depth that are at the same distance, nearest first."""
    placed = [o for o in told_apart(objects) if o.nearness is not None]
    placed.sort(key=lambda o: (-(o.nearness or 0.0), o.phrase))
    return [
        _relation(a, "at the same distance as", b)
        for a, b in pairwise(placed)
        if same_distance(a.nearness or 0.0, b.nearness or 0.0)
    ]


def hidden_lines(objects: Sequence[Object]) -> list[str]:
    """Return which thing is partly hidden behind which nearer one: by masks, by boxes where there are none."""
    lines = []
    for thing in told_apart(objects):
        nearer = [o for o in told_apart(objects) if (o.nearness or 0.0) > (thing.nearness or 0.0)]
        covers = [(_hidden_by(thing, o), o) for o in nearer]
        best = max(covers, key=lambda pair: pair[0], default=None)
        if best is not None and best[0] >= PARTLY_HIDDEN:
            lines.append(f"hidden | the {thing.phrase} | behind | the {best[1].phrase}")
    return lines


def share_lines(objects: Sequence[Object], size_wh: tuple[int, int]) -> list[str]:
    """Return how much of the image each large thing takes up, by its mask, by its box where it has none."""
    lines = []
    for thing in told_apart(objects):
        words = share_words(_area(thing, size_wh))
        if words:
            lines.append(f"share | the {thing.phrase} | {words}")
    return lines


def _area(thing: Object, size_wh: tuple[int, int]) -> float:
    if thing.mask is None:
        return area_fraction(thing.box_xyxy, size_wh)
    return float(rle.decode(thing.mask).mean())


def _hidden_by(thing: Object, nearer: Object) -> float:
    if nearer.mask is None:
        return covered_by_box(thing.box_xyxy, nearer.box_xyxy)
    return covered_by_mask(thing.box_xyxy, rle.decode(nearer.mask))


def _relation(subject: Object, relation: str, other: Object) -> str:
    return f"relation | the {subject.phrase} | {relation} | the {other.phrase}"
