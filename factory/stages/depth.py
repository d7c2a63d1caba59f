"""Phase 2, from the image: how near each object is."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from factory import rle
from factory.geometry import typical_nearness
from factory.models import DepthConfig as DepthModelUnion
from factory.models.protocols import DepthEstimator
from factory.pictures import with_pictures
from factory.records import Item, Object, Rejection
from factory.stages.opening import Opening
from recipes import Config


class DepthConfig(Config):
    """Estimate depth and take the median over each object."""

    kind: Literal["depth"] = "depth"
    model: DepthModelUnion
    """The depth estimator."""

    def build(self) -> "Depth":
        """Return the stage."""
        return Depth(self.model.build())

    def identity(self) -> dict[str, str]:
        """Return what decides the result."""
        return {"version": str(Depth.version), **self.model.identity()}


class Depth(Opening):
    """Adds the nearness of each object: the median over its mask, over its box where it has none."""

    name = "depth"
    version = 1
    needs: tuple[str, ...] = ("image", "objects")
    adds: tuple[str, ...] = ("objects.nearness",)

    def __init__(self, model: DepthEstimator) -> None:
        super().__init__(model)
        self._model = model

    def run(self, items: Sequence[Item]) -> list[Item | Rejection]:
        """Return each item with the nearness of its objects."""
        return with_pictures(self.name, items, self._measure)

    def _measure(self, items: list[Item], images: list[Image.Image]) -> list[Item | Rejection]:
        maps = self._model.nearness(images)
        return [
            replace(item, objects=tuple(_measured(o, nearness) for o in item.objects or ()))
            for item, nearness in zip(items, maps, strict=True)
        ]


def _measured(object_: Object, nearness: NDArray[np.float32]) -> Object:
    mask = None if object_.mask is None else rle.decode(object_.mask)
    return replace(object_, nearness=typical_nearness(nearness, mask, object_.box_xyxy))
