"""Phase 2, from the image: the exact outline of each object."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Literal

from PIL import Image

from factory import rle
from factory.geometry import boxes_array
from factory.models import SamConfig, SegmenterConfig
from factory.models.protocols import Segmenter
from factory.pictures import with_pictures
from factory.records import Item, Rejection
from factory.stages.opening import Opening
from recipes import Config


class MasksConfig(Config):
    """Cut out each object with a promptable segmenter."""

    kind: Literal["masks"] = "masks"
    segmenter: SegmenterConfig = SamConfig()
    """The segmenter."""

    def build(self) -> "Masks":
        """Return the stage."""
        return Masks(self.segmenter.build())

    def identity(self) -> dict[str, str]:
        """Return what decides the result."""
        return {"version": str(Masks.version), **self.segmenter.identity()}


class Masks(Opening):
    """Adds a mask to each object."""

    name = "masks"
    version = 1
    needs: tuple[str, ...] = ("image", "objects")
    adds: tuple[str, ...] = ("objects.mask",)

    def __init__(self, segmenter: Segmenter) -> None:
        super().__init__(segmenter)
        self._segmenter = segmenter

    def run(self, items: Sequence[Item]) -> list[Item | Rejection]:
        """Return each item with its objects cut out."""
        return with_pictures(self.name, items, self._mask)

    def _mask(self, items: list[Item], images: list[Image.Image]) -> list[Item | Rejection]:
        boxes = [boxes_array([o.box_xyxy for o in item.objects or ()]) for item in items]
        masks = self._segmenter.segment(images, boxes)
        return [
            replace(item, objects=tuple(
                replace(o, mask=rle.encode(mask)) for o, mask in zip(item.objects or (), of_one, strict=True)
            ))
            for item, of_one in zip(items, masks, strict=True)
        ]  # fmt: skip
