"""All nine stages with models that answer at once, to measure what the factory itself costs."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from factory.models import DepthAnythingConfig, Owlv2Config, SamConfig, TransformersChatConfig
from factory.models.protocols import ChatRequest, Regions, Reply
from factory.recipe import FactoryRecipe, LocalEngineConfig, SourceConfig
from factory.stages import (
    DepthConfig,
    DescribeConfig,
    ExtractConfig,
    FactsConfig,
    GroundConfig,
    MasksConfig,
    RecaptionConfig,
    RegionsConfig,
    VerifyConfig,
)

REFERENCE = "This is a beach. There is a red umbrella and a blue ball."
DESCRIPTION = (
    "This is a beach. A red umbrella is on the left, close to the viewer. A blue ball is on the right."
)
BOXES = np.array([[8, 20, 40, 70], [80, 60, 110, 90]], np.float32)


# what a fake is asked and does not look at keeps the names of the protocols
# ruff: noqa: ARG002


class Free:
    """Everything that stages ask of models."""

    def __init__(self, *answers: str) -> None:
        self._answers = answers

    def open(self) -> None:
        """Do nothing."""

    def close(self) -> None:
        """Do nothing."""

    def reply(self, requests: Sequence[ChatRequest]) -> list[Reply]:
        """Give the answers in turn."""
        return [Reply(self._answers[i % len(self._answers)], tokens_in=1) for i in range(len(requests))]

    def propose(self, images: Sequence[Image.Image], min_score: float) -> list[Regions]:
        """Find the same two regions everywhere."""
        return [Regions(BOXES, np.array([0.9, 0.8], np.float32)) for _ in images]

    def detect(
        self, images: Sequence[Image.Image], phrases: Sequence[Sequence[str]], min_score: float
    ) -> list[list[Regions]]:
        """Find umbrellas in the first region and other things in the second."""
        score = np.array([0.9], np.float32)
        umbrella, other = Regions(BOXES[:1], score), Regions(BOXES[1:], score)
        return [[umbrella if "umbrella" in phrase else other for phrase in of_one] for of_one in phrases]

    def segment(self, images: Sequence[Image.Image], boxes_xyxy: Sequence[Any]) -> list[NDArray[np.bool_]]:
        """Fill the upper half."""
        masks = []
        for image, boxes in zip(images, boxes_xyxy, strict=True):
            mask = np.zeros((len(boxes), image.height, image.width), np.bool_)
            mask[:, : image.height // 2] = True
            masks.append(mask)
        return masks

    def nearness(self, images: Sequence[Image.Image]) -> list[NDArray[np.float32]]:
        """Say that everything is halfway back."""
        return [np.full((image.height, image.width), 0.5, np.float32) for image in images]


class FreeDetector(Owlv2Config):
    """Builds no detector."""

    def build(self) -> Any:
        """Return one that costs nothing."""
        return Free()


class FreeChat(TransformersChatConfig):
    """Builds no chat model."""

    answers: tuple[str, ...]
    checkpoint: str = "free"

    def build(self) -> Any:
        """Return one that costs nothing."""
        return Free(*self.answers)


class FreeSegmenter(SamConfig):
    """Builds no segmenter."""

    def build(self) -> Any:
        """Return one that costs nothing."""
        return Free()


class FreeDepth(DepthAnythingConfig):
    """Builds no depth estimator."""

    def build(self) -> Any:
        """Return one that costs nothing."""
        return Free()


def recipe(scenes: Path, out: Path, images: int, engine: LocalEngineConfig) -> FactoryRecipe:
    """Return the recipe for so many images of a folder."""
    owl = FreeDetector()
    return FactoryRecipe(
        source=SourceConfig(images=str(scenes), max_images=images),
        stages=[
            DescribeConfig(model=FreeChat(answers=(REFERENCE,))),
            ExtractConfig(model=FreeChat(answers=('["red umbrella", "blue ball"]',))),
            GroundConfig(detector=owl),
            RegionsConfig(
                proposer=owl, captioner=FreeChat(answers=("red umbrella", "blue ball")), detector=owl
            ),
            MasksConfig(segmenter=FreeSegmenter()),
            DepthConfig(model=FreeDepth()),
            FactsConfig(),
            RecaptionConfig(model=FreeChat(answers=(DESCRIPTION,))),
            VerifyConfig(detector=owl),
        ],
        engine=engine,
        out=str(out),
    )
