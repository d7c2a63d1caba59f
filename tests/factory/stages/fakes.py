"""Models that answer from a script, behind the same protocols as the real ones, and items to ask about."""

import io
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from factory.models.protocols import ChatRequest, Regions, Reply
from factory.records import BoxXyxy, Entity, Item, Object

Mask = NDArray[np.bool_]
Found = Mapping[str, Sequence[tuple[BoxXyxy, float]]]


class Openable:
    """Counts openings and closings."""

    opened = closed = 0

    def open(self) -> None:
        self.opened += 1

    def close(self) -> None:
        self.closed += 1


class FakeChat(Openable):
    """Answers by a function of the request, and remembers what it was asked."""

    def __init__(self, answer: Callable[[ChatRequest], str | Reply]) -> None:
        self._answer = answer
        self.asked: list[ChatRequest] = []

    def reply(self, requests: Sequence[ChatRequest]) -> list[Reply]:
        self.asked += requests
        answers = [self._answer(request) for request in requests]
        return [answer if isinstance(answer, Reply) else Reply(answer) for answer in answers]


@dataclass
class FakeDetector(Openable):
    """Finds the same things in every image: phrase -> boxes with scores."""

    found: Found
    proposed: Sequence[tuple[BoxXyxy, float]] = ()
    asked: list[list[str]] = field(default_factory=list)

    def detect(
        self, images: Sequence[Image.Image], phrases: Sequence[Sequence[str]], min_score: float
    ) -> list[list[Regions]]:
        assert len(images) == len(phrases)
        self.asked += [list(of_one) for of_one in phrases]
        return [[regions(self.found.get(phrase, ()), min_score) for phrase in of_one] for of_one in phrases]

    def propose(self, images: Sequence[Image.Image], min_score: float) -> list[Regions]:
        return [regions(self.proposed, min_score) for _ in images]


class BoxSegmenter(Openable):
    """Fills every box."""

    def segment(self, images: Sequence[Image.Image], boxes_xyxy: Sequence[Any]) -> list[Mask]:
        return [
            np.stack([box_mask(image.size, box) for box in boxes]) if len(boxes) else no_masks(image)
            for image, boxes in zip(images, boxes_xyxy, strict=True)
        ]


class LeftIsNear(Openable):
    """Says that nearness falls from 1 at the left edge to 0 at the right."""

    def nearness(self, images: Sequence[Image.Image]) -> list[NDArray[np.float32]]:
        return [np.tile(np.linspace(1, 0, im.width, dtype=np.float32), (im.height, 1)) for im in images]


def regions(found: Sequence[tuple[BoxXyxy, float]], min_score: float) -> Regions:
    chosen = sorted((pair for pair in found if pair[1] >= min_score), key=lambda pair: -pair[1])
    boxes = np.array([box for box, _ in chosen], np.float32).reshape(-1, 4)
    return Regions(boxes, np.array([score for _, score in chosen], np.float32))


def box_mask(size_wh: tuple[int, int], box: Sequence[float]) -> Mask:
    mask = np.zeros(size_wh[::-1], np.bool_)
    left, top, right, bottom = (int(x) for x in box)
    mask[top:bottom, left:right] = True
    return mask


def no_masks(image: Image.Image) -> Mask:
    return np.zeros((0, image.height, image.width), np.bool_)


def png(size_wh: tuple[int, int] = (120, 80), color: str = "gray") -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", size_wh, color).save(buffer, "PNG")
    return buffer.getvalue()


def item(name: str = "a", **made: Any) -> Item:
    """Return an item of 120 x 80 pixels; `entities` may be plain phrases."""
    if "entities" in made:
        made["entities"] = tuple(Entity(e) if isinstance(e, str) else e for e in made["entities"])
    return Item(name, png(), f"{name}.png", (120, 80), **made)


def thing(number: int, phrase: str, box: BoxXyxy, nearness: float | None = 0.5) -> Object:
    return Object(f"o{number}", phrase, box, 0.9, nearness=nearness)
