"""What the stage `regions` asks of models that find and caption regions in one go."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from PIL import Image

from factory.models.protocols import Model, Regions


@dataclass(frozen=True)
class CaptionedRegions:
    """The regions of one image and a caption for each."""

    regions: Regions
    captions: tuple[str, ...]


class RegionCaptioner(Model, Protocol):
    """A model that reads a whole image and says what is where."""

    def caption_regions(self, images: Sequence[Image.Image]) -> list[CaptionedRegions]:
        """Return the regions of each image, maybe none."""
